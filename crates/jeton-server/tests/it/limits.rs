//! Input that no client sends: every answer is a 4xx with a whole body, and the next request is answered.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::harness::{ADA, Call, ORDERS, REFRESH, SIGN_IN, Server, form};

const TOKEN: &str = "/realms/plain/protocol/openid-connect/token";
const FORM: &str = "application/x-www-form-urlencoded";

/// An address that reads a body: its name, the target, the content type it takes.
const BODIES: [(&str, &str, &str); 8] = [
    ("oauth token", TOKEN, FORM),
    ("oauth introspection", "/realms/plain/protocol/openid-connect/token/introspect", FORM),
    ("oauth revocation", "/realms/plain/protocol/openid-connect/revoke", FORM),
    ("inevent", "/?action=person.signIn&username=ada", FORM),
    ("pitchpoint sign-in", SIGN_IN, "application/json"),
    ("pitchpoint refresh", REFRESH, "application/json"),
    ("zro sign-in", "/auth/signin", "application/json"),
    ("zro renewal", "/auth/refresh-token", "application/json"),
];

#[tokio::test]
async fn a_body_beyond_64_kib_is_not_read() {
    let server = Server::start().await;
    for (name, target, content_type) in BODIES {
        // A dialect without a row for it answers as for any other bad request.
        let expected = if name.starts_with("oauth") || name == "inevent" { 413 } else { 400 };
        let body = "a".repeat(64 * 1024 + 1);
        let answer = server.post(target).body(content_type, body.as_str()).await;
        assert_eq!(answer.status, expected, "{name}");
        // The same without saying so before.
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: jeton.test\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        let answer = server.send(format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len())).await;
        assert_eq!(answer.status, expected, "{name}, chunked");
        // A claim alone is enough.
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: jeton.test\r\nContent-Type: {content_type}\r\nContent-Length: 99999999999\r\n\r\n"
        );
        assert_eq!(server.send(head).await.status, expected, "{name}, claimed");
    }
    let most = format!("grant_type=client_credentials&client_id=service&x={}", "a".repeat(60 * 1024));
    assert_eq!(server.post(TOKEN).body(FORM, most).await.status, 401, "a large one is read");
}

#[tokio::test]
async fn heads_have_their_limits() {
    let server = Server::start().await;
    let long = |length: usize| format!("/?action=person.signIn&username={}", "a".repeat(length));
    assert_eq!(server.post(&long(9 * 1024)).await.status, 414);
    assert_eq!(server.get(&format!("/realms/{}/x", "a".repeat(9 * 1024))).await.status, 414);
    assert_eq!(
        server.post(&long(7 * 1024)).form(&[("password", "p")]).await.status,
        400,
        "a username beyond its own limit"
    );
    for (count, length) in [(1, 17 * 1024), (200, 100)] {
        let mut call = server.post(TOKEN);
        for number in 0..count {
            call = call.header(&format!("X-{number}"), &"a".repeat(length));
        }
        assert_eq!(call.await.status, 431, "{count} headers");
    }
}

#[tokio::test]
async fn a_compressed_body_is_not_read() {
    let server = Server::start().await;
    for (name, target, content_type) in BODIES {
        let expected = if name.starts_with("oauth") || name == "inevent" { 415 } else { 400 };
        for coding in ["gzip", "identity", "br, gzip"] {
            let call = server.post(target).header("Content-Encoding", coding);
            assert_eq!(call.body(content_type, "x").await.status, expected, "{name} {coding}");
        }
    }
}

#[tokio::test]
async fn depth_number_and_encoding() {
    let server = Server::start().await;
    let arrays = "[".repeat(50_000) + &"]".repeat(10_000);
    let objects = r#"{"username":"#.repeat(5_000);
    let inside = format!(
        r#"{{"username":"grace","password":"p","api_id":"x","refresh_token":"x","z":{}{}}}"#,
        "[".repeat(20_000),
        "]".repeat(20_000)
    );
    let many = "x=1&".repeat(101);
    for (name, target, content_type) in BODIES {
        let bodies: [&[u8]; 12] = [
            arrays.as_bytes(),
            objects.as_bytes(),
            inside.as_bytes(),
            many.as_bytes(),
            b"\xff\xfe\x00",
            b"username=\xc3\x28&password=\xff",
            b"grant_type=client_credentials&client_id=%ff",
            b"grant_type=client_credentials&client_id=%00&client_secret=%0a",
            b"grant_type=%",
            b"\xef\xbb\xbf{}",
            b"{\"username\":\"\\ud800\",\"password\":\"p\",\"api_id\":\"\\ud800\",\"api_key\":\"x\",\"refresh_token\":\"\\ud800\"}",
            b"&&&===&&&",
        ];
        for (number, body) in bodies.into_iter().enumerate() {
            let answer = server.post(target).body(content_type, body).await;
            assert!((400..500).contains(&answer.status), "{name}, body {number}: {answer:?}");
        }
    }
    // The call that goes through the gate is the API's to read; it does not fall over either.
    let token = server.pitchpoint_tokens().await.access;
    for body in [arrays.as_bytes(), b"\xff"] {
        let answer = server.post(ORDERS).bearer(&token).body("application/json", body).await;
        assert!((400..500).contains(&answer.status), "{answer:?}");
    }
    // 100 fields are read, one more is not.
    for (fields, status) in [(97, 400), (98, 400), (99, 400)] {
        let own =
            [("grant_type", "client_credentials"), ("client_id", "service"), ("client_secret", &server.plain.secret)];
        let more: Vec<(String, &str)> = (0..fields).map(|number| (format!("x{}", number % 98), "1")).collect();
        let more: Vec<(&str, &str)> = more.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let answer = server.post(TOKEN).form(&[&own[..], &more].concat()).await;
        let expected = if fields == 97 { 200 } else { status };
        assert_eq!(answer.status, expected, "{} fields", fields + 3);
    }
}

