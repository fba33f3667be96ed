//! Tokens bound to a key by DPoP (RFC 9449), from the token endpoint to the API (D11).

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jeton_core::domain::client::ClientSettings;
use jeton_core::domain::grant::GrantType::{ClientCredentials, TokenExchange};
use jeton_core::token::dpop;
use jeton_core::token::jwk::Jwk;
use jeton_core::token::jwt::{assemble, signing_input};
use serde_json::json;

use super::{Shop, access, claims, invalid_grant, no, refresh_of, shop};
use crate::harness::{ADA, Answer, Key, Options, Server};

const BASE: &str = "https://auth.example.test";

/// A client's key, and the proofs that it makes.
struct Holder(EcdsaKeyPair);

/// What one proof says.
#[derive(Clone, Copy)]
struct Said<'a> {
    jti: &'a str,
    method: &'a str,
    address: &'a str,
    nonce: Option<&'a str>,
    token: Option<&'a str>,
}

impl Holder {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn jwk(&self) -> Jwk {
        Jwk::from_p256(self.0.public_key().as_ref()).unwrap()
    }

    fn proof(&self, server: &Server, said: Said<'_>) -> String {
        let Jwk { x, y, .. } = self.jwk();
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y });
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk });
        let mut claims = json!({
            "jti": said.jti, "htm": said.method, "htu": said.address, "iat": server.clock.now().as_secs(),
        });
        if let Some(nonce) = said.nonce {
            claims["nonce"] = nonce.into();
        }
        if let Some(token) = said.token {
            claims["ath"] = BASE64URL.encode(digest(&SHA256, token.as_bytes())).into();
        }
        let input = signing_input(&header.to_string(), &claims.to_string());
        assemble(&input, self.0.sign(&SystemRandom::new(), input.as_bytes()).unwrap().as_ref())
    }

    /// A proof for the token endpoint of `realm`, with the nonce that is good now.
    fn for_token(&self, server: &Server, realm: &str, jti: &str) -> String {
        let address = format!("{BASE}/realms/{realm}/protocol/openid-connect/token");
        let nonce = dpop::nonce(&server.app.pepper, server.clock.now());
        self.proof(server, Said { jti, method: "POST", address: &address, nonce: Some(&nonce), token: None })
    }

    /// A proof for `GET address` with this token.
    fn for_call(&self, server: &Server, address: &str, jti: &str, token: &str) -> String {
        self.proof(server, Said { jti, method: "GET", address, nonce: None, token: Some(token) })
    }
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// A token request with this proof; a client without a secret is public.
async fn ask(server: &Server, realm: &str, client: &Key, proof: Option<&str>, fields: &[(&str, &str)]) -> Answer {
    let call = server.post(&format!("/realms/{realm}/protocol/openid-connect/token"));
    let mut form = vec![("client_id", client.id.as_str())];
    if !client.secret.is_empty() {
        form.push(("client_secret", &client.secret));
    }
    let call = call.form(&[&form, fields].concat());
    proof.into_iter().fold(call, |call, proof| call.header("DPoP", proof)).await
}

const PASSWORD: [(&str, &str); 3] =
    [("grant_type", "password"), ("username", ADA.username), ("password", ADA.password)];
const ITSELF: [(&str, &str); 1] = [("grant_type", "client_credentials")];

async fn sign_in(shop: &Shop, client: &Key, holder: &Holder, jti: &str) -> Answer {
    ask(&shop.server, "shop", client, Some(&holder.for_token(&shop.server, "shop", jti)), &PASSWORD).await
}

