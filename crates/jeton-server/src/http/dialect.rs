//! Every address that is not OAuth's: first the dialects, then the gates in front of APIs in this process.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use http::header::ALLOW;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use jeton_core::dialect::{self, Place, Reading, Values};
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_gate::decide::{Original, admit};
use jeton_gate::{Peer, host};

use super::act::act;
use super::receive::receive;
use super::respond::{AnsweredBy, not_found, refusal_of, respond};
use super::router::Http;
use crate::app::App;
use crate::fault::Fault;
use crate::listen::Transport;
use crate::mounts::{Mount, Mounts};

pub(super) async fn any(State(http): State<Http>, request: Request) -> Response {
    let mounts = match http.app.mounts().await {
        Ok(mounts) => mounts,
        Err(fault) => return unavailable(fault),
    };
    let host = host_of(&request);
    match claimed(&mounts, &request, host.as_deref()) {
        Claim::Mine(mount, _) if request.method() == Method::OPTIONS => {
            let realm = mount.realm.clone();
            let mut response = options(mount, &request, host.as_deref());
            response.extensions_mut().insert(AnsweredBy(realm));
            response
        }
        Claim::Mine(mount, others) => answer(&http.app, mount, &others, host.as_deref(), request).await,
        Claim::Unrouted(mount, place, refusal) => {
            let realm = mount.realm.clone();
            match gate(&http, host.as_deref(), request).await {
                Some(response) => response,
                None => {
                    let mut response = respond(mount.dialect.write_refusal(place, &refusal, &Values::new()));
                    response.extensions_mut().insert(AnsweredBy(realm));
                    response
                }
            }
        }
        Claim::Nobodys => gate(&http, host.as_deref(), request).await.unwrap_or_else(not_found),
    }
}

enum Claim<'m> {
    /// This mount's dialect serves the address, and so do the others': which of them is asked, the body tells.
    Mine(&'m Mount, Vec<&'m Mount>),
    /// It serves the path, but not what the request asks for there: perhaps an API behind a gate does.
    Unrouted(&'m Mount, Place, Refusal),
    /// No dialect serves the path.
    Nobodys,
}

/// Whose address this is. The head decides; the body is not read yet.
fn claimed<'m>(mounts: &'m Mounts, request: &Request, host: Option<&str>) -> Claim<'m> {
    let known = |mount: &'m Mount| {
        let path = mount.strip(host, request.uri().path())?;
        Some((mount, path, mount.dialect.specificity(path, &mount.settings)?))
    };
    let mut known: Vec<_> = mounts.all.iter().filter_map(known).collect();
    // Stable: among equals the order of the mounts stays.
    known.sort_by(|(.., left), (.., right)| right.cmp(left));
    let mut unrouted = None;
    let mut serving: Vec<(&Mount, Vec<bool>)> = Vec::new();
    for (mount, path, specificity) in known {
        let head = head(request.method(), path, request.uri().query(), request.headers(), &[]);
        match mount.dialect.read_request(&head, &mount.settings) {
            Reading::NotMine => {}
            Reading::Refused { place, refusal } if refusal.reason == Reason::NoRoute => {
                unrouted = unrouted.or(Some(Claim::Unrouted(mount, place, refusal)));
            }
            _ => serving.push((mount, specificity)),
        }
    }
    let mut serving = serving.into_iter();
    match (serving.next(), unrouted) {
        (Some((first, best)), _) => {
            let equals = serving.take_while(|(_, specificity)| *specificity == best);
            Claim::Mine(first, equals.map(|(mount, _)| mount).collect())
        }
        (None, unrouted) => unrouted.unwrap_or(Claim::Nobodys),
    }
}

fn head<'a>(
    method: &'a Method,
    path: &'a str,
    query: Option<&'a str>,
    headers: &'a http::HeaderMap,
    body: &'a [u8],
) -> dialect::Request<'a> {
    dialect::Request { method, path, query, headers, body }
}

