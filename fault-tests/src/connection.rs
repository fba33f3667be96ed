//! Keep-alive connections to some nodes, one request on each at a time: as little of an HTTP/1.1 client as is needed,
//! and one that takes a broken connection for what it is here, an answer that did not come.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A node that does not answer within this time is taken for gone. Longer than a server may let a request wait.
const PATIENCE: Duration = Duration::from_secs(8);

/// A client's connections, one to each node, opened when they are needed.
pub(crate) struct Connections {
    nodes: Vec<SocketAddr>,
    open: Vec<Option<Connection>>,
}

impl Connections {
    /// Connections to `nodes`, none of them open yet.
    pub(crate) fn new(nodes: &[SocketAddr]) -> Self {
        Self { nodes: nodes.to_vec(), open: nodes.iter().map(|_| None).collect() }
    }

    /// How many nodes there are.
    pub(crate) fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Asks a node, by its number.
    ///
    /// # Errors
    /// No whole answer came; whether the node has done what was asked is not known.
    pub(crate) async fn ask(&mut self, node: usize, request: &Request) -> anyhow::Result<Answer> {
        let address = *self.nodes.get(node).context("there is no such node")?;
        let place = self.open.get_mut(node).context("there is no such node")?;
        let asked = async {
            let mut connection = match place.take() {
                Some(connection) => connection,
                None => Connection::open(address).await?,
            };
            let answer = connection.ask(&request.bytes(address)).await?;
            *place = Some(connection);
            Ok(answer)
        };
        timeout(PATIENCE, asked).await.context("no answer in time")?
    }

    /// Opens the connection to a node ahead of the first request.
    ///
    /// # Errors
    /// The node cannot be reached.
    pub(crate) async fn open(&mut self, node: usize) -> anyhow::Result<()> {
        let address = *self.nodes.get(node).context("there is no such node")?;
        let connection = timeout(PATIENCE, Connection::open(address)).await.context("no connection in time")??;
        if let Some(place) = self.open.get_mut(node) {
            *place = Some(connection);
        }
        Ok(())
    }
}

/// A POST.
pub(crate) struct Request {
    /// The path.
    pub(crate) path: String,
    /// Header lines beside those that every request has.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The body, empty for none.
    pub(crate) body: String,
}

impl Request {
    fn bytes(&self, host: SocketAddr) -> Vec<u8> {
        let Self { path, headers, body } = self;
        let mut out = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in headers {
            out.push_str(&format!("{name}: {value}\r\n"));
        }
        out.push_str("\r\n");
        out.push_str(body);
        out.into_bytes()
    }
}

/// A whole answer.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: String,
}

struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("no connection to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(4096) })
    }

    async fn ask(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        self.read.clear();
        self.stream.write_all(request).await?;
        loop {
            if self.stream.read_buf(&mut self.read).await? == 0 {
                bail!("the connection was closed");
            }
            if let Some(answer) = whole(&self.read)? {
                return Ok(answer);
            }
        }
    }
}

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// The answer, once all of it is there.
fn whole(read: &[u8]) -> anyhow::Result<Option<Answer>> {
    let Some(end) = read.windows(END_OF_HEAD.len()).position(|window| window == END_OF_HEAD) else { return Ok(None) };
    let head = str::from_utf8(read.get(..end).unwrap_or_default())?;
    let body = read.get(end + END_OF_HEAD.len()..).unwrap_or_default();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status line")?;
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    };
    let length = head.lines().find_map(header).context("an answer without Content-Length")??;
    match body.len() {
        more if more > length => bail!("more came than one answer"),
        less if less < length => Ok(None),
        _ => Ok(Some(Answer { status, body: str::from_utf8(body)?.to_owned() })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_when_all_of_it_is_there() {
        let text = b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nhi";
        for cut in 0..text.len() {
            assert_eq!(whole(&text[..cut]).unwrap(), None, "{cut} bytes");
        }
        assert_eq!(whole(text).unwrap(), Some(Answer { status: 503, body: "hi".to_owned() }));
        for broken in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nx", "x\r\n\r\n"] {
            assert!(whole(broken.as_bytes()).is_err(), "{broken}");
        }
    }

    #[test]
    fn requests_are_written() {
        let request = Request { path: "/x".to_owned(), headers: vec![("A", "b".to_owned())], body: "hi".to_owned() };
        let written = String::from_utf8(request.bytes(SocketAddr::from(([127, 0, 0, 1], 80)))).unwrap();
        assert_eq!(written, "POST /x HTTP/1.1\r\nHost: 127.0.0.1:80\r\nContent-Length: 2\r\nA: b\r\n\r\nhi");
    }
}
