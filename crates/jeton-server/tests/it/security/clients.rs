//! How programs prove themselves, and what they may ask for (C1 to C9).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jeton_core::domain::client::{ClientSettings, StoredSecret};
use jeton_core::domain::policy::Alg;
use jeton_core::domain::realm::Settings;
use jeton_store::Owner;

use super::{error, resource_server, service};
use crate::harness::{Answer, HOUR, Key, Options, SECOND, Server, mount};

/// The endpoints at which a client must prove itself, with what else each needs.
const ENDPOINTS: [(&str, &str); 3] =
    [("token", "grant_type=client_credentials"), ("token/introspect", "token=x"), ("revoke", "token=x")];

const FORM: &str = "application/x-www-form-urlencoded";

fn endpoint(name: &str) -> String {
    format!("/realms/plain/protocol/openid-connect/{name}")
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{user}:{password}")))
}

#[tokio::test]
async fn c1_nobody_is_believed_for_a_client_id_alone() {
    let server = Server::start().await;
    let Key { id, secret } = &server.plain;
    for (name, more) in ENDPOINTS {
        let right = server.post(&endpoint(name)).header("Authorization", &basic(id, secret)).body(FORM, more);
        assert_eq!(right.await.status, 200, "{name}");
        for form in [
            format!("{more}&client_id={id}"),
            format!("{more}&client_id={id}&client_secret="),
            format!("{more}&client_id={id}&client_secret={id}"),
            format!("{more}&client_id={id}&client_assertion=x&client_assertion_type=y"),
            format!("{more}&client_id=unknown&client_secret={secret}"),
            format!("{more}&client_secret={secret}"),
            more.to_owned(),
        ] {
            let answer = server.post(&endpoint(name)).body(FORM, form.clone()).await;
            assert_eq!((answer.status, error(&answer).as_str()), (401, "invalid_client"), "{name} {form}");
        }
        for authorization in [format!("Bearer {secret}"), basic(id, ""), basic("", secret), format!("Digest {secret}")]
        {
            let answer = server.post(&endpoint(name)).header("Authorization", &authorization).body(FORM, more).await;
            assert_eq!(answer.status, 401, "{name} {authorization}");
        }
    }
}

#[tokio::test]
async fn c2_the_forms_credentials_win_over_basic() {
    let server = Server::start().await;
    let other = server.seed().client("plain", "other", service()).await;
    let ask = async |form: &Key, header: &Key| {
        let call = server.oauth("plain", "token", form, &[("grant_type", "client_credentials")]);
        call.header("Authorization", &basic(&header.id, &header.secret)).await
    };
    let wrong = Key { secret: "wrong".to_owned(), ..server.plain.clone() };
    assert_eq!(ask(&server.plain, &other).await.status, 200);
    assert_eq!(ask(&wrong, &server.plain).await.status, 401, "a right header does not mend a wrong form");
}

/// A secret beside those that `owner` has; they end at `others_until`.
async fn rotate(server: &Server, owner: Owner, hours: u32) -> String {
    let (secret, stored): (String, StoredSecret) = server.seed().secret();
    let until = server.clock.now() + HOUR * hours;
    server.app.store.add_secret(owner, &stored, Some(until), server.seed().record()).await.unwrap();
    secret
}

#[tokio::test]
async fn c3_two_secrets_live_side_by_side_until_the_old_one_ends() {
    let server = Server::start().await;
    let realm = server.seed().find_realm("plain").await.id;
    let client = server.app.store.client(realm, &server.plain.id).await.unwrap().unwrap().id;
    let secret = rotate(&server, Owner::Client(client), 1).await;
    let new_client = Key { secret, ..server.plain.clone() };

    let realm = server.seed().find_realm("zro").await.id;
    let api_key = server.app.store.api_key(realm, &server.zro.id).await.unwrap().unwrap().id;
    let new_key = Key { secret: rotate(&server, Owner::ApiKey(api_key), 1).await, ..server.zro.clone() };

    let client =
        async |key: &Key| server.oauth("plain", "token", key, &[("grant_type", "client_credentials")]).await.status;
    let key = async |key: &Key| server.zro_sign_in(key).await.status;
    let introspect = async |key: &Key| server.oauth("plain", "token/introspect", key, &[("token", "x")]).await.status;
    for (later, old) in [(Duration::ZERO, 200), (HOUR - SECOND, 200), (SECOND, 401)] {
        server.clock.advance(later);
        assert_eq!([client(&server.plain).await, client(&new_client).await], [old, 200]);
        assert_eq!([key(&server.zro).await, key(&new_key).await], [old, 200]);
        assert_eq!([introspect(&server.plain).await, introspect(&new_client).await], [old, 200]);
    }
}

