//! The accept loop: from a socket to a [`Router`], over TLS or without, within limits.
//!
//! A plain listener speaks HTTP/1.1. Over TLS the protocol is agreed by ALPN (see [`Tls`]), so no
//! connection is ever guessed at, and HTTP/2 by prior knowledge is not accepted.

mod activity;

use std::convert::Infallible;
use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, Uri, Version, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::graceful::GracefulConnection;
use jeton_core::domain::certificate::Certificate;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tower::Service;

use self::activity::{Activity, InFlight, Watched};
use crate::tls::Tls;

/// Connections that may wait to be accepted, where the system allows as many (`net.core.somaxconn`). With the usual 128 or
/// 1024, of a thousand clients that come at once some are reset.
const BACKLOG: u32 = 4096;

/// What one listener puts up with. The defaults are meant for the open Internet.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time; one more is closed at once.
    pub connections: usize,
    /// Length of a request's URI in bytes; a longer one is answered with 414.
    pub uri: usize,
    /// Length of all header lines in bytes; more is answered with 431.
    pub header_block: usize,
    /// Requests at a time on one HTTP/2 connection.
    pub streams: u32,
    /// Time for a TLS handshake.
    pub handshake: Duration,
    /// Time for the head of an HTTP/1.1 request, from its first byte (or from the connection's start).
    pub header_read: Duration,
    /// A connection on which no request is being worked on and no byte moves for this long is closed;
    /// it can take a quarter longer.
    pub idle: Duration,
    /// Time for the requests in flight to finish once a connection is to end.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            uri: 8 * 1024,
            header_block: 16 * 1024,
            streams: 128,
            handshake: Duration::from_secs(10),
            header_read: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            drain: Duration::from_secs(10),
        }
    }
}

/// How a request reached us. Every request has it among its extensions, beside
/// `ConnectInfo<SocketAddr>`, the peer's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Without TLS.
    Plain,
    /// Over TLS.
    Tls {
        /// The host name the client asked for (SNI), in lower case; none if it gave an address.
        server_name: Option<Arc<str>>,
        /// The client's certificate, if it was asked for one and showed it.
        certificate: Option<Arc<Certificate>>,
    },
}

/// Tells when the listener that a request came by stops. Every request has it among its extensions: an answer without an
/// end must end then.
#[derive(Clone, Debug)]
pub struct Stopping(watch::Receiver<()>);

impl Stopping {
    /// Completes when the listener stops.
    pub async fn stopped(mut self) {
        // An error says that it has stopped already.
        let _stopped = self.0.changed().await;
    }
}

/// An address could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}{}", advice(source))]
pub struct BindError {
    address: SocketAddr,
    source: io::Error,
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "; stop the program that listens there, or choose another port",
        io::ErrorKind::AddrNotAvailable => "; choose an address that this machine has",
        io::ErrorKind::PermissionDenied => "; choose a port above 1023, or grant CAP_NET_BIND_SERVICE",
        _ => "",
    }
}

/// A bound socket that is not served yet.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<Tls>>,
    limits: Limits,
}

impl Listener {
    /// Listens on `address`; port 0 takes a free one, see [`local_addr`](Self::local_addr).
    pub fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let failed = |source| BindError { address, source };
        let socket = listen(address).map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, address, tls: None, limits: Limits::default() })
    }

    /// Speaks TLS on this listener. `tls` can be reloaded while it serves.
    #[must_use]
    pub fn with_tls(self, tls: Arc<Tls>) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// Other limits than the default ones.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The address listened on, with the port really taken.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves `router` until `shutdown` completes; then takes no more connections and returns when those
    /// in flight are done, [`Limits::drain`] later at the latest.
    pub async fn serve(self, router: Router, shutdown: impl Future<Output = ()>) {
        let Self { socket, tls, limits, .. } = self;
        let places = Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS)));
        let (stop, stopping) = watch::channel(());
        let mut shutdown = pin!(shutdown);
        let mut full = false;
        loop {
            let (stream, peer) = tokio::select! {
                () = &mut shutdown => break,
                accepted = accept(&socket) => accepted,
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                if !full {
                    tracing::warn!(limit = limits.connections, "connections are closed unread: too many are open");
                }
                full = true;
                continue;
            };
            full = false;
            let connection = Connection { router: router.clone(), peer, limits, stopping: stopping.clone() };
            let tls = tls.clone();
            tokio::spawn(async move {
                connection.serve(stream, tls).await;
                drop(place);
            });
        }
        drop(socket);
        drop(stopping);
        stop.send_replace(());
        stop.closed().await;
    }
}

/// A socket that takes connections, with room for as many as come at once. The address can be had again at once after a
/// restart.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Why a request's body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is, or claims to be, longer than allowed.
    #[error("the request body is too large")]
    TooLarge,
    /// It did not arrive in time.
    #[error("the request body did not arrive in time")]
    Timeout,
    /// The peer went away or broke the framing.
    #[error("the request body ended early")]
    Broken,
}

/// Reads a whole body of at most `limit` bytes, in at most the time `within`.
///
/// A `Content-Length` beyond the limit is refused before anything is read.
pub async fn read_body(body: Body, limit: usize, within: Duration) -> Result<Bytes, BodyError> {
    if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(BodyError::TooLarge);
    }
    match timeout(within, Limited::new(body, limit).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge),
        Ok(Err(_)) => Err(BodyError::Broken),
        Err(_) => Err(BodyError::Timeout),
    }
}

/// The next connection; an error never ends the listener.
async fn accept(socket: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match socket.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => match error.kind() {
                // The peer went away while it was waiting to be accepted.
                io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionRefused
                | io::ErrorKind::Interrupted => {}
                // Mostly too many open files: connections that end make room, so wait for that.
                _ => {
                    tracing::warn!(%error, "cannot accept connections, trying again in a second; if it stays, raise the limit of open files");
                    sleep(Duration::from_secs(1)).await;
                }
            },
        }
    }
}

