//! `jeton store`, beside a running server.

use serde_json::Value;

use crate::harness::{FORM, JSON, Place, post, text};

/// What each request leaves in the store, by kind: a client's JWT must leave nothing.
#[test]
fn a_token_for_client_credentials_writes_no_row() {
    let place = Place::new();
    place.run(&["realm", "add", "shop", "--dialect", "zro"], "");
    let client = place.json(&["client", "add", "shop"]);
    let (id, secret) = (text(&client, "/client_id"), text(&client, "/client_secret"));
    let key = place.json(&["api-key", "add", "shop"]);
    let server = place.serve();
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let credentials = post("/realms/shop/protocol/openid-connect/token", FORM, &form);
    let body = format!(r#"{{"api_id":"{}","api_key":"{}"}}"#, text(&key, "/key_id"), text(&key, "/key_secret"));
    let sign_in = post("/auth/signin", JSON, &body);
    // The first start of a realm may make a key of its own: that is no row of a token.
    assert_eq!(server.request(&credentials).status, 200);
    // Nor are the keys that come after those which sign: the server makes them in its own time.
    let next = |keys: &Value| keys.as_array().unwrap().iter().filter(|key| key["state"] == "next").count();
    let made = (0..200).any(|_| next(&place.json(&["signing-key", "list", "shop"])) == 2);
    assert!(made, "the next keys of both algorithms");
    for (what, request, sessions, tokens, audit_lines) in
        [("client credentials", &credentials, 0, 0, 0), ("a sign-in", &sign_in, 5, 5, 5)]
    {
        let before = place.json(&["store", "stats"]);
        for _ in 0..5 {
            let answer = server.request(request);
            assert_eq!(answer.status, 200, "{what}: {}", answer.body);
        }
        let after = place.json(&["store", "stats"]);
        for (kind, more) in [("sessions", sessions), ("tokens", tokens), ("audit lines", audit_lines)] {
            assert_eq!(rows(&after, kind) - rows(&before, kind), more, "{what}: {kind}");
        }
        if sessions == 0 {
            let counted = |stats: &Value| {
                let mut stats = stats.clone();
                // The log of a file shrinks and grows by itself.
                stats["bytes_log"] = Value::Null;
                // An hour goes by as the clock does.
                for kind in stats["passing"].as_array_mut().unwrap() {
                    for member in ["new_in_hour", "in_day", "in_week", "due_now", "due_in_hour", "due_in_day"] {
                        kind[member] = Value::Null;
                    }
                }
                stats
            };
            assert_eq!(counted(&after), counted(&before), "{what}");
        }
    }
    let shown = place.run(&["store", "stats"], "");
    for expected in ["engine", "SQLite", "sessions_live", "bytes_added_last_day", "audit lines", "DUE NOW"] {
        assert!(shown.contains(expected), "no {expected} in {shown}");
    }
}

fn rows(stats: &Value, kind: &str) -> i64 {
    let kinds = stats["passing"].as_array().unwrap();
    kinds.iter().find(|found| found["kind"] == kind).unwrap()["rows"].as_i64().unwrap()
}
