//! `private_key_jwt` (RFC 7523): the client signs who it is, each time anew.

use jeton_core::domain::client::{AuthMethod, ClientSettings};
use jeton_core::domain::grant::GrantType::ClientCredentials;
use jeton_core::domain::policy::Alg;
use serde_json::{Value, json};

use crate::harness::{ADA, Answer, MINUTE, Machine, PUBLIC_URL};

use super::{REALM, Shop, access, no, refresh_of, shop};

const TYPE: (&str, &str) = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
const GRANT: (&str, &str) = ("grant_type", "client_credentials");

/// What a client says of itself, as it should.
fn good(shop: &Shop, jti: &str) -> Value {
    let now = shop.server.clock.now().as_secs();
    json!({
        "iss": "machine", "sub": "machine", "aud": format!("{PUBLIC_URL}/realms/{REALM}"),
        "iat": now, "exp": now + 60, "jti": jti,
    })
}

async fn add(shop: &Shop, keys: &[&Machine]) {
    let settings = ClientSettings {
        grants: vec![ClientCredentials],
        auth: Some(AuthMethod::PrivateKeyJwt),
        keys: keys.iter().map(|key| key.jwk.clone()).collect(),
        resource_server: true,
        ..ClientSettings::default()
    };
    shop.server.seed().client(REALM, "machine", settings).await;
}

async fn ask(shop: &Shop, endpoint: &str, assertion: &str, more: &[(&str, &str)]) -> Answer {
    let fields = [&[TYPE, ("client_assertion", assertion)], more].concat();
    shop.server.post(&format!("/realms/{REALM}/protocol/openid-connect/{endpoint}")).form(&fields).await
}

fn invalid_client() -> (u16, String) {
    (401, "invalid_client".to_owned())
}

#[tokio::test]
async fn c4_every_algorithm_and_two_keys_at_once_each_assertion_once() {
    let shop = shop().await;
    let keys: Vec<Machine> = Alg::ALL.into_iter().map(Machine::new).collect();
    add(&shop, &keys.iter().collect::<Vec<_>>()).await;
    let begun = shop.sign_in(&shop.web, ADA).await;
    for key in &keys {
        let name = key.jwk.alg.name();
        let assertion = key.assert(&good(&shop, name));
        assert_eq!(ask(&shop, "token", &assertion, &[GRANT]).await.status, 200, "{name}");
        // At whatever endpoint, and whatever stands beside it.
        for (endpoint, more) in [("token", GRANT), ("token/introspect", ("token", "x")), ("revoke", ("token", "x"))] {
            assert_eq!(no(&ask(&shop, endpoint, &assertion, &[more]).await), invalid_client(), "{name} {endpoint}");
        }
        let asked = key.assert(&good(&shop, &format!("{name} asks")));
        let token = access(&begun);
        let fields = [("client_id", "machine"), ("token", token.as_str())];
        let seen = ask(&shop, "token/introspect", &asked, &fields).await;
        assert_eq!(seen.json()["active"], true, "{name}");
        assert_eq!(no(&ask(&shop, "token", &asked, &[GRANT]).await), invalid_client(), "{name}");
    }
}

#[tokio::test]
async fn c4_ed25519_by_either_of_its_names() {
    let shop = shop().await;
    let keys: Vec<Machine> = Alg::ALL.into_iter().map(Machine::new).collect();
    add(&shop, &keys.iter().collect::<Vec<_>>()).await;
    for key in &keys {
        let name = key.jwk.alg.name();
        let header = json!({ "alg": "Ed25519", "kid": key.jwk.kid });
        let assertion = key.sign(&header, &good(&shop, name).to_string());
        let status = if key.jwk.alg == Alg::EdDSA { 200 } else { 401 };
        assert_eq!(ask(&shop, "token", &assertion, &[GRANT]).await.status, status, "{name}");
    }
}

