//! A listener on a free port, and a client that writes bytes as they are given.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Extension};
use axum::http::{Response, StatusCode, Version};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use jeton_server::listen::{BodyError, Limits, Listener, Transport, read_body};
use jeton_server::tls::Tls;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Long for a test, so that one that hangs fails instead.
const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(limits: Limits, tls: Option<Arc<Tls>>) -> Self {
        let mut listener = Listener::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap().with_limits(limits);
        if let Some(tls) = tls {
            listener = listener.with_tls(tls);
        }
        let address = listener.local_addr();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(listener.serve(router(), async {
            let _ = stopped.await;
        }));
        Self { address, stop: Some(stop), served }
    }

    pub(crate) async fn plain(limits: Limits) -> Self {
        Self::start(limits, None).await
    }

    pub(crate) async fn connect(&self) -> Raw {
        Raw(TcpStream::connect(self.address).await.unwrap())
    }

    /// What one request, as bytes, gets until the connection ends.
    pub(crate) async fn answer(&self, request: impl AsRef<[u8]>) -> String {
        let mut client = self.connect().await;
        client.send(request).await;
        client.rest().await
    }

    pub(crate) fn begin_stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    pub(crate) async fn stopped(self) {
        tokio::time::timeout(PATIENCE, self.served).await.unwrap().unwrap();
    }
}

pub(crate) struct Raw(pub(crate) TcpStream);

impl Raw {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // The server may have hung up already; what it said before shows it.
        let _ = self.0.write_all(bytes.as_ref()).await;
    }

    /// Everything up to the end of the connection.
    pub(crate) async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        let _ =
            tokio::time::timeout(PATIENCE, self.0.read_to_end(&mut bytes)).await.expect("the connection stays open");
        String::from_utf8(bytes).unwrap()
    }

    /// Everything up to and including `end`.
    pub(crate) async fn until(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(end) {
            let byte = tokio::time::timeout(PATIENCE, self.0.read_u8()).await.expect("no answer");
            let Ok(byte) = byte else { panic!("the connection ended after {text:?}") };
            text.push(char::from(byte));
        }
        text
    }
}

/// `GET path` that leaves the connection open.
pub(crate) fn get_request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")
}

fn router() -> Router {
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/who", get(who))
        .route("/slow", get(slow))
        .route("/never", get(std::future::pending::<()>))
        .route("/body", post(body))
}

async fn who(
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(transport): Extension<Transport>,
    version: Version,
) -> String {
    format!("{} {transport:?} {version:?}", peer.ip())
}

async fn slow() -> &'static str {
    tokio::time::sleep(Duration::from_millis(300)).await;
    "slow"
}

async fn body(body: Body) -> Response<Body> {
    let status = match read_body(body, 10, Duration::from_millis(200)).await {
        Ok(bytes) => return bytes.into_response(),
        Err(BodyError::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
        Err(BodyError::Timeout) => StatusCode::REQUEST_TIMEOUT,
        Err(BodyError::Broken) => StatusCode::BAD_REQUEST,
    };
    status.into_response()
}
