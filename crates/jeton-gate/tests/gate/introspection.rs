//! The introspection client against small realms.

use std::convert::Infallible;
use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jeton_core::dialect::Values;
use jeton_core::domain::refusal::Reason;
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;
use jeton_gate::{CheckToken, Introspection, IntrospectionConfig};
use tokio::net::TcpListener;

use crate::harness;

fn config(endpoint: &str) -> IntrospectionConfig<'_> {
    IntrospectionConfig {
        realm: "zebra".to_owned(),
        endpoint: endpoint.to_owned(),
        client_id: "the gate".to_owned(),
        client_secret: Secret::from("s:%"),
        ca_file: None,
    }
}

/// A realm that answers by the token it is asked about: `STATUS BODY`.
async fn realm(request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    // "the gate" and "s:%", each form-encoded.
    let known = parts.headers["authorization"] == "Basic dGhlK2dhdGU6cyUzQSUyNQ==";
    let form = parts.method == "POST" && parts.headers["content-type"] == "application/x-www-form-urlencoded";
    let mut response = Response::new(Full::new(Bytes::new()));
    if !known || !form {
        *response.status_mut() = http::StatusCode::UNAUTHORIZED;
        return response;
    }
    let (status, answer) = match body.as_ref() {
        b"token=full&token_type_hint=access_token" => (
            200,
            r#"{"exp":1700000000,"sub":"7","typ":"Bearer","scope":"read  write","username":"ann","client_id":"c","token_type":"Bearer","act":{"sub":"9"},"jeton_target":12,"jeton_level":"Admin","jeton_key_id":"k","active":true}"#,
        ),
        b"token=a%2Bb%26c%3D&token_type_hint=access_token" => {
            (200, r#"{"active":true,"token_type":"bearer","client_id":"c","exp":1}"#)
        }
        b"token=refresh&token_type_hint=access_token" => {
            (200, r#"{"active":true,"token_type":"refresh_token","sub":"7","exp":1}"#)
        }
        b"token=untyped&token_type_hint=access_token" => (200, r#"{"active":true,"sub":"7","exp":1}"#),
        b"token=nobody&token_type_hint=access_token" => (200, r#"{"active":true,"token_type":"Bearer","exp":1}"#),
        b"token=endless&token_type_hint=access_token" => (200, r#"{"active":true,"token_type":"Bearer","sub":"7"}"#),
        b"token=inactive&token_type_hint=access_token" => (200, r#"{"active":false}"#),
        b"token=expired&token_type_hint=access_token" => (200, r#"{"active":false,"jeton_reason":"expired"}"#),
        b"token=unknown_key&token_type_hint=access_token" => (200, r#"{"active":false,"jeton_reason":"unknown_key"}"#),
        b"token=throttled&token_type_hint=access_token" => (200, r#"{"active":false,"jeton_reason":"throttled"}"#),
        b"token=odd&token_type_hint=access_token" => (200, r#"{"active":false,"jeton_reason":"no_route"}"#),
        b"token=text&token_type_hint=access_token" => {
            (200, r#"{"active":"true","token_type":"Bearer","sub":"7","exp":1}"#)
        }
        b"token=nothing&token_type_hint=access_token" => (200, "{}"),
        b"token=broken&token_type_hint=access_token" => (200, "<html>"),
        b"token=created&token_type_hint=access_token" => {
            (201, r#"{"active":true,"token_type":"Bearer","sub":"7","exp":1}"#)
        }
        b"token=moved&token_type_hint=access_token" => (302, ""),
        b"token=slow&token_type_hint=access_token" => {
            tokio::time::sleep(std::time::Duration::from_secs(60)).await;
            (200, "")
        }
        b"token=huge&token_type_hint=access_token" => {
            let answer = r#"{"active":true,"token_type":"Bearer","sub":"7","exp":1}"#;
            *response.body_mut() = Full::new(Bytes::from(" ".repeat(100_000) + answer));
            return response;
        }
        other => panic!("asked about {:?}", String::from_utf8_lossy(other)),
    };
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    *response.body_mut() = Full::new(Bytes::from(answer));
    response
}

#[tokio::test]
async fn an_active_token_is_a_caller() {
    let address = harness::serve(realm).await;
    let introspection = Introspection::new(config(&format!("http://{address}/introspect"))).unwrap();
    let caller = introspection.check(&Secret::from("full"), &Values::new()).await.unwrap();
    assert_eq!(caller.realm, "zebra");
    assert_eq!(
        (caller.subject.as_str(), caller.username.as_deref(), caller.client_id.as_deref()),
        ("7", Some("ann"), Some("c"))
    );
    assert_eq!(
        (caller.scope.as_slice(), caller.target),
        (["read".to_owned(), "write".to_owned()].as_slice(), Some(12))
    );
    assert_eq!(
        (caller.level.as_deref(), caller.actor.as_deref(), caller.key_id.as_deref()),
        (Some("Admin"), Some("9"), Some("k"))
    );
    assert_eq!(caller.expires_at, Timestamp::from_secs(1_700_000_000));

    let caller = introspection.check(&Secret::from("a+b&c="), &Values::new()).await.unwrap();
    assert_eq!((caller.subject.as_str(), caller.scope.len()), ("c", 0));
}

#[tokio::test]
async fn everything_else_is_a_no() {
    let address = harness::serve(realm).await;
    let introspection = Introspection::new(config(&format!("http://localhost:{}/introspect", address.port()))).unwrap();
    let rows = [
        ("inactive", Reason::Revoked),
        ("expired", Reason::Expired),
        ("unknown_key", Reason::UnknownKey),
        ("throttled", Reason::Throttled),
        ("odd", Reason::Revoked),
        ("refresh", Reason::InvalidToken),
        ("untyped", Reason::InvalidToken),
        ("nobody", Reason::InvalidToken),
        ("endless", Reason::InvalidToken),
        ("text", Reason::Unavailable),
        ("nothing", Reason::Unavailable),
        ("broken", Reason::Unavailable),
        ("created", Reason::Unavailable),
        ("moved", Reason::Unavailable),
        ("huge", Reason::Unavailable),
        ("slow", Reason::Unavailable),
    ];
    for (token, reason) in rows {
        let refusal = introspection.check(&Secret::from(token), &Values::new()).await.unwrap_err();
        assert_eq!(refusal.reason, reason, "{token}");
        assert_eq!(refusal.retry_after.is_some(), reason == Reason::Unavailable, "{token}");
    }
}

#[tokio::test]
async fn a_gate_that_is_not_known_or_finds_nobody_says_unavailable() {
    let address = harness::serve(realm).await;
    let endpoint = format!("http://{address}/introspect");
    let wrong_secret = IntrospectionConfig { client_secret: Secret::from("wrong"), ..config(&endpoint) };
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for config in [wrong_secret, config(&format!("http://{nobody}/introspect"))] {
        let introspection = Introspection::new(config).unwrap();
        let refusal = introspection.check(&Secret::from("full"), &Values::new()).await.unwrap_err();
        assert_eq!(refusal.reason, Reason::Unavailable);
    }
}

#[test]
fn an_endpoint_is_https_or_on_this_machine() {
    let rows = [
        ("https://auth.example/introspect", None),
        ("http://127.0.0.1:1/introspect", None),
        ("http://[::1]:1/introspect", None),
        ("http://localhost/introspect", None),
        ("http://auth.example/introspect", Some("use https://")),
        ("http://127.0.0.1.example/introspect", Some("use https://")),
        ("ftp://auth.example/introspect", Some("whole https:// URL")),
        ("/introspect", Some("whole https:// URL")),
        ("", Some("whole https:// URL")),
    ];
    for (endpoint, mistake) in rows {
        match (Introspection::new(config(endpoint)), mistake) {
            (Ok(_), None) => {}
            (Err(error), Some(part)) => assert!(error.to_string().contains(part), "{endpoint}: {error}"),
            (other, _) => panic!("{endpoint}: {:?}", other.map(|_| ())),
        }
    }
}

#[tokio::test]
async fn over_tls_only_the_given_ca_is_trusted() {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = rustls::pki_types::PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let service = service_fn(|request| async move { Ok::<_, Infallible>(realm(request).await) });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });

    let mut ca = tempfile::NamedTempFile::new().unwrap();
    ca.write_all(cert.pem().as_bytes()).unwrap();
    let endpoint = format!("https://localhost:{port}/introspect");
    for (ca_file, expected) in [(Some(ca.path()), Ok("7".to_owned())), (None, Err(Reason::Unavailable))] {
        let introspection = Introspection::new(IntrospectionConfig { ca_file, ..config(&endpoint) }).unwrap();
        let checked = introspection.check(&Secret::from("full"), &Values::new()).await;
        assert_eq!(checked.map(|caller| caller.subject).map_err(|refusal| refusal.reason), expected, "{ca_file:?}");
    }
}