#[tokio::test]
async fn c4_c6_f6_what_an_assertion_must_be() {
    let shop = shop().await;
    let key = Machine::new(Alg::ES256);
    let stranger = Machine::new(Alg::ES256);
    add(&shop, &[&key]).await;
    let now = shop.server.clock.now().as_secs();
    let issuer = format!("{PUBLIC_URL}/realms/{REALM}");
    let rows: [(&str, &str, Value, bool); 25] = [
        ("as it should be", "jti", json!("a"), true),
        ("another issuer", "iss", json!("web"), false),
        ("another subject", "sub", json!("web"), false),
        ("for another realm", "aud", json!(format!("{PUBLIC_URL}/realms/plain")), false),
        ("for the token endpoint", "aud", json!(format!("{issuer}/protocol/openid-connect/token")), false),
        ("a list of audiences", "aud", json!([issuer]), false),
        ("two audiences", "aud", json!([issuer, "https://other.example"]), false),
        ("no audience", "aud", Value::Null, false),
        ("five minutes", "exp", json!(now + 300), true),
        ("six minutes", "exp", json!(now + 360), false),
        ("over", "exp", json!(now), false),
        ("without end", "exp", Value::Null, false),
        ("an end as text", "exp", json!((now + 60).to_string()), false),
        ("an end that is no integer", "exp", json!(now as f64 + 60.5), false),
        ("an end beyond numbers", "exp", json!(1_u64 << 60), false),
        ("begun ten seconds ahead", "iat", json!(now + 10), true),
        ("begun a minute ahead", "iat", json!(now + 61), false),
        ("good from ten seconds on", "nbf", json!(now + 10), true),
        ("good from a minute on", "nbf", json!(now + 61), false),
        ("no time of its making", "iat", Value::Null, true),
        ("no id", "jti", Value::Null, false),
        ("an empty id", "jti", json!(""), false),
        ("a number as id", "jti", json!(7), false),
        ("an id without end", "jti", json!("x".repeat(257)), false),
        ("a long id", "jti", json!("x".repeat(256)), true),
    ];
    for (number, (what, name, value, fine)) in rows.into_iter().enumerate() {
        let mut claims = good(&shop, &number.to_string());
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value,
        }
        let fields = [GRANT, ("client_id", "machine")];
        let answer = ask(&shop, "token", &key.assert(&claims), &fields).await;
        match fine {
            true => assert_eq!(answer.status, 200, "{what}: {}", answer.json()),
            false => assert_eq!(no(&answer), invalid_client(), "{what}"),
        }
    }
    let claims = |jti: &str| good(&shop, jti).to_string();
    let es = |more: Value| {
        let mut header = json!({ "alg": "ES256", "kid": key.jwk.kid });
        header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        header
    };
    let headers = [
        ("another's key", stranger.sign(&es(json!({})), &claims("h1")), false),
        ("a key that is not known", key.sign(&es(json!({"kid": "x"})), &claims("h2")), false),
        ("no name of a key", key.sign(&json!({"alg": "ES256"}), &claims("h3")), true),
        (
            "its own key in the header",
            stranger.sign(&json!({"alg": "ES256", "jwk": stranger.jwk}), &claims("h4")),
            false,
        ),
        ("another algorithm", key.sign(&es(json!({"alg": "PS256"})), &claims("h5")), false),
        ("a shared secret", key.sign(&es(json!({"alg": "HS256"})), &claims("h6")), false),
        ("no algorithm", key.sign(&es(json!({"alg": "none"})), &claims("h7")), false),
        ("something critical", key.sign(&es(json!({"crit": ["x"], "x": 1})), &claims("h8")), false),
        ("an access token", key.sign(&es(json!({"typ": "at+jwt"})), &claims("h9")), false),
        (
            "a client's assertion by name",
            key.sign(&es(json!({"typ": "client-authentication+jwt"})), &claims("h10")),
            true,
        ),
        (
            "a member that stands twice",
            key.sign(&es(json!({})), &claims("h11").replacen('{', r#"{"iss":"machine","#, 1)),
            false,
        ),
    ];
    for (what, assertion, fine) in headers {
        let answer = ask(&shop, "token", &assertion, &[GRANT, ("client_id", "machine")]).await;
        assert_eq!(answer.status == 200, fine, "{what}: {}", answer.json());
    }
    // For another client, and by another way.
    let assertion = key.assert(&good(&shop, "other"));
    assert_eq!(no(&ask(&shop, "token", &assertion, &[GRANT, ("client_id", "opaque")]).await), invalid_client());
    let fields = [GRANT, ("client_id", "machine"), ("client_secret", "x")];
    let by_secret = shop.server.post(&format!("/realms/{REALM}/protocol/openid-connect/token")).form(&fields).await;
    assert_eq!(no(&by_secret), invalid_client());
}

#[tokio::test]
async fn a_client_whose_library_knows_no_better_is_let_in_by_its_settings() {
    let shop = shop().await;
    let key = Machine::new(Alg::EdDSA);
    add(&shop, &[&key]).await;
    let endpoint = format!("{PUBLIC_URL}/realms/{REALM}/protocol/openid-connect/token");
    let asserted = |jti: &str| {
        let mut claims = good(&shop, jti);
        claims["aud"] = endpoint.as_str().into();
        claims["exp"] = (shop.server.clock.now().as_secs() + 3600).into();
        key.assert(&claims)
    };
    assert_eq!(no(&ask(&shop, "token", &asserted("1"), &[GRANT]).await), invalid_client());
    let tolerate = |settings: &mut ClientSettings| {
        settings.assertion.audiences = vec![endpoint.clone()];
        settings.assertion.max_secs = 3600;
    };
    shop.server.seed().configure_client(REALM, "machine", tolerate).await;
    assert_eq!(ask(&shop, "token", &asserted("2"), &[GRANT]).await.status, 200);
    // It is remembered for as long as it could come again.
    shop.server.clock.advance(MINUTE * 30);
    let again = asserted("3");
    assert_eq!(ask(&shop, "token", &again, &[GRANT]).await.status, 200);
    shop.server.clock.advance(MINUTE * 59);
    assert_eq!(no(&ask(&shop, "token", &again, &[GRANT]).await), invalid_client());
}

#[tokio::test]
async fn c5_of_a_hundred_uses_of_one_assertion_one_succeeds() {
    let shop = shop().await;
    let key = Machine::new(Alg::ES256);
    add(&shop, &[&key]).await;
    let nodes = [shop.server.beside().await, shop.server.beside().await];
    for (round, path) in ["token", "token/introspect"].into_iter().enumerate() {
        let assertion = key.assert(&good(&shop, &round.to_string()));
        let mut calls = tokio::task::JoinSet::new();
        for number in 0..100 {
            let server = nodes.iter().chain([&shop.server]).nth(number % 3).unwrap();
            let fields = [TYPE, ("client_assertion", &assertion), GRANT, ("token", "x")];
            let call = server.post(&format!("/realms/{REALM}/protocol/openid-connect/{path}")).form(&fields);
            calls.spawn(async move { call.await.status });
        }
        let statuses = calls.join_all().await;
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{path} {statuses:?}");
        // Guesses beyond the throttle's bound are not looked at; none of them is an error of ours.
        assert!(statuses.iter().all(|status| matches!(status, 200 | 401)), "{path} {statuses:?}");
        shop.server.clock.advance(MINUTE * 20);
    }
}

#[tokio::test]
async fn refreshed_by_a_client_that_signs() {
    let shop = shop().await;
    let key = Machine::new(Alg::ES256);
    let sign = |settings: &mut ClientSettings| {
        settings.auth = Some(AuthMethod::PrivateKeyJwt);
        settings.keys = vec![key.jwk.clone()];
    };
    let begun = shop.sign_in(&shop.web, ADA).await;
    shop.server.seed().configure_client(REALM, "web", sign).await;
    assert_eq!(no(&shop.refresh(&shop.web, &refresh_of(&begun), &[]).await), invalid_client());
    let web = |jti: &str| {
        let mut claims = good(&shop, jti);
        (claims["iss"], claims["sub"]) = ("web".into(), "web".into());
        key.assert(&claims)
    };
    let token = refresh_of(&begun);
    let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    let next = ask(&shop, "token", &web("1"), &fields).await;
    assert_eq!(next.status, 200, "{}", next.json());
    // A lost answer is asked for again with another assertion.
    let again = ask(&shop, "token", &web("2"), &fields).await;
    assert_eq!(refresh_of(&again), refresh_of(&next));
    let password = [("grant_type", "password"), ("username", ADA.username), ("password", ADA.password)];
    assert_eq!(ask(&shop, "token", &web("3"), &password).await.status, 200);
}

/// Whoever saw it in a request that was refused shall not send it again in one that is not.
#[tokio::test]
async fn c4_an_assertion_is_used_up_by_a_refusal_too() {
    let shop = shop().await;
    let key = Machine::new(Alg::ES256);
    add(&shop, &[&key]).await;
    let rows: [&[(&str, &str)]; 4] = [
        &[("grant_type", "refresh_token"), ("refresh_token", "jtr_x")],
        &[GRANT, ("scope", "never")],
        &[GRANT, ("resource", "https://other.example")],
        &[GRANT, ("x", "1"), ("x", "2")],
    ];
    for (number, refused) in rows.into_iter().enumerate() {
        let assertion = key.assert(&good(&shop, &number.to_string()));
        let answer = ask(&shop, "token", &assertion, refused).await;
        assert_eq!(answer.status, 400, "{refused:?}: {}", answer.json());
        assert_eq!(no(&ask(&shop, "token", &assertion, &[GRANT]).await), invalid_client(), "{refused:?}");
    }
    assert_eq!(ask(&shop, "token", &key.assert(&good(&shop, "new")), &[GRANT]).await.status, 200);
}
