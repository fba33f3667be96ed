//! Pitchpoint's sign-in, its reusable refresh token and its JWT (contracts/pitchpoint.md).

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jeton_core::domain::realm::{Mount, Settings};
use jeton_core::time::Timestamp;
use serde_json::{Value, json};

use crate::harness::{Answer, BOB, GRACE, HOUR, NOW, ORDERS, PUBLIC_URL, Person, REFRESH, SECOND, SIGN_IN, Server};

/// §3: the documented body of a 403, whatever was wrong with the sign-in.
const DENIED: &str = r#"{"error_description":"Invalid username / password combination","error":"access_denied"}"#;

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, body: &str, what: &str) {
    assert_eq!((answer.status, answer.body.as_str()), (status, body), "{what}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{what}");
}

/// The parts of a JWT, as text; the signature is verified with the realm's published key of that `kid`.
async fn verified(server: &Server, token: &str) -> (String, String) {
    let text = |part: &str| String::from_utf8(BASE64URL.decode(part).unwrap()).unwrap();
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("not a JWT: {token}") };
    let kid = serde_json::from_str::<Value>(&text(header)).unwrap()["kid"].clone();
    let jwks = server.get("/realms/pitchpoint/.well-known/jwks.json").await.json();
    let key =
        jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid).expect("the key is published").clone();
    let number = |name: &str| BASE64URL.decode(key[name].as_str().unwrap()).unwrap();
    let public = RsaPublicKeyComponents { n: number("n"), e: number("e") };
    let message = &token[..token.rfind('.').unwrap()];
    let signature = BASE64URL.decode(signature).unwrap();
    public.verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &signature).expect("the signature is good");
    (text(header), text(claims))
}

