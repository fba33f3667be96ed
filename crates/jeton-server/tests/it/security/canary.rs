//! Whatever is sent as a secret, where it belongs or not, whole or broken: no log, metric or row shows it (P3, N4).

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::at_rest::{files, found_in, used};
use super::behind_proxy;
use crate::harness::{ADA, Call, GRACE, ORDERS, REFRESH, SIGN_IN, Server, form, logs};

const FORM: &str = "application/x-www-form-urlencoded";

/// Values that are each sent in one place only.
struct Canaries {
    sent: Vec<(String, String)>,
}

impl Canaries {
    /// A value that stands nowhere else. It needs escaping wherever it goes, but for `plain` places such as headers.
    fn hatch(&mut self, what: &str, plain: bool) -> String {
        let number = self.sent.len();
        let value = match plain {
            true => format!("cAnArY-{number:04}-{:016x}", 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(number as u64 + 1)),
            false => format!("cAnArY {number:04} \"&=%/+\u{e9}?# {}", number * 7919),
        };
        self.sent.push((what.to_owned(), value.clone()));
        value
    }
}

/// A secret in a form field, a JSON member, a header or the query, as a peer might get it wrong.
fn calls(server: &Server, canaries: &mut Canaries) -> Vec<Call> {
    let mut calls = Vec::new();
    let base = "/realms/plain/protocol/openid-connect";
    for (endpoint, field) in [
        ("token", "client_secret"),
        ("token", "client_id"),
        ("token", "scope"),
        ("token", "password"),
        ("token", "refresh_token"),
        ("token", "grant_type"),
        ("token/introspect", "client_secret"),
        ("token/introspect", "token"),
        ("revoke", "client_secret"),
        ("revoke", "token"),
        ("revoke", "token_type_hint"),
    ] {
        let path = format!("{base}/{endpoint}");
        let mut canary = |how: &str, plain| canaries.hatch(&format!("{endpoint}, {field}, {how}"), plain);
        let known = [
            ("grant_type", "client_credentials"),
            ("client_id", server.plain.id.as_str()),
            ("client_secret", &server.plain.secret),
            ("token", "x"),
        ];
        let others: Vec<(&str, &str)> = known.into_iter().filter(|(name, _)| *name != field).collect();
        let with = |value: &str| form(&[&others[..], &[(field, value)]].concat());
        calls.push(server.post(&path).body(FORM, with(&canary("as it belongs", false))));
        calls.push(server.post(&path).body(FORM, with(&canary("twice", false)).repeat(2)));
        calls.push(server.post(&path).body(FORM, format!("{}%zz", with(&canary("broken", false)))));
        calls.push(server.post(&path).body(FORM, with(&(canary("too long", false) + &"x".repeat(70_000)))));
        calls.push(server.post(&path).body("application/json", with(&canary("of the wrong type", false))));
        calls.push(server.post(&format!("{path}?{}", with(&canary("in the query", false)))).body(FORM, ""));
        calls.push(server.get(&format!("{path}?{}", with(&canary("in a GET", false)))));
    }
    for endpoint in ["token", "token/introspect", "revoke"] {
        let mut canary = |how: &str| canaries.hatch(&format!("{endpoint}, Authorization, {how}"), true);
        let encoded = |text: String| format!("Basic {}", BASE64.encode(text));
        for value in [
            encoded(format!("{}:{}", server.plain.id, canary("Basic"))),
            encoded(canary("Basic without colon")),
            format!("Basic {}", canary("Basic, not base64")),
            format!("Bearer {}", canary("Bearer")),
            canary("bare"),
        ] {
            let call = server.post(&format!("{base}/{endpoint}")).header("Authorization", &value);
            calls.push(call.body(FORM, "grant_type=client_credentials&token=x"));
        }
    }

    let inevent = |query: &[(&str, &str)]| format!("/?{}", form(&[&[("action", "person.signIn")], query].concat()));
    let mut canary = |how: &str| canaries.hatch(&format!("InEvent, {how}"), false);
    let ada = ("username", ADA.username);
    calls.push(server.post(&inevent(&[ada])).form(&[("password", &canary("wrong"))]));
    calls.push(server.post(&inevent(&[ada, ("eventID", "2026")])).form(&[("password", &canary("of the event"))]));
    calls.push(server.post(&inevent(&[("username", &canary("for a name"))])).form(&[("password", "x")]));
    calls.push(server.post(&inevent(&[ada, ("password", &canary("in the query"))])).form(&[("password", "x")]));
    calls.push(server.post(&inevent(&[ada, ("eventID", &canary("for an event"))])).form(&[("password", "x")]));
    calls.push(server.post(&inevent(&[ada])).body(FORM, format!("password={}%", canary("broken"))));
    calls.push(server.post(&inevent(&[ada])).form(&[("password", &(canary("too long") + &"x".repeat(3_000)))]));
    calls.push(server.post(&inevent(&[ada])).json(format!("{{\"password\":\"{}\"}}", canary("as JSON"))));
    let multipart =
        |value: &str| format!("--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n{value}\r\n--b--\r\n");
    calls.push(server.post(&inevent(&[ada])).body("multipart/form-data; boundary=b", multipart(&canary("multipart"))));
    calls.push(
        server.post(&inevent(&[ada])).body("multipart/form-data; boundary=c", multipart(&canary("other boundary"))),
    );
    for action in ["person.get", "person.signOut", "event.get", "no.such"] {
        let token = canaries.hatch(&format!("InEvent, tokenID of {action}"), false);
        calls.push(server.post(&format!("/?{}", form(&[("action", action), ("tokenID", &token)]))));
        let token = canaries.hatch(&format!("InEvent, Bearer of {action}"), true);
        calls.push(server.get(&format!("/?action={action}")).bearer(&token));
    }

    let json = |name: &str, value: &str| serde_json::json!({ "username": GRACE.username, name: value }).to_string();
    for (path, field) in
        [(SIGN_IN, "password"), (SIGN_IN, "useralias"), (REFRESH, "refresh_token"), ("/auth/signin", "api_key")]
    {
        let mut canary = |how: &str| canaries.hatch(&format!("{path}, {field}, {how}"), false);
        calls.push(server.post(path).json(json(field, &canary("as it belongs"))));
        calls.push(server.post(path).json(json("username", &canary("for a name"))));
        calls.push(server.post(path).json(json(field, &canary("cut"))[..40].to_owned()));
        calls.push(server.post(path).json(format!("{{\"{field}\":[\"{}\"]}}", canary("in a list").replace('"', "'"))));
        calls.push(server.post(path).json(format!("{{\"{}\":1}}", canary("for a member").replace('"', "'"))));
        calls.push(server.post(path).json(canary("bare")));
        calls.push(server.post(path).json(json(field, &(canary("too long") + &"x".repeat(70_000)))));
        calls.push(server.post(path).body("text/plain", json(field, &canary("of the wrong type"))));
        calls.push(server.post(&format!("{path}?{}", form(&[(field, &canary("in the query"))]))).json("{}"));
    }
    let key = serde_json::json!({ "api_id": server.zro.id, "api_key": canaries.hatch("Zro, wrong key", false) });
    calls.push(server.post("/auth/signin").json(key.to_string()));
    let key = serde_json::json!({ "api_id": canaries.hatch("Zro, for an id", false), "api_key": "x" });
    calls.push(server.post("/auth/signin").json(key.to_string()));

    let mut canary = |how: &str| canaries.hatch(how, true);
    for header in ["x-access-token", "nonce", "Authorization", "Cookie", "X-Anything"] {
        calls.push(server.post("/auth/refresh-token").header(header, &canary(&format!("Zro, {header}"))));
    }
    for path in [ORDERS, "/graphql", "/plain/x", "/nowhere", "/operations/wallets"] {
        calls.push(server.post(path).bearer(&canary(&format!("{path}, Bearer"))));
        calls.push(server.post(path).header("Authorization", &canary(&format!("{path}, bare"))));
        calls.push(server.post(path).bearer(&format!("eyJ{}.e30.x", canary(&format!("{path}, like a JWT")))));
        calls.push(server.post(&format!("{path}?access_token={}", canary(&format!("{path}, query")))));
        calls.push(server.post(&format!("{path}/{}", canary(&format!("{path}, path")))));
        calls.push(server.post(path).header("Cookie", &format!("token={}", canary(&format!("{path}, cookie")))));
        calls.push(server.post(path).bearer(&(canary(&format!("{path}, too long")) + &"x".repeat(12_000))));
    }
    for (uri, bearer) in [("/plain/x?token=", false), ("/plain/", false), ("/plain/x", true)] {
        let value = canary(&format!("forward-auth, {uri} {bearer}"));
        let call = server.get("/realms/plain/forward-auth").header("X-Original-Method", "GET");
        let call = call.header("X-Original-URI", &if bearer { uri.to_owned() } else { format!("{uri}{value}") });
        calls.push(if bearer { call.bearer(&value) } else { call });
    }
    for path in ["/realms/CANARY/protocol/openid-connect/token", "/realms/plain/CANARY", "/auth/CANARY", "/CANARY"] {
        calls.push(server.post(&path.replace("CANARY", &canary(path))).host(&canary("Host")));
    }
    calls
}

