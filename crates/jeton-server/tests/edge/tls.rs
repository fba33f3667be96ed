//! Real handshakes with a client that trusts the demo's CA and nothing else.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use jeton_core::time::Timestamp;
use jeton_server::clock::Clock;
use jeton_server::listen::Limits;
use jeton_server::tls::{Tls, TlsError, demo_ca};
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::version::{TLS12, TLS13};
use rustls::{ALL_VERSIONS, ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::Server;

fn now() -> Timestamp {
    Clock::system().now()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A client of one server.
struct Client<'a> {
    server: &'a Server,
    trusts: &'a str,
    offers: &'a [&'a str],
    versions: &'a [&'static SupportedProtocolVersion],
}

impl<'a> Client<'a> {
    fn new(server: &'a Server, trusts: &'a str) -> Self {
        Self { server, trusts, offers: &["h2", "http/1.1"], versions: ALL_VERSIONS }
    }

    async fn connect(&self, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.trusts.as_bytes()).unwrap()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(self.versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = self.offers.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(self.server.address).await.unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// The protocol agreed on with a host.
    async fn agreed(&self, name: &str) -> String {
        let stream = self.connect(name).await.unwrap();
        String::from_utf8(stream.get_ref().1.alpn_protocol().unwrap_or_default().to_vec()).unwrap()
    }

    async fn get(&self, name: &str, path: &str) -> (StatusCode, String) {
        self.get_with(name, path, "").await
    }

    async fn get_with(&self, name: &str, path: &str, header: &str) -> (StatusCode, String) {
        let stream = self.connect(name).await.unwrap();
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let request = Request::get(format!("https://{name}{path}")).header("host", name).header("x", header);
        let request = request.body(Body::empty()).unwrap();
        let response = if http2 {
            let (mut sender, connection) =
                http2::Builder::new(TokioExecutor::new()).handshake(TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            sender.send_request(request).await.unwrap()
        } else {
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            sender.send_request(request).await.unwrap()
        };
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}

/// A server with a certificate for some names, and the CA to trust.
async fn demo(hosts: &[&str], at: Timestamp) -> (Server, Arc<Tls>, String) {
    let certificate = demo_ca(&names(hosts), at).unwrap();
    let ca = certificate.ca_pem.clone();
    let tls = Arc::new(Tls::from_demo(certificate).unwrap());
    let server = Server::start(Limits::default(), Some(Arc::clone(&tls))).await;
    (server, tls, ca)
}

#[tokio::test]
async fn the_demo_is_trusted_for_its_names_and_no_others() {
    let (server, _, ca) = demo(&["api.example.com", "LOGIN.example.org", "192.0.2.1"], now()).await;
    let client = Client::new(&server, &ca);
    for (name, trusted) in [
        ("localhost", true),
        ("127.0.0.1", true),
        ("::1", true),
        ("api.example.com", true),
        ("login.example.org", true),
        ("192.0.2.1", true),
        ("example.com", false),
        ("other.example.org", false),
        ("192.0.2.2", false),
    ] {
        assert_eq!(client.connect(name).await.is_ok(), trusted, "{name}");
    }
    let (other_server, _, _) = demo(&[], now()).await;
    assert!(Client::new(&other_server, &ca).connect("localhost").await.is_err());
}

#[tokio::test]
async fn the_demo_lasts_seven_days() {
    let day = Duration::from_secs(24 * 60 * 60);
    let minute = Duration::from_secs(60);
    for (made, trusted) in
        [(now() - 7 * day + minute, true), (now() - 7 * day - minute, false), (now() + minute, false)]
    {
        let (server, _, ca) = demo(&[], made).await;
        assert_eq!(Client::new(&server, &ca).connect("localhost").await.is_ok(), trusted, "{made}");
    }
}

/// Nobody has the CA's key to sign something it should not, so this looks at what its certificate says.
#[test]
fn the_demo_ca_is_constrained() {
    let ca = demo_ca(&names(&["api.example.com"]), now()).unwrap().ca_pem;
    let der = CertificateDer::from_pem_slice(ca.as_bytes()).unwrap();
    let has = |bytes: &[u8]| der.windows(bytes.len()).any(|window| window == bytes);
    // Name constraints (2.5.29.30), critical.
    assert!(has(b"\x06\x03\x55\x1d\x1e\x01\x01\xff"), "{ca}");
    assert!(has(b"\x82\x0fapi.example.com") && has(b"\x82\x09localhost"), "{ca}");
    assert!(has(b"\x87\x08\x7f\x00\x00\x01\xff\xff\xff\xff"), "{ca}");
    // Basic constraints: a CA, with none below it.
    assert!(has(b"\x30\x06\x01\x01\xff\x02\x01\x00"), "{ca}");
}

#[test]
fn names_that_are_none_are_explained() {
    for name in ["", "*.example.com", "https://example.com", "example.com:443", "a b", "ex\u{e4}mple.com"] {
        let error = demo_ca(&names(&[name]), now()).err().unwrap();
        assert!(matches!(&error, TlsError::BadName { name: bad } if bad == name), "{error}");
    }
}

#[tokio::test]
async fn protocols_are_agreed_by_host() {
    let (server, tls, ca) = demo(&["old.example.com", "new.example.com"], now()).await;
    let client = Client::new(&server, &ca);
    assert_eq!(client.agreed("old.example.com").await, "h2");
    assert_eq!(client.agreed("127.0.0.1").await, "h2");
    tls.set_http1_only(["Old.example.com".to_owned()], false);
    for (name, offers, agreed) in [
        ("new.example.com", ["h2", "http/1.1"].as_slice(), "h2"),
        ("new.example.com", &["http/1.1"], "http/1.1"),
        ("new.example.com", &[], ""),
        ("old.example.com", &["h2", "http/1.1"], "http/1.1"),
        ("OLD.example.com", &["h2", "http/1.1"], "http/1.1"),
        ("127.0.0.1", &["h2", "http/1.1"], "http/1.1"),
    ] {
        assert_eq!(Client { offers, ..Client::new(&server, &ca) }.agreed(name).await, agreed, "{name} {offers:?}");
    }
}

#[tokio::test]
async fn both_versions_and_both_protocols_serve() {
    let (server, _, ca) = demo(&[], now()).await;
    for versions in [[&TLS12].as_slice(), &[&TLS13]] {
        for (offers, version) in [(["h2"].as_slice(), "HTTP/2.0"), (&["http/1.1"], "HTTP/1.1"), (&[], "HTTP/1.1")] {
            let client = Client { offers, versions, ..Client::new(&server, &ca) };
            let expected = format!("127.0.0.1 Tls {{ server_name: Some(\"localhost\"), certificate: None }} {version}");
            assert_eq!(client.get("localhost", "/who").await, (StatusCode::OK, expected));
            let (status, _) = client.get("localhost", &format!("/{}", "a".repeat(8 * 1024))).await;
            assert_eq!(status, StatusCode::URI_TOO_LONG, "{version}");
            let (status, _) = client.get_with("localhost", "/", &"a".repeat(16 * 1024)).await;
            assert_eq!(status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "{version}");
        }
    }
    let client = Client { offers: &[], ..Client::new(&server, &ca) };
    assert_eq!(
        client.get("127.0.0.1", "/who").await.1,
        "127.0.0.1 Tls { server_name: None, certificate: None } HTTP/1.1"
    );
}

#[tokio::test]
async fn a_handshake_cannot_be_dawdled_over() {
    let tls = Arc::new(Tls::from_demo(demo_ca(&[], now()).unwrap()).unwrap());
    let limits = Limits { handshake: Duration::from_millis(200), ..Limits::default() };
    let mut server = Server::start(limits, Some(tls)).await;
    let mut silent = server.connect().await;
    assert_eq!(silent.rest().await, "");
    // A handshake under way does not delay the end either.
    let _silent = server.connect().await;
    server.begin_stop();
    server.stopped().await;
}

#[tokio::test]
async fn plain_http_on_a_tls_port_is_not_served() {
    let (server, _, _) = demo(&[], now()).await;
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let mut answer = Vec::new();
    let _ = client.0.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}

/// A certificate file, its key file, and the PEM to trust.
fn write_files(folder: &Path) -> String {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names(&["localhost"])).unwrap().self_signed(&key).unwrap();
    fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    certificate.pem()
}

#[tokio::test]
async fn certificates_are_reloaded_and_a_broken_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let first = write_files(folder.path());
    let tls = Arc::new(Tls::from_files(&certificate, &key).unwrap());
    let server = Server::start(Limits::default(), Some(Arc::clone(&tls))).await;
    let trusted = async |ca: &str| Client::new(&server, ca).connect("localhost").await.is_ok();
    assert!(trusted(&first).await);

    let second = write_files(folder.path());
    assert!(trusted(&first).await && !trusted(&second).await);
    tls.reload().unwrap();
    assert!(!trusted(&first).await && trusted(&second).await);

    fs::write(&certificate, first).unwrap();
    assert!(matches!(tls.reload(), Err(TlsError::Unusable { .. })));
    assert!(trusted(&second).await);
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    write_files(folder.path());
    let (good_certificate, good_key) = (fs::read(&certificate).unwrap(), fs::read(&key).unwrap());
    let other_key = KeyPair::generate().unwrap().serialize_pem();
    for (certificate_text, key_text, part) in [
        (b"".as_slice(), good_key.as_slice(), "cert.pem holds no certificate"),
        (&good_key, &good_key, "cert.pem holds no certificate"),
        (&good_certificate[..100], &good_key, "cert.pem holds no certificate"),
        (&good_certificate, b"", "key.pem holds no private key"),
        (&good_certificate, &good_certificate, "key.pem holds no private key"),
        (
            &good_certificate,
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "cannot be used together",
        ),
        (&good_certificate, other_key.as_bytes(), "cannot be used together"),
    ] {
        fs::write(&certificate, certificate_text).unwrap();
        fs::write(&key, key_text).unwrap();
        let error = Tls::from_files(&certificate, &key).err().unwrap().to_string();
        assert!(error.contains(part), "{part}: {error}");
    }
    fs::remove_file(&key).unwrap();
    fs::write(&certificate, good_certificate).unwrap();
    let error = Tls::from_files(&certificate, &key).err().unwrap().to_string();
    assert!(error.contains("key.pem") && error.contains("check that the path is right"), "{error}");
}
