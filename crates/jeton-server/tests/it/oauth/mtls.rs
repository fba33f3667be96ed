//! Clients that a TLS connection proves (RFC 8705): by a name in a certificate of an authority, or by the certificate.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use jeton_core::domain::certificate::{CertificateName, MutualTls};
use jeton_core::domain::client::{AuthMethod, ClientSettings};
use jeton_core::domain::grant::GrantType::ClientCredentials;
use jeton_gate::Upstream;
use jeton_server::gates::Gates;
use jeton_server::http::{Http, router};
use jeton_server::listen::Listener;
use jeton_server::tls::Tls;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SanType,
};
use rustls::crypto::aws_lc_rs;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{REALM, Shop, shop_on};
use crate::harness::{Answer, Call, Options, Server, rules};

/// Who makes certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    der: CertificateDer<'static>,
}

/// A certificate and its key, as a client or a server has them.
pub(super) struct Identity {
    certificate: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

fn authority() -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap();
    Authority { pem: certificate.pem(), der: certificate.der().clone(), issuer: Issuer::new(params, key) }
}

/// What the machine's certificate says: everything that can be registered.
pub(super) fn machine_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Example, Inc");
    params.distinguished_name.push(DnType::CommonName, "machine");
    params.subject_alt_names = vec![
        SanType::DnsName("Machine.example".try_into().unwrap()),
        SanType::URI("spiffe://example/machine".try_into().unwrap()),
        SanType::IpAddress(Ipv4Addr::new(192, 0, 2, 1).into()),
        SanType::Rfc822Name("machine@example".try_into().unwrap()),
    ];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

fn made_by(authority: &Authority, params: CertificateParams) -> Identity {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &authority.issuer).unwrap();
    Identity { certificate: certificate.der().clone(), pem: certificate.pem(), key }
}

pub(super) fn self_signed(params: CertificateParams) -> Identity {
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Identity { certificate: certificate.der().clone(), pem: certificate.pem(), key }
}

/// What a certificate is known by, and what is bound to it.
pub(super) fn thumbprint(identity: &Identity) -> String {
    use base64::Engine;
    let hash = ::aws_lc_rs::digest::digest(&::aws_lc_rs::digest::SHA256, &identity.certificate);
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash)
}

fn itself(identity: &Identity) -> CertificateName {
    CertificateName::Thumbprint(thumbprint(identity))
}

/// A shop that is also reached over TLS, by clients whose certificates `clients` makes. Behind its gate, at `/shop/…`,
/// stands an API that answers `reached`.
pub(super) struct Secured {
    pub(super) shop: Shop,
    servers: Authority,
    clients: Authority,
    address: SocketAddr,
    listening: tokio::task::JoinHandle<()>,
}

