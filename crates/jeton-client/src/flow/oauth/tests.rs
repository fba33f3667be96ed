//! Requests and answers of every grant, by tables.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jeton_core::time::Timestamp;

use super::*;
use crate::vault::Secrets;

const ISSUER: &str = "https://id.example.com/realms/meadow";

fn answer(status: u16, body: &str) -> Response {
    let body = Secret::new(body.as_bytes().to_vec());
    Response { status, reason_phrase: None, headers: http::HeaderMap::new(), body }
}

fn metadata(more: &str) -> Metadata {
    let text = format!(r#"{{"issuer":"{ISSUER}","token_endpoint":"{ISSUER}/token"{more}}}"#);
    Metadata::read(ISSUER, &answer(200, &text), Timestamp::EPOCH).unwrap()
}

fn flow(grant: Grant, more: &str, values: &[(&str, &str)]) -> OAuthFlow {
    let own = [("client_id", "me & you"), ("scope", "a b")];
    let values = own.iter().chain(values).map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    OAuthFlow::new(metadata(more), grant, None, &values.collect()).unwrap()
}

fn secrets(pairs: &[(&str, &str)]) -> Secrets {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), Secret::from(*text))).collect()
}

fn proof(secrets: &Secrets) -> Proof<'_> {
    Proof { secrets, fresh: &|| Ok("b6bf15b4-e00f-4d03-8e2b-7ed8829c8ff6".to_owned()), now: Timestamp::from_secs(1000) }
}

