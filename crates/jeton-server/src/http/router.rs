//! Which address is answered by which file.

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{MethodRouter, any, get, post};
use tokio::time::Instant;

use super::respond::oauth_refusal;
use super::{
    certs, cors, device, dialect, discovery, forward_auth, introspect, logout, protected_resource, registration,
    revocations, revoke, token,
};
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
    /// The end of a session by its refresh token.
    Logout,
    /// Device authorization.
    DeviceAuthorization,
    /// Where clients register themselves.
    Registration,
    /// Where one that did manages that.
    RegisteredClient,
    /// The public keys, where Keycloak's users expect them.
    Certs,
    /// The same keys, where everybody else does.
    Jwks,
    /// Metadata, by OIDC Discovery.
    OpenIdConfiguration,
    /// The same metadata, by RFC 8414 §3.
    AuthorizationServer,
    /// What an API behind the gate says of itself (RFC 9728 §3): one without a path.
    ProtectedResource,
    /// The same, for one below a path.
    ProtectedResourcePath,
    /// The gate's decision for another proxy.
    ForwardAuth,
    /// The revocation feed.
    Revocations,
}

impl Route {
    /// Every one.
    pub const ALL: [Self; 15] = [
        Self::Token,
        Self::Introspect,
        Self::Revoke,
        Self::Logout,
        Self::DeviceAuthorization,
        Self::Registration,
        Self::RegisteredClient,
        Self::Certs,
        Self::Jwks,
        Self::OpenIdConfiguration,
        Self::AuthorizationServer,
        Self::ProtectedResource,
        Self::ProtectedResourcePath,
        Self::ForwardAuth,
        Self::Revocations,
    ];

    /// The path; `{realm}` stands for the realm's name.
    pub fn path(self) -> &'static str {
        match self {
            Self::Token => "/realms/{realm}/protocol/openid-connect/token",
            Self::Introspect => "/realms/{realm}/protocol/openid-connect/token/introspect",
            Self::Revoke => "/realms/{realm}/protocol/openid-connect/revoke",
            Self::Logout => "/realms/{realm}/protocol/openid-connect/logout",
            Self::DeviceAuthorization => "/realms/{realm}/protocol/openid-connect/auth/device",
            Self::Registration => "/realms/{realm}/clients-registrations/openid-connect",
            Self::RegisteredClient => "/realms/{realm}/clients-registrations/openid-connect/{client_id}",
            Self::Certs => "/realms/{realm}/protocol/openid-connect/certs",
            Self::Jwks => "/realms/{realm}/.well-known/jwks.json",
            Self::OpenIdConfiguration => "/realms/{realm}/.well-known/openid-configuration",
            Self::AuthorizationServer => "/.well-known/oauth-authorization-server/realms/{realm}",
            Self::ProtectedResource => "/.well-known/oauth-protected-resource",
            Self::ProtectedResourcePath => "/.well-known/oauth-protected-resource/{*path}",
            Self::ForwardAuth => "/realms/{realm}/forward-auth",
            Self::Revocations => "/realms/{realm}/revocations",
        }
    }

    /// Whether it is also served below `/auth`, where Keycloak had it before version 17.
    pub fn is_keycloaks(self) -> bool {
        !self.is_at_root() && !matches!(self, Self::ForwardAuth | Self::Revocations)
    }

    /// Whether what it says is for everybody, in whatever page.
    fn is_public_document(self) -> bool {
        self.is_at_root() || matches!(self, Self::Certs | Self::Jwks | Self::OpenIdConfiguration)
    }

    /// Whether its address begins where only RFC 8615 lets it.
    fn is_at_root(self) -> bool {
        matches!(self, Self::AuthorizationServer | Self::ProtectedResource | Self::ProtectedResourcePath)
    }

    /// The name in metrics.
    fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Introspect => "introspect",
            Self::Revoke => "revoke",
            Self::Logout => "logout",
            Self::DeviceAuthorization => "device-authorization",
            Self::Registration => "registration",
            Self::RegisteredClient => "registered-client",
            Self::Certs | Self::Jwks => "certs",
            Self::OpenIdConfiguration | Self::AuthorizationServer => "discovery",
            Self::ProtectedResource | Self::ProtectedResourcePath => "protected-resource",
            Self::ForwardAuth => "forward-auth",
            Self::Revocations => "revocations",
        }
    }

    fn handler(self) -> MethodRouter<Http> {
        match self {
            Self::Token => post(token::post),
            Self::Introspect => post(introspect::post),
            Self::Revoke => post(revoke::post),
            Self::Logout => post(logout::post),
            Self::DeviceAuthorization => post(device::post),
            Self::Registration => post(registration::post),
            Self::RegisteredClient => get(registration::get).put(registration::put).delete(registration::delete),
            Self::Certs | Self::Jwks => get(certs::get),
            Self::OpenIdConfiguration | Self::AuthorizationServer => get(discovery::get),
            Self::ProtectedResource | Self::ProtectedResourcePath => get(protected_resource::get),
            Self::ForwardAuth => any(forward_auth::any),
            Self::Revocations => get(revocations::get),
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
    let (route, counter) = counters.of(request.extensions().get::<MatchedPath>());
    let response = match route {
        Some(route) if route.is_public_document() => cors::answer_to_all(request, next).await,
        _ => cors::answer(&http, request, next).await,
    };
    counter.observe(response.status(), started.elapsed());
    response
}

/// The counters of every route, found once.
struct Counters {
    routes: Vec<(Route, RouteMetrics)>,
    dialects: RouteMetrics,
}

impl Counters {
    fn new(metrics: &Metrics) -> Self {
        let routes = Route::ALL.map(|route| (route, metrics.route(route.name())));
        Self { routes: routes.into(), dialects: metrics.route("dialect") }
    }

    fn of(&self, path: Option<&MatchedPath>) -> (Option<Route>, &RouteMetrics) {
        let path = path.map_or("", MatchedPath::as_str);
        let path = path.strip_prefix("/auth").unwrap_or(path);
        let known = self.routes.iter().find(|(known, _)| known.path() == path);
        known.map_or((None, &self.dialects), |(route, counter)| (Some(*route), counter))
    }
}
