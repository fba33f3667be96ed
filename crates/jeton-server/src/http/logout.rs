//! `POST /realms/{realm}/protocol/openid-connect/logout` with a refresh token: how programs end a session at a Keycloak.
//! What browsers do at this address (OpenID Connect RP-Initiated Logout) is not answered.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use jeton_core::domain::realm::Realm;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::token::opaque;
use jeton_core::wire::oauth;

use super::client::asked;
use super::realm;
use super::receive::Received;
use super::revoke::end_for;
use super::router::Http;
use crate::app::App;

/// The parameter.
const REFRESH_TOKEN: &str = "refresh_token";

pub(super) async fn post(State(http): State<Http>, Path(realm): Path<String>, request: Request) -> Response {
    realm::answer(&http.app, &realm, request, logout).await
}

async fn logout(app: &App, realm: &Realm, received: Received) -> Result<Response, Refusal> {
    let (form, client) = match asked(app, realm, &received, &[]).await? {
        Ok(asked) => asked,
        Err(challenge) => return Ok(challenge),
    };
    let Some(token) = form.field(REFRESH_TOKEN) else {
        return Err(Refusal::new(Reason::Missing).field(REFRESH_TOKEN).detail("No refresh token"));
    };
    let source = received.source.to_string();
    if !opaque::is_refresh_token(token) || !end_for(app, realm, &client, token, &source).await? {
        return Err(Refusal::new(Reason::InvalidToken).field(REFRESH_TOKEN).detail("Invalid refresh token"));
    }
    Ok(oauth::empty(204).map(Body::from))
}