#[tokio::test]
async fn d11_a_nonce_is_asked_for_and_the_token_is_bound() {
    let shop = shop().await;
    let (server, holder) = (&shop.server, Holder::new());
    let address = format!("{BASE}/realms/shop/protocol/openid-connect/token");
    let mut said = Said { jti: "1", method: "POST", address: &address, nonce: None, token: None };
    let first = ask(server, "shop", &shop.web, Some(&holder.proof(server, said)), &PASSWORD).await;
    assert_eq!(no(&first), (400, "use_dpop_nonce".to_owned()), "{first:?}");
    let nonce = header(&first, "dpop-nonce").unwrap().to_owned();
    said.nonce = Some(&nonce);
    let answer = ask(server, "shop", &shop.web, Some(&holder.proof(server, said)), &PASSWORD).await;
    assert_eq!((answer.status, answer.text("/token_type").as_str()), (200, "DPoP"), "{answer:?}");
    assert!(header(&answer, "dpop-nonce").is_some());
    assert_eq!(claims(&access(&answer))["cnf"], json!({ "jkt": holder.jwk().kid }));
    let seen = shop.introspect(&access(&answer)).await;
    assert_eq!((&seen["cnf"]["jkt"], &seen["token_type"]), (&holder.jwk().kid.into(), &"DPoP".into()));

    let plain = ask(server, "shop", &shop.web, None, &PASSWORD).await;
    assert_eq!((plain.status, plain.text("/token_type").as_str()), (200, "Bearer"));
    assert_eq!(header(&plain, "dpop-nonce"), None);
}

