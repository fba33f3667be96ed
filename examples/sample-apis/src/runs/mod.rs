//! Production runs, in ION's shape: GraphQL at `POST /graphql`.
//!
//! A fault of the query is HTTP 200 with `errors`; only a request that is no GraphQL request at all
//! has another status, with the same `errors` list.

mod connection;
mod schema;

use async_graphql::{Request, Variables};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::message::{allow, is_json, json as json_answer, read_body};
use schema::RunsSchema;

pub(crate) fn router() -> Router {
    Router::new()
        .route("/graphql", post(execute).fallback(wrong_method))
        .fallback(unknown_path)
        .with_state(schema::build())
}

/// A GraphQL request as HTTP clients send it; members of other names are ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Call {
    query: String,
    operation_name: Option<String>,
    variables: Option<Value>,
}

async fn execute(State(schema): State<RunsSchema>, headers: HeaderMap, body: Body) -> Response {
    let Some(body) = read_body(body).await else {
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, "The body is longer than 64 KiB");
    };
    if !is_json(&headers) {
        return refuse(StatusCode::BAD_REQUEST, "Content-Type must be application/json");
    }
    let Ok(call) = serde_json::from_slice::<Call>(&body) else {
        return refuse(StatusCode::BAD_REQUEST, "The body must be a JSON object with a string member query");
    };
    let variables = match call.variables {
        None | Some(Value::Null) => Variables::default(),
        Some(Value::Object(members)) => Variables::from_json(Value::Object(members)),
        Some(_) => return refuse(StatusCode::BAD_REQUEST, "variables must be a JSON object"),
    };
    let mut request = Request::new(call.query).variables(variables).data(Caller::of(&headers));
    request.operation_name = call.operation_name;
    let answer = schema.execute(request).await;
    match serde_json::to_string(&answer) {
        Ok(text) => json_answer(StatusCode::OK, "application/json", text),
        Err(_) => refuse(StatusCode::OK, "The answer cannot be written as JSON"),
    }
}

async fn wrong_method() -> Response {
    allow(refuse(StatusCode::METHOD_NOT_ALLOWED, "GraphQL is called by POST"), "POST")
}

async fn unknown_path() -> Response {
    refuse(StatusCode::NOT_FOUND, "There is nothing at this path; call /graphql")
}

fn refuse(status: StatusCode, message: &str) -> Response {
    let body = json!({ "errors": [{ "message": message }] });
    json_answer(status, "application/json", body.to_string())
}
