use jeton_sample_apis::Api::Events;
use serde_json::{Value, json};

use crate::call::call;

const ADA: [&str; 6] = [
    "X-Jeton-Subject: 0190c0de-ada",
    "X-Jeton-Number: 4711",
    "X-Jeton-Username: ada@example.org",
    "X-Jeton-Level: User",
    "X-Jeton-Scope: event",
    "X-Jeton-Target: 17",
];

#[tokio::test]
async fn every_address_of_an_operation_answers_alike() {
    for (operation, addresses) in [
        (
            "person.get",
            [
                "/?action=person.get",
                "/?lang=en&action=person.get&tokenID=x",
                "/person/get",
                "/api?action=person.get",
                "/api/?action=person.get",
                "/api/person/get",
            ],
        ),
        (
            "api.describe",
            [
                "/?action=api.describe",
                "/?format=json&action=api.describe",
                "/api/describe",
                "/api/?action=api.describe",
                "/api/api/describe",
                "/api/describe?limit=5",
            ],
        ),
    ] {
        let expected = call(Events, &format!("GET {}", addresses[0]), &ADA, b"").await;
        assert_eq!(expected.status, 200, "{operation}");
        assert_eq!(expected.header("content-type"), "application/json");
        for address in addresses {
            for method in ["GET", "POST"] {
                let answer = call(Events, &format!("{method} {address}"), &ADA, b"").await;
                assert_eq!(answer.text, expected.text, "{method} {address}");
            }
        }
    }
}

#[tokio::test]
async fn a_person_is_who_the_gate_says() {
    let answer = call(Events, "GET /person/get", &ADA, b"").await;
    assert_eq!(
        answer.text,
        r#"{"count":1,"data":[{"personID":"4711","username":"ada@example.org","level":"User","scope":"event","targetID":"17"}]}"#
    );
    let answer = call(
        Events,
        "GET /person/get",
        &["X-Jeton-Subject: 8", "X-Jeton-Scope: system", "X-Jeton-Target: ", "X-Jeton-Number: "],
        b"",
    )
    .await;
    assert_eq!(
        answer.json()["data"][0],
        json!({ "personID": "8", "username": "", "level": "", "scope": "system", "targetID": "0" })
    );
}

#[tokio::test]
async fn the_description_lists_operations_as_strings() {
    let answer = call(Events, "GET /api/describe", &ADA, b"").await;
    let body = answer.json();
    let rows = body["data"].as_array().expect("a list");
    assert_eq!(body["count"], rows.len());
    let actions: Vec<&str> = rows.iter().filter_map(|row| row["action"].as_str()).collect();
    assert_eq!(actions, ["person.signIn", "person.signOut", "api.describe", "person.get"]);
    for row in rows {
        let members = row.as_object().expect("an object");
        assert!(members.values().all(Value::is_string), "{row}");
    }
    assert!(answer.text.contains(r#""path":"\/person\/get""#));
}

#[tokio::test]
async fn refusals_are_a_reason_phrase_and_no_body() {
    for (line, status, reason) in [
        ("GET /", 400, "action cannot be empty"),
        ("GET /?action=", 400, "action cannot be empty"),
        ("GET /?action=person", 400, "action is invalid"),
        ("GET /?action=.get", 400, "action is invalid"),
        ("GET /?action=person.get&action=api.describe", 400, "action is invalid"),
        ("GET /?action=%FF.get", 404, "action is not implemented"),
        ("GET /?action=person.find", 404, "action is not implemented"),
        ("GET /event/person/find", 404, "action is not implemented"),
        ("GET /apis", 404, "action is not implemented"),
        ("PUT /person/get", 405, "method not allowed"),
        ("GET /person/get", 403, "no person is known here, call through the gate"),
    ] {
        let answer = call(Events, line, &[], b"").await;
        assert_eq!(answer.status, status, "{line}");
        assert_eq!(answer.reason.as_deref(), Some(reason), "{line}");
        assert_eq!(answer.header("x-inevent-error"), reason, "{line}");
        assert_eq!(answer.text, "", "{line}");
    }
}

#[tokio::test]
async fn methods_are_named() {
    for (line, status) in [("DELETE /person/get", 405), ("OPTIONS /person/get", 204)] {
        let answer = call(Events, line, &[], b"").await;
        assert_eq!(answer.status, status, "{line}");
        assert_eq!(answer.header("allow"), "GET, POST", "{line}");
    }
}

#[tokio::test]
async fn json_is_written_in_ascii() {
    let headers = ["X-Jeton-Subject: 1", "X-Jeton-Username: a/b"];
    let answer = call(Events, "GET /person/get", &headers, b"").await;
    assert!(answer.text.contains(r#""username":"a\/b""#), "{}", answer.text);
}