#[tokio::test]
async fn d11_a_wrong_proof_is_refused_and_one_is_good_once() {
    let shop = shop().await;
    let (server, holder) = (&shop.server, Holder::new());
    let proof = holder.for_token(server, "shop", "once");
    assert_eq!(ask(server, "shop", &shop.web, Some(&proof), &PASSWORD).await.status, 200);
    let elsewhere = holder.for_token(server, "plain", "2");
    let bad = (400, "invalid_dpop_proof".to_owned());
    for (what, proof) in [("again", proof.as_str()), ("another realm's", &elsewhere), ("none", "x")] {
        let answer = ask(server, "shop", &shop.web, Some(proof), &PASSWORD).await;
        assert_eq!(no(&answer), bad, "{what}: {answer:?}");
        assert!(header(&answer, "dpop-nonce").is_some(), "{what}");
    }
    let beside = server.beside().await;
    let answer = ask(&beside, "shop", &shop.web, Some(&proof), &PASSWORD).await;
    assert_eq!(no(&answer), bad, "again at another node");
    let client = [("client_id", shop.web.id.as_str()), ("client_secret", &shop.web.secret)];
    let twice = server.post("/realms/shop/protocol/openid-connect/token").form(&[&client[..], &PASSWORD].concat());
    let (one, two) = (holder.for_token(server, "shop", "3"), holder.for_token(server, "shop", "4"));
    let answer = twice.header("DPoP", &one).header("DPoP", &two).await;
    assert_eq!(no(&answer), bad, "two proofs: {answer:?}");
    // Whoever else uses that jti has another key.
    let answer = sign_in(&shop, &shop.web, &Holder::new(), "once").await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn d11_of_a_hundred_uses_of_one_proof_one_succeeds() {
    let shop = shop().await;
    let holder = Holder::new();
    let proof = holder.for_token(&shop.server, "plain", "1");
    let proof = Some(proof.as_str());
    let ask = || ask(&shop.server, "plain", &shop.server.plain, proof, &ITSELF);
    let mut granted = 0;
    for _ in 0..10 {
        let answers = tokio::join!(ask(), ask(), ask(), ask(), ask(), ask(), ask(), ask(), ask(), ask());
        let answers: [Answer; 10] = answers.into();
        granted += answers.iter().filter(|answer| answer.status == 200).count();
    }
    assert_eq!(granted, 1);
}

#[tokio::test]
async fn d11_a_public_clients_refresh_token_is_bound_to_its_key() {
    let shop = shop().await;
    let (server, holder, thief) = (&shop.server, Holder::new(), Holder::new());
    let token = refresh_of(&sign_in(&shop, &shop.app, &holder, "1").await);
    let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    let refresh = async |proof: Option<String>| ask(server, "shop", &shop.app, proof.as_deref(), &fields).await;
    assert_eq!(no(&refresh(None).await), invalid_grant());
    assert_eq!(no(&refresh(Some(thief.for_token(server, "shop", "1"))).await), invalid_grant());
    let answer = refresh(Some(holder.for_token(server, "shop", "2"))).await;
    assert_eq!((answer.status, answer.text("/token_type").as_str()), (200, "DPoP"), "{answer:?}");
    assert_eq!(claims(&access(&answer))["cnf"]["jkt"], holder.jwk().kid);
}

/// A bound token is not exchanged for one that is less bound: by another client to its own key, by its own to the same.
#[tokio::test]
async fn d9_d11_what_came_of_a_bound_token_is_bound() {
    let shop = shop().await;
    let (server, holder, api, thief) = (&shop.server, Holder::new(), Holder::new(), Holder::new());
    server.configure("shop", |settings| settings.grants.push(TokenExchange)).await;
    let audiences = vec!["https://orders.example".to_owned()];
    let settings =
        ClientSettings { grants: vec![TokenExchange], resource_server: true, audiences, ..Default::default() };
    let orders = server.seed().client("shop", "orders", settings).await;
    server.seed().configure_client("shop", "web", |settings| settings.grants.push(TokenExchange)).await;
    let token = access(&sign_in(&shop, &shop.web, &holder, "1").await);
    let fields = [
        ("grant_type", TokenExchange.name()),
        ("subject_token", token.as_str()),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
    ];
    let no_way = Err((400, "invalid_request".to_owned()));
    let rows = [
        (&orders, None, no_way.clone()),
        (&orders, Some((&api, "2")), Ok(api.jwk().kid)),
        (&shop.web, None, no_way.clone()),
        (&shop.web, Some((&thief, "3")), no_way),
        (&shop.web, Some((&holder, "4")), Ok(holder.jwk().kid)),
    ];
    for (client, proof, expected) in rows {
        let proof = proof.map(|(holder, jti)| holder.for_token(server, "shop", jti));
        let answer = ask(server, "shop", client, proof.as_deref(), &fields).await;
        let bound = match answer.status {
            200 => Ok(claims(&access(&answer))["cnf"]["jkt"].as_str().unwrap().to_owned()),
            _ => Err(no(&answer)),
        };
        assert_eq!(bound, expected, "{}: {answer:?}", client.id);
    }
}

#[tokio::test]
async fn d11_a_client_that_must_prove_gets_nothing_without() {
    let server = Server::start().await;
    let settings = ClientSettings { grants: vec![ClientCredentials], dpop: true, ..ClientSettings::default() };
    let client = server.seed().client("plain", "bound", settings).await;
    let answer = ask(&server, "plain", &client, None, &ITSELF).await;
    assert_eq!(no(&answer), (400, "invalid_dpop_proof".to_owned()), "{answer:?}");
    let proof = Holder::new().for_token(&server, "plain", "1");
    assert_eq!(ask(&server, "plain", &client, Some(&proof), &ITSELF).await.status, 200);
}

#[tokio::test]
async fn d11_a_bound_token_opens_an_api_only_with_its_proof() {
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let server = Server::start_with(Options { trusted_proxies, ..Options::default() }).await;
    let holder = Holder::new();
    let proof = holder.for_token(&server, "plain", "1");
    let token = access(&ask(&server, "plain", &server.plain, Some(&proof), &ITSELF).await);
    let plain = server.client_token("plain", &server.plain).await;
    let here = "https://jeton.test/plain/x";
    let call = |address, jti, token| Some(holder.for_call(&server, address, jti, token));
    let post = Said { jti: "m", method: "POST", address: here, nonce: None, token: Some(&token) };
    let good = call(here, "g", &token);

    let rows = [
        ("good", "DPoP", &token, good.clone(), None),
        ("good, with a query", "dpop", &token, call("https://jeton.test/plain/x?a=1", "q", &token), None),
        ("unbound", "Bearer", &plain, None, None),
        ("shown as Bearer", "Bearer", &token, None, Some("invalid_token")),
        ("shown as Bearer with a proof", "Bearer", &token, call(here, "b", &token), Some("invalid_token")),
        ("unbound as DPoP", "DPoP", &plain, call(here, "u", &plain), Some("invalid_token")),
        (
            "another's key",
            "DPoP",
            &token,
            Some(Holder::new().for_call(&server, here, "k", &token)),
            Some("invalid_token"),
        ),
        ("no proof", "DPoP", &token, None, Some("invalid_dpop_proof")),
        ("again", "DPoP", &token, good, Some("invalid_dpop_proof")),
        ("no JWT", "DPoP", &token, Some("x".to_owned()), Some("invalid_dpop_proof")),
        ("another token's", "DPoP", &token, call(here, "t", &plain), Some("invalid_dpop_proof")),
        ("another path's", "DPoP", &token, call("https://jeton.test/plain/y", "p", &token), Some("invalid_dpop_proof")),
        ("another host's", "DPoP", &token, call("https://evil.test/plain/x", "h", &token), Some("invalid_dpop_proof")),
        ("another method's", "DPoP", &token, Some(holder.proof(&server, post)), Some("invalid_dpop_proof")),
    ];
    for (what, scheme, token, proof, error) in &rows {
        let shown = format!("{scheme} {token}");
        let call = server.get("/plain/x").header("Authorization", &shown);
        let answer = proof.iter().fold(call, |call, proof| call.header("DPoP", proof)).await;
        judge(what, &answer, *error);
        assert!(!answer.body.contains("eyJ"), "{what}: the API sees neither token nor proof: {answer:?}");
    }
    // The same at the endpoint for other proxies; what was good at the gate is used up.
    for (what, scheme, token, proof, error) in &rows[2..] {
        let call = server.get("/realms/plain/forward-auth").header("X-Original-Method", "GET");
        let call = call.header("X-Original-URI", "/plain/x").header("X-Original-Host", "jeton.test");
        let call = call.header("Authorization", &format!("{scheme} {token}"));
        let answer = proof.iter().fold(call, |call, proof| call.header("DPoP", proof)).await;
        judge(what, &answer, *error);
    }
}

fn judge(what: &str, answer: &Answer, error: Option<&str>) {
    let Some(error) = error else { return assert_eq!(answer.status, 200, "{what}: {answer:?}") };
    assert_eq!(answer.status, 401, "{what}: {answer:?}");
    let challenge = header(answer, "www-authenticate").unwrap();
    assert!(challenge.starts_with("DPoP realm=\"plain\""), "{what}: {challenge}");
    assert!(challenge.contains(&format!("error=\"{error}\"")), "{what}: {challenge}");
    assert!(challenge.contains("algs=\"ES256 EdDSA RS256 PS256\""), "{what}: {challenge}");
}

/// A page's script can only make its next proof if the browser lets it read the nonce.
#[tokio::test]
async fn d11_a_page_reads_the_nonce_it_has_to_use() {
    let shop = shop().await;
    let (server, holder) = (&shop.server, Holder::new());
    let origin = "https://app.example.test";
    server.configure("shop", |settings| settings.cors_origins = vec![origin.to_owned()]).await;
    let address = format!("{BASE}/realms/shop/protocol/openid-connect/token");
    let said = Said { jti: "1", method: "POST", address: &address, nonce: None, token: None };
    let form = [&[("client_id", "app")], &PASSWORD[..]].concat();
    let answer = server
        .post("/realms/shop/protocol/openid-connect/token")
        .form(&form)
        .header("DPoP", &holder.proof(server, said))
        .header("Origin", origin)
        .await;
    assert_eq!(no(&answer), (400, "use_dpop_nonce".to_owned()), "{answer:?}");
    let exposed = header(&answer, "access-control-expose-headers").unwrap_or_default();
    let exposed: Vec<&str> = exposed.split(", ").collect();
    assert!(exposed.contains(&"DPoP-Nonce") && header(&answer, "dpop-nonce").is_some(), "{answer:?}");
}
