//! The four realms' gates beside each other: a token opens its own API and no other.

use crate::harness::{Answer, ORDERS, Server};

const NONCE: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

/// One call to each API, with the token as every API reads it.
async fn calls(server: &Server, token: &str) -> [(&'static str, Answer); 5] {
    let query = r#"{"query":"{ me { id } }"}"#;
    [
        ("inevent", server.post("/?action=person.get").bearer(token).await),
        ("pitchpoint", server.post(ORDERS).bearer(token).json("{}").await),
        ("api-keys", server.post("/graphql").bearer(token).json(query).await),
        ("zro", server.get("/operations/wallets").bearer(token).header("nonce", NONCE).await),
        ("plain", server.get("/plain/x").bearer(token).await),
    ]
}

#[tokio::test]
async fn a_token_of_each_realm_opens_that_realms_api_alone() {
    let server = Server::start().await;
    let tokens = [
        ("inevent", server.inevent_token().await),
        ("pitchpoint", server.pitchpoint_tokens().await.access),
        ("api-keys", server.ion_token().await),
        ("zro", server.zro_token().await),
        ("plain", server.client_token("plain", &server.plain).await),
    ];
    for (of, token) in &tokens {
        for (at, answer) in calls(&server, token).await {
            let expected = if *of == at { 200 } else { 401 };
            assert_eq!(answer.status, expected, "token of {of} at {at}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn the_api_is_told_who_calls_and_never_the_token() {
    let server = Server::start().await;
    let token = server.client_token("plain", &server.plain).await;
    let answer = server
        .get("/plain/a%20b?x=1&y")
        .bearer(&token)
        .header("X-Jeton-Subject", "forged")
        .header("x_jeton_subject", "forged")
        .header("X-Other", "kept")
        .await;
    let seen = answer.json();
    assert_eq!((&seen["method"], &seen["target"]), (&"GET".into(), &"/plain/a%20b?x=1&y".into()), "{answer:?}");
    let header = |name: &str| -> Vec<String> {
        let headers = seen["headers"].as_array().unwrap();
        let named = headers.iter().filter(|pair| pair[0] == name);
        named.map(|pair| pair[1].as_str().unwrap().to_owned()).collect()
    };
    let service = server.seed().find_principal("plain", "service").await;
    assert_eq!(header("x-jeton-subject"), [service.id.to_string()]);
    assert_eq!(header("x-jeton-client-id"), ["service"]);
    assert_eq!(header("x-jeton-scope"), ["profile email"]);
    assert_eq!(header("x-other"), ["kept"]);
    assert_eq!((header("x_jeton_subject"), header("authorization")), (vec![], vec![]));
    assert!(!answer.body.contains(&token) && !answer.body.contains("forged"), "{answer:?}");
}

#[tokio::test]
async fn no_rule_means_no_and_scopes_are_asked_for() {
    let server = Server::start().await;
    let all = server.client_token("plain", &server.plain).await;
    let narrow = [("grant_type", "client_credentials"), ("scope", "profile")];
    let narrow = server.oauth("plain", "token", &server.plain, &narrow).await.text("/access_token");
    for (what, call, status) in [
        ("a rule", server.get("/plain/x").bearer(&all), 200),
        ("no token", server.get("/plain/x"), 401),
        ("no rule", server.get("/other").bearer(&all), 404),
        ("no rule for the folder itself", server.get("/plainer").bearer(&all), 404),
        ("open to anybody", server.get("/plain-open"), 200),
        ("a scope that is there", server.get("/plain-email/x").bearer(&all), 200),
        ("a scope that is not", server.get("/plain-email/x").bearer(&narrow), 403),
        ("out of the folder", server.get("/plain/../other").bearer(&all), 404),
        ("an ambiguous path", server.get("/plain/a%2fb").bearer(&all), 400),
        ("in the query", server.get(&format!("/plain/x?access_token={all}")), 400),
    ] {
        assert_eq!(call.await.status, status, "{what}");
    }
}
