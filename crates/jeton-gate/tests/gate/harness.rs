//! Servers on port 0, a token check that needs no realm, and a client that sends any bytes.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jeton_core::dialect::Values;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;
use jeton_gate::response::{Body, BodyError};
use jeton_gate::rule::Rules;
use jeton_gate::{Caller, CheckToken, Gate, Guard, Proofs, Upstream, Usage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Knows tokens by their name.
#[derive(Debug, Default)]
pub(crate) struct FakeCheck;

impl CheckToken for FakeCheck {
    async fn check(&self, token: &Secret<String>, _also: &Values) -> Result<Caller, Refusal> {
        let mut caller = caller();
        match token.expose().as_str() {
            "good" => {}
            "limited" => caller.target = Some(7),
            "foreign" => caller.realm = "other".to_owned(),
            "expired" => return Err(Reason::Expired.into()),
            "busy" => return Err(Refusal::new(Reason::Throttled).retry_after(Duration::from_secs(9))),
            "down" => return Err(Refusal::new(Reason::Unavailable).retry_after(Duration::from_secs(3))),
            _ => return Err(Reason::Revoked.into()),
        }
        Ok(caller)
    }
}

/// Whom the token `good` speaks for.
pub(crate) fn caller() -> Caller {
    Caller {
        realm: "zebra".to_owned(),
        subject: "7".to_owned(),
        number: Some(7001),
        username: Some("ann@example.org".to_owned()),
        client_id: None,
        key_id: None,
        scope: vec!["read".to_owned(), "write".to_owned()],
        target: None,
        level: Some("User".to_owned()),
        actor: None,
        cnf: None,
        expires_at: Timestamp::MAX,
    }
}

/// A guard of the realm `zebra` with these rules, trusting 10.0.0.0/8.
pub(crate) fn guard(rules: &[&str]) -> Guard<FakeCheck> {
    Guard {
        realm: "zebra".to_owned(),
        rules: rules.iter().map(|rule| rule.parse().unwrap()).collect::<Rules>(),
        usage: Usage::Bearer { realm: "zebra".to_owned(), metadata: None },
        check: FakeCheck,
        trusted: vec!["10.0.0.0/8".parse().unwrap()],
        proofs: Arc::new(Proofs::new(|| Timestamp::EPOCH)),
    }
}

/// A gate of that guard, in front of this upstream, listening. Its calls come from `peer`.
pub(crate) async fn gate(rules: &[&str], upstream: Upstream, peer: &str) -> SocketAddr {
    let gate = Arc::new(Gate { guard: guard(rules), upstream, body_limit: 16 });
    let peer: SocketAddr = peer.parse().unwrap();
    serve(move |request| {
        let gate = gate.clone();
        async move { gate.handle(peer, request).await }
    })
    .await
}

/// What reached the API.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Seen {
    /// All values of a header, joined.
    pub(crate) fn header(&self, name: &str) -> String {
        let values: Vec<&str> = self.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
        values.join(" + ")
    }
}

/// An API that notes what reaches it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Api(Arc<Mutex<Vec<Seen>>>);

impl Api {
    /// Answers 200 with a body of its own; `/teapot` with a status, reason phrase and headers of its own.
    pub(crate) async fn answer<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: HttpBody<Data = Bytes>,
        B::Error: std::fmt::Debug,
    {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let seen = Seen { method: parts.method.to_string(), uri: parts.uri.to_string(), headers: parts.headers, body };
        self.0.lock().unwrap().push(seen);
        let body =
            http_body_util::Full::new(Bytes::from_static(b"the API")).map_err(|never| match never {}).boxed_unsync();
        let mut response = Response::new(body);
        if parts.uri.path() == "/teapot" {
            *response.status_mut() = http::StatusCode::IM_A_TEAPOT;
            response.headers_mut().insert("x-api", "1".parse().unwrap());
            response.headers_mut().insert("keep-alive", "timeout=1".parse().unwrap());
            response.extensions_mut().insert(hyper::ext::ReasonPhrase::from_static(b"Short and stout"));
        }
        response
    }

    /// The same as an upstream in this process.
    pub(crate) fn in_process(&self) -> Upstream {
        let api = self.clone();
        Upstream::service(tower::service_fn(move |request: Request<Body>| {
            let api = api.clone();
            async move { Ok::<_, Infallible>(api.answer(request).await) }
        }))
    }

    /// The same over HTTP.
    pub(crate) async fn over_http(&self) -> (Upstream, SocketAddr) {
        let api = self.clone();
        let address = serve(move |request| {
            let api = api.clone();
            async move { api.answer(request).await }
        })
        .await;
        (Upstream::http(&format!("http://{address}"), None).unwrap(), address)
    }

    /// All that reached it since the last time.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Serves HTTP/1.1 on a free port.
pub(crate) async fn serve<F, R, B>(answer: F) -> SocketAddr
where
    F: Fn(Request<Incoming>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response<B>> + Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BodyError>,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answer.clone();
            let service = service_fn(move |request| {
                let answered = answer(request);
                async move { Ok::<_, Infallible>(answered.await) }
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .half_close(true)
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    address
}

/// An answer as it came over the wire.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Sends these bytes and reads until the other side closes.
pub(crate) async fn send(address: SocketAddr, bytes: &[u8]) -> Raw {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer to {:?}: {text:?}", String::from_utf8_lossy(bytes)));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
    Raw { status, head: head.to_owned(), body: body.to_owned() }
}