/// What may be asked at this address.
fn options(mount: &Mount, request: &Request, host: Option<&str>) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let path = mount.strip(host, request.uri().path()).unwrap_or("/");
    let head = head(&Method::OPTIONS, path, request.uri().query(), request.headers(), &[]);
    if let Reading::Refused { refusal, .. } = mount.dialect.read_request(&head, &mount.settings)
        && let Ok(allow) = HeaderValue::try_from(refusal.allow.join(", "))
    {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

/// A request that a mount claims: by the first whose dialect can read all of it, else by that mount.
async fn answer(app: &App, mount: &Mount, others: &[&Mount], host: Option<&str>, request: Request) -> Response {
    let (mount, mut response) = match receive(app, request).await {
        Ok(received) => {
            let read = |mount: &Mount| {
                let parts = &received.parts;
                let path = mount.strip(host, parts.uri.path()).unwrap_or("/");
                let message = head(&parts.method, path, parts.uri.query(), &parts.headers, &received.body);
                mount.dialect.read_request(&message, &mount.settings)
            };
            let mut reading = (mount, read(mount));
            for other in others {
                if !matches!(reading.1, Reading::Exchange { .. })
                    && let exchange @ Reading::Exchange { .. } = read(other)
                {
                    reading = (*other, exchange);
                }
            }
            let (mount, reading) = reading;
            (mount, act(app, mount, reading, &received).await)
        }
        Err(refusal) => (mount, respond(mount.dialect.write_refusal(Place::Dialect, &refusal, &Values::new()))),
    };
    response.extensions_mut().insert(AnsweredBy(mount.realm.clone()));
    response
}

/// The first gate whose rules know the call answers it.
async fn gate(http: &Http, host: Option<&str>, request: Request) -> Option<Response> {
    let table = match http.gates.current().await {
        Ok(table) => table,
        Err(fault) => return Some(unavailable(fault)),
    };
    let peer = peer(&request)?;
    for gate in &table.gates {
        let original = Original {
            method: request.method(),
            host: host.unwrap_or_default(),
            path: request.uri().path(),
            query: request.uri().query(),
            headers: request.headers(),
            certificate: peer.certificate.as_deref(),
        };
        let unknown = |refusal: &Refusal| refusal.reason == Reason::NoRoute;
        match admit(&gate.guard.rules, &gate.guard.usage, &original) {
            Err(rejection) if unknown(&rejection.refusal) => {}
            _ => {
                let mut response = gate.handle(peer, request).await.map(Body::new);
                response.extensions_mut().insert(AnsweredBy(gate.guard.realm.clone()));
                return Some(response);
            }
        }
    }
    None
}

/// The other end of the connection that the request came by.
fn peer(request: &Request) -> Option<Peer> {
    let ConnectInfo(address) = *request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    Some(match request.extensions().get::<Transport>() {
        Some(Transport::Tls { certificate, .. }) => Peer::over_tls(address, certificate.clone()),
        Some(Transport::Plain) | None => Peer::from(address),
    })
}

/// The host that the request names, without its port. It only selects among configured names.
pub(super) fn host_of(request: &Request) -> Option<String> {
    host::of_request(request.uri(), request.headers()).ok()
}

fn unavailable(fault: Fault) -> Response {
    let refusal = refusal_of(fault.into());
    super::respond::oauth_refusal(&refusal, None)
}

/// The realm whose dialect or gate serves this address, for what is decided before the request is (CORS).
pub(super) async fn realm_at(http: &Http, method: &Method, parts: &Parts) -> Option<String> {
    let mounts = http.app.mounts().await.ok()?;
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method.clone();
    *request.uri_mut() = parts.uri.clone();
    *request.headers_mut() = parts.headers.clone();
    let host = host_of(&request);
    if let Claim::Mine(mount, _) = claimed(&mounts, &request, host.as_deref()) {
        return Some(mount.realm.clone());
    }
    let table = http.gates.current().await.ok()?;
    let known = table.gates.iter().find(|gate| {
        let original = Original {
            method,
            host: host.as_deref().unwrap_or_default(),
            path: parts.uri.path(),
            query: parts.uri.query(),
            headers: &parts.headers,
            certificate: None,
        };
        !matches!(admit(&gate.guard.rules, &gate.guard.usage, &original),
            Err(rejection) if rejection.refusal.reason == Reason::NoRoute)
    });
    known.map(|gate| gate.guard.realm.clone())
}
