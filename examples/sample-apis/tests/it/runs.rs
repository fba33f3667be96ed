use jeton_sample_apis::Api::Runs;
use serde_json::{Value, json};

use crate::call::{Answer, call};

const HEADERS: [&str; 3] = ["Content-Type: application/json", "X-Jeton-Subject: 42", "X-Jeton-Client-Id: ion-sample"];

async fn ask(query: &str) -> Answer {
    let body = json!({ "query": query }).to_string();
    call(Runs, "POST /graphql", &HEADERS, body.as_bytes()).await
}

fn ids(answer: &Value) -> Vec<i64> {
    answer["data"]["runs"]["edges"]
        .as_array()
        .expect("a list of edges")
        .iter()
        .filter_map(|edge| edge["node"]["id"].as_i64())
        .collect()
}

#[tokio::test]
async fn runs_come_with_their_steps() {
    let answer = ask("{ runs(first: 10) { edges { node { id title status steps { id title } } } } }").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    let body = answer.json();
    assert_eq!(ids(&body), (1..=10).collect::<Vec<_>>());
    assert_eq!(
        body["data"]["runs"]["edges"][1]["node"],
        json!({
            "id": 2,
            "title": "Sample run 2",
            "status": "complete",
            "steps": [
                { "id": 201, "title": "Prepare" },
                { "id": 202, "title": "Assemble" },
                { "id": 203, "title": "Inspect" },
            ],
        })
    );
}

#[tokio::test]
async fn windows_move_by_cursors() {
    // arguments, first id, how many, end cursor, has next, has previous
    for (arguments, first, count, end, next, previous) in [
        ("", Some(1), 20, json!("run:20"), true, false),
        ("(first: 0)", None, 0, json!(null), true, false),
        ("(first: 100)", Some(1), 24, json!("run:24"), false, false),
        ("(first: 5, after: \"run:20\")", Some(21), 4, json!("run:24"), false, true),
        ("(first: 5, after: \"run:24\")", None, 0, json!(null), false, false),
        ("(last: 5)", Some(20), 5, json!("run:24"), false, true),
        ("(last: 5, before: \"run:3\")", Some(1), 2, json!("run:2"), true, false),
        ("(after: \"run:9\", before: \"run:4\")", None, 0, json!(null), true, false),
    ] {
        let body = ask(&format!(
            "{{ runs{arguments} {{ edges {{ node {{ id }} }}
               pageInfo {{ endCursor hasNextPage hasPreviousPage totalCount count }} }} }}"
        ))
        .await
        .json();
        assert_eq!(ids(&body).first().copied(), first, "{arguments}");
        assert_eq!(
            body["data"]["runs"]["pageInfo"],
            json!({
                "endCursor": end,
                "hasNextPage": next,
                "hasPreviousPage": previous,
                "totalCount": 24,
                "count": count,
            }),
            "{arguments}"
        );
    }
}

#[tokio::test]
async fn me_is_who_the_gate_says() {
    let query = "{ me { id name email organization { id domain } } currentUser { id } }";
    assert_eq!(
        ask(query).await.json()["data"],
        json!({
            "me": {
                "id": 42,
                "name": "ion-sample",
                "email": null,
                "organization": { "id": 1, "domain": "example.org" },
            },
            "currentUser": { "id": 42 },
        })
    );

    let body = json!({ "query": query }).to_string();
    let headers = [
        "Content-Type: application/json",
        "X-Jeton-Subject: 0190c0de-ada",
        "X-Jeton-Username: ada@example.org",
        "X-Jeton-Number: 4711",
    ];
    let answer = call(Runs, "POST /graphql", &headers, body.as_bytes()).await;
    let me = &answer.json()["data"]["me"];
    assert_eq!(me["email"], "ada@example.org");
    assert_eq!(me["id"], 4711);

    let headers = ["Content-Type: application/json", "X-Jeton-Subject: 0190c0de-key"];
    let first = call(Runs, "POST /graphql", &headers, body.as_bytes()).await.json();
    let again = call(Runs, "POST /graphql", &headers, body.as_bytes()).await.json();
    assert!(first["data"]["me"]["id"].is_u64(), "{first}");
    assert_eq!(first, again);
}