#[tokio::test]
async fn values_that_are_too_long_or_hold_what_no_text_holds() {
    let server = Server::start().await;
    let long = "x".repeat(60 * 1024);
    let calls: [(&str, Call); 7] = [
        ("a long password", server.post("/person/signIn?username=ada").form(&[("password", &long)])),
        ("a long username", server.pitchpoint(&long, "p")),
        ("NUL in a username", server.pitchpoint("a\0b", "p")),
        ("line ends in a username", server.inevent(ADA, "p", &[("eventID", "1\r\n2")])),
        ("a long refresh token", server.refresh(&long)),
        (
            "a long key",
            server.post("/auth/signin").json(json!({ "api_id": server.zro.id, "api_key": long }).to_string()),
        ),
        ("a long client id", server.post(TOKEN).form(&[("grant_type", "client_credentials"), ("client_id", &long)])),
    ];
    for (what, call) in calls {
        let answer = call.await;
        assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
        assert!(answer.body.len() < 512, "{what}: little is echoed");
    }
    let token = format!("Bearer {}", "x".repeat(15 * 1024));
    assert_eq!(server.graphql(&token).await.status, 401);
}

#[tokio::test]
async fn every_method_at_every_address() {
    let server = Server::start().await;
    for method in ["HEAD", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "PROPFIND", "FOO"] {
        for (name, target, _) in BODIES {
            let answer = server.call(method, target).await;
            let expected = if method == "OPTIONS" { 204..406 } else { 404..406 };
            assert!(expected.contains(&answer.status), "{method} {name}: {answer:?}");
        }
    }
    for request in [
        "GET http://jeton.test/health HTTP/1.1\r\nHost: jeton.test\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: jeton.test\r\n\r\n",
        "CONNECT jeton.test:80 HTTP/1.1\r\nHost: jeton.test\r\n\r\n",
        "GET //evil.example/health HTTP/1.1\r\nHost: jeton.test\r\n\r\n",
        "GET /realms/%2e%2e/protocol/openid-connect/certs HTTP/1.1\r\nHost: jeton.test\r\n\r\n",
        "GET /realms/%ff%00/protocol/openid-connect/certs HTTP/1.1\r\nHost: jeton.test\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: user@jeton.test\r\n\r\n",
        "POST /auth/refresh-token HTTP/1.1\r\nHost: jeton.test\r\nx-access-token: \u{e9}\u{80}\r\nContent-Length: 0\r\n\r\n",
    ] {
        let answer = server.send(request).await;
        assert!((200..500).contains(&answer.status), "{request}: {answer:?}");
    }
}

/// Every file of JSONTestSuite as a body of everything that reads JSON.
#[tokio::test]
async fn every_kind_of_json() {
    let Some(folder) = shared().map(|shared| shared.join("vectors/jsontestsuite")).filter(|folder| folder.is_dir())
    else {
        eprintln!("left out: no vectors/jsontestsuite in JETON_SHARED or ../shared");
        return;
    };
    let server = Server::start().await;
    let (orders, runs) = (server.pitchpoint_tokens().await.access, server.ion_token().await);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    for path in &files {
        let body = std::fs::read(path).unwrap();
        let calls = [
            server.post(SIGN_IN),
            server.post(REFRESH),
            server.post("/auth/signin"),
            server.post(ORDERS).bearer(&orders),
            server.post("/graphql").bearer(&runs),
        ];
        for (at, call) in calls.into_iter().enumerate() {
            let answer = call.json(body.as_slice()).await;
            // None of the files is a sign-in; what the APIs behind the gate make of them is theirs.
            let most = if at < 3 { 400..500 } else { 200..500 };
            assert!(most.contains(&answer.status), "{} at {at}: {answer:?}", path.display());
        }
    }
    eprintln!("{} files of JSONTestSuite ran", files.len());
    assert!(!files.is_empty());
}

/// The folder of test material: `JETON_SHARED`, or `shared` beside the checkout.
fn shared() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    std::env::var_os("JETON_SHARED").map(PathBuf::from).or(Some(beside))
}

#[tokio::test]
async fn one_connection_goes_on_after_every_refusal() {
    let server = Server::start().await;
    let bodies = ["{", "", "[]", r#"{"username":1}"#];
    let requests: Vec<String> = bodies
        .iter()
        .map(|body| {
            format!("POST {SIGN_IN} HTTP/1.1\r\nHost: jeton.test\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        })
        .collect();
    let last = format!(
        "POST {TOKEN} HTTP/1.1\r\nHost: jeton.test\r\nContent-Type: {FORM}\r\nContent-Length: 3\r\n\r\n{}",
        form(&[("a", "b")])
    );
    let read = server.send_raw(requests.concat() + &last).await;
    let read = String::from_utf8(read).unwrap();
    assert_eq!(read.matches("HTTP/1.1 400 ").count(), 5, "{read}");
}
