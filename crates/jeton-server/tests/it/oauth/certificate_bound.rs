//! Tokens bound to the certificate of their client's connection (RFC 8705 §3), from the token endpoint to the API. Nothing
//! but the handshake that Jeton made itself proves one (C12).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use http::Request;
use jeton_core::domain::certificate::{Certificate, CertificateName, MutualTls};
use jeton_core::domain::client::{AuthMethod, ClientSettings};
use jeton_core::domain::grant::GrantType::{ClientCredentials, TokenExchange};
use jeton_core::domain::realm::Settings;
use jeton_core::secret::Secret;
use jeton_gate::proxy::BODY_LIMIT;
use jeton_gate::{CheckToken, Gate, Guard, Introspection, IntrospectionConfig, Offline, Peer, Proofs, Upstream, Usage};
use rustls::version::{TLS12, TLS13};
use serde_json::json;

use super::mtls::{Identity, Secured, machine_params, secured, self_signed, thumbprint};
use super::{REALM, access, claims, invalid_grant, no, refresh_of};
use crate::harness::{ADA, Answer, Call, Key, NOW, Options, Server, mount};
use crate::security::forwarded;

const ITSELF: (&str, &str) = ("grant_type", "client_credentials");
const PASSWORD: [(&str, &str); 3] =
    [("grant_type", "password"), ("username", ADA.username), ("password", ADA.password)];

/// A call to an endpoint of OAuth; a client without a secret is public.
fn call(secured: &Secured, endpoint: &str, client: &Key, fields: &[(&str, &str)]) -> Call {
    let mut form = vec![("client_id", client.id.as_str())];
    if !client.secret.is_empty() {
        form.push(("client_secret", &client.secret));
    }
    let call = secured.shop.server.post(&format!("/realms/{REALM}/protocol/openid-connect/{endpoint}"));
    call.form(&[&form, fields].concat())
}

async fn ask(secured: &Secured, shown: Option<&Identity>, client: &Key, fields: &[(&str, &str)]) -> Answer {
    secured.send(shown, &TLS13, &call(secured, "token", client, fields)).await
}

/// The clients of the shop whose tokens are bound from now on, and one that speaks for itself.
async fn bind(secured: &Secured) -> Key {
    let seed = secured.shop.server.seed();
    for client in ["web", "keep", "opaque", "app"] {
        seed.configure_client(REALM, client, |settings| settings.certificate_bound = true).await;
    }
    let own = ClientSettings { grants: vec![ClientCredentials], certificate_bound: true, ..ClientSettings::default() };
    seed.client(REALM, "own", own).await
}

/// Two certificates of clients' own making, whose names say the same.
fn identities() -> [Identity; 2] {
    [self_signed(machine_params()), self_signed(machine_params())]
}

/// What an answer's token is bound to, or its refusal.
fn bound_to(answer: &Answer) -> Result<String, (u16, String)> {
    match answer.status {
        200 => Ok(claims(&access(answer))["cnf"]["x5t#S256"].as_str().unwrap_or("nothing").to_owned()),
        _ => Err(no(answer)),
    }
}

#[tokio::test]
async fn c12_a_token_is_bound_to_the_certificate_of_its_request() {
    let secured = secured().await;
    let own = bind(&secured).await;
    let shop = &secured.shop;
    let identities = identities();
    let missing = (400, "invalid_request".to_owned());
    let rows = [
        (&own, &[ITSELF][..], true),
        (&shop.opaque, &[ITSELF], false),
        (&shop.web, &PASSWORD, true),
        (&shop.keep, &PASSWORD, true),
        (&shop.opaque, &PASSWORD, false),
        (&shop.app, &PASSWORD, true),
    ];
    for (client, fields, is_jwt) in rows {
        let what = format!("{} {fields:?}", client.id);
        for identity in &identities {
            let answer = ask(&secured, Some(identity), client, fields).await;
            assert_eq!((answer.status, answer.text("/token_type").as_str()), (200, "Bearer"), "{what}: {answer:?}");
            let (token, cnf) = (access(&answer), json!({ "x5t#S256": thumbprint(identity) }));
            if is_jwt {
                assert_eq!(claims(&token)["cnf"], cnf, "{what}");
            }
            let seen = shop.introspect(&token).await;
            assert_eq!((&seen["cnf"], &seen["token_type"]), (&cnf, &"Bearer".into()), "{what}");
        }
        let none = ask(&secured, None, client, fields).await;
        assert_eq!(no(&none), missing, "{what}: {none:?}");
        assert!(none.text("/error_description").contains("TLS handshake"), "{none:?}");
        // Where TLS ends elsewhere, and whatever a proxy that is trusted says.
        let thumbprint = thumbprint(&identities[0]);
        let plain = call(&secured, "token", client, fields);
        let names = ["Client-Cert", "X-Client-Cert", "X-SSL-Client-SHA256"];
        let plain = names.into_iter().fold(plain, |call, name| call.header(name, &thumbprint)).await;
        assert_eq!(no(&plain), missing, "{what}: {plain:?}");
        let both = call(&secured, "token", client, fields).header("DPoP", "x");
        let both = secured.send(Some(&identities[0]), &TLS13, &both).await;
        assert_eq!(no(&both), (400, "invalid_dpop_proof".to_owned()), "{what}: {both:?}");
    }
    // Who has it not set so is not bound, whatever it shows.
    shop.server.seed().configure_client(REALM, "own", |settings| settings.certificate_bound = false).await;
    let answer = ask(&secured, Some(&identities[0]), &own, &[ITSELF]).await;
    assert_eq!((answer.status, &claims(&access(&answer))["cnf"]), (200, &json!(null)));
}

