//! The token in a GraphQL call (contracts/ion.md §7).

use crate::harness::{Answer, MINUTE, SECOND, Server};

#[tokio::test]
async fn graphql_takes_three_spellings_and_says_why_not() {
    let server = Server::start().await;
    let token = server.ion_token().await;
    for authorization in [
        token.clone(),
        format!("Token {token}"),
        format!("Bearer {token}"),
        format!("bEARER {token}"),
        format!("tOKEN {token}"),
    ] {
        let query = r#"{"query":"{ runs(first: 2) { edges { node { id title steps { id title } } } } }"}"#;
        let answer = server.post("/graphql").header("Authorization", &authorization).json(query).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["data"]["runs"]["edges"].as_array().unwrap().len(), 2, "{answer:?}");
    }
    let foreign = server.client_token("plain", &server.plain).await;
    let cut = token[..token.len() - 8].to_owned();
    let (head, rest) = token.split_once('.').unwrap();
    let nested = format!("{head}.{head}.{}", rest.split_once('.').unwrap().1);
    let rows = [
        ("no header", None, "Please provide proper credentials"),
        ("damaged", Some(cut), "Unable to parse authentication token"),
        ("other claims under the signature", Some(nested), "Unable to parse authentication token"),
        ("not a JWT", Some("abc".to_owned()), "Unable to parse authentication token"),
        ("another scheme", Some("Basic YTpi".to_owned()), "Unable to parse authentication token"),
        ("two words", Some(format!("{token} x")), "Unable to parse authentication token"),
        ("another realm's key", Some(format!("Bearer {foreign}")), "Unable to find appropriate RSA key"),
    ];
    let refused = |answer: &Answer, message: &str, what: &str| {
        assert_eq!(
            (answer.status, answer.body.clone()),
            (401, format!(r#"{{"errors":[{{"message":"{message}"}}]}}"#)),
            "{what}"
        );
        assert_eq!(answer.header("content-type"), Some("application/json"), "{what}");
    };
    for (what, authorization, message) in rows {
        let call = server.post("/graphql").json(r#"{"query":"{ me { id } }"}"#);
        let answer = match authorization {
            Some(value) => call.header("Authorization", &value).await,
            None => call.await,
        };
        refused(&answer, message, what);
    }
    // Unknown fields are GraphQL's own to refuse: 200 with errors.
    let unknown = server.post("/graphql").bearer(&token).json(r#"{"query":"{ nothing }"}"#).await;
    assert_eq!(unknown.status, 200, "{unknown:?}");
    assert!(unknown.json()["errors"].is_array(), "{unknown:?}");

    server.seed().enable_client("api-keys", "ion-key-1", false).await;
    refused(&server.graphql(&token).await, "Please provide proper credentials", "a disabled key");
    server.seed().enable_client("api-keys", "ion-key-1", true).await;
    server.clock.advance(5 * MINUTE - SECOND);
    assert_eq!(server.graphql(&token).await.status, 200, "the last second");
    server.clock.advance(SECOND);
    refused(&server.graphql(&token).await, "Token is expired.", "expired");
}
