//! What a client may ask to be, at first and later.

use jeton_core::domain::certificate::MutualTls;
use jeton_core::domain::client::{AuthMethod, ClientSettings};
use jeton_core::domain::grant::GrantType::{self, ClientCredentials, DeviceCode};
use jeton_core::domain::policy::Alg;
use jeton_core::domain::registration::RegistrationBounds;
use serde_json::{Value, json};

use super::super::{REALM, no};
use super::{Desk, ENDPOINT, desk, desk_for, desk_on, initial, key, post};
use crate::harness::{Answer, Key, Machine, Options, Server};

#[tokio::test]
async fn c11_a_client_has_no_more_than_its_token_gives() {
    let desk = desk_for(99).await;
    let key = Machine::new(Alg::ES256).jwk;
    let jwks = json!({ "keys": [key] });
    let private = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": key.x, "y": key.y, "d": "AA" }] });
    let with = |member: &str, value: Value| json!({ member: value });
    let metadata = "invalid_client_metadata";
    for (asked, error) in [
        (with("scope", json!("read admin")), metadata),
        (with("audience", json!(["https://bills.example"])), metadata),
        (with("grant_types", json!(["client_credentials", "refresh_token"])), metadata),
        (with("grant_types", json!(["password"])), metadata),
        (with("grant_types", json!(["urn:ietf:params:oauth:grant-type:jwt-bearer"])), metadata),
        (with("grant_types", json!(["urn:ietf:params:oauth:grant-type:token-exchange"])), metadata),
        (with("grant_types", json!(["authorization_code"])), metadata),
        (with("grant_types", json!("client_credentials")), metadata),
        (with("response_types", json!(["code"])), metadata),
        (with("redirect_uris", json!(["https://app.example/callback"])), "invalid_redirect_uri"),
        (with("software_statement", json!("e30.e30.")), "unapproved_software_statement"),
        (with("jwks_uri", json!("https://169.254.169.254/keys")), metadata),
        (with("token_endpoint_auth_method", json!("client_secret_jwt")), metadata),
        (with("token_endpoint_auth_method", json!("self_signed_tls_client_auth")), metadata),
        (with("token_endpoint_auth_method", json!("private_key_jwt")), metadata),
        (with("token_endpoint_auth_method", json!("tls_client_auth")), metadata),
        // A public client has nothing to speak for itself with.
        (with("token_endpoint_auth_method", json!("none")), metadata),
        (
            json!({ "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "a.example",
            "tls_client_auth_san_uri": "spiffe://a" }),
            metadata,
        ),
        (with("tls_client_auth_san_ip", json!("a.example")), metadata),
        (json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": private }), metadata),
        (
            json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks,
            "token_endpoint_auth_signing_alg": "RS256" }),
            metadata,
        ),
        (json!({ "jwks": { "keys": vec![key.clone(); 21] } }), metadata),
        (with("client_name", json!("a\u{1b}[2J")), metadata),
        (with("client_name", json!("a".repeat(101))), metadata),
        (with("dpop_bound_access_tokens", json!("yes")), metadata),
        (with("tls_client_certificate_bound_access_tokens", json!("yes")), metadata),
        (json!({ "dpop_bound_access_tokens": true, "tls_client_certificate_bound_access_tokens": true }), metadata),
        (json!([]), metadata),
        (json!(5), metadata),
    ] {
        let answer = desk.ask(&asked).await;
        assert_eq!(no(&answer), (400, error.to_owned()), "{asked}");
        assert!(!answer.text("/error_description").is_empty(), "{asked}");
    }
    for body in ["", "{", "{\"scope\":\"read\",\"scope\":\"write\"}", "{\"client_name\":\"\\ud800\"}"] {
        let answer = desk.shop.server.post(ENDPOINT).bearer(&desk.token).json(body).await;
        assert_eq!(no(&answer), (400, metadata.to_owned()), "{body}");
    }
    let typed = desk.shop.server.post(ENDPOINT).bearer(&desk.token);
    assert_eq!(typed.body("text/plain", post().to_string()).await.status, 415);
    assert_eq!(desk.events().await, Vec::<String>::new(), "a refusal uses nothing up");
    // Members that are unknown, and `null`, say nothing; what it calls itself is not its id (D6).
    let odd = json!({ "client_id": "admin", "client_secret": "mine", "enabled": false, "resource_server": true,
        "trusts": [{}], "scope": null, "jwks_uri": null, "redirect_uris": null });
    let made = desk.register(&odd).await;
    assert_ne!(made.text("/client_id"), "admin");
    assert_ne!(made.text("/client_secret"), "mine");
    let realm = desk.shop.server.seed().find_realm(REALM).await.id;
    let client = desk.shop.server.app.store.client(realm, &made.text("/client_id")).await.unwrap().unwrap();
    let expected = ClientSettings {
        auth: Some(AuthMethod::ClientSecretBasic),
        grants: vec![ClientCredentials],
        scopes: vec!["read".to_owned(), "write".to_owned()],
        audiences: vec!["https://orders.example".to_owned()],
        ..ClientSettings::default()
    };
    assert_eq!((client.settings, client.enabled), (expected, true));
}