#[tokio::test]
async fn c12_a_bound_token_opens_an_api_with_its_certificate_alone() {
    let secured = secured().await;
    let own = bind(&secured).await;
    let shop = &secured.shop;
    let [right, other] = &identities();
    let elsewhere = shop.server.client_token("plain", &shop.server.plain).await;
    for (client, fields) in [(&own, &[ITSELF][..]), (&shop.opaque, &[ITSELF]), (&shop.web, &PASSWORD)] {
        let what = &client.id;
        let bound = access(&ask(&secured, Some(right), client, fields).await);
        let show = |scheme: &str, token: &str| {
            shop.server.get("/shop/x").header("Authorization", &format!("{scheme} {token}"))
        };
        for version in [&TLS12, &TLS13] {
            let answer = secured.send(Some(right), version, &show("Bearer", &bound)).await;
            assert_eq!((answer.status, answer.body.as_str()), (200, "reached"), "{what}: {answer:?}");
        }
        let rows = [
            ("none", None, "Bearer", &bound),
            ("another", Some(other), "Bearer", &bound),
            ("the right one, as DPoP", Some(right), "DPoP", &bound),
            ("another realm's token", Some(right), "Bearer", &elsewhere),
        ];
        for (shown, identity, scheme, token) in rows {
            let answer = secured.send(identity, &TLS13, &show(scheme, token)).await;
            let challenge = answer.header("www-authenticate").unwrap_or_default();
            assert_eq!(answer.status, 401, "{what} {shown}: {answer:?}");
            assert!(challenge.starts_with("Bearer ") && challenge.contains("invalid_token"), "{shown}: {challenge}");
        }
        // The certificate of the proxy that asks is not that of the call.
        let asked = forwarded(&shop.server, REALM, "GET", "/shop/x", &bound).header("Client-Cert", &thumbprint(right));
        for (shown, identity) in [("right", Some(right)), ("other", Some(other)), ("none", None)] {
            assert_eq!(secured.send(identity, &TLS13, &asked).await.status, 401, "{what} forward-auth: {shown}");
        }
        // The very call passes with a token that is not bound.
        shop.server.seed().configure_client(REALM, &client.id, |settings| settings.certificate_bound = false).await;
        let free = access(&ask(&secured, None, client, fields).await);
        assert_eq!(secured.send(None, &TLS13, &show("Bearer", &free)).await.status, 200, "{what}");
        let asked = forwarded(&shop.server, REALM, "GET", "/shop/x", &free);
        assert_eq!(secured.send(None, &TLS13, &asked).await.status, 200, "{what}");
    }
}

/// A public client's refresh token is bound as well (RFC 8705 §4); another's is bound to its client, whose certificate may
/// be a new one (§7.1).
#[tokio::test]
async fn c12_e1_a_public_clients_refresh_token_is_bound_to_its_certificate() {
    let secured = secured().await;
    bind(&secured).await;
    let shop = &secured.shop;
    let [right, other] = &identities();
    let missing = Err((400, "invalid_request".to_owned()));
    for rotate in [false, true] {
        let seed = shop.server.seed();
        for client in ["app", "web"] {
            seed.configure_client(REALM, client, |settings| settings.refresh.rotate = rotate).await;
        }
        for (client, another) in [(&shop.app, Err(invalid_grant())), (&shop.web, Ok(thumbprint(other)))] {
            let mut token = refresh_of(&ask(&secured, Some(right), client, &PASSWORD).await);
            let rows = [(None, missing.clone()), (Some(other), another), (Some(right), Ok(thumbprint(right)))];
            for (shown, expected) in rows {
                let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
                let answer = ask(&secured, shown, client, &fields).await;
                assert_eq!(bound_to(&answer), expected, "{} {rotate}: {answer:?}", client.id);
                if answer.status == 200 {
                    token = refresh_of(&answer);
                }
            }
        }
    }
}