impl Drop for Secured {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

pub(super) async fn secured() -> Secured {
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let options = Options { mutual_tls: MutualTls::Authorities, trusted_proxies, ..Options::default() };
    let (shop, servers, clients) = (shop_on(Server::start_with(options).await).await, authority(), authority());
    shop.server.configure(REALM, |settings| settings.gate = rules(&["GET /shop/*"])).await;
    let own = made_by(&servers, CertificateParams::new(vec!["localhost".to_owned()]).unwrap());
    let file = |name: &str, text: &str| {
        let path = shop.server.folder().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let (certificate, key) = (file("cert.pem", &own.pem), file("key.pem", &own.key.serialize_pem()));
    let tls = Tls::asking_clients(&certificate, &key, Some(&file("clients.pem", &clients.pem))).unwrap();
    let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap().with_tls(Arc::new(tls));
    let address = listener.local_addr();
    let app = shop.server.app.clone();
    let api = Upstream::service(Router::new().fallback(async || "reached"));
    let http = Http { app: app.clone(), gates: Arc::new(Gates::new(app, vec![(REALM.to_owned(), api)])) };
    let listening = tokio::spawn(listener.serve(router(http), std::future::pending()));
    Secured { shop, servers, clients, address, listening }
}

impl Secured {
    async fn add(&self, auth: AuthMethod, certificates: Vec<CertificateName>) {
        let settings = ClientSettings {
            grants: vec![ClientCredentials],
            auth: Some(auth),
            certificates,
            resource_server: true,
            ..ClientSettings::default()
        };
        let change = |settings: ClientSettings| move |old: &mut ClientSettings| *old = settings;
        self.shop.server.seed().configure_client(REALM, "api", change(settings)).await;
    }

    /// The status of an answer to the client `api`, which shows this certificate and has this beside it in headers.
    async fn ask(
        &self,
        identity: Option<&Identity>,
        version: &'static SupportedProtocolVersion,
        path: &str,
        headers: &[(&str, &str)],
    ) -> u16 {
        let call = self.shop.server.post(&format!("/realms/{REALM}/protocol/openid-connect/{path}"));
        let call = call.form(&[("grant_type", "client_credentials"), ("client_id", "api"), ("token", "x")]);
        let call = headers.iter().fold(call, |call, (name, value)| call.header(name, value));
        self.send(identity, version, &call).await.status
    }

    /// The answer to a call on a TLS connection that shows this certificate.
    pub(super) async fn send(
        &self,
        identity: Option<&Identity>,
        version: &'static SupportedProtocolVersion,
        call: &Call,
    ) -> Answer {
        let mut roots = RootCertStore::empty();
        roots.add(self.servers.der.clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots);
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some(Identity { certificate, key, .. }) => {
                let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
                builder.with_client_auth_cert(vec![certificate.clone()], key).unwrap()
            }
        };
        let tcp = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await.unwrap();
        stream.write_all(&call.bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        Answer::read(&answer, false).unwrap()
    }
}

const PATHS: [&str; 2] = ["token", "token/introspect"];

#[tokio::test]
async fn c12_a_certificate_proves_who_it_was_issued_to() {
    let secured = secured().await;
    let good = made_by(&secured.clients, machine_params());
    let own = self_signed(machine_params());
    let stranger = made_by(&authority(), machine_params());
    let mut old = machine_params();
    old.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let old = made_by(&secured.clients, old);
    let mut server = machine_params();
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let server = made_by(&secured.clients, server);
    let registered = [
        ("subject_dn", "CN=machine,O=Example\\, Inc"),
        ("san_dns", "machine.EXAMPLE"),
        ("san_uri", "spiffe://example/machine"),
        ("san_ip", "192.0.2.1"),
        ("san_email", "machine@example"),
    ];
    let name = |(kind, text)| CertificateName::new(kind, text).unwrap();
    for pair in registered {
        secured.add(AuthMethod::TlsClientAuth, vec![name(pair)]).await;
        for version in [&TLS12, &TLS13] {
            for path in PATHS {
                assert_eq!(secured.ask(Some(&good), version, path, &[]).await, 200, "{pair:?} {path} {version:?}");
            }
        }
    }
    // A name of another's, of another kind, or none: not good for the good certificate either.
    for names in [vec![name(("san_dns", "other.example"))], vec![name(("san_uri", "machine.example"))], vec![]] {
        secured.add(AuthMethod::TlsClientAuth, names.clone()).await;
        assert_eq!(secured.ask(Some(&good), &TLS13, "token", &[]).await, 401, "{names:?}");
    }
    secured.add(AuthMethod::TlsClientAuth, registered.map(name).to_vec()).await;
    for (what, identity) in [
        ("self-signed", Some(&own)),
        ("another authority's", Some(&stranger)),
        ("expired", Some(&old)),
        ("a server's", Some(&server)),
        ("none", None),
    ] {
        // Whatever a header says, nothing is believed of it.
        let pem = good.pem.replace('\n', " ");
        let headers = ["X-Client-Cert", "X-Forwarded-Client-Cert", "SSL-Client-Cert", "Client-Cert"];
        let headers = headers.map(|name| (name, pem.as_str()));
        assert_eq!(secured.ask(identity, &TLS13, "token", &headers).await, 401, "{what}");
        // Wrong proofs are counted; a right one clears them.
        assert_eq!(secured.ask(Some(&good), &TLS13, "token", &[]).await, 200, "after {what}");
    }
}

#[tokio::test]
async fn c12_a_self_signed_certificate_proves_itself() {
    let secured = secured().await;
    let [first, second, other] = [(); 3].map(|()| self_signed(machine_params()));
    secured.add(AuthMethod::SelfSignedTlsClientAuth, vec![itself(&first), itself(&second)]).await;
    for identity in [&first, &second] {
        for path in PATHS {
            assert_eq!(secured.ask(Some(identity), &TLS13, path, &[]).await, 200, "{path}");
        }
    }
    assert_eq!(secured.ask(Some(&other), &TLS13, "token", &[]).await, 401);
    assert_eq!(secured.ask(None, &TLS13, "token", &[]).await, 401);
    // Names in it count for nothing, and it is no way for a client of another way (security.md C2).
    let dns = CertificateName::new("san_dns", "machine.example").unwrap();
    for (auth, certificates) in [
        (AuthMethod::SelfSignedTlsClientAuth, vec![dns.clone()]),
        (AuthMethod::TlsClientAuth, vec![dns, itself(&first)]),
        (AuthMethod::ClientSecretPost, vec![itself(&first)]),
        (AuthMethod::PrivateKeyJwt, vec![itself(&first)]),
    ] {
        secured.add(auth, certificates).await;
        assert_eq!(secured.ask(Some(&first), &TLS13, "token", &[]).await, 401, "{auth:?}");
    }
}
