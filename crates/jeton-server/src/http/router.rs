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
use crate::metrics::{Metrics, RouteMetrics};
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

    /// The name in metrics.
    fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Introspect => "introspect",
            Self::Revoke => "revoke",
            Self::Certs | Self::Jwks => "certs",
            Self::OpenIdConfiguration | Self::AuthorizationServer => "discovery",
            Self::ForwardAuth => "forward-auth",
        }
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
    let counters = Arc::new(Counters::new(&http.app.metrics));
    realm
        .clone()
        .nest("/auth", realm)
        .merge(serve(&ours))
        .fallback(dialect::any)
        .layer(middleware::from_fn_with_state((http.clone(), counters), around))
        .with_state(http)
}

/// What holds for every request: CORS, and a count and a time under the route's name (never under the address,
/// which may hold a secret).
async fn around(State((http, counters)): State<(Http, Arc<Counters>)>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let counter = counters.of(request.extensions().get::<MatchedPath>());
    let response = cors::answer(&http, request, next).await;
    counter.observe(response.status(), started.elapsed());
    response
}

/// The counters of every route, found once.
struct Counters {
    routes: Vec<(&'static str, RouteMetrics)>,
    dialects: RouteMetrics,
}

impl Counters {
    fn new(metrics: &Metrics) -> Self {
        let routes = Route::ALL.map(|route| (route.path(), metrics.route(route.name())));
        Self { routes: routes.into(), dialects: metrics.route("dialect") }
    }

    fn of(&self, path: Option<&MatchedPath>) -> &RouteMetrics {
        let path = path.map_or("", MatchedPath::as_str);
        let path = path.strip_prefix("/auth").unwrap_or(path);
        self.routes.iter().find(|(known, _)| *known == path).map_or(&self.dialects, |(_, counter)| counter)
    }
}
