//! Where a browser comes back to: a listener on this machine that takes one answer (RFC 8252 §7.3).

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use http::Uri;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::error::Error;
use crate::flow::FlowError;

/// A listener that waits for a browser.
pub(super) struct Loopback {
    listener: TcpListener,
    redirect_uri: String,
    path: String,
}

/// A browser asks at once; whoever does not is no browser.
const PATIENCE: Duration = Duration::from_secs(10);
const MAX_CONNECTIONS: usize = 32;
const MAX_HEAD: usize = 32 * 1024;

impl Loopback {
    /// Listens at the address of `redirect_uri`: plain HTTP to `127.0.0.1` or `localhost`. Port 0 is any that is free.
    pub(super) async fn bind(redirect_uri: &str) -> Result<Self, Error> {
        let wrong = || FlowError::Value {
            name: "redirect_uri".to_owned(),
            demand: "http://127.0.0.1:PORT/PATH or http://localhost:PORT/PATH",
        };
        let uri: Uri = redirect_uri.parse().map_err(|_| wrong())?;
        let (host, port) = (uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(80));
        let is_plain = uri.scheme_str() == Some("http") && !redirect_uri.contains(['?', '#', '@']);
        if !is_plain || !["127.0.0.1", "localhost"].contains(&host) {
            return Err(wrong().into());
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let failed = |source| Error::Listen { address: address.to_string(), source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let free = listener.local_addr().map_err(failed)?.port();
        let redirect_uri = match port {
            0 => format!("http://{host}:{free}{}", uri.path()),
            _ => redirect_uri.to_owned(),
        };
        Ok(Self { listener, redirect_uri, path: uri.path().to_owned() })
    }

    /// The address with the port that it listens at.
    pub(super) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Waits for a request whose query `read` takes for the answer, and tells the browser how it went.
    ///
    /// Whatever else comes in, such as a page of somebody who guesses ports, is turned away and changes nothing.
    pub(super) async fn wait<T>(&self, read: impl Fn(&str) -> Result<Option<T>, FlowError>) -> Result<T, Error> {
        let (came, mut coming) = mpsc::channel(1);
        // Ended with this function. A browser opens connections that it does not use: each waits for itself.
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => {
                    let failed = |source| Error::Listen { address: self.redirect_uri.clone(), source };
                    let (stream, _) = accepted.map_err(failed)?;
                    while connections.try_join_next().is_some() {}
                    if connections.len() < MAX_CONNECTIONS {
                        let came = came.clone();
                        connections.spawn(async move {
                            if let Ok(Some(asked)) = tokio::time::timeout(PATIENCE, target(stream)).await {
                                // Nobody listens any more: the answer has come.
                                let _gone = came.send(asked).await;
                            }
                        });
                    }
                }
                Some((target, stream)) = coming.recv() => {
                    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
                    let answer = if path == self.path { read(query) } else { Ok(None) };
                    let page = match &answer {
                        Ok(Some(_)) => DONE,
                        Ok(None) => STRANGER,
                        Err(_) => REFUSED,
                    };
                    // The browser may be gone; the answer counts all the same.
                    let _gone = tokio::time::timeout(PATIENCE, respond(stream, page)).await;
                    if let Some(answer) = answer? {
                        return Ok(answer);
                    }
                }
            }
        }
    }
}

/// The target of a GET request, once its head is whole; nothing if it is none.
async fn target(mut stream: TcpStream) -> Option<(String, TcpStream)> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() > MAX_HEAD || stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let line = head.split(|byte| *byte == b'\r').next()?;
    let target = std::str::from_utf8(line).ok()?.strip_prefix("GET ")?.split(' ').next()?;
    Some((target.to_owned(), stream))
}

/// What the browser shows: status line, title, text.
type Page = (&'static str, &'static str, &'static str);

const DONE: Page = ("200 OK", "Signed in", "You can close this page and go back to your terminal.");
const REFUSED: Page = ("400 Bad Request", "Not signed in", "Your terminal says why.");
const STRANGER: Page = ("404 Not Found", "Not found", "This is not the answer that is waited for.");

/// Nothing of the request stands in the page, so that a link cannot put anything there.
async fn respond(mut stream: TcpStream, (status, title, text): Page) -> std::io::Result<()> {
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <body style=\"font-family:sans-serif;margin:4rem auto;max-width:30rem\"><h1>{title}</h1><p>{text}</p>"
    );
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n\r\n",
        page.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(page.as_bytes()).await?;
    stream.shutdown().await
}