/// A bound token is not exchanged for one that is less bound: by another client to its own certificate, by its own to the
/// same.
#[tokio::test]
async fn c12_d9_what_came_of_a_bound_token_is_bound() {
    let secured = secured().await;
    bind(&secured).await;
    let shop = &secured.shop;
    let [right, other] = &identities();
    shop.server.configure(REALM, |settings| settings.grants.push(TokenExchange)).await;
    let settings = ClientSettings {
        grants: vec![TokenExchange],
        audiences: vec!["https://orders.example".to_owned()],
        resource_server: true,
        ..ClientSettings::default()
    };
    let seed = shop.server.seed();
    let free = seed.client(REALM, "free", settings.clone()).await;
    let orders = seed.client(REALM, "orders", ClientSettings { certificate_bound: true, ..settings }).await;
    seed.configure_client(REALM, "web", |settings| settings.grants.push(TokenExchange)).await;
    let token = access(&ask(&secured, Some(right), &shop.web, &PASSWORD).await);
    let fields = [
        ("grant_type", TokenExchange.name()),
        ("subject_token", token.as_str()),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
    ];
    let no_way = Err((400, "invalid_request".to_owned()));
    let rows = [
        (&free, Some(right), no_way.clone()),
        (&orders, None, no_way.clone()),
        (&orders, Some(other), Ok(thumbprint(other))),
        (&shop.web, None, no_way.clone()),
        (&shop.web, Some(other), no_way),
        (&shop.web, Some(right), Ok(thumbprint(right))),
    ];
    for (client, shown, expected) in rows {
        let answer = ask(&secured, shown, client, &fields).await;
        assert_eq!(bound_to(&answer), expected, "{}: {answer:?}", client.id);
    }
}

/// Where a dialect shows it, too: at its own addresses, and at the gate of its realm.
#[tokio::test]
async fn c12_a_dialect_takes_a_bound_token_with_its_certificate_alone() {
    let secured = secured().await;
    let own = bind(&secured).await;
    let server = &secured.shop.server;
    let [right, other] = &identities();
    let bound = access(&ask(&secured, Some(right), &own, &[ITSELF]).await);
    server.seed().configure_client(REALM, "own", |settings| settings.certificate_bound = false).await;
    let free = access(&ask(&secured, None, &own, &[ITSELF]).await);
    server.configure(REALM, |settings| settings.dialects = vec![mount("auth0")]).await;
    let rows = [(&bound, Some(right), 200), (&bound, Some(other), 401), (&bound, None, 401), (&free, None, 200)];
    for (number, (token, shown, expected)) in rows.into_iter().enumerate() {
        for target in ["/userinfo", "/shop/x"] {
            let answer = secured.send(shown, &TLS13, &server.get(target).bearer(token)).await;
            assert_eq!(answer.status, expected, "row {number} {target}: {answer:?}");
        }
    }
}

/// A gate that stands elsewhere, and asks the realm at `endpoint`.
fn asking(secured: &Secured, endpoint: SocketAddr) -> Introspection {
    let Key { id, secret } = &secured.shop.api;
    let config = IntrospectionConfig {
        realm: REALM.to_owned(),
        endpoint: format!("http://{endpoint}/realms/{REALM}/protocol/openid-connect/token/introspect"),
        client_id: id.clone(),
        client_secret: Secret::from(secret.as_str()),
        ca_file: None,
    };
    Introspection::new(config).unwrap()
}

fn standing<C: CheckToken>(check: C) -> Gate<C> {
    let guard = Guard {
        realm: REALM.to_owned(),
        rules: ["GET /shop/*".parse().unwrap()].into_iter().collect(),
        usage: Usage::Bearer { realm: REALM.to_owned(), metadata: None },
        check,
        trusted: Vec::new(),
        proofs: Arc::new(Proofs::new(|| NOW)),
    };
    Gate { guard, upstream: Upstream::service(Router::new().fallback(async || "reached")), body_limit: BODY_LIMIT }
}

