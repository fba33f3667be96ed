//! One keep-alive connection, one request on it at a time: as little of an HTTP/1.1 client as these servers need.

use std::io::{Read, Write};
use std::net::SocketAddr;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An open connection and what has been read from it.
pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

/// An answer, as long as nothing else is asked.
pub(crate) struct Answer<'a> {
    /// The status code.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: &'a str,
}

impl Connection {
    pub(crate) async fn open(server: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(server).await.with_context(|| format!("no connection to {server}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(4096) })
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// The server closed the connection, or answered in a way that is not understood here.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.read.clear();
        self.stream.write_all(request).await?;
        loop {
            if self.stream.read_buf(&mut self.read).await? == 0 {
                bail!("the server closed a connection");
            }
            if let Some(length) = length(&self.read)? {
                if self.read.len() > length {
                    bail!("more came than one answer");
                }
                if self.read.len() == length {
                    return answer(&self.read);
                }
            }
        }
    }
}

/// One request on a connection of its own, without a runtime.
///
/// # Errors
/// As [`Connection::ask`].
pub(crate) fn ask_once(server: SocketAddr, request: &[u8]) -> anyhow::Result<String> {
    let mut stream = std::net::TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    stream.write_all(request)?;
    let mut read = Vec::new();
    let mut part = [0; 4096];
    while length(&read)?.is_none_or(|length| read.len() < length) {
        match stream.read(&mut part)? {
            0 => bail!("the server closed the connection"),
            count => read.extend_from_slice(part.get(..count).unwrap_or_default()),
        }
    }
    let answer = answer(&read)?;
    match answer.status {
        200 => Ok(answer.body.to_owned()),
        status => bail!("{server} answered {status} {}", answer.body),
    }
}

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// The whole length of the answer that begins here, once its head is complete.
fn length(read: &[u8]) -> anyhow::Result<Option<usize>> {
    let Some(head) = head(read)? else { return Ok(None) };
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    };
    let body = head.lines().find_map(header).context("an answer without Content-Length")??;
    Ok(Some(head.len() + END_OF_HEAD.len() + body))
}

fn head(read: &[u8]) -> anyhow::Result<Option<&str>> {
    let end = read.windows(END_OF_HEAD.len()).position(|window| window == END_OF_HEAD);
    Ok(end.and_then(|end| read.get(..end)).map(str::from_utf8).transpose()?)
}

fn answer(read: &[u8]) -> anyhow::Result<Answer<'_>> {
    let head = head(read)?.unwrap_or_default();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status line")?;
    let body = read.get(head.len() + END_OF_HEAD.len()..).unwrap_or_default();
    Ok(Answer { status, body: str::from_utf8(body)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_measured_and_read() {
        let whole = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
        assert_eq!(length(whole).unwrap(), Some(whole.len()));
        assert_eq!(length(&whole[..20]).unwrap(), None);
        let answer = answer(whole).unwrap();
        assert_eq!((answer.status, answer.body), (200, "hi"));
        assert!(length(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
