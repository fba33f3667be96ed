//! `POST /realms/{realm}/protocol/openid-connect/token` (RFC 6749 §3.2).

use axum::extract::{Path, Request, State};
use axum::response::Response;
use jeton_core::dialect::Values;
use jeton_core::domain::realm::Realm;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::facts::Query;
use jeton_core::rules::{self, Shape};
use jeton_core::wire::oauth;

use super::receive::{Received, receive, throttle_keys};
use super::respond::{oauth_refusal, refusal_of, respond};
use super::router::Http;
use crate::app::App;
use crate::exchange::{Ended, exchange};

pub(super) async fn post(State(http): State<Http>, Path(realm): Path<String>, request: Request) -> Response {
    let app = &http.app;
    let known = match realm_of(app, &realm).await {
        Ok(known) => known,
        Err(refusal) => return oauth_refusal(&refusal, None),
    };
    let settings = &known.settings;
    let answer = match receive(app, request).await {
        Ok(received) => grant(app, &known, received).await,
        Err(refusal) => Err(refusal),
    };
    answer.unwrap_or_else(|refusal| oauth_refusal(&refusal, Some(settings)))
}

/// The realm of this name, before anything else of the request is looked at, as in Keycloak.
pub(super) async fn realm_of(app: &App, name: &str) -> Result<Realm, Refusal> {
    let query = Query { realm: name, ..Query::default() };
    let found = app.store.load(&query).await.map_err(|error| refusal_of(Ended::from(error)))?;
    let realm = found.ok_or(Refusal::new(Reason::NoRealm))?.realm;
    match realm.enabled {
        true => Ok(realm),
        false => Err(Refusal::new(Reason::NoRealm).detail("Realm not enabled")),
    }
}

async fn grant(app: &App, realm: &Realm, received: Received) -> Result<Response, Refusal> {
    let asked = oauth::token_request(&received.parts.headers, &received.body)?;
    let Some(client_id) = asked.client.client_id.as_deref() else {
        return no_client(&realm.name, asked.client.challenge);
    };
    let throttle = throttle_keys(app, &realm.name, "client", client_id, received.source);
    let query =
        Query { realm: &realm.name, client_id: Some(client_id), throttle: Some(throttle), ..Query::default() };
    let request = rules::Request {
        grant: asked.grant,
        scope: asked.scope,
        shape: Shape::OAuth,
        nonce: None,
        throttle: Some(throttle),
        source: received.source.to_string(),
    };
    let granted = exchange(app, &query, &request, None, &Values::new()).await.map_err(refusal_of)?;
    Ok(respond(oauth::token_answer(&granted.issue, &granted.token, realm.not_before.as_secs())))
}

/// No client is named: a challenge if another scheme was tried, else as for an unknown client.
pub(super) fn no_client(realm: &str, challenge: bool) -> Result<Response, Refusal> {
    match challenge {
        true => Ok(respond(oauth::challenge(realm))),
        false => Err(Refusal::new(Reason::Missing).field("client_id")),
    }
}
