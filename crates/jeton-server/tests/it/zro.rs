//! Zro's API keys and the renewal of a token by itself (contracts/zro.md).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jeton_core::time::Timestamp;
use serde_json::{Value, json};

use crate::harness::{Answer, DAY, HOUR, MINUTE, PUBLIC_URL, SECOND, Server};

const BAD: &str = r#"{"code":400,"message":"If any required params are missing or has invalid format or type."}"#;
const FAILED: &str = r#"{"code":401,"message":"User authentication failed"}"#;
const NONCE: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

#[track_caller]
fn assert_answer(answer: &Answer, status: u16, body: &str, what: &str) {
    assert_eq!((answer.status, answer.body.as_str()), (status, body), "{what}");
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"), "{what}");
}

fn body(api_id: &str, api_key: &str) -> String {
    json!({ "api_id": api_id, "api_key": api_key }).to_string()
}

#[tokio::test]
async fn both_spellings_give_a_token_and_nothing_else() {
    let server = Server::start().await;
    let key = &server.zro;
    for target in ["/auth/singin", "/auth/signin", "/api/auth/singin", "/api/auth/signin"] {
        let more =
            json!({ "api_key": key.secret, "extra": { "api_id": 1 }, "api_id": key.id.to_uppercase() }).to_string();
        for body in [body(&key.id, &key.secret), more] {
            let answer = server.post(target).json(body).await;
            let token = answer.text("/access_token");
            assert_answer(&answer, 200, &format!(r#"{{"access_token":"{token}"}}"#), target);
            assert_eq!(server.wallets(&token).await.status, 200, "{target}");
        }
    }
}

#[tokio::test]
async fn the_token_names_the_key_and_lives_an_hour() {
    let server = Server::start().await;
    let token = server.zro_token().await;
    let part = |at: usize| String::from_utf8(BASE64URL.decode(token.split('.').nth(at).unwrap()).unwrap()).unwrap();
    let claims: Value = serde_json::from_str(&part(1)).unwrap();
    let jti = claims["jti"].as_str().unwrap();
    let expected = format!(
        r#"{{"iss":"{PUBLIC_URL}/realms/zro","sub":"{}","jti":"{jti}","iat":1768489200,"exp":1768492800}}"#,
        server.zro.id
    );
    assert_eq!(part(1), expected);
    assert!(part(0).contains(r#""alg":"EdDSA""#), "{}", part(0));
    server.clock.advance(HOUR - SECOND);
    assert_eq!(server.wallets(&token).await.status, 200);
    server.clock.advance(SECOND);
    assert_eq!(server.wallets(&token).await.status, 401);
}

#[tokio::test]
async fn whatever_is_wrong_with_the_form_is_one_400() {
    let server = Server::start().await;
    let (id, secret) = (server.zro.id.as_str(), server.zro.secret.as_str());
    let rows = [
        (String::new(), "an empty body"),
        ("{".to_owned(), "broken JSON"),
        ("[]".to_owned(), "not an object"),
        ("null".to_owned(), "null"),
        ("{}".to_owned(), "nothing in it"),
        (json!({ "api_id": id }).to_string(), "no key"),
        (json!({ "api_key": secret }).to_string(), "no id"),
        (body(id, ""), "an empty key"),
        (body("", secret), "an empty id"),
        (body("not-a-uuid", secret), "an id that is no UUID"),
        (body(&id.replace('-', ""), secret), "an id without hyphens"),
        (body(&format!("{{{id}}}"), secret), "an id in braces"),
        (json!({ "api_id": 7, "api_key": secret }).to_string(), "an id of another type"),
        (json!({ "api_id": id, "api_key": 1234 }).to_string(), "a key of another type"),
        (json!({ "api_id": id, "api_key": null }).to_string(), "null for a key"),
        (format!(r#"{{"api_id":"{id}","api_id":"{id}","api_key":"{secret}"}}"#), "an id twice"),
    ];
    for target in ["/auth/singin", "/api/auth/signin"] {
        for (body, what) in &rows {
            assert_answer(&server.post(target).json(body.as_str()).await, 400, BAD, what);
        }
        let plain = server.post(target).body("text/plain", body(id, secret)).await;
        assert_answer(&plain, 400, BAD, "another content type");
        let form = server.post(target).form(&[("api_id", id), ("api_key", secret)]).await;
        assert_answer(&form, 400, BAD, "a form");
        let get = server.get(target).await;
        assert_answer(&get, 405, r#"{"code":405,"message":"Unsupported method."}"#, "GET");
        assert_eq!(get.header("allow"), Some("POST"));
    }
}

#[tokio::test]
async fn unknown_wrong_and_disabled_are_one_401() {
    let server = Server::start().await;
    let (id, secret) = (server.zro.id.as_str(), server.zro.secret.as_str());
    let wrong = server.post("/auth/signin").json(body(id, "abcd1234")).await;
    assert_answer(&wrong, 401, FAILED, "wrong");
    let unknown = server.post("/auth/signin").json(body("b6bf15b4-e00f-4d03-8e2b-7ed8829c8ff6", secret)).await;
    server.seed().enable_api_key("zro", id, false).await;
    let disabled = server.post("/auth/signin").json(body(id, secret)).await;
    let wrong = wrong.without_date();
    assert_eq!((unknown.without_date(), disabled.without_date()), (wrong.clone(), wrong));
}

#[tokio::test]
async fn a_disabled_key_is_refused_at_once_everywhere() {
    let server = Server::start().await;
    let token = server.zro_token().await;
    server.seed().enable_api_key("zro", &server.zro.id, false).await;
    assert_eq!(server.wallets(&token).await.status, 401);
    assert_answer(&server.renew(&token).await, 401, FAILED, "renewal");
    server.seed().enable_api_key("zro", &server.zro.id, true).await;
    assert_eq!(server.wallets(&token).await.status, 200);
    // The service behind the key counts as well.
    server.seed().enable_principal("zro", &server.zro.id, false).await;
    assert_eq!(server.wallets(&token).await.status, 401);
    assert_answer(&server.zro_sign_in(&server.zro).await, 401, FAILED, "sign-in");
}

#[tokio::test]
async fn a_nonce_is_optional_and_counts_once() {
    let server = Server::start().await;
    let sign_in = |nonce: &str| server.zro_sign_in(&server.zro).header("nonce", nonce);
    for (nonce, what) in [
        ("x", "not a UUID"),
        ("0f8fad5b-d9cb-169f-a165-70867728950e", "of version 1"),
        ("0f8fad5bd9cb469fa16570867728950e", "without hyphens"),
    ] {
        assert_answer(&sign_in(nonce).await, 400, BAD, what);
    }
    let twice = server.zro_sign_in(&server.zro).header("nonce", NONCE).header("nonce", NONCE).await;
    assert_answer(&twice, 400, BAD, "two headers");
    let token = sign_in(NONCE).await.text("/access_token");
    assert_answer(&sign_in(NONCE).await, 400, BAD, "repeated");
    assert_answer(&sign_in(&NONCE.to_uppercase()).await, 400, BAD, "repeated in capitals");
    assert_answer(&server.renew(&token).header("nonce", NONCE).await, 400, BAD, "repeated at another auth call");
    server.clock.advance(2 * HOUR - SECOND);
    assert_answer(&sign_in(NONCE).await, 400, BAD, "repeated within two hours");
    server.clock.advance(SECOND);
    // What is remembered goes with the sweep that a running server makes every minute.
    server.app.store.sweep(server.clock.now(), 1000).await.unwrap();
    assert_eq!(sign_in(NONCE).await.status, 200, "after two hours");
    // A request that failed has not used it up.
    let other = "3b241101-e2bb-4255-8caf-4136c566a962";
    let failed = server.post("/auth/signin").json(body(&server.zro.id, "abcd1234")).header("nonce", other).await;
    assert_eq!(failed.status, 401);
    assert_eq!(sign_in(other).await.status, 200);
}

#[tokio::test]
async fn the_newer_contract_requires_a_nonce() {
    let server = Server::start().await;
    server.configure("zro", |settings| drop(settings.values.insert("require_nonce".into(), "true".into()))).await;
    assert_answer(&server.zro_sign_in(&server.zro).await, 400, BAD, "sign-in without");
    let token = server.zro_sign_in(&server.zro).header("nonce", NONCE).await.text("/access_token");
    assert_answer(&server.renew(&token).await, 400, BAD, "renewal without");
    let renewed = server.renew(&token).header("nonce", "3b241101-e2bb-4255-8caf-4136c566a962").await;
    assert_eq!(renewed.status, 200, "{renewed:?}");
}

#[tokio::test]
async fn a_token_is_renewed_for_seven_days_from_its_issue() {
    let server = Server::start().await;
    for (span, what, expected) in [
        (SECOND, "while it is good", 200),
        (2 * HOUR, "after it expired", 200),
        (7 * DAY - SECOND, "at the last moment", 200),
        (7 * DAY, "too late", 401),
    ] {
        let token = server.zro_token().await;
        server.clock.advance(span);
        let answer = server.renew(&token).await;
        assert_eq!(answer.status, expected, "{what}: {answer:?}");
        match expected {
            200 => assert_eq!(server.wallets(&answer.text("/access_token")).await.status, 200, "{what}"),
            _ => assert_answer(&answer, 401, FAILED, what),
        }
        server.clock.advance(HOUR);
    }
    let rows = [("made up", "aaa.bbb.ccc".to_owned()), ("of another realm", server.pitchpoint_tokens().await.access)];
    for (what, token) in rows {
        assert_answer(&server.renew(&token).await, 401, FAILED, what);
    }
    for call in [server.post("/auth/refresh-token"), server.renew("")] {
        assert_answer(&call.await, 400, BAD, "no token");
    }
}

#[tokio::test]
async fn a_renewed_token_dies_and_the_answer_can_be_asked_for_again() {
    let server = Server::start().await;
    let old = server.zro_token().await;
    server.clock.advance(MINUTE);
    let first = server.renew(&old).await;
    let new = first.text("/access_token");
    assert_ne!(new, old);
    assert_eq!(server.wallets(&old).await.status, 401, "the old token is dead at once");
    server.clock.advance(10 * SECOND - SECOND);
    let again = server.renew(&old).await;
    assert_eq!((again.status, again.body), (200, first.body), "within ten seconds the answer is the same");
    assert_eq!(server.wallets(&new).await.status, 200);
}

#[tokio::test]
async fn a_token_that_was_renewed_and_comes_back_ends_the_chain() {
    let server = Server::start().await;
    let old = server.zro_token().await;
    let other = server.zro_token().await;
    let new = server.renew(&old).await.text("/access_token");
    server.clock.advance(10 * SECOND);
    assert_answer(&server.renew(&old).await, 401, FAILED, "used again after ten seconds");
    assert_eq!(server.wallets(&new).await.status, 401, "its successor is dead");
    server.clock.advance(2 * MINUTE);
    assert_answer(&server.renew(&new).await, 401, FAILED, "and cannot be renewed");
    assert_eq!(server.wallets(&other).await.status, 200, "another sign-in of the same key goes on");
}

#[tokio::test]
async fn the_grandparent_of_a_token_ends_the_chain_even_at_once() {
    let server = Server::start().await;
    let first = server.zro_token().await;
    let second = server.renew(&first).await.text("/access_token");
    server.clock.advance(MINUTE);
    let third = server.renew(&second).await.text("/access_token");
    assert_answer(&server.renew(&first).await, 401, FAILED, "two generations old");
    assert_eq!(server.wallets(&third).await.status, 401);
}

#[tokio::test]
async fn one_renewal_a_minute() {
    let server = Server::start().await;
    let mut token = server.zro_token().await;
    token = server.renew(&token).await.text("/access_token");
    server.clock.advance(20 * SECOND);
    let limited = server.renew(&token).await;
    assert_answer(&limited, 429, r#"{"code":429,"message":"Too many requests"}"#, "the second in a minute");
    assert_eq!(limited.header("retry-after"), Some("40"));
    assert_eq!(server.wallets(&token).await.status, 200, "the token is not touched");
    server.clock.advance(39 * SECOND);
    assert_eq!(server.renew(&token).await.header("retry-after"), Some("1"));
    server.clock.advance(SECOND);
    assert_eq!(server.renew(&token).await.status, 200);
}

#[tokio::test]
async fn a_renewal_that_fails_counts_too() {
    let server = Server::start().await;
    let stale = server.zro_token().await;
    server.clock.advance(7 * DAY);
    let fresh = server.zro_token().await;
    assert_answer(&server.renew(&stale).await, 401, FAILED, "too old");
    assert_eq!(server.renew(&fresh).await.status, 429);
    server.clock.advance(MINUTE);
    assert_eq!(server.renew(&fresh).await.status, 200);
}

#[tokio::test]
async fn four_hundred_calls_a_minute() {
    let server = Server::start().await;
    let other = server.seed().api_key("zro").await;
    let other = server.zro_sign_in(&other).await.text("/access_token");
    let token = server.zro_token().await;
    for call in 1..400 {
        assert_eq!(server.wallets(&token).await.status, 200, "call {call}");
    }
    let limited = server.wallets(&token).await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, Some("1")), "{limited:?}");
    let sign_in = server.zro_sign_in(&server.zro).await;
    assert_answer(&sign_in, 429, r#"{"code":429,"message":"Too many requests"}"#, "a sign-in counts with them");
    assert_eq!(server.wallets(&other).await.status, 200, "another key is not touched");
    let now: Timestamp = server.clock.now();
    server.clock.set(Timestamp::from_micros(now.as_micros() + 150_000));
    assert_eq!(server.wallets(&token).await.status, 200);
    server.clock.advance(MINUTE);
    assert_eq!(server.wallets(&token).await.status, 200);
}

#[tokio::test]
async fn a_protected_call_needs_a_token_and_a_nonce() {
    let server = Server::start().await;
    let token = server.zro_token().await;
    let call = || server.get("/operations/wallets");
    let envelope = |message: &str, class: &str, code: &str| {
        format!(r#"{{"success":false,"data":null,"error":"{class}","message":"{message}","code":"{code}"}}"#)
    };
    let denied = envelope("Access is denied.", "AUTH", "UNAUTHORIZED");
    let rows = [
        ("no token", call().header("nonce", NONCE), 401, &denied),
        ("nothing", call(), 401, &denied),
        ("made up", call().bearer("aaa.bbb.ccc").header("nonce", NONCE), 401, &denied),
        ("another scheme", call().header("Authorization", "Basic YTpi").header("nonce", NONCE), 401, &denied),
        ("no nonce", call().bearer(&token), 422, &envelope("The field nonce was not informed.", "USER", "VALIDATION")),
        (
            "a nonce of another form",
            call().bearer(&token).header("nonce", "7"),
            422,
            &envelope("The nonce value must be an UUID.", "USER", "VALIDATION"),
        ),
    ];
    for (what, call, status, body) in rows {
        assert_answer(&call.await, status, body, what);
    }
    for _ in 0..2 {
        let answer = server.wallets(&token).await;
        assert_eq!((answer.status, &answer.json()["success"]), (200, &json!(true)), "a nonce may come again here");
    }
    let health = server.get("/health").await;
    assert_eq!((health.status, &health.json()["status"]), (200, &json!("ok")), "{health:?}");
    let unknown = server.get("/operations/unknown").bearer(&token).await;
    assert_eq!((unknown.status, unknown.body.as_str()), (404, ""), "no rule means no");
}
