//! Which address is answered by which file.

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{any, get, post};
use tokio::time::Instant;

use super::respond::oauth_refusal;
use super::{certs, cors, dialect, discovery, forward_auth, introspect, revoke, token};
use crate::app::App;
use crate::gates::Gates;
use jeton_core::domain::refusal::Reason;

/// What every handler is given.
#[derive(Clone)]
pub struct Http {
    /// The server's parts.
    pub app: App,
    /// The realms' gates.
    pub gates: Arc<Gates>,
}

/// Everything that peers may call: a realm's OAuth suite where Keycloak's users expect it (and below `/auth`,
/// where Keycloak had it before version 17), forward-auth, and for every other address the dialects and gates.
pub fn router(http: Http) -> Router {
    let realm = Router::new()
        .route("/realms/{realm}/protocol/openid-connect/token", post(token::post))
        .route("/realms/{realm}/protocol/openid-connect/token/introspect", post(introspect::post))
        .route("/realms/{realm}/protocol/openid-connect/revoke", post(revoke::post))
        .route("/realms/{realm}/protocol/openid-connect/certs", get(certs::get))
        .route("/realms/{realm}/.well-known/jwks.json", get(certs::get))
        .route("/realms/{realm}/.well-known/openid-configuration", get(discovery::get))
        .method_not_allowed_fallback(async || oauth_refusal(&Reason::WrongMethod.into(), None));
    realm
        .clone()
        .nest("/auth", realm)
        .route("/.well-known/oauth-authorization-server/realms/{realm}", get(discovery::get))
        .route("/realms/{realm}/forward-auth", any(forward_auth::any))
        .fallback(dialect::any)
        .layer(middleware::from_fn_with_state(http.clone(), cors::layer))
        .layer(middleware::from_fn_with_state(http.clone(), measure))
        .with_state(http)
}

/// Counts and times every request under its route's name: never its address, which may hold a secret.
async fn measure(State(http): State<Http>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or("dialect", |path| name(path.as_str()));
    let response = next.run(request).await;
    http.app.metrics.route(route).observe(response.status(), started.elapsed());
    response
}

fn name(path: &str) -> &'static str {
    let path = path.strip_prefix("/auth").unwrap_or(path);
    match path.rsplit('/').next() {
        Some("token") => "token",
        Some("introspect") => "introspect",
        Some("revoke") => "revoke",
        Some("certs" | "jwks.json") => "certs",
        Some("forward-auth") => "forward-auth",
        _ => "discovery",
    }
}