/// One accepted connection and what it needs to be served.
struct Connection {
    router: Router,
    peer: SocketAddr,
    limits: Limits,
    stopping: watch::Receiver<()>,
}

impl Connection {
    async fn serve(mut self, stream: TcpStream, tls: Option<Arc<Tls>>) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot switch Nagle's algorithm off");
        }
        let Some(tls) = tls else {
            return self.serve_http1(stream, Transport::Plain).await;
        };
        let handshake = tokio::select! {
            _ = self.stopping.changed() => return,
            done = timeout(self.limits.handshake, tls.accept(stream)) => done,
        };
        match handshake {
            Ok(Ok((stream, certificate))) => {
                let session = stream.get_ref().1;
                let http2 = session.alpn_protocol() == Some(b"h2");
                let server_name = session.server_name().map(Arc::from);
                let transport = Transport::Tls { server_name, certificate: certificate.map(Arc::new) };
                if http2 {
                    self.serve_http2(stream, transport).await
                } else {
                    self.serve_http1(stream, transport).await
                }
            }
            Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
            Err(_) => tracing::debug!("TLS handshake took too long"),
        }
    }

    async fn serve_http1(self, stream: impl Stream, transport: Transport) {
        let activity = Arc::new(Activity::new());
        let watched = Watched::new(stream, Arc::clone(&activity), Some(self.limits.header_read));
        // Twice what the two limits allow, so that most heads too long are told which of the two it was.
        let head = 2 * (self.limits.uri + self.limits.header_block);
        let mut protocol = http1::Builder::new();
        protocol
            .half_close(true)
            // `Watched` keeps the time for a head: hyper's timer would run while a connection is idle, too.
            .header_read_timeout(None)
            .max_header_size(head)
            .max_buf_size(head.max(64 * 1024));
        let service = service_fn(|request| self.answer(request, &transport, &activity));
        drive(protocol.serve_connection(TokioIo::new(watched), service), &activity, &self.limits, &self.stopping).await;
    }

    async fn serve_http2(self, stream: impl Stream, transport: Transport) {
        let activity = Arc::new(Activity::new());
        let watched = Watched::new(stream, Arc::clone(&activity), None);
        let mut protocol = http2::Builder::new(TokioExecutor::new());
        protocol
            .max_concurrent_streams(self.limits.streams)
            .max_header_list_size(u32::try_from(self.limits.header_block).unwrap_or(u32::MAX))
            // What a peer can make us hold of bodies that nobody reads.
            .initial_stream_window_size(128 * 1024)
            .initial_connection_window_size(256 * 1024);
        let service = service_fn(|request| self.answer(request, &transport, &activity));
        drive(protocol.serve_connection(TokioIo::new(watched), service), &activity, &self.limits, &self.stopping).await;
    }

    fn answer(
        &self,
        mut request: Request<Incoming>,
        transport: &Transport,
        activity: &Arc<Activity>,
    ) -> impl Future<Output = Result<Response<Body>, Infallible>> + Send + 'static {
        let in_flight = InFlight::new(activity);
        let refused = refusal(&request, &self.limits);
        // RFC 9112 §6.3: a message with both Transfer-Encoding and Content-Length may be an attempt at
        // smuggling. hyper reads it by its chunks and hides the length, so any chunked request ends the connection.
        let close = request.version() == Version::HTTP_11 && request.headers().contains_key(header::TRANSFER_ENCODING);
        request.extensions_mut().insert(ConnectInfo(self.peer));
        request.extensions_mut().insert(transport.clone());
        request.extensions_mut().insert(Stopping(self.stopping.clone()));
        let mut router = self.router.clone();
        async move {
            let mut response = match refused {
                Some(status) => {
                    let mut response = Response::new(Body::empty());
                    *response.status_mut() = status;
                    response
                }
                None => router.call(request.map(Body::new)).await?,
            };
            if close {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            drop(in_flight);
            Ok(response)
        }
    }
}

/// What is refused before any route sees it.
fn refusal<B>(request: &Request<B>, limits: &Limits) -> Option<StatusCode> {
    if uri_length(request.uri()) > limits.uri {
        return Some(StatusCode::URI_TOO_LONG);
    }
    let headers = request.headers();
    // Each line with its colon, space and line end.
    let block: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if block > limits.header_block {
        return Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    }
    // RFC 9112 §3.2.
    let hosts = headers.get_all(header::HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        return Some(StatusCode::BAD_REQUEST);
    }
    None
}

fn uri_length(uri: &Uri) -> usize {
    let scheme = uri.scheme_str().map_or(0, |scheme| scheme.len() + "://".len());
    let authority = uri.authority().map_or(0, |authority| authority.as_str().len());
    scheme + authority + uri.path_and_query().map_or(0, |path| path.as_str().len())
}

/// Runs a connection to its end, and ends it when it is idle or the listener stops.
async fn drive<C>(connection: C, activity: &Activity, limits: &Limits, stopping: &watch::Receiver<()>)
where
    C: GracefulConnection,
    C::Error: Display,
{
    let mut connection = pin!(connection);
    let mut stopping = stopping.clone();
    tokio::select! {
        ended = connection.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!(%error, "connection ended");
            }
            return;
        }
        _ = stopping.changed() => {}
        () = activity.idle(limits.idle) => {}
    }
    connection.as_mut().graceful_shutdown();
    if timeout(limits.drain, connection).await.is_err() {
        tracing::debug!("connection cut: it did not finish in time");
    }
}

/// A byte stream as the protocols need it.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}
