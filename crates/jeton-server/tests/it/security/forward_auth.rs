//! The gate's decision for another proxy, at the server's own endpoint (L1, L2, L6, L7).

use super::behind_proxy;
use crate::harness::{Answer, Options, Server};

/// Shared with the gate's own tests, and with those that run it behind nginx.
const TABLE: &str = include_str!("../../../../../interop/nginx/attacks.tsv");
const RULES: [&str; 2] = ["GET,POST /operations/*", "GET /health anonymous"];
const ENDPOINT: &str = "/realms/plain/forward-auth";

fn bytes(text: &str, token: &str) -> Vec<u8> {
    let text = text.replace("{token}", token);
    let mut parts = text.split("\\x");
    let mut out = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        out.push(u8::from_str_radix(&part[..2], 16).unwrap());
        out.extend(&part.as_bytes()[2..]);
    }
    out
}

/// The decision about `GET uri`, shown with this token.
async fn decide(server: &Server, realm: &str, uri: &str, token: Option<&str>) -> Answer {
    let call = server.get(&format!("/realms/{realm}/forward-auth"));
    let call = call.header("X-Original-Method", "GET").header("X-Original-URI", uri);
    let call = call.header("X-Original-Host", "api.example");
    token.into_iter().fold(call, |call, token| call.bearer(token)).await
}

#[tokio::test]
async fn l1_the_attack_table_holds_at_the_endpoint() {
    let server = behind_proxy().await;
    server.configure("plain", |settings| settings.gate = RULES.map(str::to_owned).to_vec()).await;
    let token = server.client_token("plain", &server.plain).await;
    let mut ran = 0;
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (name, method, target, headers, expected) = (columns[0], columns[1], columns[2], columns[3], columns[5]);
        let Ok(expected) = expected.parse::<u16>() else { continue };
        // Here the sub-request's own host would be doubled, which no server answers.
        if headers.split(" | ").any(|header| header.starts_with("Host:")) {
            continue;
        }
        let mut request = format!(
            "GET {ENDPOINT} HTTP/1.1\r\nHost: jeton.test\r\nConnection: close\r\nX-Original-Host: api.example\r\n\
             X-Original-Method: {method}\r\nX-Original-URI: "
        )
        .into_bytes();
        request.extend(bytes(target, &token));
        for header in headers.split(" | ").filter(|header| !header.is_empty()) {
            request.extend(b"\r\n");
            request.extend(bytes(header, &token));
        }
        request.extend(b"\r\n\r\n");
        let answer = server.send(request).await;
        assert_eq!((answer.status, answer.body.as_str()), (expected, ""), "{name}");
        ran += 1;
    }
    assert!(ran > 80, "only {ran} rows ran");
}

#[tokio::test]
async fn l2_only_a_trusted_proxy_is_answered() {
    for (trusted, expected) in [("127.0.0.0/8", 200), ("192.0.2.0/24", 403), ("::1/128", 403)] {
        let trusted_proxies = vec![trusted.parse().unwrap()];
        let server = Server::start_with(Options { trusted_proxies, ..Options::default() }).await;
        let token = server.client_token("plain", &server.plain).await;
        let answer = decide(&server, "plain", "/plain/x", Some(&token)).await;
        assert_eq!((answer.status, answer.body.as_str()), (expected, ""), "{trusted}");
        let claimed = server.get(ENDPOINT).header("X-Forwarded-For", "127.0.0.1").bearer(&token);
        let claimed = claimed.header("X-Original-Method", "GET").header("X-Original-URI", "/plain/x").await;
        assert_eq!(claimed.status, expected, "{trusted}: whatever it says of where it comes from");
    }
}

/// The gate in the server itself does not believe such headers either, from nobody.
#[tokio::test]
async fn l2_the_proxy_decides_on_the_request_it_was_sent() {
    let server = behind_proxy().await;
    for (name, value) in [
        ("X-Original-URI", "/plain-open"),
        ("X-Original-URL", "/plain-open"),
        ("X-Rewrite-URL", "/plain-open"),
        ("X-Forwarded-Uri", "/plain-open"),
        ("X-Forwarded-Prefix", "/plain-open"),
        ("X-HTTP-Method-Override", "GET"),
        ("X-Jeton-Subject", "admin"),
    ] {
        assert_eq!(server.get("/plain/x").header(name, value).await.status, 401, "{name}");
    }
    assert_eq!(server.get("/plain-open").await.status, 200);
}

#[tokio::test]
async fn l6_whatever_is_not_known_is_a_no() {
    let server = behind_proxy().await;
    let token = server.client_token("plain", &server.plain).await;
    let shown = Some(token.as_str());
    assert_eq!(decide(&server, "plain", "/plain/x", shown).await.status, 200);
    for (what, realm, uri) in [
        ("no rule", "plain", "/elsewhere"),
        ("an unknown realm", "nowhere", "/plain/x"),
        ("a realm's name in another case", "Plain", "/plain/x"),
        ("a realm without the rule", "zro", "/plain/x"),
    ] {
        assert_eq!(decide(&server, realm, uri, shown).await.status, 403, "{what}");
    }
    let cases: [(&str, &[&str]); 3] = [
        ("no rules", &[]),
        ("rules for another host", &["* other.example/plain/*"]),
        ("a rule that cannot be read beside one that can", &["* /plain/*", "GET plain/*x ?? anonymous"]),
    ];
    for (what, rules) in cases {
        server
            .configure("plain", |settings| settings.gate = rules.iter().map(|rule| (*rule).to_owned()).collect())
            .await;
        assert_eq!(decide(&server, "plain", "/plain/x", shown).await.status, 403, "{what}");
        assert_eq!(server.get("/plain/x").bearer(&token).await.status, 404, "{what}");
    }
    server.configure("plain", |settings| settings.gate = vec!["* /plain/*".to_owned()]).await;
    assert_eq!(decide(&server, "plain", "/plain/x", shown).await.status, 200);
    server.seed().enable_realm("plain", false).await;
    assert_eq!(decide(&server, "plain", "/plain/x", shown).await.status, 403, "a disabled realm");
}

#[tokio::test]
async fn l7_a_yes_for_one_rule_is_none_for_another() {
    let server = behind_proxy().await;
    let fields = [("grant_type", "client_credentials"), ("scope", "profile")];
    let token = server.oauth("plain", "token", &server.plain, &fields).await.text("/access_token");
    for _ in 0..2 {
        assert_eq!(decide(&server, "plain", "/plain/x", Some(&token)).await.status, 200);
        assert_eq!(decide(&server, "plain", "/plain-email/x", Some(&token)).await.status, 403);
        assert_eq!(server.get("/plain/x").bearer(&token).await.status, 200);
        assert_eq!(server.get("/plain-email/x").bearer(&token).await.status, 403);
    }
    let full = server.client_token("plain", &server.plain).await;
    assert_eq!(decide(&server, "plain", "/plain-email/x", Some(&full)).await.status, 200);
}