/// A way of proof that nobody can go would make a client without tokens.
#[tokio::test]
async fn c11_f14_what_takes_a_certificate_is_registered_where_clients_are_asked_for_one() {
    let named = json!({ "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "a.example" });
    let bound = json!({ "tls_client_certificate_bound_access_tokens": true });
    for (mutual_tls, name, binding) in
        [(MutualTls::Off, 400, 400), (MutualTls::SelfSigned, 400, 201), (MutualTls::Authorities, 201, 201)]
    {
        let desk = desk_on(Server::start_with(Options { mutual_tls, ..Options::default() }).await, 9).await;
        let made = desk.register(&post()).await;
        for (asked, status) in [(&named, name), (&bound, binding)] {
            let answer = desk.ask(asked).await;
            assert_eq!(answer.status, status, "{mutual_tls:?} {answer:?}");
            let status = if status == 201 { 200 } else { status };
            assert_eq!(desk.update(&made, asked).await.status, status, "{mutual_tls:?} {asked}");
        }
    }
}

/// Whatever is asked is answered alike by a registration and by an update, from whatever the client was before.
#[tokio::test]
async fn c10_an_update_is_judged_as_a_registration_is() {
    let options = Options { mutual_tls: MutualTls::Authorities, ..Options::default() };
    let desk = desk_on(Server::start_with(options).await, 999).await;
    let keys = [Alg::ES256, Alg::EdDSA].map(|alg| Machine::new(alg).jwk);
    let jwks = json!({ "keys": keys });
    let asked = [
        json!({}),
        json!({ "scope": "write read write", "client_name": "one" }),
        json!({ "scope": "", "audience": [], "grant_types": [] }),
        json!({ "scope": "admin" }),
        json!({ "grant_types": ["password"] }),
        json!({ "audience": ["https://orders.example"], "dpop_bound_access_tokens": true }),
        json!({ "tls_client_certificate_bound_access_tokens": true }),
        json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks }),
        json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks,
            "token_endpoint_auth_signing_alg": "EdDSA" }),
        json!({ "token_endpoint_auth_method": "private_key_jwt" }),
        json!({ "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=a" }),
        json!({ "token_endpoint_auth_method": "none", "grant_types": [] }),
        json!({ "token_endpoint_auth_method": "none" }),
        json!({ "redirect_uris": ["https://a.example"] }),
        json!({ "jwks_uri": "https://a.example" }),
    ];
    let told = |answer: &Answer| {
        let mut told = answer.json();
        for own in ["client_id", "client_secret", "registration_access_token", "registration_client_uri"] {
            told.as_object_mut().unwrap().remove(own);
        }
        (answer.status.min(300), told)
    };
    for first in asked.iter().filter(|asked| asked.get("redirect_uris").is_none()) {
        for second in &asked {
            let (begun, fresh) = (desk.ask(first).await, desk.ask(second).await);
            if begun.status != 201 {
                continue;
            }
            let updated = desk.update(&begun, second).await;
            assert_eq!(updated.status, if fresh.status == 201 { 200 } else { fresh.status }, "{first} {second}");
            let (mut updated, mut fresh) = (told(&updated), told(&fresh));
            (updated.0, fresh.0) = (0, 0);
            assert_eq!(updated, fresh, "{first} {second}");
        }
    }
}

#[tokio::test]
async fn c11_a_public_client_has_no_secret() {
    let desk = desk().await;
    let bounds = RegistrationBounds { grants: vec![DeviceCode, GrantType::RefreshToken], ..Default::default() };
    let token = initial(&desk.shop, bounds, 9).await;
    let desk = Desk { token, ..desk };
    let public = json!({ "token_endpoint_auth_method": "none" });
    let made = desk.register(&public).await;
    let secret = |answer: &Answer| answer.json().get("client_secret").cloned();
    assert_eq!((secret(&made), made.json().get("client_secret_expires_at")), (None, None));
    let begin = async |client: &Key| desk.shop.server.oauth(REALM, "auth/device", client, &[]).await.status;
    assert_eq!(begin(&key(&made)).await, 200);
    // One that becomes confidential gets a secret, once; one that becomes public loses it.
    let confidential = desk.update(&made, &post()).await;
    let with_secret = key(&confidential);
    assert!(with_secret.secret.starts_with("jts_"), "{confidential:?}");
    assert_eq!((begin(&key(&made)).await, begin(&with_secret).await), (401, 200));
    assert_eq!(secret(&desk.update(&made, &post()).await), None);
    assert_eq!(begin(&with_secret).await, 200, "it stays");
    assert_eq!(secret(&desk.update(&made, &public).await), None);
    assert_eq!(desk.update(&made, &post()).await.status, 200);
    assert_eq!(begin(&with_secret).await, 401, "the secret of before is none any more");
}
