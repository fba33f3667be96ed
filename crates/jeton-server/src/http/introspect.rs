//! `POST /realms/{realm}/protocol/openid-connect/token/introspect` (RFC 7662).

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use jeton_core::domain::client::Client;
use jeton_core::domain::realm::Realm;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::secret::Secret;
use jeton_core::token::jwt::Claims;
use jeton_core::wire::{introspection, oauth};

use super::client::authenticated;
use super::realm;
use super::receive::Received;
use super::respond::refusal_of;
use super::router::Http;
use crate::app::App;
use crate::exchange::Ended;
use crate::inspect::inspect;

pub(super) async fn post(State(http): State<Http>, Path(realm): Path<String>, request: Request) -> Response {
    realm::answer(&http.app, &realm, request, introspect).await
}

async fn introspect(app: &App, realm: &Realm, received: Received) -> Result<Response, Refusal> {
    let form = oauth::form(&received.parts.headers, &received.body)?;
    let client = match authenticated(app, realm, &received, &form).await? {
        Ok(client) => client,
        Err(challenge) => return Ok(challenge),
    };
    if form.has_repeated() {
        return Err(Reason::Repeated.into());
    }
    let token = form.field("token").map(Secret::from);
    let token = token.ok_or(Refusal::new(Reason::Missing).field("token").detail("Token not provided."))?;
    let issuer = realm.issuer(&app.site.public_url);
    let seen = inspect(app, &realm.name, &token, |live, claims, _| {
        let own = live.client.is_some_and(|owner| owner.id == client.id);
        (own || in_audience(&client, claims)).then(|| introspection::active(live, &issuer, claims))
    });
    let body = match seen.await {
        Ok(Some(body)) => body,
        Ok(None) => introspection::INACTIVE.to_owned(),
        Err(Ended::Refused(refusal)) => inactive(&client, &refusal),
        Err(broken) => return Err(refusal_of(broken)),
    };
    Ok(oauth::answer(200, body).map(Body::from))
}

/// Why a token is not good is told to the API it was shown to, and to nobody else (RFC 7662 §2.2).
fn inactive(client: &Client, refusal: &Refusal) -> String {
    match client.settings.resource_server {
        true => format!(r#"{{"active":false,"jeton_reason":"{}"}}"#, refusal.reason.name()),
        false => introspection::INACTIVE.to_owned(),
    }
}

/// Whether a token with these claims is meant for this client (RFC 7662 §4, security.md G3). A token that
/// names no audience is meant for the realm's resource servers.
fn in_audience(client: &Client, claims: Option<&Claims>) -> bool {
    match claims.and_then(|claims| claims.aud.as_ref()) {
        Some(audience) if audience.contains(&client.client_id) => true,
        Some(audience) => {
            let named = client.settings.audiences.iter().any(|name| audience.contains(name));
            client.settings.resource_server && (named || client.settings.audiences.is_empty())
        }
        None => client.settings.resource_server,
    }
}