#[tokio::test]
async fn c3_a_secret_has_256_bits_and_is_recognised() {
    let server = Server::start().await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..50 {
        let secret = server.seed().secret().0;
        let random = secret.strip_prefix("jts_").unwrap();
        // 43 base62 characters and six of a checksum.
        assert_eq!((random.len(), random.bytes().all(|b| b.is_ascii_alphanumeric())), (49, true), "{secret}");
        assert!(seen.insert(secret));
    }
}

#[tokio::test]
async fn c7_malformed_basic_credentials_are_a_401() {
    let server = Server::start().await;
    let Key { id, secret } = server.plain.clone();
    let encoded = |bytes: &[u8]| format!("Basic {}", BASE64.encode(bytes));
    let long = "x".repeat(8 * 1024);
    let rows: Vec<(&str, String)> = vec![
        ("no value", "Basic".to_owned()),
        ("an empty value", "Basic ".to_owned()),
        ("no colon", encoded(format!("{id}{secret}").as_bytes())),
        ("nothing but a colon", encoded(b":")),
        ("bad base64", "Basic !!!!".to_owned()),
        ("base64 without its end", format!("Basic {}", &BASE64.encode(format!("{id}:{secret}!"))[..11])),
        ("two values", format!("{} {}", basic(&id, &secret), "x")),
        ("NUL", encoded(format!("{id}:{secret}\0").as_bytes())),
        ("a control character", encoded(format!("{id}\n:{secret}").as_bytes())),
        ("not UTF-8", encoded(b"\xff\xfe:\xff")),
        ("a broken percent sign", basic(&id, "100%")),
        ("8 KiB", basic(&id, &long)),
        ("another case of the id", basic(&id.to_uppercase(), &secret)),
        ("space before the id", basic(&format!(" {id}"), &secret)),
    ];
    for (name, more) in ENDPOINTS {
        for (what, value) in &rows {
            let answer = server.post(&endpoint(name)).header("Authorization", value).body(FORM, more).await;
            assert_eq!(answer.status, 401, "{name}, {what}: {answer:?}");
            server.clock.advance(HOUR * 25);
        }
        let twice = server.post(&endpoint(name)).header("Authorization", &basic(&id, &secret));
        let answer = twice.header("Authorization", &basic(&id, &secret)).body(FORM, more).await;
        assert_eq!(answer.status, 401, "{name}, two headers");
        let bytes = format!(
            "POST {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Basic \u{fc}\u{fc}\r\n\
             Content-Type: {FORM}\r\nContent-Length: {}\r\n\r\n{more}",
            endpoint(name),
            more.len()
        );
        assert_eq!(server.send(bytes).await.status, 401, "{name}, bytes above ASCII");
    }
}

#[tokio::test]
async fn c7_basic_credentials_are_form_decoded() {
    let server = Server::start().await;
    let Key { id, secret } = &server.plain;
    let percent = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    for value in [basic(id, secret), basic(&percent(id), &percent(secret)), basic(id, secret).replace("Basic", "bASIC")]
    {
        let call = server.post(&endpoint("token")).header("Authorization", &value);
        assert_eq!(call.body(FORM, "grant_type=client_credentials").await.status, 200, "{value}");
    }
}

/// The same grant through OAuth and through a dialect that has it.
const DIALECT: &str = r#"
jeton = 1
name = "counter"
[token]
format = "opaque"
text = "{{random:60}}"
lifetime = "1h"
[refresh]
how = "none"
[[exchange]]
grant = "client_credentials"
request = '''
POST /counter
Content-Type: application/json

{"id":"{{client_id}}","secret":"{{client_secret}}","scope":"{{scope?}}"}'''
answer = '''
200
Content-Type: application/json

{"token":"{{access_token}}","seconds":{{expires_in}},"scope":"{{scope}}"}'''
[refusal]
answer = '''
{{status}}
Content-Type: application/json

{"no":"{{code}}"}'''
invalid_request   = { status = 400, code = "request" }
wrong_credentials = { status = 401, code = "credentials" }
denied            = { status = 403, code = "denied" }
invalid_token     = { status = 401, code = "token" }
throttled         = { status = 429, code = "later" }
unavailable       = { status = 503, code = "later" }
[[show]]
token = ["Authorization: Bearer {{access_token}}"]
"#;

