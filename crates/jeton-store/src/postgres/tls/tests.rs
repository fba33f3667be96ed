use std::path::Path;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::postgres::connect::Postgres;

struct Ca {
    params: CertificateParams,
    key: KeyPair,
}

impl Ca {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { params, key: KeyPair::generate().unwrap() }
    }

    fn write(&self, path: &Path) {
        fs::write(path, self.params.self_signed(&self.key).unwrap().pem()).unwrap();
    }

    /// A server's certificate for this name, valid from and to these years.
    fn server(&self, name: &str, from: i32, to: i32) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(to, 1, 1);
        let certificate = params.signed_by(&key, &Issuer::from_params(&self.params, &self.key)).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }
}

/// A server that agrees to TLS and lets anybody in. Returns its port.
async fn stand_in(config: ServerConfig) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 1024];
            stream.read_exact(&mut buffer[..8]).await.unwrap();
            stream.write_all(b"S").await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            if stream.read(&mut buffer).await.is_ok() {
                // AuthenticationOk, ReadyForQuery.
                let _ = stream.write_all(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I").await;
            }
        }
    });
    port
}

#[tokio::test]
async fn n7_the_chain_the_name_and_the_dates_are_verified() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, others) = (Ca::new("ours"), Ca::new("others"));
    let file = folder.path().join("ca.pem");
    ours.write(&file);
    let with_file = format!("&sslrootcert={}", file.display());
    for (server, host, root, expected) in [
        (ours.server("localhost", 2000, 4000), "localhost", with_file.as_str(), None),
        (ours.server("127.0.0.1", 2000, 4000), "127.0.0.1", &with_file, None),
        (ours.server("localhost", 2000, 4000), "127.0.0.1", &with_file, Some("not valid for name")),
        (ours.server("db.example.org", 2000, 4000), "localhost", &with_file, Some("not valid for name")),
        (ours.server("localhost", 2000, 2001), "localhost", &with_file, Some("expired")),
        (ours.server("localhost", 3999, 4000), "localhost", &with_file, Some("not valid yet")),
        (others.server("localhost", 2000, 4000), "localhost", &with_file, Some("UnknownIssuer")),
        (ours.server("localhost", 2000, 4000), "localhost", "", Some("UnknownIssuer")),
    ] {
        for mode in ["require", "verify-ca", "verify-full"] {
            let port = stand_in(server.clone()).await;
            let url = format!("postgres://ada:secret@{host}:{port}/j?target_session_attrs=any&sslmode={mode}{root}");
            let postgres = Postgres::new(url.parse().unwrap(), None, 4).unwrap();
            let connected = tokio::time::timeout(Duration::from_secs(20), postgres.connect()).await.unwrap();
            match (connected, expected) {
                (Ok(_), None) => {}
                (Err(error), Some(expected)) => {
                    let error = error.to_string();
                    assert!(error.contains(expected) && error.contains("name the CA's file"), "{url}: {error}");
                }
                (Ok(_), Some(expected)) => panic!("{url}: connected, instead of {expected}"),
                (Err(error), None) => panic!("{url}: {error}"),
            }
        }
    }
}
