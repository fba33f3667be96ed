//! ION's realm: the OAuth endpoints in Keycloak's shape, and the three spellings of its token (contracts/ion.md).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD as BASE64URL};
use jeton_core::domain::client::ClientSettings;
use jeton_core::domain::realm::ClientErrors;
use serde_json::{Value, json};

use crate::harness::{Answer, Key, MINUTE, PUBLIC_URL, SECOND, Server};

const TOKEN: &str = "/realms/api-keys/protocol/openid-connect/token";
const INTROSPECT: &str = "token/introspect";
const INACTIVE: &str = r#"{"active":false}"#;
const BAD_CLIENT: &str =
    r#"{"error":"invalid_client","error_description":"Invalid client or Invalid client credentials"}"#;
const BAD_SECRET: &str =
    r#"{"error":"unauthorized_client","error_description":"Invalid client or Invalid client credentials"}"#;

/// §3: what every answer of the token endpoint carries, success or not.
const HEADERS: [(&str, &str); 8] = [
    ("cache-control", "no-store"),
    ("pragma", "no-cache"),
    ("content-type", "application/json"),
    ("referrer-policy", "no-referrer"),
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "SAMEORIGIN"),
    ("x-robots-tag", "none"),
];

#[track_caller]
fn assert_keycloak_headers(answer: &Answer, what: &str) {
    let ours = ["connection", "content-length", "date"];
    let mut sent: Vec<(&str, &str)> = answer
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| !ours.contains(name))
        .collect();
    let mut expected = HEADERS.to_vec();
    sent.sort_unstable();
    expected.sort_unstable();
    assert_eq!(sent, expected, "{what}");
}

#[track_caller]
fn assert_answer(answer: &Answer, status: u16, body: &str, what: &str) {
    assert_eq!((answer.status, answer.body.as_str()), (status, body), "{what}");
    assert_keycloak_headers(answer, what);
}

