//! A dialect where a client proves itself beside a person, and leaves a name to the server.

use jeton_core::domain::client::ClientSettings;
use jeton_core::domain::realm::{Mount, Settings};
use serde_json::json;
use tempfile::TempDir;

use crate::harness::{Answer, Key, Options, Person, Server};

const HARBOUR: &str = r#"
jeton = 1
name = "harbour"

[token]
format = "opaque"
lifetime = "10m"

[refresh]
how = "keep"
end = { after = "1d" }

[field]
berth = { from = "client", type = "text", make = "uuid4" }

[[exchange]]
grant = "password"
request = '''
POST /moor
Content-Type: application/json

{"name":"{{username}}","word":"{{password}}","client":"{{client_id}}","secret":"{{client_secret}}","berth":"{{berth?}}"}'''
answer = '''
200
Content-Type: application/json

{"pass":"{{access_token}}","again":"{{refresh_token}}","berth":"{{berth}}"}'''

[[exchange]]
grant = "refresh"
request = '''
POST /again
Content-Type: application/json

{"again":"{{refresh_token}}","client":"{{client_id}}","secret":"{{client_secret}}"}'''
answer = '''
200
Content-Type: application/json

{"pass":"{{access_token}}"}'''

[[exchange]]
grant = "end"
request = '''
POST /leave
Content-Type: application/json

{"again":"{{refresh_token}}","client":"{{client_id}}","secret":"{{client_secret}}"}'''
answer = "204"

[refusal]
answer = '''
{{status}}
Content-Type: application/json

{"no":"{{code}}"}'''
invalid_request   = { status = 400, code = "what" }
wrong_credentials = { status = 401, code = "who" }
invalid_client    = { status = 401, code = "which program" }
invalid_token     = { status = 401, code = "stale" }
"#;

const MARY: Person = Person { username: "mary", password: "read by the sea" };

async fn harbour() -> (Server, Key, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("harbour.toml");
    std::fs::write(&file, HARBOUR).unwrap();
    let server = Server::start_with(Options { dialects: vec![file], ..Options::default() }).await;
    let dialects = vec![Mount { dialect: "harbour".into(), host: None, prefix: String::new() }];
    server.seed().realm("port", Settings { dialects, ..Settings::default() }).await;
    server.seed().person("port", MARY, 7, &[], &[]).await;
    let key = server.seed().client("port", "pilot", ClientSettings::default()).await;
    (server, key, folder)
}

async fn post(server: &Server, path: &str, body: serde_json::Value) -> Answer {
    server.post(path).body("application/json", body.to_string()).await
}

#[tokio::test]
async fn a_client_proves_itself_beside_a_person() {
    let (server, key, _folder) = harbour().await;
    let moor = async |word: &str, client: &str, secret: &str| {
        post(&server, "/moor", json!({"name": "mary", "word": word, "client": client, "secret": secret})).await
    };
    for (word, client, secret, no) in [
        (MARY.password, "pilot", "wrong", "which program"),
        (MARY.password, "nobody", key.secret.as_str(), "which program"),
        ("wrong", "pilot", key.secret.as_str(), "who"),
        ("wrong", "pilot", "wrong", "which program"),
    ] {
        let answer = moor(word, client, secret).await;
        assert_eq!((answer.status, answer.text("/no")), (401, no.to_owned()), "{word} {client} {secret}");
    }
    let answer = moor(MARY.password, "pilot", &key.secret).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let again = answer.text("/again");
    for (path, secret, status) in [
        ("/again", "wrong", 401),
        ("/leave", "wrong", 401),
        ("/again", key.secret.as_str(), 200),
        ("/leave", key.secret.as_str(), 204),
        ("/again", key.secret.as_str(), 401),
    ] {
        let answer = post(&server, path, json!({"again": again, "client": "pilot", "secret": secret})).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn what_a_client_does_not_make_the_server_does() {
    let (server, key, _folder) = harbour().await;
    let moor = async |berth: Option<&str>| {
        let body =
            json!({"name": "mary", "word": MARY.password, "client": "pilot", "secret": key.secret, "berth": berth});
        post(&server, "/moor", body).await.text("/berth")
    };
    assert_eq!(moor(Some("north 7")).await, "north 7");
    let (one, other) = (moor(None).await, moor(None).await);
    assert!(one.len() == 36 && one != other, "{one} {other}");
}