#[tokio::test]
async fn c8_what_a_client_may_not_have_it_does_not_get_anywhere() {
    let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    std::fs::write(file.path(), DIALECT).unwrap();
    let server = Server::start_with(Options { dialects: vec![file.path().to_owned()], ..Options::default() }).await;
    // Signed otherwise than the dialect's own tokens would be.
    let settings = Settings {
        dialects: vec![mount("counter")],
        alg: Alg::EdDSA,
        gate: vec!["* /echo".to_owned()],
        ..Settings::default()
    };
    server.seed().realm("custom", settings).await;
    let may = server.seed().client("custom", "may", service()).await;
    let without_grant = ClientSettings { grants: Vec::new(), ..service() };
    let may_not = server.seed().client("custom", "may-not", without_grant).await;

    let oauth = async |client: &Key, scope: &str| -> Answer {
        server.oauth("custom", "token", client, &[("grant_type", "client_credentials"), ("scope", scope)]).await
    };
    let dialect = async |client: &Key, scope: &str| -> Answer {
        let body = serde_json::json!({ "id": client.id, "secret": client.secret, "scope": scope });
        server.post("/counter").json(body.to_string()).await
    };
    let token = dialect(&may, "email").await;
    assert_eq!((token.status, token.text("/scope").as_str()), (200, "email"), "{token:?}");
    assert_eq!(server.get("/echo").bearer(&token.text("/token")).await.status, 200);
    let rows = [
        (&may, "email", 200, 200),
        (&may, "", 200, 200),
        (&may, "email profile", 200, 200),
        (&may, "email admin", 400, 403),
        (&may, "Email", 400, 403),
        (&may_not, "email", 401, 403),
    ];
    for (client, scope, by_oauth, by_dialect) in rows {
        assert_eq!(oauth(client, scope).await.status, by_oauth, "{} {scope}", client.id);
        assert_eq!(dialect(client, scope).await.status, by_dialect, "{} {scope}", client.id);
    }
    let asked_for_more = oauth(&may, "admin").await;
    assert_eq!(error(&asked_for_more), "invalid_scope");
    // What the realm does not have, and what the client may not use.
    let fields = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    let answer = server.oauth("plain", "token", &server.plain, &fields).await;
    assert_eq!((answer.status, error(&answer).as_str()), (400, "unauthorized_client"));
    for grant in ["password", "authorization_code", "urn:ietf:params:oauth:grant-type:token-exchange"] {
        let fields = [("grant_type", grant), ("username", "grace"), ("password", "x"), ("code", "x")];
        let answer = server.oauth("plain", "token", &server.plain, &fields).await;
        assert_eq!((answer.status, error(&answer).as_str()), (400, "unsupported_grant_type"), "{grant}");
    }
}

#[tokio::test]
async fn c9_a_disabled_client_gets_nothing_and_its_tokens_are_dead() {
    let server = Server::start().await;
    let api = server.seed().client("plain", "api", resource_server()).await;
    let client = &server.plain;
    let token = server.client_token("plain", client).await;
    let fields = [("grant_type", "client_credentials"), ("token", token.as_str())];
    let statuses = async || {
        let mut statuses = Vec::new();
        for (endpoint, _) in ENDPOINTS.iter().filter(|(name, _)| *name != "revoke") {
            statuses.push(server.oauth("plain", endpoint, client, &fields).await.status);
        }
        statuses.push(server.get("/plain/x").bearer(&token).await.status);
        let seen = server.oauth("plain", "token/introspect", &api, &[("token", &token)]).await.json();
        statuses.push(if seen["active"] == true { 200 } else { 401 });
        statuses
    };
    assert_eq!(statuses().await, [200; 4]);
    server.seed().enable_client("plain", &client.id, false).await;
    assert_eq!(statuses().await, [401; 4]);
    let revoked = server.oauth("plain", "revoke", client, &[("token", &token)]).await;
    assert_eq!((revoked.status, error(&revoked).as_str()), (401, "invalid_client"));
    server.seed().enable_client("plain", &client.id, true).await;
    assert_eq!(statuses().await, [200; 4], "what it asked for meanwhile did nothing");
}

/// A program with a wrong secret is slowed down; one whose secret was mended comes to its turn although it never rests.
#[tokio::test]
async fn c7_a_mended_client_comes_to_its_turn_at_every_endpoint() {
    for (name, more) in ENDPOINTS {
        let server = Server::start().await;
        let ask = async |secret: &str| {
            let authorization = basic(&server.plain.id, secret);
            server.post(&endpoint(name)).header("Authorization", &authorization).body(FORM, more).await.status
        };
        for _ in 0..14 {
            assert_eq!(ask("wrong").await, 401, "{name}");
            server.clock.advance(SECOND * 60);
        }
        assert_eq!(ask("wrong").await, 401, "{name}");
        let mut tries = 0;
        while ask(&server.plain.secret).await != 200 {
            tries += 1;
            assert!(tries <= 60, "{name}: still refused a minute after the last wrong secret");
            server.clock.advance(SECOND);
        }
        assert!(tries > 0, "{name}: it is not slowed down at all");
        for _ in 0..9 {
            assert_eq!(ask("wrong").await, 401, "{name}");
        }
        assert_eq!(ask(&server.plain.secret).await, 200, "{name}: success starts the count anew");
    }
}
