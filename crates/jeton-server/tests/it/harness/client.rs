//! A client that writes bytes as they are given and shows the answer as it came.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Long for a test, so that one that hangs fails instead.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request in the making; awaiting it sends it on a connection of its own.
#[must_use = "nothing is sent until the call is awaited"]
pub(crate) struct Call {
    address: SocketAddr,
    method: String,
    target: String,
    host: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Call {
    pub(super) fn new(address: SocketAddr, method: &str, target: &str) -> Self {
        let host = "jeton.test".to_owned();
        Self {
            address,
            method: method.to_owned(),
            target: target.to_owned(),
            host,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// One more header line; the same name twice gives two.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Another `Host` than `jeton.test`.
    pub(crate) fn host(self, host: &str) -> Self {
        Self { host: host.to_owned(), ..self }
    }

    /// `Authorization: Bearer …`.
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    /// A body of this content type.
    pub(crate) fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self.header("Content-Type", content_type) }
    }

    /// A JSON body, sent as it is written.
    pub(crate) fn json(self, body: impl Into<Vec<u8>>) -> Self {
        self.body("application/json", body)
    }

    /// A form body of these names and values.
    pub(crate) fn form(self, fields: &[(&str, &str)]) -> Self {
        self.body("application/x-www-form-urlencoded", form(fields))
    }

    /// The fields of its form body, as they are written; none of any other body.
    pub(crate) fn fields(&self) -> Vec<String> {
        let form = self.headers.iter().any(|(_, value)| value == "application/x-www-form-urlencoded");
        let body = std::str::from_utf8(&self.body).unwrap();
        if form { body.split('&').map(str::to_owned).collect() } else { Vec::new() }
    }

    /// One more field of its form body, as it is written.
    pub(crate) fn and(mut self, field: &str) -> Self {
        self.body.extend_from_slice(b"&");
        self.body.extend_from_slice(field.as_bytes());
        self
    }

    /// What is sent, for another connection than one of its own.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let Self { method, target, host, headers, body, .. } = self;
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() || method == "POST" {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        [head.as_bytes(), b"\r\n", body].concat()
    }
}

impl IntoFuture for Call {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let bytes = self.bytes();
            let read = exchange(self.address, &bytes).await;
            Answer::read(&read, self.method == "HEAD").unwrap_or_else(|| {
                panic!("no whole answer to {} {}: {:?}", self.method, self.target, String::from_utf8_lossy(&read))
            })
        })
    }
}

/// Writes `bytes`, closes the sending half, and reads to the end.
pub(super) async fn exchange(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may answer and hang up before it has read all; what it said shows it.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut read = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut read)).await.expect("the connection stays open");
    read
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The reason phrase, which HTTP/1.1 has.
    pub(crate) reason: String,
    /// In the order in which they came, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body as text.
    pub(crate) body: String,
}

impl Answer {
    /// Reads the first answer in `bytes`; nothing if there is no whole one.
    pub(crate) fn read(bytes: &[u8], no_body: bool) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut rest = &bytes[end + 4..];
        let mut lines = head.split("\r\n");
        let mut start = lines.next()?.splitn(3, ' ');
        let (version, status, reason) = (start.next()?, start.next()?.parse().ok()?, start.next()?.to_owned());
        assert_eq!(version, "HTTP/1.1");
        let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        let headers: Vec<(String, String)> = lines.map(header).collect::<Option<_>>()?;
        let find = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let body = match (find("content-length"), find("transfer-encoding")) {
            _ if no_body || matches!(status, 204 | 304) => Vec::new(),
            (Some(length), _) => rest.get(..length.parse().ok()?)?.to_vec(),
            (None, Some("chunked")) => {
                let mut body = Vec::new();
                loop {
                    let line = rest.windows(2).position(|window| window == b"\r\n")?;
                    let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?, 16).ok()?;
                    body.extend_from_slice(rest.get(line + 2..line + 2 + size)?);
                    rest = rest.get(line + 2 + size + 2..)?;
                    if size == 0 {
                        break body;
                    }
                }
            }
            _ => rest.to_vec(),
        };
        Some(Self { status, reason, headers, body: String::from_utf8(body).ok()? })
    }

    /// The first header of this name, in whatever case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let name = name.to_lowercase();
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// A text of the JSON body, by pointer (`/data/0/tokenID`).
    pub(crate) fn text(&self, pointer: &str) -> String {
        let found = self.json().pointer(pointer).and_then(|value| value.as_str().map(str::to_owned));
        found.unwrap_or_else(|| panic!("no text at {pointer}: {self:?}"))
    }

    /// Everything that two answers must share if nobody may tell them apart: all but the date.
    pub(crate) fn without_date(mut self) -> Self {
        self.headers.retain(|(name, _)| name != "date");
        self
    }
}

/// `application/x-www-form-urlencoded`.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| {
        text.bytes().fold(String::new(), |mut out, byte| {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => out.push(char::from(byte)),
                b' ' => out.push('+'),
                other => out += &format!("%{other:02X}"),
            }
            out
        })
    };
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    fields.join("&")
}
