//! Which browsers' pages may call: none, unless the realm names their origin.

use crate::harness::{ADA, Answer, BOB, Call, ORDERS, SIGN_IN, Server};

const ORIGIN: &str = "https://app.example.test";
const TOKEN: &str = "/realms/api-keys/protocol/openid-connect/token";

/// What else the page's script may read of an answer.
const EXPOSED: &str = "DPoP-Nonce, Retry-After, WWW-Authenticate";

/// Realm, method and target of one address of each kind.
const ADDRESSES: [(&str, &str, &str); 7] = [
    ("api-keys", "POST", TOKEN),
    ("api-keys", "POST", "/auth/realms/api-keys/protocol/openid-connect/revoke"),
    ("api-keys", "POST", "/graphql"),
    ("inevent", "POST", "/?action=person.signIn"),
    ("inevent", "GET", "/?action=person.get"),
    ("pitchpoint", "POST", SIGN_IN),
    ("pitchpoint", "POST", ORDERS),
];

fn preflight(server: &Server, method: &str, target: &str, origin: &str) -> Call {
    server
        .call("OPTIONS", target)
        .header("Origin", origin)
        .header("Access-Control-Request-Method", method)
        .header("Access-Control-Request-Headers", "authorization,content-type")
}

#[track_caller]
fn assert_closed(answer: &Answer, what: &str) {
    let cors = answer.headers.iter().find(|(name, _)| name.starts_with("access-control-"));
    assert_eq!(cors, None, "{what}");
}

#[tokio::test]
async fn closed_unless_a_realm_names_the_origin() {
    let server = Server::start().await;
    for (_, method, target) in ADDRESSES {
        assert_closed(&preflight(&server, method, target, ORIGIN).await, target);
        assert_closed(&server.call(method, target).header("Origin", ORIGIN).await, target);
    }
}

#[tokio::test]
async fn open_to_the_named_origin_alone() {
    let server = Server::start().await;
    for realm in ["api-keys", "inevent", "pitchpoint"] {
        server.configure(realm, |settings| settings.cors_origins = vec![ORIGIN.to_owned()]).await;
    }
    for (_, method, target) in ADDRESSES {
        let answer = preflight(&server, method, target, ORIGIN).await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{target}");
        for (name, value) in [
            ("access-control-allow-origin", ORIGIN),
            ("access-control-allow-methods", method),
            ("access-control-allow-headers", "authorization,content-type"),
            ("access-control-max-age", "600"),
            ("vary", "Origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{target} {name}");
        }
        assert_eq!(answer.header("access-control-allow-credentials"), None, "{target}");

        // Whatever the answer is, the page may read it.
        let answer = server.call(method, target).header("Origin", ORIGIN).await;
        assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN), "{target}: {answer:?}");
        assert_eq!(answer.header("vary"), Some("Origin"), "{target}");
        assert_eq!(answer.header("access-control-expose-headers"), Some(EXPOSED), "{target}");
        for other in
            ["https://evil.example", "null", "https://app.example.test.evil.example", "http://app.example.test"]
        {
            assert_closed(&preflight(&server, method, target, other).await, other);
            assert_closed(&server.call(method, target).header("Origin", other).await, other);
        }
    }
    let signed_in = server.inevent(ADA, ADA.password, &[]).header("Origin", ORIGIN).await;
    assert_eq!((signed_in.status, signed_in.header("access-control-allow-origin")), (200, Some(ORIGIN)));
    let failed = server.pitchpoint(BOB.username, "guess").header("Origin", ORIGIN).await;
    assert_eq!((failed.status, failed.header("access-control-allow-origin")), (403, Some(ORIGIN)));
}

#[tokio::test]
async fn one_realm_does_not_open_another() {
    let server = Server::start().await;
    server.configure("inevent", |settings| settings.cors_origins = vec![ORIGIN.to_owned()]).await;
    for (realm, method, target) in ADDRESSES.into_iter().filter(|(realm, ..)| *realm != "inevent") {
        assert_closed(&preflight(&server, method, target, ORIGIN).await, realm);
        assert_closed(&server.call(method, target).header("Origin", ORIGIN).await, realm);
    }
    assert_closed(&preflight(&server, "POST", "/nowhere", ORIGIN).await, "nobody's address");
    assert_closed(&server.get("/nowhere").header("Origin", ORIGIN).await, "nobody's address");
}

#[tokio::test]
async fn a14_keys_and_metadata_are_for_every_page_and_for_no_credentials() {
    let server = Server::start().await;
    let resource = "https://jeton.test/plain".to_owned();
    server.configure("plain", |settings| settings.resource = Some(resource)).await;
    for target in [
        "/realms/plain/protocol/openid-connect/certs",
        "/auth/realms/plain/protocol/openid-connect/certs",
        "/realms/plain/.well-known/jwks.json",
        "/realms/plain/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/realms/plain",
        "/.well-known/oauth-protected-resource/plain",
    ] {
        let without = server.get(target).await;
        let with = server.get(target).header("Origin", "https://evil.example").await;
        assert_eq!((with.status, with.header("access-control-allow-origin")), (200, Some("*")), "{target}");
        assert_eq!(with.header("access-control-allow-credentials"), None, "{target}");
        // What a cache keeps of one is good for the other.
        assert_eq!(with.without_date(), without.without_date(), "{target}");
        let asked = preflight(&server, "GET", target, "https://evil.example").await;
        assert_eq!((asked.status, asked.header("access-control-allow-origin")), (204, Some("*")), "{target}");
        assert_eq!(asked.header("access-control-allow-methods"), Some("GET"), "{target}");
    }
}

#[tokio::test]
async fn options_without_a_preflight_names_the_methods() {
    let server = Server::start().await;
    for (target, allow) in [("/person/signIn", "GET, POST"), (SIGN_IN, "POST"), ("/auth/signin", "POST")] {
        let answer = server.call("OPTIONS", target).await;
        assert_eq!((answer.status, answer.header("allow"), answer.body.as_str()), (204, Some(allow), ""), "{target}");
        assert_closed(&answer, target);
    }
}
