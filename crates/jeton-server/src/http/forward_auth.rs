//! `/realms/{realm}/forward-auth`: the gate's decision for another proxy's sub-request. Always an empty body.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use jeton_gate::{Peer, forward_auth};

use super::respond::refusal_of;
use super::router::Http;

pub(super) async fn any(State(http): State<Http>, Path(realm): Path<String>, request: Request) -> Response {
    let table = match http.gates.current().await {
        Ok(table) => table,
        Err(fault) => return status(refusal_of(fault.into()).reason.status()),
    };
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    match (table.guards.iter().find(|guard| guard.realm == realm), peer) {
        (Some(guard), Some(ConnectInfo(peer))) => {
            forward_auth(guard, Peer::from(*peer), request.headers()).await.map(Body::new)
        }
        // A realm that is not there lets nothing through (security.md L6).
        _ => status(403),
    }
}

fn status(code: u16) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::FORBIDDEN);
    response
}