/// What this gate answers to a call with a token, on a connection that shows this certificate or one without TLS.
async fn at_gate<C: CheckToken>(gate: &Gate<C>, shown: Option<&Identity>, token: &str) -> u16 {
    let address = SocketAddr::from(([192, 0, 2, 1], 9));
    let peer = match shown {
        Some(identity) => {
            let names = vec![CertificateName::Thumbprint(thumbprint(identity))];
            Peer::over_tls(address, Some(Arc::new(Certificate { names, trusted: false })))
        }
        None => Peer::from(address),
    };
    let request = Request::get("/shop/x").header("Host", "jeton.test");
    let request = request.header("Authorization", format!("Bearer {token}"));
    gate.handle(peer, request.body(Body::empty()).unwrap()).await.status().as_u16()
}

/// It takes the certificates of its own connections alone; offline, it judges no bound token itself.
#[tokio::test]
async fn c12_a_gate_elsewhere_takes_a_bound_token_with_its_certificate_alone() {
    let secured = secured().await;
    let own = bind(&secured).await;
    let server = &secured.shop.server;
    let [right, other] = &identities();
    let bound = access(&ask(&secured, Some(right), &own, &[ITSELF]).await);
    let settings = ClientSettings { grants: vec![ClientCredentials], ..ClientSettings::default() };
    let free = server.client_token(REALM, &server.seed().client(REALM, "free", settings).await).await;

    let gate = standing(asking(&secured, server.address()));
    let rows = [(&bound, Some(right), 200), (&bound, Some(other), 401), (&bound, None, 401), (&free, None, 200)];
    for (token, shown, expected) in rows {
        assert_eq!(at_gate(&gate, shown, token).await, expected, "{:?}", shown.map(thumbprint));
    }

    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let realm = format!("http://{}/realms/{REALM}", server.address());
    let gate = standing(Offline::start(asking(&secured, nobody), &realm).unwrap());
    let began = Instant::now();
    while at_gate(&gate, None, &free).await != 200 {
        assert!(began.elapsed() < Duration::from_secs(20), "it does not follow the feed");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for shown in [Some(right), Some(other), None] {
        assert_eq!(at_gate(&gate, shown, &bound).await, 503, "{:?}", shown.map(thumbprint));
    }
}

#[tokio::test]
async fn a_token_is_had_again_for_the_same_certificate_alone() {
    let secured = secured().await;
    let own = bind(&secured).await;
    secured.shop.server.seed().configure_client(REALM, "own", |settings| settings.reuse = true).await;
    let [right, other] = &identities();
    let get = async |identity| access(&ask(&secured, Some(identity), &own, &[ITSELF]).await);
    // The first of all makes the realm's key, which is a change of the configuration.
    get(right).await;
    let first = get(right).await;
    assert_eq!(get(right).await, first);
    assert_ne!(get(other).await, first);
}

/// Named where the listener asks for certificates, and where its authorities vouch for names.
#[tokio::test]
async fn f14_ways_by_a_certificate_are_named_where_clients_are_asked_for_one() {
    let certificate = [AuthMethod::TlsClientAuth, AuthMethod::SelfSignedTlsClientAuth].map(AuthMethod::name);
    let [by_name, by_itself] = certificate;
    for (mutual_tls, expected, bound) in [
        (MutualTls::Off, &[][..], json!(null)),
        (MutualTls::SelfSigned, &[by_itself], json!(true)),
        (MutualTls::Authorities, &[by_name, by_itself], json!(true)),
    ] {
        let server = Server::start_with(Options { mutual_tls, ..Options::default() }).await;
        let said = server.get("/realms/plain/.well-known/openid-configuration").await.json();
        for endpoint in ["token", "introspection", "revocation"] {
            let listed = said[format!("{endpoint}_endpoint_auth_methods_supported")].as_array().unwrap();
            let found = listed.iter().filter_map(|name| name.as_str()).filter(|name| certificate.contains(name));
            assert_eq!(found.collect::<Vec<_>>(), expected, "{endpoint} {mutual_tls:?}");
        }
        assert_eq!(said["tls_client_certificate_bound_access_tokens"], bound, "{mutual_tls:?}");
        // One listener serves all clients: there are no other addresses (RFC 8705 §5).
        assert_eq!(said["mtls_endpoint_aliases"], json!(null));

        // An API behind its gate takes bound tokens; one that another proxy stands in front of does not.
        server.seed().realm("elsewhere", Settings::default()).await;
        for (realm, bound) in [("plain", &bound), ("elsewhere", &json!(null))] {
            let resource = format!("https://api.example/{realm}");
            server.configure(realm, |settings| settings.resource = Some(resource)).await;
            let document = server.get(&format!("/.well-known/oauth-protected-resource/{realm}")).host("api.example");
            let document = document.await.json();
            assert_eq!(&document["tls_client_certificate_bound_access_tokens"], bound, "{realm} {mutual_tls:?}");
        }
    }
}