#[tokio::test]
async fn faults_of_a_query_are_200_with_errors() {
    let deep = format!("{{ runs {} }}", "{ edges ".repeat(20) + &" }".repeat(20));
    let wide = format!(
        "{{ {} }}",
        (0..60).map(|n| format!("a{n}: runs(first: 100) {{ edges {{ cursor }} }} ")).collect::<String>()
    );
    for (query, message) in [
        ("{ nothing }", "Unknown field \"nothing\""),
        ("{ runs(first: 10", "expected"),
        ("", "expected"),
        ("{ runs(first: -1) { edges { cursor } } }", "first and last must be"),
        ("{ runs(last: 101) { edges { cursor } } }", "first and last must be"),
        ("{ runs(first: 1, last: 1) { edges { cursor } } }", "not both"),
        ("{ runs(after: \"x\") { edges { cursor } } }", "Unknown cursor"),
        ("{ runs(after: \"run:25\") { edges { cursor } } }", "Unknown cursor"),
        (&deep, "too deep"),
        (&wide, "too complex"),
    ] {
        let answer = ask(query).await;
        assert_eq!(answer.status, 200, "{query}");
        let body = answer.json();
        let said = body["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(said.contains(message), "{query}: {said}");
    }
}

#[tokio::test]
async fn variables_and_operation_names_count() {
    let body = json!({
        "query": "query A($n: Int) { runs(first: $n) { pageInfo { count } } } query B { me { id } }",
        "operationName": "A",
        "variables": { "n": 3 },
        "extensions": {},
    });
    let answer = call(Runs, "POST /graphql", &HEADERS, body.to_string().as_bytes()).await;
    assert_eq!(answer.json()["data"]["runs"]["pageInfo"]["count"], 3);
}

#[tokio::test]
async fn what_is_no_graphql_request_has_a_status() {
    let json: &[&str] = &HEADERS;
    let object = "The body must be a JSON object with a string member query";
    let long = format!(r#"{{"query":"{}"}}"#, " ".repeat(70_000));
    for (line, headers, body, status, message) in [
        ("POST /graphql", json, "{\"query\"", 400, object),
        ("POST /graphql", json, "", 400, object),
        ("POST /graphql", json, "[{\"query\":\"{me{id}}\"}]", 400, object),
        ("POST /graphql", json, "{}", 400, object),
        ("POST /graphql", json, r#"{"query":7}"#, 400, object),
        ("POST /graphql", json, r#"{"query":"{me{id}}","variables":[]}"#, 400, "variables must be a JSON object"),
        ("POST /graphql", &[], r#"{"query":"{me{id}}"}"#, 400, "Content-Type must be application/json"),
        ("POST /graphql", json, &long, 413, "The body is longer than 64 KiB"),
        ("GET /graphql", &[], "", 405, "GraphQL is called by POST"),
        ("POST /", json, "", 404, "There is nothing at this path; call /graphql"),
    ] {
        let answer = call(Runs, line, headers, body.as_bytes()).await;
        assert_eq!(answer.status, status, "{line} {body:.40}");
        assert_eq!(answer.json(), json!({ "errors": [{ "message": message }] }));
    }
}

#[tokio::test]
async fn without_the_gate_nobody_is_known() {
    let headers = ["Content-Type: application/json"];
    let answer = call(Runs, "POST /graphql", &headers, br#"{"query":"{me{id}}"}"#).await;
    assert_eq!(answer.status, 200);
    assert!(answer.text.contains("call this API through the gate"));
}

#[tokio::test]
async fn tools_can_ask_for_the_schema() {
    let nested = "ofType { name ".repeat(7) + &"}".repeat(7);
    let answer =
        ask(&format!("{{ __schema {{ types {{ fields {{ args {{ type {{ name {nested} }} }} }} }} }} }}")).await;
    assert_eq!(answer.json().get("errors"), None, "{}", answer.text);
}
