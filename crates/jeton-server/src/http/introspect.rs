//! `POST /realms/{realm}/protocol/openid-connect/token/introspect` (RFC 7662, and RFC 9701 where a JWT is asked for).

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use jeton_core::domain::client::Client;
use jeton_core::domain::realm::Realm;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::domain::session::TokenKind;
use jeton_core::rules::audience;
use jeton_core::rules::state::Live;
use jeton_core::secret::Secret;
use jeton_core::token::{jwt, opaque};
use jeton_core::wire::oauth::Answer;
use jeton_core::wire::{introspection, oauth};

use super::client::asked;
use super::realm;
use super::receive::Received;
use super::respond::refusal_of;
use super::router::Http;
use crate::app::App;
use crate::exchange::Ended;
use crate::fault::Fault;
use crate::inspect::{inspect, inspect_refresh_token};

pub(super) async fn post(State(http): State<Http>, Path(realm): Path<String>, request: Request) -> Response {
    realm::answer(&http.app, &realm, request, introspect).await
}

async fn introspect(app: &App, realm: &Realm, received: Received) -> Result<Response, Refusal> {
    let (form, client) = match asked(app, realm, &received, &[]).await? {
        Ok(asked) => asked,
        Err(challenge) => return Ok(challenge),
    };
    // Whoever proves nothing learns nothing (RFC 7662 §2.1).
    if client.is_public() {
        return Err(Reason::InvalidClient.into());
    }
    let token = form.field("token").map(Secret::from);
    let token = token.ok_or(Refusal::new(Reason::Missing).field("token").detail("Token not provided."))?;
    let issuer = realm.issuer(&app.site.public_url);
    let seen = match opaque::is_refresh_token(token.expose()) {
        true => {
            inspect_refresh_token(app, &realm.name, &token, &client, |live| {
                Some(introspection::active(live, TokenKind::Refresh, &issuer, None))
            })
            .await
        }
        false => {
            inspect(app, &realm.name, &token, |live, claims, _| {
                let own = live.client.is_some_and(|owner| owner.id == client.id);
                let told = own || in_audience(&client, live);
                told.then(|| introspection::active(live, TokenKind::Access, &issuer, claims))
            })
            .await
        }
    };
    let body = match seen {
        Ok(Some(body)) => body,
        Ok(None) => introspection::INACTIVE.to_owned(),
        Err(Ended::Refused(refusal)) => inactive(&client, &refusal),
        Err(broken) => return Err(refusal_of(broken)),
    };
    let answer = match introspection::wants_jwt(&received.parts.headers) {
        true => signed(app, realm, &client, &issuer, &body).await.map_err(|fault| refusal_of(fault.into()))?,
        false => oauth::answer(200, body),
    };
    Ok(answer.map(Body::from))
}

/// The answer in a JWT of the realm's, for this caller (RFC 9701 §5).
async fn signed(app: &App, realm: &Realm, caller: &Client, issuer: &str, body: &str) -> Result<Answer, Fault> {
    let alg = realm.settings.alg;
    let signer = app.signer(realm.id, alg).await?;
    let input = introspection::jwt(body, issuer, &caller.client_id, (alg, &signer.kid), app.clock.now());
    let token = jwt::assemble(&input, &signer.sign(input.as_bytes())?);
    let mut answer = oauth::answer(200, token);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(introspection::JWT));
    Ok(answer)
}

/// Why a token is not good is told to the API it was shown to, and to nobody else (RFC 7662 §2.2).
fn inactive(client: &Client, refusal: &Refusal) -> String {
    match client.settings.resource_server {
        true => format!(r#"{{"active":false,"jeton_reason":"{}"}}"#, refusal.reason.name()),
        false => introspection::INACTIVE.to_owned(),
    }
}

/// Whether a token is meant for this client (RFC 7662 §4, security.md G3). A token that names no audience is meant for
/// the realm's resource servers.
fn in_audience(client: &Client, token: &Live<'_>) -> bool {
    let any = token.audience.is_empty() || client.settings.audiences.is_empty();
    audience::names(&token.audience, client) || (client.settings.resource_server && any)
}
