//! A realm's metadata: what it names works, and what is switched off is neither named nor served.

use jeton_core::domain::grant::GrantType;
use serde_json::json;

use super::{REALM, Shop, shop};
use crate::harness::{ADA, Key, PUBLIC_URL};

const TARGET: &str = "/realms/shop/.well-known/openid-configuration";

async fn document(shop: &Shop) -> serde_json::Value {
    shop.server.get(TARGET).await.json()
}

/// A request with a grant type, whose other parameters are of no use.
async fn error_of(shop: &Shop, grant: GrantType) -> String {
    let fields = [
        ("grant_type", grant.name()),
        ("refresh_token", "x"),
        ("username", "x"),
        ("password", "x"),
        ("device_code", "x"),
    ];
    let answer = shop.token(&shop.opaque, &fields).await;
    answer.json()["error"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn f14_i1_grants_are_named_if_they_are_on_and_refused_if_they_are_not() {
    let shop = shop().await;
    for on in GrantType::ALL.map(|grant| vec![grant]).into_iter().chain([Vec::new(), GrantType::ALL.to_vec()]) {
        shop.server.configure(REALM, |settings| settings.grants.clone_from(&on)).await;
        let names: Vec<&str> = on.iter().map(|grant| grant.name()).collect();
        assert_eq!(document(&shop).await["grant_types_supported"], json!(names));
        for grant in GrantType::ALL {
            let unsupported = error_of(&shop, grant).await == "unsupported_grant_type";
            assert_eq!(unsupported, !on.contains(&grant), "{grant:?} of {on:?}");
        }
    }
}

/// A public client can have a token where a person or an issuer speaks for it, and nowhere else.
#[tokio::test]
async fn f14_ways_of_proving_oneself_are_named_where_they_work() {
    let shop = shop().await;
    let secrets = json!(["client_secret_basic", "client_secret_post", "private_key_jwt"]);
    let all = json!(["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]);
    let said = document(&shop).await;
    assert_eq!(said["token_endpoint_auth_methods_supported"], all);
    assert_eq!(said["revocation_endpoint_auth_methods_supported"], all);
    assert_eq!(said["introspection_endpoint_auth_methods_supported"], secrets);

    let begun = shop.sign_in(&shop.app, ADA).await;
    assert_eq!(begun.status, 200);
    let token = super::access(&begun);
    let nobody = [("client_id", "app"), ("token", token.as_str())];
    let base = format!("/realms/{REALM}/protocol/openid-connect");
    let introspected = shop.server.post(&format!("{base}/token/introspect")).form(&nobody).await;
    assert_eq!((introspected.status, introspected.text("/error").as_str()), (401, "invalid_client"));
    let revoked = shop.server.post(&format!("{base}/revoke")).form(&nobody).await;
    assert_eq!((revoked.status, revoked.body.as_str()), (200, ""));

    for grant in GrantType::ALL {
        shop.server.configure(REALM, |settings| settings.grants = vec![grant]).await;
        let said = document(&shop).await;
        let by_itself = matches!(grant, GrantType::ClientCredentials | GrantType::RefreshToken);
        let expected = if by_itself { &secrets } else { &all };
        assert_eq!(said["token_endpoint_auth_methods_supported"], *expected, "{grant:?}");
        assert_eq!(said["revocation_endpoint_auth_methods_supported"], *expected, "{grant:?}");
    }
}

/// No `none` and no shared secret of a signature, at any place where algorithms are named.
#[tokio::test]
async fn f14_algorithms_are_those_that_the_realm_signs_with() {
    use jeton_core::domain::policy::Alg;
    let shop = shop().await;
    for alg in Alg::ALL {
        shop.server.configure(REALM, |settings| settings.alg = alg).await;
        let said = document(&shop).await;
        for (name, value) in said.as_object().unwrap().iter().filter(|(name, _)| name.contains("_alg_values_")) {
            let expected = match name.contains("_auth_") || name.starts_with("dpop_") {
                true => json!(Alg::ALL.map(Alg::name)),
                false => json!([alg.name()]),
            };
            assert_eq!(*value, expected, "{name} {alg:?}");
        }
    }
}

#[tokio::test]
async fn every_address_that_is_named_is_served() {
    let shop = shop().await;
    let said = document(&shop).await;
    assert_eq!(said["issuer"], format!("{PUBLIC_URL}/realms/{REALM}"));
    let mut seen = 0;
    for (name, value) in said.as_object().unwrap() {
        let Some(path) = value.as_str().and_then(|url| url.strip_prefix(PUBLIC_URL)).filter(|_| name != "issuer")
        else {
            continue;
        };
        seen += 1;
        let (right, wrong) = if name == "jwks_uri" { ("GET", "POST") } else { ("POST", "GET") };
        assert!(![404, 405].contains(&shop.server.call(right, path).await.status), "{name}");
        assert_eq!(shop.server.call(wrong, path).await.status, 405, "{name}");
    }
    assert_eq!(seen, 4);
}

/// RFC 6749 §5.2: whoever used the header is told the scheme; Keycloak has no challenge.
#[tokio::test]
async fn a_client_that_failed_with_basic_is_challenged() {
    use base64::Engine;
    use jeton_core::domain::realm::Profile;
    let shop = shop().await;
    let wrong = Key { secret: "jts_wrong".to_owned(), ..shop.web.clone() };
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", wrong.id, wrong.secret));
    let challenge = format!("Basic realm=\"{REALM}\"");
    for (profile, expected) in [(Profile::Rfc9068, Some(challenge.as_str())), (Profile::Keycloak, None)] {
        shop.server.configure(REALM, |settings| settings.profile = profile).await;
        for (endpoint, field) in [("token", "grant_type"), ("token/introspect", "token"), ("revoke", "token")] {
            let value = if field == "token" { "x" } else { "refresh_token" };
            let fields = [(field, value), ("refresh_token", "x")];
            let target = format!("/realms/{REALM}/protocol/openid-connect/{endpoint}");
            let by_header =
                shop.server.post(&target).form(&fields).header("Authorization", &format!("Basic {basic}")).await;
            assert_eq!((by_header.status, by_header.header("www-authenticate")), (401, expected), "{endpoint}");
            let by_form = shop.server.oauth(REALM, endpoint, &wrong, &fields).await;
            assert_eq!((by_form.status, by_form.header("www-authenticate")), (401, None), "{endpoint}");
        }
    }
}
