//! Whom the client trusts: the certificates of `ca_file` and no others, for the name that it asked for.

#![expect(clippy::unwrap_used, reason = "a panic is the failure")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jeton_client::flow::Request;
use jeton_client::transport::Transport;
use jeton_core::dialect::Values;
use jeton_core::secret::Secret;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: PathBuf,
}

fn authority(folder: &Path, name: &str) -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    // Authorities of one name would be told apart by their signatures alone.
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let file = folder.join(name);
    std::fs::write(&file, params.self_signed(&key).unwrap().pem()).unwrap();
    Authority { issuer: Issuer::new(params, key), file }
}

/// An HTTPS server that answers everything with `hello`, and its port.
async fn serve(authority: &Authority, name: &str) -> u16 {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &authority.issuer).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that does not trust this server goes away.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _asked = stream.read(&mut [0; 1024]).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello").await.unwrap();
            let _closed = stream.shutdown().await;
        }
    });
    port
}

#[tokio::test]
async fn only_the_named_authority_is_trusted_and_only_for_this_host() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, other) = (authority(folder.path(), "ours.pem"), authority(folder.path(), "other.pem"));
    let (right, wrong) = (serve(&ours, "127.0.0.1").await, serve(&ours, "api.example.com").await);
    for (ca_file, port, expected) in [
        (Some(&ours.file), right, Ok(())),
        (Some(&other.file), right, Err("UnknownIssuer")),
        (None, right, Err("UnknownIssuer")),
        (Some(&ours.file), wrong, Err("not valid for name")),
    ] {
        let request = Request {
            method: http::Method::GET,
            url: format!("https://127.0.0.1:{port}/"),
            headers: Vec::new(),
            body: Secret::default(),
            asked: Values::new(),
        };
        let answer = Transport::new(ca_file.map(PathBuf::as_path)).unwrap().send(request).await;
        match (answer, expected) {
            (Ok(answer), Ok(())) => assert_eq!(answer.body.expose(), b"hello"),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (answer, _) => panic!("{ca_file:?}: {:?}", answer.map(|answer| answer.status)),
        }
    }
}

#[test]
fn a_file_without_certificates_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (empty, broken) = (folder.path().join("empty.pem"), folder.path().join("broken.pem"));
    std::fs::write(&empty, "").unwrap();
    std::fs::write(&broken, "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n").unwrap();
    for (file, part) in
        [(&empty, "holds no certificate"), (&broken, "broken.pem"), (&folder.path().join("none"), "none")]
    {
        let error = Transport::new(Some(file)).unwrap_err().to_string();
        assert!(error.contains(part) && error.contains("give a PEM file"), "{error}");
    }
}