fn error(code: &str, text: &str) -> String {
    format!(r#"{{"error":"{code}","error_description":"{text}"}}"#)
}

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

#[tokio::test]
async fn a_token_comes_in_keycloaks_order_with_keycloaks_headers() {
    let server = Server::start().await;
    let (id, secret) = (server.ion.id.as_str(), server.ion.secret.as_str());
    let own = [GRANT, ("client_id", id), ("client_secret", secret)];
    let basic = |user: &str, password: &str| format!("Basic {}", BASE64.encode(format!("{user}:{password}")));
    let rows = [
        ("the seed's form", server.post(TOKEN).form(&own)),
        ("below /auth", server.post(&format!("/auth{TOKEN}")).form(&own)),
        (
            "the script's extra field",
            server.post(TOKEN).form(&[&own[..], &[("audience", "https://api.example.org")]].concat()),
        ),
        ("a name that nobody reads", server.post(TOKEN).form(&[&own[..], &[("x", "1")]].concat())),
        (
            "query names do not count",
            server.post(&format!("{TOKEN}?grant_type=password&client_id=x&x=1&x=2")).form(&own),
        ),
        ("Basic", server.post(TOKEN).header("Authorization", &basic(id, secret)).form(&[GRANT])),
        (
            "Basic, form-encoded",
            server.post(TOKEN).header("Authorization", &basic(&id.replace('-', "%2D"), secret)).form(&[GRANT]),
        ),
        (
            "Basic with the id in the form",
            server.post(TOKEN).header("Authorization", &basic(id, secret)).form(&[GRANT, ("client_id", id)]),
        ),
        ("the form wins over Basic", server.post(TOKEN).header("Authorization", &basic("other", "x")).form(&own)),
        ("a scope", server.post(TOKEN).form(&[&own[..], &[("scope", "profile email")]].concat())),
    ];
    for (what, call) in rows {
        let answer = call.await;
        let token = answer.text("/access_token");
        let body = format!(
            r#"{{"access_token":"{token}","expires_in":300,"refresh_expires_in":0,"token_type":"Bearer","not-before-policy":0,"scope":"profile email"}}"#
        );
        assert_answer(&answer, 200, &body, what);
    }
    let narrow = server.oauth("api-keys", "token", &server.ion, &[GRANT, ("scope", "email")]).await;
    assert_eq!(narrow.text("/scope"), "email");
    server.seed().configure_client("api-keys", id, |client| client.access_token_secs = Some(60)).await;
    let short = server.oauth("api-keys", "token", &server.ion, &[GRANT]).await;
    assert_eq!(short.json()["expires_in"], 60);
}

#[tokio::test]
async fn claims_stand_in_keycloaks_order() {
    let server = Server::start().await;
    let token = server.ion_token().await;
    let part = |at: usize| String::from_utf8(BASE64URL.decode(token.split('.').nth(at).unwrap()).unwrap()).unwrap();
    let claims: Value = serde_json::from_str(&part(1)).unwrap();
    let text = |name: &str| claims[name].as_str().unwrap();
    let expected = format!(
        r#"{{"exp":1768489500,"iat":1768489200,"jti":"{}","iss":"{PUBLIC_URL}/realms/api-keys","sub":"{}","typ":"Bearer","azp":"ion-key-1","acr":"1","scope":"profile email","email_verified":false,"preferred_username":"service-account-ion-key-1","client_id":"ion-key-1"}}"#,
        text("jti"),
        text("sub"),
    );
    assert_eq!(part(1), expected);
    let header: Value = serde_json::from_str(&part(0)).unwrap();
    assert_eq!((&header["alg"], &header["typ"]), (&json!("RS256"), &json!("JWT")));
    // Realms of no particular shape keep to RFC 9068.
    let plain = server.client_token("plain", &server.plain).await;
    let header: Value = serde_json::from_slice(&BASE64URL.decode(plain.split('.').next().unwrap()).unwrap()).unwrap();
    assert_eq!((&header["alg"], &header["typ"]), (&json!("ES256"), &json!("at+jwt")));
}

#[tokio::test]
async fn the_error_table() {
    let server = Server::start().await;
    let seed = server.seed();
    let service = |grants: &[&str]| ClientSettings {
        grants: grants.iter().map(|grant| (*grant).to_owned()).collect(),
        scopes: vec!["profile".to_owned()],
        ..ClientSettings::default()
    };
    let off = seed.client("api-keys", "off", service(&["client_credentials"])).await;
    seed.enable_client("api-keys", "off", false).await;
    let none = seed.client("api-keys", "none", service(&[])).await;
    let asleep = seed.client("api-keys", "Asleep", service(&["client_credentials"])).await;
    seed.enable_principal("api-keys", "Asleep", false).await;
    let own = server.ion.clone();
    let key = |id: &str, secret: &str| Key { id: id.to_owned(), secret: secret.to_owned() };
    let unknown = key("nobody", &own.secret);
    let wrong = key(&own.id, "guess");
    let no_secret = key(&own.id, "");

    let bad_client = || BAD_CLIENT.to_owned();
    let missing_grant = error("invalid_request", "Missing form parameter: grant_type");
    let bad_grant = error("unsupported_grant_type", "Unsupported grant_type");
    let twice = error("invalid_request", "duplicated parameter");
    let no_service = error("unauthorized_client", "Client not enabled to retrieve service account");
    // Row of the table, client, further fields, the status and body of a uniform realm, and Keycloak's where they differ.
    type Row<'a> = (&'a str, &'a Key, &'a [(&'a str, &'a str)], (u16, String), Option<&'a str>);
    let rows: [Row<'_>; 17] = [
        ("4", &own, &[], (400, missing_grant.clone()), None),
        ("4, empty", &own, &[("grant_type", "")], (400, missing_grant.clone()), None),
        ("4 before 6", &unknown, &[], (400, missing_grant), None),
        ("5", &own, &[("grant_type", "magic")], (400, bad_grant.clone()), None),
        ("5, a grant that is off", &own, &[("grant_type", "password")], (400, bad_grant.clone()), None),
        ("5 before 7", &wrong, &[("grant_type", "magic")], (400, bad_grant), None),
        ("6, unknown", &unknown, &[GRANT], (401, bad_client()), None),
        ("6, disabled", &off, &[GRANT], (401, bad_client()), None),
        ("7, wrong", &wrong, &[GRANT], (401, bad_client()), Some(BAD_SECRET)),
        ("7, missing", &no_secret, &[GRANT], (401, bad_client()), Some(BAD_SECRET)),
        ("7 before 8", &wrong, &[GRANT, ("x", "1"), ("x", "2")], (401, bad_client()), Some(BAD_SECRET)),
        ("8", &own, &[GRANT, ("x", "1"), ("x", "2")], (400, twice.clone()), None),
        ("8, the grant itself", &own, &[GRANT, GRANT], (400, twice), None),
        ("9", &none, &[GRANT], (401, no_service), None),
        ("10", &asleep, &[GRANT], (401, error("invalid_request", "User 'service-account-asleep' disabled")), None),
        ("11", &own, &[GRANT, ("scope", "admin")], (400, error("invalid_scope", "Invalid scopes: admin")), None),
        (
            "11, one of several",
            &own,
            &[GRANT, ("scope", "email \"x\"")],
            (400, error("invalid_scope", r#"Invalid scopes: email \"x\""#)),
            None,
        ),
    ];
    for errors in [ClientErrors::Uniform, ClientErrors::Keycloak] {
        server.configure("api-keys", |settings| settings.client_errors = errors).await;
        for (what, client, more, (status, body), keycloak) in &rows {
            let answer = server.oauth("api-keys", "token", client, more).await;
            let body = keycloak.filter(|_| errors == ClientErrors::Keycloak).unwrap_or(body);
            assert_answer(&answer, *status, body, &format!("row {what}, {errors:?}"));
        }
    }
    for (compat, status, missing) in [
        (None, 401, (401, bad_client())),
        (Some(26), 400, (401, bad_client())),
        (Some(19), 401, (400, error("invalid_client", "Missing client_id parameter"))),
    ] {
        server.configure("api-keys", |settings| settings.keycloak_compat = compat).await;
        assert_eq!(server.oauth("api-keys", "token", &none, &[GRANT]).await.status, status, "row 9, {compat:?}");
        let answer = server.post(TOKEN).form(&[GRANT]).await;
        assert_answer(&answer, missing.0, &missing.1, &format!("no client, {compat:?}"));
    }
}

#[tokio::test]
async fn realms_that_do_not_answer() {
    let server = Server::start().await;
    for endpoint in ["token", INTROSPECT, "revoke"] {
        let answer = server.oauth("nowhere", endpoint, &server.ion, &[GRANT]).await;
        assert_answer(&answer, 404, r#"{"error":"Realm does not exist"}"#, &format!("row 1, {endpoint}"));
    }
    server.seed().enable_realm("api-keys", false).await;
    for endpoint in ["token", INTROSPECT, "revoke"] {
        let answer = server.oauth("api-keys", endpoint, &server.ion, &[GRANT]).await;
        assert_answer(&answer, 403, &error("access_denied", "Realm not enabled"), &format!("row 3, {endpoint}"));
    }
    assert_eq!(server.get("/realms/api-keys/protocol/openid-connect/certs").await.status, 403);
    assert_eq!(server.post("/graphql").json("{}").await.status, 404, "its API is not there either");
}

#[tokio::test]
async fn what_is_not_a_form_by_post() {
    let server = Server::start().await;
    let own = [GRANT, ("client_id", &server.ion.id), ("client_secret", &server.ion.secret)];
    for endpoint in ["token", INTROSPECT, "revoke"] {
        let target = format!("/realms/api-keys/protocol/openid-connect/{endpoint}");
        for method in ["GET", "PUT", "DELETE"] {
            let answer = server.call(method, &target).form(&own).await;
            assert_eq!(
                (answer.status, answer.body.as_str()),
                (405, r#"{"error":"HTTP 405 Method Not Allowed"}"#),
                "{method} {endpoint}"
            );
            // RFC 9110 §15.5.6.
            assert_eq!(answer.header("allow"), Some("POST"), "{method} {endpoint}");
        }
        for content_type in ["application/json", "text/plain", "multipart/form-data; boundary=b"] {
            let answer = server.post(&target).body(content_type, "{}").await;
            assert_answer(&answer, 415, r#"{"error":"HTTP 415 Unsupported Media Type"}"#, content_type);
        }
        let answer = server.post(&target).await;
        assert_eq!(answer.status, 415, "no content type, {endpoint}");
    }
    assert_eq!(server.post("/realms/api-keys/protocol/openid-connect/userinfo").await.status, 404);
}

#[tokio::test]
async fn credentials_that_cannot_be_read_are_a_challenge() {
    let server = Server::start().await;
    let long = format!("Basic {}", "A".repeat(8 * 1024));
    let values = [
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic aWQ=",
        "Basic aWQ6cwB4",
        "Basic aWT/OnM=",
        "Bearer abc",
        "Digest username=\"a\"",
        &long,
    ];
    for value in values {
        for endpoint in ["token", INTROSPECT, "revoke"] {
            let target = format!("/realms/api-keys/protocol/openid-connect/{endpoint}");
            let answer = server.post(&target).header("Authorization", value).form(&[GRANT, ("token", "x")]).await;
            assert_eq!((answer.status, answer.body.as_str()), (401, ""), "{endpoint} {value}");
            assert_eq!(answer.header("www-authenticate"), Some(r#"Basic realm="api-keys""#), "{endpoint} {value}");
        }
    }
}

#[tokio::test]
async fn a_token_is_described_to_those_it_concerns() {
    let server = Server::start().await;
    let service = ClientSettings { grants: vec!["client_credentials".to_owned()], ..ClientSettings::default() };
    let other = server.seed().client("api-keys", "other", service.clone()).await;
    let api = ClientSettings { resource_server: true, ..ClientSettings::default() };
    let api = server.seed().client("api-keys", "the-api", api).await;
    let token = server.ion_token().await;
    let ask = |client: &Key, token: &str, hint: &str| {
        server.oauth("api-keys", INTROSPECT, client, &[("token", token), ("token_type_hint", hint)])
    };
    let claims: Value = serde_json::from_slice(&BASE64URL.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap();
    let text = |name: &str| claims[name].as_str().unwrap();
    let active = format!(
        r#"{{"exp":1768489500,"iat":1768489200,"jti":"{}","iss":"{PUBLIC_URL}/realms/api-keys","sub":"{}","typ":"Bearer","azp":"ion-key-1","acr":"1","scope":"profile email","email_verified":false,"preferred_username":"service-account-ion-key-1","client_id":"ion-key-1","username":"service-account-ion-key-1","jeton_number":1000,"token_type":"Bearer","active":true}}"#,
        text("jti"),
        text("sub"),
    );
    for hint in ["", "access_token", "refresh_token", "odd"] {
        assert_answer(&ask(&server.ion, &token, hint).await, 200, &active, hint);
    }
    assert_answer(&ask(&api, &token, "").await, 200, &active, "a resource server");
    assert_answer(&ask(&other, &token, "").await, 200, INACTIVE, "a foreign client");

    let foreign = server.client_token("plain", &server.plain).await;
    let cut = &token[..token.len() - 4];
    for (what, token) in
        [("made up", "x"), ("damaged", cut), ("another realm's", &foreign), ("of four parts", "eyJ.a.b.c")]
    {
        assert_answer(&ask(&server.ion, token, "").await, 200, INACTIVE, what);
    }
    let missing = server.oauth("api-keys", INTROSPECT, &server.ion, &[]).await;
    assert_answer(&missing, 400, &error("invalid_request", "Token not provided."), "no token");
    for client in
        [Key { secret: "guess".into(), ..server.ion.clone() }, Key { id: "nobody".into(), secret: "x".into() }]
    {
        assert_answer(&ask(&client, &token, "").await, 401, BAD_CLIENT, "a bad credential");
    }
    let twice = server.oauth("api-keys", INTROSPECT, &server.ion, &[("token", &token), ("token", &token)]).await;
    assert_answer(&twice, 400, &error("invalid_request", "duplicated parameter"), "twice");

    server.seed().enable_principal("api-keys", "ion-key-1", false).await;
    assert_answer(&ask(&server.ion, &token, "").await, 200, INACTIVE, "of a disabled service");
    server.seed().enable_principal("api-keys", "ion-key-1", true).await;
    server.clock.advance(5 * MINUTE);
    assert_answer(&ask(&server.ion, &token, "").await, 200, INACTIVE, "expired");
    // The API is told why, and only in a member of our own.
    let told = ask(&api, &token, "").await;
    assert_answer(&told, 200, r#"{"active":false,"jeton_reason":"expired"}"#, "expired, to a resource server");
}

#[tokio::test]
async fn revocation() {
    let server = Server::start().await;
    let service = ClientSettings { grants: vec!["client_credentials".to_owned()], ..ClientSettings::default() };
    let other = server.seed().client("api-keys", "other", service).await;
    let (first, second) = (server.ion_token().await, server.ion_token().await);
    let revoke = |client: &Key, token: &str, hint: &str| {
        server.oauth("api-keys", "revoke", client, &[("token", token), ("token_type_hint", hint)])
    };
    let nothing = error("invalid_token", "Invalid token");
    let foreign = server.client_token("plain", &server.plain).await;
    for (what, client, token) in [
        ("unknown", &server.ion, "x"),
        ("another client's", &other, first.as_str()),
        ("another realm's", &server.ion, &foreign),
        ("damaged", &server.ion, &first[..first.len() - 4]),
    ] {
        assert_answer(&revoke(client, token, "").await, 200, &nothing, what);
    }
    assert_eq!(server.graphql(&first).await.status, 200, "a foreign client ends nothing");

    let missing = server.oauth("api-keys", "revoke", &server.ion, &[]).await;
    assert_answer(&missing, 400, &error("invalid_request", "Token not provided"), "no token");
    let odd = error("unsupported_token_type", "Unsupported token type");
    assert_answer(&revoke(&server.ion, &first, "odd").await, 400, &odd, "an odd hint");
    let wrong = Key { secret: "guess".into(), ..server.ion.clone() };
    assert_answer(&revoke(&wrong, &first, "").await, 401, BAD_CLIENT, "a bad credential");
    assert_eq!(server.graphql(&first).await.status, 200);

    for (what, hint) in [("own, with the wrong hint", "refresh_token"), ("again", "")] {
        let answer = revoke(&server.ion, &first, hint).await;
        assert_eq!((answer.status, answer.body.as_str(), answer.header("content-type")), (200, "", None), "{what}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
    }
    let introspected = server.oauth("api-keys", INTROSPECT, &server.ion, &[("token", &first)]).await;
    assert_answer(&introspected, 200, INACTIVE, "after its end");
    assert_eq!(server.graphql(&first).await.text("/errors/0/message"), "Token is expired.");
    assert_eq!(server.graphql(&second).await.status, 200, "another token of the same client goes on");
}

#[tokio::test]
async fn keys_are_published_and_kept_by_caches() {
    let server = Server::start().await;
    let token = server.ion_token().await;
    let header: Value = serde_json::from_slice(&BASE64URL.decode(token.split('.').next().unwrap()).unwrap()).unwrap();
    for target in
        ["/realms/api-keys/protocol/openid-connect/certs", "/auth/realms/api-keys/protocol/openid-connect/certs"]
    {
        let answer = server.get(target).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{target}");
        assert_eq!(answer.header("cache-control"), Some("public, max-age=300"), "{target}");
        let keys = answer.json()["keys"].as_array().unwrap().clone();
        assert_eq!(keys.len(), 1, "{answer:?}");
        let key = keys[0].as_object().unwrap();
        assert_eq!(key.keys().collect::<Vec<_>>(), ["kid", "kty", "alg", "use", "n", "e"], "and no private member");
        let expected = [&header["kid"], &json!("RSA"), &json!("RS256"), &json!("sig"), &json!("AQAB")];
        assert_eq!([&key["kid"], &key["kty"], &key["alg"], &key["use"], &key["e"]], expected);

        let tag = answer.header("etag").expect("an ETag").to_owned();
        let same = server.get(target).header("If-None-Match", &tag).await;
        assert_eq!((same.status, same.body.as_str(), same.header("etag")), (304, "", Some(tag.as_str())));
        let other = server.get(target).header("If-None-Match", "\"other\"").await;
        assert_eq!((other.status, other.body), (200, answer.body));
    }
    assert_eq!(server.get("/realms/nowhere/protocol/openid-connect/certs").await.status, 404);
}

#[tokio::test]
async fn discovery_names_what_is_there_and_nothing_else() {
    let server = Server::start().await;
    let target = "/realms/api-keys/.well-known/openid-configuration";
    let answer = server.get(target).host("evil.example").header("X-Forwarded-Host", "evil.example").await;
    let document = answer.json();
    let document = document.as_object().unwrap();
    assert_eq!(document["issuer"], format!("{PUBLIC_URL}/realms/api-keys"));
    for (name, value) in document {
        if name == "issuer" {
            continue;
        }
        let Some(path) = value.as_str().and_then(|url| url.strip_prefix(PUBLIC_URL)) else {
            assert!(!value.is_string(), "{name}: {value}");
            continue;
        };
        let there = server.call(if name == "jwks_uri" { "GET" } else { "POST" }, path).await;
        assert!(![404, 405].contains(&there.status), "{name}: {there:?}");
    }
    let names: Vec<&str> = document.keys().map(String::as_str).collect();
    let expected = [
        "issuer",
        "token_endpoint",
        "introspection_endpoint",
        "jwks_uri",
        "grant_types_supported",
        "response_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
        "token_endpoint_auth_methods_supported",
        "introspection_endpoint_auth_methods_supported",
        "revocation_endpoint",
        "revocation_endpoint_auth_methods_supported",
    ];
    assert_eq!(names, expected);
    assert_eq!(document["grant_types_supported"], json!(["client_credentials"]));
    assert_eq!(document["id_token_signing_alg_values_supported"], json!(["RS256"]));
    for same in [format!("/auth{target}"), "/.well-known/oauth-authorization-server/realms/api-keys".to_owned()] {
        assert_eq!(server.get(&same).await.body, answer.body, "{same}");
    }
}

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