fn at(text: &str) -> Timestamp {
    Timestamp::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

#[tokio::test]
async fn a_refresh_token_lives_24_hours_rounded_up_to_midnight_in_new_york() {
    let server = Server::start().await;
    // §7: the instant of the sign-in and the deadline.
    let rows = [
        ("2026-01-15T15:00:00Z", "2026-01-17T05:00:00Z"),
        ("2026-01-15T04:59:59Z", "2026-01-16T05:00:00Z"),
        ("2026-01-15T05:00:00Z", "2026-01-16T05:00:00Z"),
        ("2026-01-15T05:00:01Z", "2026-01-17T05:00:00Z"),
        ("2026-07-15T04:00:00Z", "2026-07-16T04:00:00Z"),
        ("2026-03-07T05:00:00Z", "2026-03-08T05:00:00Z"),
        ("2026-03-07T15:00:00Z", "2026-03-09T04:00:00Z"),
        ("2026-03-08T04:30:00Z", "2026-03-10T04:00:00Z"),
        ("2026-03-08T05:00:00Z", "2026-03-10T04:00:00Z"),
        ("2026-03-09T03:30:00Z", "2026-03-10T04:00:00Z"),
        ("2026-10-31T04:00:00Z", "2026-11-01T04:00:00Z"),
        ("2026-10-31T15:00:00Z", "2026-11-02T05:00:00Z"),
        ("2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
        ("2026-11-01T04:30:00Z", "2026-11-02T05:00:00Z"),
        ("2026-11-01T05:30:00Z", "2026-11-03T05:00:00Z"),
        ("2026-11-02T04:30:00Z", "2026-11-03T05:00:00Z"),
        // Not in the table: `t0` counts in whole seconds.
        ("2026-01-15T05:00:00.999999Z", "2026-01-16T05:00:00Z"),
    ];
    for (signed_in, deadline) in rows {
        server.clock.set(at(signed_in));
        let tokens = server.pitchpoint_tokens().await;
        // A refresh on the way does not move the deadline.
        server.clock.set(at(signed_in) + 20 * HOUR);
        assert_eq!(server.refresh(&tokens.refresh).await.status, 200, "{signed_in}");
        server.clock.set(at(deadline) - SECOND);
        let last = server.refresh(&tokens.refresh).await;
        assert_eq!((last.status, &last.json()["expires_in"]), (200, &json!(3600)), "{signed_in}: {last:?}");
        server.clock.set(at(deadline));
        let body = r#"{"error_description":"Refresh token expired","error":"access_denied"}"#;
        assert_refused(&server.refresh(&tokens.refresh).await, 403, body, signed_in);
    }
}

#[tokio::test]
async fn the_answer_has_five_members_and_three_if_the_realm_says_so() {
    let server = Server::start().await;
    let answer = server.pitchpoint(GRACE.username, GRACE.password).await;
    let (access, refresh) = (answer.text("/access_token"), answer.text("/refresh_token"));
    let five = |access: &str| {
        format!(
            r#"{{"access_token":"{access}","refresh_token":"{refresh}","scope":"policy","token_type":"Bearer","expires_in":3600}}"#
        )
    };
    assert_eq!((answer.status, answer.body), (200, five(&access)));
    assert_eq!(answer.headers.iter().find(|(name, _)| name == "cache-control").unwrap().1, "no-store");
    // §2: a refresh answers with the same members and the very refresh token that was sent.
    server.clock.advance(HOUR);
    let refreshed = server.refresh(&refresh).await;
    assert_ne!(refreshed.text("/access_token"), access);
    assert_eq!(refreshed.body, five(&refreshed.text("/access_token")));

    server.configure("pitchpoint", |settings| drop(settings.values.insert("shape".into(), "three".into()))).await;
    for answer in [server.pitchpoint(GRACE.username, GRACE.password).await, server.refresh(&refresh).await] {
        let (access, refresh) = (answer.text("/access_token"), answer.text("/refresh_token"));
        let three = format!(r#"{{"access_token":"{access}","refresh_token":"{refresh}","expires_in":3600}}"#);
        assert_eq!((answer.status, answer.body), (200, three));
    }
}

#[tokio::test]
async fn the_token_is_signed_and_its_claims_stand_in_their_order() {
    let server = Server::start().await;
    let tokens = server.pitchpoint_tokens().await;
    let issuer = format!("{PUBLIC_URL}/realms/pitchpoint").replace('/', r"\/");
    let started = NOW.as_secs();
    let claims = |issued_at: i64| {
        let expires_at = issued_at + 3600;
        format!(
            r#"{{"aud":"pitchpoint","sub":"xpps|1223","email_verified":true,"user_id":"1223","auth_time":{started},"iss":"{issuer}","exp":{expires_at},"iat":{issued_at},"email":"grace@example.org"}}"#
        )
    };
    let (header, first) = verified(&server, &tokens.access).await;
    let kid = serde_json::from_str::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned();
    assert_eq!(header, format!(r#"{{"kid":"{kid}","typ":"JWT","alg":"RS256"}}"#));
    assert_eq!(first, claims(started));
    // `auth_time` is the sign-in's, whenever the token is refreshed.
    server.clock.advance(5 * HOUR);
    let refreshed = server.refresh(&tokens.refresh).await.text("/access_token");
    assert_eq!(verified(&server, &refreshed).await.1, claims(started + 5 * 3600));
}

#[tokio::test]
async fn an_alias_is_named_with_who_really_signed_in() {
    let server = Server::start().await;
    let with_alias = |username: &str, password: &str, alias: Value| {
        server.post(SIGN_IN).json(json!({ "username": username, "password": password, "useralias": alias }).to_string())
    };
    let answer = with_alias(GRACE.username, GRACE.password, json!("bob")).await;
    let token = answer.text("/access_token");
    let claims: Value = serde_json::from_str(&verified(&server, &token).await.1).unwrap();
    assert_eq!((&claims["sub"], &claims["user_id"]), (&json!("xpps|1224"), &json!("1224")));
    assert_eq!((&claims["email"], &claims["act"]), (&json!("bob@example.org"), &json!({ "sub": "xpps|1223" })));
    assert_eq!(server.orders(&token).await.status, 200);
    let refreshed = server.refresh(&answer.text("/refresh_token")).await.text("/access_token");
    let claims: Value = serde_json::from_str(&verified(&server, &refreshed).await.1).unwrap();
    assert_eq!((&claims["sub"], &claims["act"]["sub"]), (&json!("xpps|1224"), &json!("xpps|1223")));

    for absent in [json!(""), Value::Null] {
        let own = with_alias(GRACE.username, GRACE.password, absent.clone()).await.text("/access_token");
        assert!(verified(&server, &own).await.1.contains(r#""sub":"xpps|1223""#), "{absent}");
    }
    for (what, username, password, alias) in [
        ("not allowed", BOB.username, BOB.password, "grace"),
        ("unknown", GRACE.username, GRACE.password, "nobody"),
        ("oneself", GRACE.username, GRACE.password, "grace"),
        ("allowed, wrong password", GRACE.username, "guess", "bob"),
    ] {
        assert_refused(&with_alias(username, password, json!(alias)).await, 403, DENIED, what);
    }
    // Either of the two is enough to end it.
    for username in ["bob", "grace"] {
        server.seed().enable_principal("pitchpoint", username, false).await;
        assert_eq!(server.orders(&token).await.status, 401, "{username}");
        server.seed().enable_principal("pitchpoint", username, true).await;
        assert_eq!(server.orders(&token).await.status, 200, "{username}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_a_400() {
    let server = Server::start().await;
    // The curl line of the page as it stands: the value is followed by two quotation marks.
    let broken = r#"{"refresh_token": "AMf-vBxsuePmWD""}"#;
    let rows: [(&str, &str, &[u8]); 21] = [
        (REFRESH, "application/json", broken.as_bytes()),
        (REFRESH, "application/json", b"{}"),
        (REFRESH, "application/json", br#"{"refresh_token":""}"#),
        (REFRESH, "application/json", br#"{"refresh_token":null}"#),
        (REFRESH, "application/json", br#"{"refresh_token":7}"#),
        (REFRESH, "application/json", br#"{"refresh_token":["x"]}"#),
        (REFRESH, "application/json", br#"{"refresh_token":"x","refresh_token":"x"}"#),
        (REFRESH, "application/x-www-form-urlencoded", b"refresh_token=x"),
        (SIGN_IN, "application/json", b""),
        (SIGN_IN, "application/json", b"[]"),
        (SIGN_IN, "application/json", br#""text""#),
        (SIGN_IN, "application/json", br#"{"username":"grace"}"#),
        (SIGN_IN, "application/json", br#"{"username":"grace","password":""}"#),
        (SIGN_IN, "application/json", br#"{"username":"","password":"p"}"#),
        (SIGN_IN, "application/json", br#"{"username":1,"password":"p"}"#),
        (SIGN_IN, "application/json", br#"{"username":"grace","password":true}"#),
        (SIGN_IN, "application/json", br#"{"username":"grace","password":"p","useralias":1}"#),
        (SIGN_IN, "application/json", br#"{"username":"grace","password":"p"} x"#),
        (SIGN_IN, "application/json", b"{\"username\":\"gr\xffce\",\"password\":\"p\"}"),
        (SIGN_IN, "text/plain", br#"{"username":"grace","password":"p"}"#),
        (SIGN_IN, "application/x-www-form-urlencoded", b"username=grace&password=p"),
    ];
    for (target, content_type, body) in rows {
        let answer = server.post(target).body(content_type, body).await;
        let what = format!("{target} {content_type} {:?}", String::from_utf8_lossy(body));
        let description = answer.text("/error_description");
        let expected = json!({ "error_description": description, "error": "invalid_request" });
        assert_eq!((answer.status, answer.body), (400, expected.to_string()), "{what}");
        assert!(!description.is_empty() && description.len() <= 128, "{what}: {description}");
    }
    for method in ["GET", "PUT", "DELETE"] {
        let answer = server.call(method, SIGN_IN).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method}: {answer:?}");
        assert_eq!(answer.text("/error"), "invalid_request", "{method}");
    }
}

#[tokio::test]
async fn a_failed_sign_in_tells_nothing() {
    let server = Server::start().await;
    let wrong = server.pitchpoint(GRACE.username, "guess").await;
    assert_refused(&wrong, 403, DENIED, "wrong");
    let unknown = server.pitchpoint("nobody", "guess").await;
    server.seed().enable_principal("pitchpoint", "bob", false).await;
    let disabled = server.pitchpoint(BOB.username, BOB.password).await;
    let wrong = wrong.without_date();
    assert_eq!((unknown.without_date(), disabled.without_date()), (wrong.clone(), wrong));
    // Unknown members are ignored, and one name is one account however it is written.
    let body = json!({ "x": [1, { "password": 2 }], "username": " GRACE ", "password": GRACE.password });
    assert_eq!(server.post(SIGN_IN).json(body.to_string()).await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_is_good_for_its_own_realm_and_purpose() {
    let server = Server::start().await;
    let other = Settings {
        dialects: vec![Mount { dialect: "pitchpoint".into(), host: Some("second.test".into()), prefix: String::new() }],
        ..Settings::default()
    };
    server.seed().realm("second", other).await;
    let ann = Person { username: "ann", password: "a password for ann" };
    server.seed().person("second", ann, 5, &[], &[]).await;
    let foreign = server.pitchpoint(ann.username, ann.password).host("second.test").await;
    let tokens = server.pitchpoint_tokens().await;
    let (zro, inevent) = (server.zro_token().await, server.inevent_token().await);

    let unknown = r#"{"error_description":"Invalid refresh token","error":"access_denied"}"#;
    let rows = [
        ("made up", "AMf-vBxsuePmWD".to_owned()),
        ("with a character changed", changed(&tokens.refresh)),
        ("of another realm", foreign.text("/refresh_token")),
        ("an access token", tokens.access.clone()),
        ("of another dialect", zro),
        ("of yet another", inevent),
    ];
    for (what, token) in rows {
        assert_refused(&server.refresh(&token).await, 403, unknown, what);
    }
    let own = server.refresh(&foreign.text("/refresh_token")).host("second.test").await;
    assert_eq!(own.status, 200, "{own:?}");
    assert_eq!(server.orders(&tokens.refresh).await.status, 401, "a refresh token opens no API");
    assert_eq!(server.orders(&foreign.text("/access_token")).await.status, 401, "nor does another realm's");
}

#[tokio::test]
async fn an_access_token_is_good_for_an_hour_at_the_gate() {
    let server = Server::start().await;
    let tokens = server.pitchpoint_tokens().await;
    let refused = |what: &str| format!(r#"{{"error_description":"{what}","error":"invalid_token"}}"#);
    for (what, call) in [
        ("a token is required", server.post(ORDERS)),
        ("the token is invalid", server.post(ORDERS).bearer(&tokens.refresh)),
    ] {
        let answer = call.await;
        assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer error="invalid_token""#), "{what}");
        let description = answer.text("/error_description");
        assert_refused(&answer, 401, &refused(&description), what);
    }
    server.clock.advance(HOUR - SECOND);
    let answer = server.orders(&tokens.access).await;
    assert_eq!((answer.status, &answer.json()["limit"]), (200, &json!(100)));
    server.clock.advance(SECOND);
    assert_refused(&server.orders(&tokens.access).await, 401, &refused("the token has expired"), "after an hour");
    // Refreshed, it opens again.
    let next = server.refresh(&tokens.refresh).await.text("/access_token");
    assert_eq!(server.orders(&next).await.status, 200);
}

#[tokio::test]
async fn a_new_password_and_a_disabled_account_end_everything_at_once() {
    let server = Server::start().await;
    let seed = server.seed();
    let (first, second) = (server.pitchpoint_tokens().await, server.pitchpoint_tokens().await);
    let statuses =
        async |access: &str, refresh: &str| (server.orders(access).await.status, server.refresh(refresh).await.status);
    seed.enable_principal("pitchpoint", "grace", false).await;
    for tokens in [&first, &second] {
        assert_eq!(statuses(&tokens.access, &tokens.refresh).await, (401, 403));
    }
    seed.enable_principal("pitchpoint", "grace", true).await;
    assert_eq!(statuses(&first.access, &first.refresh).await, (200, 200));

    server.clock.advance(SECOND);
    seed.set_password("pitchpoint", "grace", None, "a new password of hers").await;
    for tokens in [&first, &second] {
        assert_eq!(statuses(&tokens.access, &tokens.refresh).await, (401, 403));
    }
    assert_refused(&server.pitchpoint("grace", GRACE.password).await, 403, DENIED, "the old password");
    assert_eq!(server.pitchpoint("grace", "a new password of hers").await.status, 200);
}

/// The token with another last character.
fn changed(token: &str) -> String {
    let (rest, last) = token.split_at(token.len() - 1);
    format!("{rest}{}", if last == "x" { "y" } else { "x" })
}
