//! What an API behind the gate says of itself (RFC 9728), and where its challenges say that it is said.

use jeton_core::domain::client::{ClientSettings, TokenFormat};
use jeton_core::domain::grant::GrantType::ClientCredentials;
use serde_json::json;

use crate::harness::{PUBLIC_URL, Server};
use crate::security::forwarded;

const RESOURCE: &str = "https://api.example:8443/plain";
const METADATA: &str = "https://api.example:8443/.well-known/oauth-protected-resource/plain";
const TARGET: &str = "/.well-known/oauth-protected-resource/plain";

#[tokio::test]
async fn it_is_said_at_its_own_host_and_path_alone_once_the_realm_names_it() {
    let server = Server::start().await;
    let get = async |host: &str, target: &str| server.get(target).host(host).await;
    assert_eq!(get("api.example:8443", TARGET).await.status, 404, "off by default");
    server.configure("plain", |settings| settings.resource = Some(RESOURCE.to_owned())).await;
    let answer = get("api.example:8443", TARGET).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let expected = json!({
        "resource": RESOURCE,
        "authorization_servers": [format!("{PUBLIC_URL}/realms/plain")],
        "bearer_methods_supported": ["header"],
    });
    assert_eq!(answer.json(), expected);
    for (host, target) in [
        ("other.example", TARGET),
        ("api.example", "/.well-known/oauth-protected-resource"),
        ("api.example", "/.well-known/oauth-protected-resource/plain/x"),
    ] {
        assert_eq!(get(host, target).await.status, 404, "{host} {target}");
    }
    server.configure("plain", |settings| settings.resource = Some("https://api.example".to_owned())).await;
    assert_eq!(get("api.example", TARGET).await.status, 404);
    assert_eq!(get("api.example", "/.well-known/oauth-protected-resource").await.status, 200);
    server.seed().enable_realm("plain", false).await;
    assert_eq!(get("api.example", "/.well-known/oauth-protected-resource").await.status, 404);
}

#[tokio::test]
async fn challenges_say_where() {
    let server = Server::start_with(crate::harness::Options {
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        ..crate::harness::Options::default()
    })
    .await;
    let challenges = async || {
        let gate = server.get("/plain/x").await;
        let bad = server.get("/plain/x").bearer("made-up").await;
        let asked = forwarded(&server, "plain", "GET", "/plain/x", "made-up").await;
        [gate, bad, asked].map(|answer| {
            assert_eq!(answer.status, 401);
            answer.header("www-authenticate").unwrap().to_owned()
        })
    };
    assert!(challenges().await.iter().all(|challenge| !challenge.contains("resource_metadata")));
    server.configure("plain", |settings| settings.resource = Some(RESOURCE.to_owned())).await;
    let expected = format!(r#"Bearer realm="plain", resource_metadata="{METADATA}""#);
    let [none, bad, asked] = challenges().await;
    assert_eq!(none, expected);
    assert!(bad.starts_with(&format!(r#"{expected}, error="invalid_token""#)), "{bad}");
    assert_eq!(asked, bad);
}

/// A token that names whom it is for opens no other API, once this one has a name.
#[tokio::test]
async fn f7_the_gate_takes_tokens_for_its_api_alone() {
    let server = Server::start_with(crate::harness::Options {
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        ..crate::harness::Options::default()
    })
    .await;
    let client = |audiences: &[&str], format| ClientSettings {
        grants: vec![ClientCredentials],
        audiences: audiences.iter().map(|name| (*name).to_owned()).collect(),
        access_token: format,
        ..ClientSettings::default()
    };
    let other = "https://other.example";
    let rows: [(&str, &[&str], TokenFormat, bool); 6] = [
        ("for-it", &[RESOURCE], TokenFormat::Jwt, true),
        ("for-both", &[other, RESOURCE], TokenFormat::Opaque, true),
        ("for-another", &[other], TokenFormat::Jwt, false),
        ("for-another-opaque", &[other], TokenFormat::Opaque, false),
        ("for-the-realm", &[], TokenFormat::Jwt, true),
        ("for-nobody-in-particular", &[], TokenFormat::Opaque, true),
    ];
    for (name, audiences, format, fits) in rows {
        let key = server.seed().client("plain", name, client(audiences, format)).await;
        for (resource, opens) in [(None, true), (Some(RESOURCE.to_owned()), fits)] {
            server.configure("plain", |settings| settings.resource = resource).await;
            let token = server.client_token("plain", &key).await;
            let gate = server.get("/plain/x").bearer(&token).await;
            let asked = forwarded(&server, "plain", "GET", "/plain/x", &token).await;
            assert_eq!((gate.status != 401, asked.status == 200), (opens, opens), "{name} {opens}");
        }
    }
}
