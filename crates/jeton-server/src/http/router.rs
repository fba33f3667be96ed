//! Which address is answered by which file.

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{MethodRouter, any, get, post};
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

/// The addresses of our own, the same in every realm. All others belong to dialects and gates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// The token endpoint.
    Token,
    /// Introspection.
    Introspect,
    /// Revocation.
    Revoke,
    /// The public keys, where Keycloak's users expect them.
    Certs,
    /// The same keys, where everybody else does.
    Jwks,
    /// Metadata, by OIDC Discovery.
    OpenIdConfiguration,
    /// The same metadata, by RFC 8414 §3.
    AuthorizationServer,
    /// The gate's decision for another proxy.
    ForwardAuth,
}

impl Route {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Token,
        Self::Introspect,
        Self::Revoke,
        Self::Certs,
        Self::Jwks,
        Self::OpenIdConfiguration,
        Self::AuthorizationServer,
        Self::ForwardAuth,
    ];

    /// The path; `{realm}` stands for the realm's name.
    pub fn path(self) -> &'static str {
        match self {
            Self::Token => "/realms/{realm}/protocol/openid-connect/token",
            Self::Introspect => "/realms/{realm}/protocol/openid-connect/token/introspect",
            Self::Revoke => "/realms/{realm}/protocol/openid-connect/revoke",
            Self::Certs => "/realms/{realm}/protocol/openid-connect/certs",
            Self::Jwks => "/realms/{realm}/.well-known/jwks.json",
            Self::OpenIdConfiguration => "/realms/{realm}/.well-known/openid-configuration",
            Self::AuthorizationServer => "/.well-known/oauth-authorization-server/realms/{realm}",
            Self::ForwardAuth => "/realms/{realm}/forward-auth",
        }
    }

    /// Whether it is also served below `/auth`, where Keycloak had it before version 17.
    pub fn is_keycloaks(self) -> bool {
        !matches!(self, Self::AuthorizationServer | Self::ForwardAuth)
    }

    fn handler(self) -> MethodRouter<Http> {
        match self {
            Self::Token => post(token::post),
            Self::Introspect => post(introspect::post),
            Self::Revoke => post(revoke::post),
            Self::Certs | Self::Jwks => get(certs::get),
            Self::OpenIdConfiguration | Self::AuthorizationServer => get(discovery::get),
            Self::ForwardAuth => any(forward_auth::any),
        }
    }
}

/// Everything that peers may call: a realm's OAuth suite and forward-auth at each [`Route`], and for every other
/// address the dialects and gates.
pub fn router(http: Http) -> Router {
    let serve = |routes: &[Route]| {
        routes.iter().fold(Router::new(), |router, route| router.route(route.path(), route.handler()))
    };
    let (keycloaks, ours): (Vec<Route>, Vec<Route>) = Route::ALL.iter().partition(|route| route.is_keycloaks());
    let realm =
        serve(&keycloaks).method_not_allowed_fallback(async || oauth_refusal(&Reason::WrongMethod.into(), None));
    realm
        .clone()
        .nest("/auth", realm)
        .merge(serve(&ours))
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
