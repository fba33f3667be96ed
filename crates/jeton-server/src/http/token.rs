//! `POST /realms/{realm}/protocol/openid-connect/token` (RFC 6749 §3.2).

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use jeton_core::dialect::Values;
use jeton_core::domain::realm::Realm;
use jeton_core::domain::refusal::Refusal;
use jeton_core::facts::Query;
use jeton_core::rules::{self, Shape};
use jeton_core::wire::oauth;

use super::client::no_client;
use super::realm;
use super::receive::{Received, throttle_keys};
use super::respond::refusal_of;
use super::router::Http;
use crate::app::App;
use crate::exchange::exchange;

pub(super) async fn post(State(http): State<Http>, Path(realm): Path<String>, request: Request) -> Response {
    realm::answer(&http.app, &realm, request, grant).await
}

async fn grant(app: &App, realm: &Realm, received: Received) -> Result<Response, Refusal> {
    let asked = oauth::token_request(&received.parts.headers, &received.body)?;
    let Some(client_id) = asked.client.client_id.as_deref() else {
        return no_client(&realm.name, asked.client.challenge);
    };
    let throttle = throttle_keys(app, &realm.name, "client", client_id, received.source);
    let query = Query { realm: &realm.name, client_id: Some(client_id), throttle: Some(throttle), ..Query::default() };
    let request = rules::Request {
        grant: asked.grant,
        scope: asked.scope,
        shape: Shape::OAuth,
        nonce: None,
        throttle: Some(throttle),
        source: received.source.to_string(),
    };
    let granted = exchange(app, &query, &request, None, &Values::new()).await.map_err(refusal_of)?;
    let answer = oauth::token_answer(&granted.issue, &granted.token, realm.not_before.as_secs());
    Ok(answer.map(Body::from))
}
