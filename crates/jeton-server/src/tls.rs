//! TLS for a listener: certificate files that can be reloaded, ALPN by host name, clients' certificates, the demo's own
//! CA.
//!
//! TLS 1.2 and 1.3 with the forward-secret AEAD suites of aws-lc-rs. The provider is passed explicitly and
//! never installed for the whole process. All certificate types of rustls stay in this module.

mod client;

use std::collections::HashSet;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jeton_core::domain::certificate::Certificate;
use jeton_core::time::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::Acceptor;
use rustls::version::{TLS12, TLS13};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, DnsName, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use zeroize::{Zeroize, Zeroizing};

use self::client::ClientCertificates;

/// What a listener needs to speak TLS. It can be changed while it is in use; connections that are open
/// keep what they began with.
pub struct Tls {
    files: Option<Files>,
    configs: RwLock<Configs>,
    http1_only: RwLock<Http1Only>,
}

/// To whom HTTP/2 is not offered.
#[derive(Default)]
struct Http1Only {
    hosts: HashSet<String>,
    everywhere: bool,
}

impl Tls {
    /// From a PEM file with the server's certificate and its issuers, and one with its private key.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let clients = Asking::Nobody;
        let files = Files { certificate: certificate.to_owned(), key: key.to_owned(), clients };
        let configs = files.load()?;
        Ok(Self::new(Some(files), configs))
    }

    /// The same, and asks clients for a certificate without demanding one. A client's is trusted if an authority in the
    /// PEM file `authorities` made it; without that file none is, but each is still known by its thumbprint.
    pub fn asking_clients(certificate: &Path, key: &Path, authorities: Option<&Path>) -> Result<Self, TlsError> {
        let clients = Asking::Clients { authorities: authorities.map(Path::to_owned) };
        let files = Files { certificate: certificate.to_owned(), key: key.to_owned(), clients };
        let configs = files.load()?;
        Ok(Self::new(Some(files), configs))
    }

    /// From a certificate made by [`demo_ca`].
    pub fn from_demo(certificate: DemoCertificate) -> Result<Self, TlsError> {
        let DemoCertificate { chain, key, .. } = certificate;
        let configs = Configs::new(chain, key, None).map_err(TlsError::Demo)?;
        Ok(Self::new(None, configs))
    }

    fn new(files: Option<Files>, configs: Configs) -> Self {
        Self { files, configs: RwLock::new(configs), http1_only: RwLock::default() }
    }

    /// Reads the certificate files again. On an error the certificate in use stays.
    pub fn reload(&self) -> Result<(), TlsError> {
        if let Some(files) = &self.files {
            let configs = files.load()?;
            *self.configs.write().unwrap_or_else(PoisonError::into_inner) = configs;
        }
        Ok(())
    }

    /// From now on offers only HTTP/1.1 to clients that ask for one of `hosts`, and, if there are any, to
    /// clients that name no host; to every client with `everywhere`. HTTP/2 has no reason phrases, and some
    /// dialects speak by them.
    pub fn set_http1_only(&self, hosts: impl IntoIterator<Item = String>, everywhere: bool) {
        let hosts = hosts.into_iter().map(|host| host.to_ascii_lowercase()).collect();
        *self.http1_only.write().unwrap_or_else(PoisonError::into_inner) = Http1Only { hosts, everywhere };
    }

    /// The server's half of a handshake, and the client's certificate if it showed one.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<(TlsStream<TcpStream>, Option<Certificate>)> {
        let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let (config, clients) = self.config_for(start.client_hello().server_name());
        let stream = start.into_stream(config).await?;
        // A resumed session brings back the certificate it began with; whether it is trusted is asked anew.
        let chain = stream.get_ref().1.peer_certificates();
        let certificate = chain.zip(clients).and_then(|(chain, clients)| clients.read(chain));
        Ok((stream, certificate))
    }

    fn config_for(&self, server_name: Option<&str>) -> (Arc<ServerConfig>, Option<Arc<ClientCertificates>>) {
        let only = self.http1_only.read().unwrap_or_else(PoisonError::into_inner);
        let http1_only = only.everywhere
            || match server_name {
                Some(name) => only.hosts.contains(&name.to_ascii_lowercase()),
                None => !only.hosts.is_empty(),
            };
        let configs = self.configs.read().unwrap_or_else(PoisonError::into_inner);
        let config = if http1_only { &configs.http1_only } else { &configs.any };
        (Arc::clone(config), configs.clients.clone())
    }
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read.
    #[error("cannot read {path}: {source}; check that the path is right and that this user may read the file")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no certificate in the certificate file.
    #[error(
        "{path} holds no certificate that can be read; give a PEM file with the server's certificate first, then its issuers"
    )]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// There is no private key in the key file.
    #[error("{path} holds no private key that can be read; give a PEM file with one key that has no passphrase")]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// Certificate and key are well-formed but cannot be used.
    #[error("{certificate} and {key} cannot be used together: {source}; check that the key belongs to the certificate")]
    Unusable {
        /// The certificate file.
        certificate: PathBuf,
        /// The key file.
        key: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
    /// No client could be trusted by the file of authorities.
    #[error(
        "{path} holds no authority that can be trusted: {reason}; give a PEM file with the CA certificates of clients"
    )]
    NoAuthority {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A host name for the demo's certificate is not one.
    #[error("{name:?} is not a host name or address; give it as in `api.example.com`, without scheme, port or `*`")]
    BadName {
        /// What was given.
        name: String,
    },
    /// The demo's certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Making(#[from] rcgen::Error),
    /// The demo's certificate could not be used.
    #[error("cannot use the certificate just made: {0}")]
    Demo(rustls::Error),
}

