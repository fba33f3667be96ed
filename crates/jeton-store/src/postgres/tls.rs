//! TLS to a PostgreSQL: always with the server's certificate and name verified, or not at all.

use std::fs;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::database::{Host, SslMode, Url};

/// Whether the URL's hosts are spoken to through TLS.
///
/// Plain is for this machine alone. To any other, a weaker `sslmode` than `verify-full` is refused: without a verified
/// certificate, whoever stands in between takes the server's place and writes what he likes into the store.
pub(super) fn is_wanted(url: &Url) -> Result<bool, String> {
    let local = url.hosts.iter().all(|(host, _)| host.is_local());
    match url.ssl_mode {
        None | Some(SslMode::VerifyFull) if !local => Ok(true),
        Some(SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull) if local => Ok(true),
        _ if local && url.ssl_root_cert.is_none() => Ok(false),
        _ if local => Err("sslrootcert is for TLS, which this machine's own database is not asked for; \
                           add sslmode=verify-full, or leave it out"
            .to_owned()),
        _ => Err("the database is on another machine: there the server's certificate and name are always verified. \
                  Say sslmode=verify-full or leave sslmode out, with sslrootcert=FILE for a CA of your own"
            .to_owned()),
    }
}

/// What makes TLS with servers that the URL's CAs vouch for.
pub(super) fn connector(url: &Url) -> Result<MakeRustlsConnect, String> {
    for (host, _) in &url.hosts {
        if let Host::Tcp(name) = host
            && ServerName::try_from(name.as_str()).is_err()
        {
            return Err(format!("{name} is not a name that a certificate can have; name the host otherwise"));
        }
    }
    trusting(roots(url)?)
}

/// What makes TLS with nobody, for plain connections.
pub(super) fn unused() -> Result<MakeRustlsConnect, String> {
    trusting(RootCertStore::empty())
}

fn trusting(roots: RootCertStore) -> Result<MakeRustlsConnect, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| format!("TLS to the database cannot be set up: {error}"))?;
    Ok(MakeRustlsConnect::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

fn roots(url: &Url) -> Result<RootCertStore, String> {
    let Some(path) = &url.ssl_root_cert else {
        return Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
    };
    let shown = path.display();
    let pem = fs::read(path).map_err(|error| format!("sslrootcert {shown} cannot be read: {error}"))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let added = certificate
            .map_err(|error| error.to_string())
            .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
        added.map_err(|error| format!("sslrootcert {shown} holds a certificate that cannot be used: {error}"))?;
    }
    match roots.is_empty() {
        true => Err(format!("sslrootcert {shown} holds no certificate; give a PEM file with the CA's")),
        false => Ok(roots),
    }
}

#[cfg(test)]
mod tests;
