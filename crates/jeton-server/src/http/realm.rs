//! What the endpoints of a realm's OAuth suite share: the realm first, then the request, refusals in OAuth's shape.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use http::header::AUTHORIZATION;
use jeton_core::domain::realm::{Profile, Realm};
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::facts::Query;
use jeton_core::wire::oauth;

use super::receive::{Received, receive};
use super::respond::{oauth_refusal, refusal_of};
use crate::app::App;

/// Answers a request to the realm of this name.
pub(super) async fn answer(
    app: &App,
    name: &str,
    request: Request,
    endpoint: impl AsyncFnOnce(&App, &Realm, Received) -> Result<Response, Refusal>,
) -> Response {
    let realm = match find(app, name).await {
        Ok(realm) => realm,
        Err(refusal) => return oauth_refusal(&refusal, None),
    };
    let by_header = request.headers().contains_key(AUTHORIZATION);
    let answer = match receive(app, request).await {
        Ok(received) => endpoint(app, &realm, received).await,
        Err(refusal) => Err(refusal),
    };
    answer.unwrap_or_else(|refusal| {
        let mut answer = oauth::refusal_answer(&refusal, Some(&realm.settings));
        // RFC 6749 §5.2. Keycloak has no challenge here.
        if by_header && answer.status() == StatusCode::UNAUTHORIZED && realm.settings.profile == Profile::Rfc9068 {
            oauth::add_challenge(&mut answer, &realm.name);
        }
        answer.map(Body::from)
    })
}

/// The realm of this name, before anything else of the request is looked at, as in Keycloak.
pub(super) async fn find(app: &App, name: &str) -> Result<Arc<Realm>, Refusal> {
    let query = Query { realm: name, ..Query::default() };
    let found = app.store.load(&query).await.map_err(|error| refusal_of(error.into()))?;
    let realm = found.ok_or(Refusal::new(Reason::NoRealm))?.realm;
    match realm.enabled {
        true => Ok(realm),
        false => Err(Refusal::new(Reason::NoRealm).detail("Realm not enabled")),
    }
}
