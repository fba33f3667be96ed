//! `POST /realms/{realm}/protocol/openid-connect/logout` with a refresh token: how programs end a session at a Keycloak.
//! What browsers do at this address (OpenID Connect RP-Initiated Logout) is not answered.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::header::CONTENT_TYPE;
use jeton_core::domain::realm::Realm;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::token::opaque;
use jeton_core::wire::oauth;
use jeton_core::wire::token_request::form;

use super::client::authenticated;
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
    let form = form(&received.parts.headers, &received.body)?;
    let client = match authenticated(app, realm, &received, &form).await? {
        Ok(client) => client,
        Err(challenge) => return Ok(challenge),
    };
    if form.has_repeated(&[]) {
        return Err(Reason::Repeated.into());
    }
    let Some(token) = form.field(REFRESH_TOKEN) else {
        return Err(Refusal::new(Reason::Missing).field(REFRESH_TOKEN).detail("No refresh token"));
    };
    let source = received.source.to_string();
    if !opaque::is_refresh_token(token) || !end_for(app, realm, &client, token, &source).await? {
        return Err(Refusal::new(Reason::InvalidToken).field(REFRESH_TOKEN).detail("Invalid refresh token"));
    }
    let mut answer = oauth::answer(204, String::new());
    answer.headers_mut().remove(CONTENT_TYPE);
    Ok(answer.map(Body::from))
}