#[track_caller]
fn assert_hidden(server: &Server, values: &[(String, String)]) {
    let metrics = server.app.metrics.encode(server.app.hashing.load());
    assert_eq!(found_in(&logs(), values), Vec::<&str>::new(), "in the log");
    assert_eq!(found_in(&metrics, values), Vec::<&str>::new(), "in the metrics");
    assert_eq!(found_in(&files(server), values), Vec::<&str>::new(), "in the store");
}

#[tokio::test]
async fn p3_n4_no_wrong_or_misplaced_secret_is_written_anywhere() {
    let server = behind_proxy().await;
    let mut canaries = Canaries { sent: Vec::new() };
    let mut broken = 0;
    for call in calls(&server, &mut canaries) {
        broken += u32::from(call.await.status >= 500);
    }
    assert_eq!(broken, 0);
    assert!(canaries.sent.len() > 150, "{}", canaries.sent.len());
    assert!(logs().contains("token refused"), "nothing is logged at all");
    assert_hidden(&server, &canaries.sent);

    // The same with a store that cannot write, for what is logged of faults.
    server.app.store.close().await;
    for call in calls(&server, &mut canaries) {
        call.await;
    }
    assert!(logs().contains("a request could not be answered"), "no fault was met");
    assert_hidden(&server, &canaries.sent);
}

#[tokio::test]
async fn p3_n4_no_right_secret_is_written_anywhere() {
    let (server, values) = used().await;
    for (_, value) in &values {
        let shown: String = value.chars().filter(char::is_ascii_graphic).collect();
        server.get("/plain/x").bearer(&shown).await;
        server.orders(&shown).await;
        server.renew(&shown).await;
        server.person_get(&form(&[("", value)])[1..]).await;
        server.pitchpoint(GRACE.username, value).await;
    }
    assert_hidden(&server, &values);
}
