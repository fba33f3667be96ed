//! What the proxy hands to an API and back.

use std::net::SocketAddr;

use jeton_gate::Upstream;
use tokio::net::TcpListener;

use crate::harness::{self, Api, Raw};

const RULES: [&str; 3] = ["* /a/* scope=read", "GET /teapot", "GET /admin scope=admin"];

async fn call(address: SocketAddr, head: &str, body: &str) -> Raw {
    harness::send(address, format!("{head}\r\n\r\n{body}").replace('\n', "\r\n").replace("\r\r", "\r").as_bytes()).await
}

#[tokio::test]
async fn a_call_reaches_the_api_as_it_was_decided() {
    let api = Api::default();
    let (upstream, upstream_address) = api.over_http().await;
    let address = harness::gate(&RULES, upstream, "192.0.2.1:9").await;
    let head = "POST /a//%62?x=%7e&tok=good&y=1;2 HTTP/1.1\nHost: Front.example:8080\nAuthorization: Bearer good\n\
        Cookie: a=1; t=good\nX-Forwarded-For: 1.1.1.1\nX-Forwarded-Proto: https\nConnection: X-Mine\nX-Mine: 1\nAccept: */*\n\
        X_Jeton_Level: Admin\nContent-Type: text/plain\nContent-Length: 4";
    let answer = call(address, head, "body").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "the API"));

    let seen = api.take().pop().unwrap();
    assert_eq!(
        (seen.method.as_str(), seen.uri.as_str(), seen.body.as_ref()),
        ("POST", "/a/b?x=%7e&y=1;2", b"body".as_ref())
    );
    let host = upstream_address.to_string();
    let rows = [
        ("host", host.as_str()),
        ("authorization", ""),
        ("cookie", "a=1"),
        ("accept", "*/*"),
        ("content-type", "text/plain"),
        ("content-length", "4"),
        ("x-mine", ""),
        ("x_jeton_level", ""),
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "Front.example:8080"),
        ("x-jeton-realm", "zebra"),
        ("x-jeton-subject", "7"),
        ("x-jeton-number", "7001"),
        ("x-jeton-username", "ann@example.org"),
        ("x-jeton-scope", "read write"),
        ("x-jeton-level", "User"),
        ("x-jeton-client-id", ""),
        ("x-jeton-target", ""),
        ("x-jeton-actor", ""),
    ];
    for (name, value) in rows {
        assert_eq!(seen.header(name), value, "{name}");
    }
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_about_its_client() {
    let api = Api::default();
    let address = harness::gate(&RULES, api.in_process(), "10.0.0.1:9").await;
    let head = "GET /a HTTP/1.1\nHost: inner.example\nAuthorization: Bearer good\nX-Forwarded-For: 1.1.1.1\n\
        X-Forwarded-Proto: https\nX-Forwarded-Host: outer.example\nX-Real-IP: 2.2.2.2";
    assert_eq!(call(address, head, "").await.status, 200);
    let seen = api.take().pop().unwrap();
    let rows = [
        ("x-forwarded-for", "1.1.1.1, 10.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "outer.example"),
        ("x-real-ip", ""),
        ("host", "inner.example"),
    ];
    for (name, value) in rows {
        assert_eq!(seen.header(name), value, "{name}");
    }
    assert_eq!(seen.uri, "/a");
}

#[tokio::test]
async fn the_answer_of_the_api_comes_back_as_it_is() {
    let api = Api::default();
    let (over_http, _) = api.over_http().await;
    for upstream in [over_http, api.in_process()] {
        let address = harness::gate(&RULES, upstream, "192.0.2.1:9").await;
        let answer = call(address, "GET /teapot HTTP/1.1\nHost: h\nAuthorization: Bearer good", "").await;
        assert!(answer.head.starts_with("HTTP/1.1 418 Short and stout\r\n"), "{}", answer.head);
        assert!(answer.head.contains("x-api: 1"), "{}", answer.head);
        assert!(!answer.head.contains("keep-alive"), "{}", answer.head);
        assert_eq!(answer.body, "the API");
    }
}

#[tokio::test]
async fn a_refused_call_never_reaches_the_api() {
    let api = Api::default();
    let address = harness::gate(&RULES, api.in_process(), "192.0.2.1:9").await;
    #[rustfmt::skip]
    let rows = [
        // request line       token      more headers                       body                  status  in the head
        ("GET /a",            "expired", "",                                "",                   401, "error=\"invalid_token\""),
        ("GET /a",            "gone",    "",                                "",                   401, "the access token was revoked"),
        ("GET /a",            "foreign", "",                                "",                   401, "error=\"invalid_token\""),
        ("GET /admin",        "good",    "",                                "",                   403, "error=\"insufficient_scope\""),
        ("GET /a",            "busy",    "",                                "",                   429, "retry-after: 9"),
        ("GET /a",            "down",    "",                                "",                   503, "retry-after: 3"),
        ("GET /none",         "good",    "",                                "",                   404, "content-length: 0"),
        ("POST /a",           "good",    "\nContent-Length: 17",            "12345678901234567",  413, "application/json"),
        ("POST /a",           "good",    "\nTransfer-Encoding: chunked",    "11\n12345678901234567\n0\n\n", 413, "application/json"),
        ("POST /a",           "gone",    "\nContent-Length: 17",            "12345678901234567",  401, "error=\"invalid_token\""),
        ("POST /a",           "good",    "\nTransfer-Encoding: chunked",    "zz\n",               400, "application/json"),
        ("GET /a",            "good",    "\nConnection: Upgrade\nUpgrade: websocket", "",         400, "protocol upgrades"),
    ];
    for (line, token, more, body, status, part) in rows {
        let answer =
            call(address, &format!("{line} HTTP/1.1\nHost: h\nAuthorization: Bearer {token}{more}"), body).await;
        assert_eq!(answer.status, status, "{line} {token} {more}");
        assert!(answer.head.contains(part), "{line} {token}: {}", answer.head);
        assert!(api.take().is_empty(), "{line} {token} {more}");
    }
    let full = call(
        address,
        "POST /a HTTP/1.1\nHost: h\nAuthorization: Bearer good\nTransfer-Encoding: chunked",
        "10\n1234567890123456\n0\n\n",
    )
    .await;
    assert_eq!(full.status, 200, "{}", full.head);
    assert_eq!(api.take()[0].header("content-length"), "16");
}

#[tokio::test]
async fn an_api_that_is_not_there_is_a_503() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let upstream = Upstream::http(&format!("http://{nobody}/"), None).unwrap();
    let address = harness::gate(&RULES, upstream, "192.0.2.1:9").await;
    let answer = call(address, "GET /a HTTP/1.1\nHost: h\nAuthorization: Bearer good", "").await;
    assert_eq!(answer.status, 503);
    assert!(answer.head.contains("retry-after: 1"), "{}", answer.head);
}

#[test]
fn an_upstream_is_scheme_host_and_port() {
    for (address, ok) in [
        ("http://127.0.0.1:3000", true),
        ("https://api.example/", true),
        ("127.0.0.1:3000", false),
        ("http://api.example/base", false),
        ("http://api.example/?a", false),
        ("http://user:pw@api.example", false),
        ("ftp://api.example", false),
        ("", false),
    ] {
        assert_eq!(Upstream::http(address, None).is_ok(), ok, "{address}");
    }
}