#[test]
fn metadata_of_others_and_insecure_endpoints_are_refused() {
    assert_eq!(discovery(&format!("{ISSUER}/")).url, format!("{ISSUER}/.well-known/openid-configuration"));
    for (issuer, url) in [
        (ISSUER, "https://id.example.com/.well-known/oauth-authorization-server/realms/meadow"),
        ("https://id.example.com/", "https://id.example.com/.well-known/oauth-authorization-server"),
        ("https://id.example.com", "https://id.example.com/.well-known/oauth-authorization-server"),
    ] {
        assert_eq!(oauth_discovery(issuer).url, url);
    }
    for (status, issuer, endpoint, part) in [
        (200, "https://id.example.com/realms/other", "https://id.example.com/token", "not of"),
        (200, ISSUER, "http://id.example.com/token", "plain HTTP"),
        (200, ISSUER, "token", "not an address"),
        (404, ISSUER, "https://id.example.com/token", "no metadata"),
        (503, ISSUER, "https://id.example.com/token", "unavailable"),
    ] {
        let text = format!(r#"{{"issuer":"{issuer}","token_endpoint":"{endpoint}"}}"#);
        let error = Metadata::read(ISSUER, &answer(status, &text), Timestamp::EPOCH).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    for endpoint in ["authorization_endpoint", "device_authorization_endpoint", "revocation_endpoint"] {
        let text =
            format!(r#"{{"issuer":"{ISSUER}","token_endpoint":"{ISSUER}/token","{endpoint}":"http://x.example/"}}"#);
        let error = Metadata::read(ISSUER, &answer(200, &text), Timestamp::EPOCH).unwrap_err().to_string();
        assert!(error.contains("plain HTTP"), "{error}");
    }
}

#[test]
fn the_issuers_clock_is_told_by_its_answer() {
    for (date, ahead) in [(None, 0), (Some("Thu, 01 Jan 1970 00:18:20 GMT"), 100), (Some("yesterday"), 0)] {
        let mut answer = answer(200, &format!(r#"{{"issuer":"{ISSUER}","token_endpoint":"{ISSUER}/token"}}"#));
        date.map(|date| answer.headers.insert(http::header::DATE, date.parse().unwrap()));
        assert_eq!(Metadata::read(ISSUER, &answer, Timestamp::from_secs(1000)).unwrap().ahead, ahead, "{date:?}");
    }
}

#[test]
fn requests_prove_the_client_as_the_issuer_asks() {
    let secrets = secrets(&[("client_secret", "s:%")]);
    let issued = Issued { access: Secret::from("acc"), refresh: Some(Secret::from("r/1")), ..Issued::default() };
    let token = Token::new(issued, Timestamp::EPOCH, 0, 0.0);
    let post = r#","token_endpoint_auth_methods_supported":["client_secret_post"]"#;
    let revoke = format!(r#","revocation_endpoint":"{ISSUER}/revoke""#);
    let basic = format!("Basic {}", STANDARD.encode("me+%26+you:s%3A%25"));
    let proof_fields = "&client_id=me+%26+you&client_secret=s%3A%25";
    for (more, act, expected) in [
        ("", Act::SignIn, Some(("token", "grant_type=client_credentials&scope=a+b".to_owned(), true))),
        (post, Act::SignIn, Some(("token", format!("grant_type=client_credentials&scope=a+b{proof_fields}"), false))),
        ("", Act::Refresh, Some(("token", "grant_type=refresh_token&refresh_token=r%2F1".to_owned(), true))),
        (revoke.as_str(), Act::End, Some(("revoke", "token=r%2F1".to_owned(), true))),
        ("", Act::End, None),
    ] {
        let flow = flow(Grant::ClientCredentials, more, &[]);
        let written = flow.write(act, Some(&token), proof(&secrets)).unwrap();
        assert_eq!(written.is_some(), expected.is_some(), "{act:?}");
        if let Some((request, (path, body, in_header))) = written.zip(expected) {
            assert_eq!((request.url, request.body.expose()), (format!("{ISSUER}/{path}"), &body));
            let header = request.headers.iter().find(|(name, _)| name == "Authorization");
            assert_eq!(header.map(|(_, value)| value.as_str()), in_header.then_some(basic.as_str()));
        }
    }
}

#[test]
fn every_grant_that_needs_nobody_has_its_form() {
    let exchange = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=sub\
                    &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token";
    let more = [("resource", "https://a.example https://b.example"), ("audience", "x"), ("username", "ada")];
    let tail =
        "&scope=a+b&resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example&audience=x&client_id=me+%26+you";
    for (grant, values, known, expected) in [
        (
            Grant::Password,
            &more[..],
            &[("password", "p")][..],
            Ok(format!("grant_type=password&username=ada&password=p{tail}")),
        ),
        (Grant::Password, &[], &[("password", "p")], Err("`username` must be given")),
        (Grant::Password, &more, &[], Err("`password` must be given")),
        (Grant::TokenExchange, &more, &[("subject_token", "sub")], Ok(format!("{exchange}{tail}"))),
        (
            Grant::TokenExchange,
            &[("actor_token_type", "t")],
            &[("subject_token", "sub"), ("actor_token", "act")],
            Ok(format!("{exchange}&actor_token=act&actor_token_type=t&scope=a+b&client_id=me+%26+you")),
        ),
        (Grant::TokenExchange, &[], &[], Err("`subject_token` must be given")),
        (Grant::DeviceCode, &[], &[], Ok(String::new())),
        (Grant::AuthorizationCode, &[], &[], Ok(String::new())),
    ] {
        let known = secrets(known);
        match (flow(grant, "", values).write(Act::SignIn, None, proof(&known)), expected) {
            (Ok(written), Ok(body)) => {
                assert_eq!(written.map(|request| request.body.expose().clone()).unwrap_or_default(), body);
            }
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (written, _) => panic!("{grant:?}: {}", written.is_ok()),
        }
    }
}

#[test]
fn answers_are_read_by_the_standard() {
    for (act, status, body, expected) in [
        (Act::SignIn, 200, r#"{"access_token":"a","token_type":"bearer","expires_in":60}"#, Ok(Some(60))),
        (Act::SignIn, 200, r#"{"access_token":"a","token_type":"Bearer","expires_in":"60"}"#, Ok(Some(60))),
        (Act::SignIn, 200, r#"{"access_token":"a","token_type":"Bearer"}"#, Ok(None)),
        (Act::SignIn, 200, r#"{"access_token":"a","token_type":"mac"}"#, Err("Bearer")),
        (Act::SignIn, 200, r#"{"access_token":"a","token_type":"N_A"}"#, Err("Bearer")),
        (Act::SignIn, 200, "{}", Err("RFC 6749")),
        (Act::SignIn, 401, r#"{"error":"invalid_client"}"#, Err("invalid_client")),
        (Act::Refresh, 400, r#"{"error":"invalid_grant"}"#, Err("invalid_token")),
        (Act::SignIn, 400, r#"{"error":"invalid_scope","error_description":"no a"}"#, Err("denied_scope (no a)")),
        (Act::SignIn, 429, "", Err("throttled")),
        (Act::SignIn, 403, "<html>", Err("RFC 6749")),
    ] {
        match (flow(Grant::ClientCredentials, "", &[]).read(act, &answer(status, body)), expected) {
            (Ok(issued), Ok(seconds)) => assert_eq!(issued.lifetime, seconds.map(Duration::from_secs), "{body}"),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (read, _) => panic!("{body}: {read:?}"),
        }
    }
    for (beside, seconds, told) in [
        (r#""token_type":"bearer","expires_in":60"#, Some(60), ""),
        (r#""token_type":"Bearer","expires_in":"60""#, Some(60), "expires_in_as_text: `expires_in` is a string"),
        (
            r#""token_type":"Bearer","expires_in":60.9"#,
            Some(60),
            "expires_in_fraction: `expires_in` is a number with a fraction",
        ),
        (
            r#""token_type":"Bearer","expires_in":"soon""#,
            None,
            "expires_in_unreadable: `expires_in` is no number of seconds, and passed over",
        ),
        (
            r#""token_type":"Bearer","expires_in":-1"#,
            None,
            "expires_in_unreadable: `expires_in` is no number of seconds, and passed over",
        ),
        (r#""token_type":"Bearer","expires_in":null"#, None, ""),
        (r#""expires_in":60"#, Some(60), "token_type_missing: `token_type` is not there, and taken for Bearer"),
    ] {
        let body = format!(r#"{{"access_token":"a",{beside}}}"#);
        let issued = flow(Grant::ClientCredentials, "", &[]).read(Act::SignIn, &answer(200, &body)).unwrap();
        let deviations: Vec<String> = issued.deviations.iter().map(ToString::to_string).collect();
        assert_eq!(
            (issued.lifetime.map(|life| life.as_secs()), deviations.concat().as_str()),
            (seconds, told),
            "{body}"
        );
    }
    let exchanged = r#"{"access_token":"a","token_type":"N_A"}"#;
    flow(Grant::TokenExchange, "", &[]).read(Act::SignIn, &answer(200, exchanged)).unwrap();
}

#[test]
fn an_assertion_says_who_to_whom_and_for_how_long() {
    let key = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let known = secrets(&[("private_key", key), ("client_secret", "unused")]);
    for (values, audience, kid) in [
        (&[][..], ISSUER, Value::Null),
        (&[("assertion_audience", "other"), ("key_id", "k1")], "other", Value::from("k1")),
    ] {
        let mut flow = flow(Grant::ClientCredentials, "", values);
        // By the issuer's clock.
        flow.metadata.ahead = 50;
        let written = flow.write(Act::SignIn, None, proof(&known)).unwrap().unwrap();
        assert!(written.headers.iter().all(|(name, _)| name != "Authorization"));
        let form = jeton_core::wire::form::Form::parse(written.body.expose().as_bytes()).unwrap();
        assert_eq!((form.field("client_id"), form.field("client_secret")), (Some("me & you"), None));
        let parts: Vec<Value> = form.field("client_assertion").unwrap().split('.').take(2).map(json_part).collect();
        assert_eq!(parts[0]["kid"], kid);
        assert_eq!(
            parts[1],
            serde_json::json!({ "iss": "me & you", "sub": "me & you", "aud": audience,
                "jti": "b6bf15b4-e00f-4d03-8e2b-7ed8829c8ff6", "iat": 1050, "exp": 1110 })
        );
    }
    let known = secrets(&[("private_key", "no key")]);
    let error = flow(Grant::ClientCredentials, "", &[]).write(Act::SignIn, None, proof(&known)).err().unwrap();
    assert!(error.to_string().contains("PEM"), "{error}");
}

fn json_part(part: &str) -> Value {
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[test]
fn the_page_asks_with_pkce_and_its_answer_must_be_its_own() {
    let pages = format!(r#","authorization_endpoint":"{ISSUER}/auth?p=1""#);
    let strict = format!(r#"{pages},"authorization_response_iss_parameter_supported":true"#);
    let values = [("scope", "openid offline_access"), ("authorize.access_type", "offline")];
    let flow_of = |more: &str| flow(Grant::AuthorizationCode, more, &values);
    let nothing = Secrets::new();
    let authorization = flow_of(&pages).authorize("http://127.0.0.1:7/callback", proof(&nothing).fresh).unwrap();
    let state = "b6bf15b4-e00f-4d03-8e2b-7ed8829c8ff6";
    // SHA-256 of the state twice, by `printf … | openssl dgst -sha256 -binary | basenc --base64url`.
    let challenge = "DxlqlxaW2gPhnZeOFFn9iWjuPhFeX8UYuhpMt5xd-C8";
    assert_eq!(
        authorization.url,
        format!(
            "{ISSUER}/auth?p=1&response_type=code&client_id=me+%26+you&redirect_uri=http%3A%2F%2F127.0.0.1%3A7%2Fcallback\
             &state={state}&code_challenge={challenge}&code_challenge_method=S256&scope=openid+offline_access\
             &prompt=consent&access_type=offline"
        )
    );
    let issuer = ISSUER.replace(':', "%3A").replace('/', "%2F");
    for (more, query, expected) in [
        (&pages, format!("code=c%2F1&state={state}"), Ok(Some("c/1"))),
        (&pages, format!("code=c%2F1&state={state}&iss={issuer}"), Ok(Some("c/1"))),
        (&pages, format!("code=c&state={state}&iss=https%3A%2F%2Fevil.example"), Err("another issuer")),
        (&strict, format!("code=c%2F1&state={state}&iss={issuer}"), Ok(Some("c/1"))),
        (&strict, format!("code=c&state={state}"), Err("another issuer")),
        (&pages, format!("error=access_denied&state={state}"), Err("denied (access_denied)")),
        (&pages, "code=c&state=other".to_owned(), Ok(None)),
        (&pages, "code=c".to_owned(), Ok(None)),
        (&pages, "error=access_denied".to_owned(), Ok(None)),
        (&pages, format!("code=c&code=d&state={state}"), Ok(None)),
        (&pages, format!("state={state}"), Ok(None)),
        (&pages, "%".to_owned(), Ok(None)),
    ] {
        match (flow_of(more).read_redirect(&authorization, &query), expected) {
            (Ok(code), Ok(expected)) => {
                assert_eq!(code.as_ref().map(|code| code.expose().as_str()), expected, "{query}");
            }
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (read, _) => panic!("{query}: {read:?}"),
        }
    }
    let request = flow_of(&pages).redeem(&authorization, &Secret::from("c/1"), proof(&nothing)).unwrap();
    assert_eq!(
        request.body.expose().as_str(),
        format!(
            "grant_type=authorization_code&code=c%2F1&redirect_uri=http%3A%2F%2F127.0.0.1%3A7%2Fcallback\
             &code_verifier={state}{state}&client_id=me+%26+you"
        )
    );
    for (more, values, part) in [
        ("", &[][..], "no authorization endpoint"),
        (&pages, &[("authorize.state", "x")], "`authorize.state` must be left out"),
    ] {
        let flow = flow(Grant::AuthorizationCode, more, values);
        let error = flow.authorize("http://127.0.0.1:7/", proof(&nothing).fresh).err().unwrap().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_device_asks_until_it_is_answered() {
    let more = format!(r#","device_authorization_endpoint":"{ISSUER}/device""#);
    let (flow, nothing) = (flow(Grant::DeviceCode, &more, &[]), Secrets::new());
    let begin = flow.begin_device(proof(&nothing)).unwrap();
    assert_eq!(
        (begin.url, begin.body.expose().as_str()),
        (format!("{ISSUER}/device"), "scope=a+b&client_id=me+%26+you")
    );
    let begun = |url: &str, code: &str| {
        format!(r#"{{"device_code":"d/1","user_code":"{code}","verification_uri":"{url}","expires_in":600}}"#)
    };
    for (body, part) in [
        (begun("http://evil.example/", "A-B"), "plain HTTP"),
        (begun("javascript:alert(1)", "A-B"), "not an address"),
        (begun("https://id.example.com/device", "\\u001b[2J"), "cannot be typed"),
        ("{}".to_owned(), "RFC 8628"),
    ] {
        let error = flow.read_device(&answer(200, &body)).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    let device = flow.read_device(&answer(200, &begun("https://id.example.com/device?x=1", "A-B"))).unwrap();
    assert_eq!(
        (device.user_code.as_str(), device.interval, device.lifetime.as_secs()),
        ("A-B", Duration::from_secs(5), 600)
    );
    let poll = flow.poll(&device, proof(&nothing)).unwrap();
    let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code";
    assert_eq!(poll.body.expose().as_str(), format!("{grant}&device_code=d%2F1&client_id=me+%26+you"));
    for (status, body, expected) in [
        (400, r#"{"error":"authorization_pending"}"#, Ok("Pending")),
        (400, r#"{"error":"slow_down"}"#, Ok("SlowDown")),
        (503, "", Ok("SlowDown")),
        (429, "", Ok("SlowDown")),
        (200, r#"{"access_token":"a","token_type":"Bearer"}"#, Ok("Issued")),
        (400, r#"{"error":"expired_token"}"#, Err("expired")),
        (400, r#"{"error":"access_denied"}"#, Err("denied")),
        (400, "", Err("RFC 6749")),
    ] {
        match (flow.read_poll(&answer(status, body)), expected) {
            (Ok(poll), Ok(name)) => assert!(format!("{poll:?}").starts_with(name), "{poll:?}"),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (poll, _) => panic!("{body}: {poll:?}"),
        }
    }
}
