//! Certificates that clients show (RFC 8705): asked for and never demanded. The handshake proves that the client has the
//! key; whether an authority vouches for the names is told apart, since a self-signed certificate can be registered.

use std::net::IpAddr;
use std::sync::Arc;

use ::aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jeton_core::domain::certificate::{Certificate, CertificateName};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, UnixTime};
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// What makes of the bytes that a client shows a [`Certificate`].
#[derive(Debug)]
pub(super) struct ClientCertificates {
    provider: Arc<CryptoProvider>,
    authorities: Option<Arc<dyn ClientCertVerifier>>,
}

impl ClientCertificates {
    /// Trusts no authority: certificates are known by their thumbprint alone.
    pub(super) fn untrusted() -> Self {
        Self { provider: Arc::new(aws_lc_rs::default_provider()), authorities: None }
    }

    /// Trusts the authorities in these PEM bytes; else why that cannot be.
    pub(super) fn trusting(pem: &[u8]) -> Result<Self, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(pem) {
            let authority = authority.map_err(|error| error.to_string())?;
            roots.add(authority).map_err(|error| error.to_string())?;
        }
        let built = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
        Ok(Self { provider, authorities: Some(built.map_err(|error| error.to_string())?) })
    }

    /// The part that rustls calls.
    pub(super) fn for_handshakes(self: Arc<Self>) -> Arc<dyn ClientCertVerifier> {
        self
    }

    /// What a client showed, its own certificate first. Nothing if that cannot be read.
    pub(super) fn read(&self, chain: &[CertificateDer<'_>]) -> Option<Certificate> {
        let (own, issuers) = chain.split_first()?;
        let trusted = self
            .authorities
            .as_ref()
            .is_some_and(|authorities| authorities.verify_client_cert(own, issuers, UnixTime::now()).is_ok());
        Some(Certificate { names: names(own)?, trusted })
    }
}

impl ClientCertVerifier for ClientCertificates {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// Names no authority: a client with a certificate of its own making must not keep it back.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    /// Whoever made it: that is asked in [`ClientCertificates::read`], and what it is good for in the rules.
    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// All that a certificate is known by.
fn names(certificate: &CertificateDer<'_>) -> Option<Vec<CertificateName>> {
    let read = x509_cert::Certificate::from_der(certificate).ok()?.tbs_certificate;
    let thumbprint = BASE64URL.encode(digest(&SHA256, certificate).as_ref());
    let mut names = vec![CertificateName::Thumbprint(thumbprint)];
    if !read.subject.0.is_empty() {
        names.push(CertificateName::SubjectDn(read.subject.to_string()));
    }
    if let Some((_, SubjectAltName(alternatives))) = read.get::<SubjectAltName>().ok()? {
        names.extend(alternatives.iter().filter_map(alternative));
    }
    Some(names)
}

fn alternative(name: &GeneralName) -> Option<CertificateName> {
    match name {
        GeneralName::DnsName(host) => Some(CertificateName::SanDns(host.as_str().to_ascii_lowercase())),
        GeneralName::UniformResourceIdentifier(uri) => Some(CertificateName::SanUri(uri.as_str().to_owned())),
        GeneralName::Rfc822Name(mail) => Some(CertificateName::SanEmail(mail.as_str().to_owned())),
        GeneralName::IpAddress(bytes) => {
            let bytes = bytes.as_bytes();
            let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
            four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok().map(CertificateName::SanIp)
        }
        _ => None,
    }
}
