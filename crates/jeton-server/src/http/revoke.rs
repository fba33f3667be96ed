//! `POST /realms/{realm}/protocol/openid-connect/revoke` (RFC 7009).

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use jeton_core::domain::client::Client;
use jeton_core::domain::realm::Realm;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::facts::Query;
use jeton_core::rules::end;
use jeton_core::wire::oauth;

use super::client::asked;
use super::realm;
use super::receive::Received;
use super::respond::refusal_of;
use super::router::Http;
use crate::app::App;
use crate::exchange::Ended;
use crate::fault::Fault;
use crate::present::present;

pub(super) async fn post(State(http): State<Http>, Path(realm): Path<String>, request: Request) -> Response {
    realm::answer(&http.app, &realm, request, revoke).await
}

async fn revoke(app: &App, realm: &Realm, received: Received) -> Result<Response, Refusal> {
    let (form, client) = match asked(app, realm, &received, &[]).await? {
        Ok(asked) => asked,
        Err(challenge) => return Ok(challenge),
    };
    let Some(token) = form.field("token") else {
        return Err(Refusal::new(Reason::Missing).field("token").detail("Token not provided"));
    };
    if !matches!(form.field("token_type_hint"), None | Some("access_token" | "refresh_token")) {
        return Ok(oauth::error(400, "unsupported_token_type", Some("Unsupported token type")).map(Body::from));
    }
    let ended = end_for(app, realm, &client, token, &received.source.to_string()).await?;
    // Keycloak answers 200 either way, and says so when there was nothing to end.
    let answer = match ended {
        true => oauth::empty(200),
        false => oauth::error(200, "invalid_token", Some("Invalid token")),
    };
    Ok(answer.map(Body::from))
}

/// Ends what a token stands for: whether it was this client's to end. It is on disk then (security.md G7); a store that
/// refuses is a 503 (G8).
pub(super) async fn end_for(
    app: &App,
    realm: &Realm,
    client: &Client,
    token: &str,
    source: &str,
) -> Result<bool, Refusal> {
    let keys = app.keys(realm.id).await.map_err(|fault| refusal_of(fault.into()))?;
    let Ok(presented) = present(token, &keys, &app.pepper) else { return Ok(false) };
    let query = Query { realm: &realm.name, token: Some(presented.digest), ended: presented.jti, ..Query::default() };
    let facts = app.store.load(&query).await.map_err(|error| refusal_of(error.into()))?;
    let facts = facts.ok_or(Refusal::new(Reason::NoRealm))?;
    let jwt = presented.claims.as_ref().zip(presented.jti);
    let decision = end::revoke(&facts, client, jwt, source, app.clock.now());
    if !decision.changes.is_empty() {
        let committed = app.store.commit(decision.changes).await;
        committed.map_err(|error| refusal_of(Ended::Broken(Fault::from(error))))?;
    }
    decision.answer
}
