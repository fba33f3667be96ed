//! What a peer cannot do to a listener.

use std::time::{Duration, Instant};

use jeton_server::listen::{Limits, Listener};
use tokio::io::AsyncWriteExt;

use crate::support::{Server, get_request};

/// A request with this URI, these header lines and nothing more.
fn request(uri: &str, lines: &str) -> String {
    format!("GET {uri} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n")
}

#[tokio::test]
async fn heads() {
    let server = Server::plain(Limits::default()).await;
    let host = "Host: test\r\n";
    let uri = |length: usize| format!("/?{}", "a".repeat(length - 2));
    let block = |length: usize| format!("{host}X: {}\r\n", "a".repeat(length));
    for (request, status) in [
        (request("/", host), "200 OK"),
        (request(&uri(8 * 1024), host), "200 OK"),
        (request(&uri(8 * 1024 + 1), host), "414 URI Too Long"),
        (request(&uri(40 * 1024), host), "414 URI Too Long"),
        (request("/", &block(16_000)), "200 OK"),
        (request("/", &block(16 * 1024)), "431 Request Header Fields Too Large"),
        (request("/", &block(40 * 1024)), "431 Request Header Fields Too Large"),
        (request("/", &block(1024 * 1024)), "431 Request Header Fields Too Large"),
        (request("/", &format!("{host}{}", "X: 1\r\n".repeat(200))), "431 Request Header Fields Too Large"),
        (request("/", ""), "400 Bad Request"),
        (request("/", &format!("{host}{host}")), "400 Bad Request"),
        (request("/", &format!("{host}X : 1\r\n")), "400 Bad Request"),
        (request("/", &format!("{host}X: 1\r\n 2\r\n")), "400 Bad Request"),
        (request("/", &format!("{host}Content-Length: 1\r\nContent-Length: 2\r\n")), "400 Bad Request"),
        (request("/", &format!("{host}Transfer-Encoding: gzip\r\n")), "400 Bad Request"),
        ("nonsense\r\n\r\n".to_owned(), "400 Bad Request"),
    ] {
        let answer = server.answer(&request).await;
        let head = &request[..request.len().min(60)];
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{head}: {answer}");
    }
}

#[tokio::test]
async fn http2_by_prior_knowledge_is_not_spoken() {
    let server = Server::plain(Limits::default()).await;
    let settings = b"\0\0\0\x04\0\0\0\0\0";
    assert_eq!(server.answer([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", settings.as_slice()].concat()).await, "");
}

#[tokio::test]
async fn bodies() {
    let server = Server::plain(Limits::default()).await;
    for (rest, status) in [
        ("Content-Length: 10\r\n\r\n0123456789", "200 OK"),
        ("Content-Length: 11\r\n\r\n", "413 Payload Too Large"),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n", "200 OK"),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n6\r\n56789a\r\n0\r\n\r\n", "413 Payload Too Large"),
        ("Transfer-Encoding: chunked\r\n\r\nzz\r\n", "400 Bad Request"),
        ("Content-Length: 10\r\n\r\n012", "408 Request Timeout"),
    ] {
        let answer = server.answer(format!("POST /body HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{rest}")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{rest}: {answer}");
    }
}

#[tokio::test]
async fn a_body_that_ends_early_is_broken() {
    let server = Server::plain(Limits::default()).await;
    let mut client = server.connect().await;
    client.send("POST /body HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\n012").await;
    client.0.shutdown().await.unwrap();
    assert!(client.rest().await.starts_with("HTTP/1.1 400 Bad Request\r\n"));
}

/// What follows a request whose length two readers may see differently is never read as a request.
#[tokio::test]
async fn nothing_is_smuggled_behind_a_chunked_request() {
    let server = Server::plain(Limits::default()).await;
    for lengths in
        ["Transfer-Encoding: chunked\r\nContent-Length: 4", "Content-Length: 4\r\nTransfer-Encoding: chunked"]
    {
        let hidden = get_request("/");
        let answer =
            server.answer(format!("POST /body HTTP/1.1\r\nHost: test\r\n{lengths}\r\n\r\n0\r\n\r\n{hidden}")).await;
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    }
}

#[tokio::test]
async fn a_head_in_slow_motion_is_cut_off() {
    let limits = Limits { header_read: Duration::from_millis(300), ..Limits::default() };
    let server = Server::plain(limits).await;
    for first in ["", "GET / HTTP/1.1\r\nHost: te"] {
        // On a new connection, and on one that has served a request before.
        for served in [false, true] {
            if served && first.is_empty() {
                continue;
            }
            let mut client = server.connect().await;
            if served {
                client.send(get_request("/")).await;
                client.until("hello").await;
                // Being idle between requests is allowed.
                tokio::time::sleep(Duration::from_millis(400)).await;
            }
            let begun = Instant::now();
            client.send(first).await;
            assert_eq!(client.rest().await, "", "{first} {served}");
            let took = begun.elapsed();
            assert!(took >= Duration::from_millis(290) && took < Duration::from_secs(5), "{first} {served}: {took:?}");
        }
    }
}

#[tokio::test]
async fn bytes_now_and_then_do_not_prolong_a_head() {
    let limits = Limits { header_read: Duration::from_millis(300), ..Limits::default() };
    let server = Server::plain(limits).await;
    let mut client = server.connect().await;
    let begun = Instant::now();
    while client.0.write_all(b"G").await.is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(5), "still open");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(begun.elapsed() >= Duration::from_millis(250), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
    let limits = Limits { idle: Duration::from_millis(100), ..Limits::default() };
    let server = Server::plain(limits).await;
    let mut client = server.connect().await;
    for _ in 0..2 {
        client.send(get_request("/slow")).await;
        client.until("slow").await;
    }
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn a_peer_that_closed_its_half_is_answered() {
    let server = Server::plain(Limits::default()).await;
    let mut client = server.connect().await;
    client.send(get_request("/slow")).await;
    client.0.shutdown().await.unwrap();
    assert!(client.rest().await.ends_with("slow"));
}

#[tokio::test]
async fn one_connection_too_many_is_closed_and_makes_no_trouble() {
    let server = Server::plain(Limits { connections: 2, ..Limits::default() }).await;
    let mut first = server.connect().await;
    let mut second = server.connect().await;
    for client in [&mut first, &mut second] {
        client.send(get_request("/")).await;
        client.until("hello").await;
    }
    assert_eq!(server.answer(get_request("/")).await, "");
    drop(second);
    for _ in 0..100 {
        if server.answer(request("/", "Host: test\r\n")).await.ends_with("hello") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the place was not freed");
}

#[tokio::test]
async fn an_address_in_use_is_explained() {
    let server = Server::plain(Limits::default()).await;
    let error = Listener::bind(server.address).err().unwrap().to_string();
    assert!(error.contains(&server.address.to_string()) && error.contains("another port"), "{error}");
}