/// Where certificate and key come from.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    clients: Asking,
}

/// Who is asked for a certificate.
enum Asking {
    Nobody,
    Clients { authorities: Option<PathBuf> },
}

impl Files {
    fn load(&self) -> Result<Configs, TlsError> {
        let Self { certificate, key, clients } = self;
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| TlsError::Unreadable { path, source }
        };
        let chain = fs::read(certificate).map_err(unreadable(certificate))?;
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&chain).collect::<Result<_, _>>().unwrap_or_default();
        if chain.is_empty() {
            return Err(TlsError::NoCertificate { path: certificate.clone() });
        }
        let pem = Zeroizing::new(fs::read(key).map_err(unreadable(key))?);
        warn_if_others_can_read(key);
        let private = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| TlsError::NoKey { path: key.clone() })?;
        let clients = match clients {
            Asking::Nobody => None,
            Asking::Clients { authorities: None } => Some(ClientCertificates::untrusted()),
            Asking::Clients { authorities: Some(path) } => {
                let pem = fs::read(path).map_err(unreadable(path))?;
                let clients = ClientCertificates::trusting(&pem);
                Some(clients.map_err(|reason| TlsError::NoAuthority { path: path.clone(), reason })?)
            }
        };
        Configs::new(chain, private, clients.map(Arc::new)).map_err(|source| TlsError::Unusable {
            certificate: certificate.clone(),
            key: key.clone(),
            source,
        })
    }
}

/// Only a warning: certificates are often shared with other programs by a group.
fn warn_if_others_can_read(key: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if let Ok(metadata) = fs::metadata(key) {
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let key = key.display();
            tracing::warn!("others can read the private key {key} (mode {mode:03o}); run: chmod 600 {key}");
        }
    }
}

/// The same certificate twice, with different protocols on offer.
struct Configs {
    any: Arc<ServerConfig>,
    http1_only: Arc<ServerConfig>,
    clients: Option<Arc<ClientCertificates>>,
}

impl Configs {
    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        clients: Option<Arc<ClientCertificates>>,
    ) -> Result<Self, rustls::Error> {
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])?;
        let builder = match &clients {
            Some(clients) => builder.with_client_cert_verifier(Arc::clone(clients).for_handshakes()),
            None => builder.with_no_client_auth(),
        };
        let mut any = builder.with_single_cert(chain, key)?;
        let mut http1_only = any.clone();
        any.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        http1_only.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { any: Arc::new(any), http1_only: Arc::new(http1_only), clients })
    }
}

/// A certificate for a demo, and the CA to trust for it.
pub struct DemoCertificate {
    /// The CA's certificate, to be given to clients. Its private key exists no more.
    pub ca_pem: String,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// How long a demo's certificates are valid.
const DEMO_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Makes a CA and a certificate for `localhost`, `127.0.0.1`, `::1` and `names`, for seven days from `now`.
///
/// Whoever trusts this CA does not trust us with anything else: it is constrained to those names (RFC 5280
/// §4.2.1.10; a name includes those below it) and cannot have CAs below it, and its private key is wiped
/// before this returns.
pub fn demo_ca(names: &[String], now: Timestamp) -> Result<DemoCertificate, TlsError> {
    let subjects = demo_subjects(names)?;

    let mut ca = demo_params("Jeton demo CA", now);
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    ca.name_constraints = Some(NameConstraints {
        permitted_subtrees: subjects.iter().filter_map(subtree).collect(),
        excluded_subtrees: Vec::new(),
    });

    let mut leaf = demo_params("Jeton demo", now);
    leaf.is_ca = IsCa::ExplicitNoCa;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    leaf.subject_alt_names = subjects;

    let mut ca_key = KeyPair::generate()?;
    let mut leaf_key = KeyPair::generate()?;
    let ca_certificate = ca.self_signed(&ca_key)?;
    let certificate = leaf.signed_by(&leaf_key, &Issuer::from_params(&ca, &ca_key))?;
    ca_key.zeroize();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
    leaf_key.zeroize();
    Ok(DemoCertificate { ca_pem: ca_certificate.pem(), chain: vec![certificate.der().clone()], key })
}

fn demo_subjects(names: &[String]) -> Result<Vec<SanType>, TlsError> {
    let mut subjects = vec![
        SanType::DnsName("localhost".try_into()?),
        SanType::IpAddress(Ipv4Addr::LOCALHOST.into()),
        SanType::IpAddress(Ipv6Addr::LOCALHOST.into()),
    ];
    for name in names {
        let subject = match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) if DnsName::try_from(name.as_str()).is_ok() => {
                SanType::DnsName(name.to_ascii_lowercase().try_into()?)
            }
            Err(_) => return Err(TlsError::BadName { name: name.clone() }),
        };
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
    Ok(subjects)
}

fn demo_params(common_name: &str, now: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, common_name);
    let date = |at: Timestamp| rcgen::date_time_ymd(1970, 1, 1) + at.min(Timestamp::MAX).since(Timestamp::EPOCH);
    params.not_before = date(now.whole_secs());
    params.not_after = date(now.whole_secs() + DEMO_LIFETIME);
    params
}

fn subtree(subject: &SanType) -> Option<GeneralSubtree> {
    match subject {
        SanType::DnsName(name) => Some(GeneralSubtree::DnsName(name.as_str().to_owned())),
        SanType::IpAddress(address) => {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            Some(GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(*address, bits)))
        }
        _ => None,
    }
}
