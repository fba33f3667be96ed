//! Events, in InEvent's shape: the operation is `module.name`, given as the query attribute `action`
//! or as the path `/module/name`, at the root or below `/api`.
//!
//! Every value is a string, `data` is always a list, and a refusal is an empty body whose message is
//! the HTTP/1.1 reason phrase (repeated in `X-InEvent-Error`, since HTTP/2 has no such phrase).

use axum::Router;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use hyper::ext::ReasonPhrase;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::message::{allow, json as json_answer, query_pairs};

const METHODS: &str = "GET, POST";

/// What the host offers: action, methods, what it takes, what it is for. The first two are answered
/// by the token server, which stands on the same host.
const OPERATIONS: [(&str, &str, &str, &str); 4] = [
    (
        "person.signIn",
        "POST",
        "username, eventID in the query; password in the body",
        "Exchanges a password for a tokenID.",
    ),
    ("person.signOut", "POST", "tokenID", "Ends a tokenID."),
    ("api.describe", METHODS, "tokenID", "Lists the operations of this API."),
    ("person.get", METHODS, "tokenID", "Shows the person whom the tokenID speaks for."),
];

pub(crate) fn router() -> Router {
    Router::new().fallback(answer)
}

async fn answer(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if method == Method::OPTIONS {
        return allow(StatusCode::NO_CONTENT.into_response(), METHODS);
    }
    if ![Method::GET, Method::HEAD, Method::POST].contains(&method) {
        return allow(refuse(StatusCode::METHOD_NOT_ALLOWED, "method not allowed"), METHODS);
    }
    match action(&uri) {
        Err(message) => refuse(StatusCode::BAD_REQUEST, message),
        Ok(action) if action == "api.describe" => list(&operations()),
        Ok(action) if action == "person.get" => person(&Caller::of(&headers)),
        Ok(_) => refuse(StatusCode::NOT_FOUND, "action is not implemented"),
    }
}

/// The operation asked for, as `module.name`: from the path, or at the root from the query.
fn action(uri: &Uri) -> Result<String, &'static str> {
    let path = uri.path();
    let below = match path.strip_prefix("/api") {
        // `/api/describe` is the operation `api.describe`, not `describe` below the mount `/api`.
        Some(rest) if rest != "/describe" && (rest.is_empty() || rest.starts_with('/')) => rest,
        _ => path,
    };
    let segments = below.trim_start_matches('/');
    if !segments.is_empty() {
        return Ok(segments.replace('/', "."));
    }
    let pairs = query_pairs(uri).ok_or("action is invalid")?;
    let mut values = pairs.into_iter().filter(|(name, _)| name == "action").map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(_), Some(_)) => Err("action is invalid"),
        (Some(value), None) if !value.is_empty() => match value.split_once('.') {
            Some((module, name)) if !module.is_empty() && !name.is_empty() => Ok(value),
            _ => Err("action is invalid"),
        },
        _ => Err("action cannot be empty"),
    }
}

fn operations() -> Vec<Value> {
    let row = |(action, methods, takes, text): &(&str, &str, &str, &str)| {
        json!({
            "action": action,
            "path": format!("/{}", action.replace('.', "/")),
            "method": methods,
            "attributes": takes,
            "description": text,
        })
    };
    OPERATIONS.iter().map(row).collect()
}

fn person(caller: &Caller) -> Response {
    let Some(subject) = &caller.subject else {
        return refuse(StatusCode::FORBIDDEN, "no person is known here, call through the gate");
    };
    let text = |value: &Option<String>, absent: &str| value.clone().unwrap_or_else(|| absent.to_owned());
    list(&[json!({
        "personID": caller.number.as_ref().unwrap_or(subject),
        "username": text(&caller.username, ""),
        "level": text(&caller.level, ""),
        "scope": text(&caller.scope, ""),
        "targetID": text(&caller.target, "0"),
    })])
}

fn list(rows: &[Value]) -> Response {
    let body = json!({ "count": rows.len(), "data": rows });
    json_answer(
        StatusCode::OK,
        "application/json",
        // As PHP's `json_encode` writes it: JSON has `/` inside strings only, and all text here is ASCII.
        body.to_string().replace('/', "\\/"),
    )
}

fn refuse(status: StatusCode, message: &'static str) -> Response {
    let mut response = status.into_response();
    response.headers_mut().insert("x-inevent-error", HeaderValue::from_static(message));
    response.extensions_mut().insert(ReasonPhrase::from_static(message.as_bytes()));
    response
}
