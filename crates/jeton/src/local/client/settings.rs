//! What can be set for a client: the options that say it, and whether it can work.

use std::time::Duration;

use anyhow::bail;
use clap::ValueEnum;
use jeton_core::domain::certificate::CertificateName;
use jeton_core::domain::client::{AuthMethod, ClientSettings, IssueLimit, TokenFormat};
use jeton_core::domain::grant::GrantType;
use jeton_core::domain::policy::Alg;
use jeton_core::domain::realm::Realm;
use jeton_core::rules::client_settings::{self, Unworkable};

use crate::local::arguments::{
    PublicKeys, alg, auth_method, certificate_name, grant, issue_limit, public_keys, span, token_format, word, zone,
};
use crate::local::print::{Record, record, texts};

/// The settings of a client, each as an option.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A grant it may use, if its realm has it too; with `refresh_token` its sessions can be refreshed (repeatable)
    /// [in a new client: client_credentials]
    #[arg(long = "grant", value_parser = grant())]
    grants: Vec<GrantType>,
    /// How it proves itself, and no other way; `none` makes a public client [in a new client: with a secret, in Basic
    /// or in the form]
    #[arg(long, value_name = "METHOD", value_parser = auth_method())]
    auth: Option<AuthMethod>,
    /// A public key that signs its assertions, as a JWK or a set of them; with --auth private_key_jwt
    /// (repeatable)
    #[arg(long = "key", value_name = "FILE", value_parser = public_keys)]
    keys: Vec<PublicKeys>,
    /// An audience that its assertions may have beside the issuer, such as the token endpoint's address (repeatable)
    #[arg(long = "assertion-audience", value_parser = word)]
    assertion_audiences: Vec<String>,
    /// How long its assertions may be good [in a new client: 5m]
    #[arg(long, value_name = "TIME", value_parser = span)]
    assertion_length: Option<Duration>,
    /// A name of its certificate, such as san_dns=HOST or subject_dn="CN=NAME,O=ORG" with --auth tls_client_auth, or
    /// x5t#S256=THUMBPRINT with --auth self_signed_tls_client_auth (repeatable)
    #[arg(long = "certificate", value_name = "KIND=TEXT", value_parser = certificate_name)]
    certificates: Vec<CertificateName>,
    /// A scope it may have; it gets all of them when it asks for none (repeatable)
    #[arg(long = "scope", value_parser = word)]
    scopes: Vec<String>,
    /// An audience of its tokens, and a `resource` that it may name to have that one alone (repeatable)
    #[arg(long = "audience", value_parser = word)]
    audiences: Vec<String>,
    /// Whether its access tokens are signed, or random text that only introspection explains [in a new client: jwt]
    #[arg(long, value_parser = token_format())]
    format: Option<TokenFormat>,
    /// How its access tokens are signed [default: as the realm says]
    #[arg(long, value_parser = alg())]
    alg: Option<Alg>,
    /// How long its access tokens are good, in seconds [default: as the realm says]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    access_token_secs: Option<u32>,
    /// Whether each refresh token is good once [in a new client: true]
    #[arg(long, value_name = "true|false")]
    refresh_rotates: Option<bool>,
    /// A session ends after this long without a refresh, such as 12h [in a new client: 1d]
    #[arg(long, value_name = "TIME", value_parser = span)]
    session_idle: Option<Duration>,
    /// A session ends after this long, whatever happens, such as 90d [in a new client: 30d]
    #[arg(long, value_name = "TIME", value_parser = span)]
    session_length: Option<Duration>,
    /// A session's end is moved on to the next midnight in this zone, such as Europe/Berlin
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    session_midnight: Option<String>,
    /// Whether it gets the JWT it has once more when it asks for the same while half of its life is left, instead of a
    /// new one [in a new client: false]
    #[arg(long, value_name = "true|false")]
    reuse: Option<bool>,
    /// Whether each of its tokens is bound to a key, which every request proves by DPoP [in a new client: false]
    #[arg(long, value_name = "true|false")]
    dpop: Option<bool>,
    /// Whether each of its tokens is bound to the certificate of the TLS connection that asks for it [in a new client:
    /// false]
    #[arg(long, value_name = "true|false")]
    certificate_bound: Option<bool>,
    /// At most so many tokens in a time, such as 100/1m [in a new client: no limit]
    #[arg(long, value_name = "N/TIME", value_parser = issue_limit)]
    issue_limit: Option<IssueLimit>,
}

/// Settings that can be put back.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Clear {
    Grant,
    Auth,
    Key,
    AssertionAudience,
    AssertionLength,
    Certificate,
    Scope,
    Audience,
    Format,
    Alg,
    AccessTokenSecs,
    RefreshRotates,
    SessionIdle,
    SessionLength,
    SessionMidnight,
    Reuse,
    Dpop,
    CertificateBound,
    IssueLimit,
}

impl Options {
    /// Puts what is given in place of what was there.
    pub(super) fn apply(self, settings: &mut ClientSettings) {
        if !self.grants.is_empty() {
            settings.grants = self.grants;
        }
        if !self.keys.is_empty() {
            settings.keys = self.keys.into_iter().flat_map(|PublicKeys(keys)| keys).collect();
        }
        if !self.assertion_audiences.is_empty() {
            settings.assertion.audiences = self.assertion_audiences;
        }
        if !self.certificates.is_empty() {
            settings.certificates = self.certificates;
        }
        for (old, new) in [(&mut settings.scopes, self.scopes), (&mut settings.audiences, self.audiences)] {
            if !new.is_empty() {
                *old = new;
            }
        }
        let secs = |span: Duration| u32::try_from(span.as_secs()).unwrap_or(u32::MAX);
        settings.assertion.max_secs = self.assertion_length.map_or(settings.assertion.max_secs, secs);
        settings.auth = self.auth.or(settings.auth);
        settings.access_token = self.format.unwrap_or(settings.access_token);
        settings.alg = self.alg.or(settings.alg);
        settings.access_token_secs = self.access_token_secs.or(settings.access_token_secs);
        settings.reuse = self.reuse.unwrap_or(settings.reuse);
        settings.dpop = self.dpop.unwrap_or(settings.dpop);
        settings.certificate_bound = self.certificate_bound.unwrap_or(settings.certificate_bound);
        settings.issue_limit = self.issue_limit.or(settings.issue_limit);
        let refresh = &mut settings.refresh;
        refresh.rotate = self.refresh_rotates.unwrap_or(refresh.rotate);
        refresh.idle_secs = self.session_idle.map_or(refresh.idle_secs, secs);
        refresh.session_secs = self.session_length.map_or(refresh.session_secs, secs);
        refresh.midnight_in = self.session_midnight.or(refresh.midnight_in.take());
    }
}

/// Puts settings back to what they are in a client that has none.
pub(super) fn clear(which: &[Clear], settings: &mut ClientSettings) {
    let fresh = ClientSettings::default();
    for setting in which {
        match setting {
            Clear::Grant => settings.grants.clear(),
            Clear::Auth => settings.auth = None,
            Clear::Key => settings.keys.clear(),
            Clear::AssertionAudience => settings.assertion.audiences.clear(),
            Clear::AssertionLength => settings.assertion.max_secs = fresh.assertion.max_secs,
            Clear::Certificate => settings.certificates.clear(),
            Clear::Scope => settings.scopes.clear(),
            Clear::Audience => settings.audiences.clear(),
            Clear::Format => settings.access_token = fresh.access_token,
            Clear::Alg => settings.alg = None,
            Clear::AccessTokenSecs => settings.access_token_secs = None,
            Clear::RefreshRotates => settings.refresh.rotate = fresh.refresh.rotate,
            Clear::SessionIdle => settings.refresh.idle_secs = fresh.refresh.idle_secs,
            Clear::SessionLength => settings.refresh.session_secs = fresh.refresh.session_secs,
            Clear::SessionMidnight => settings.refresh.midnight_in = None,
            Clear::Reuse => settings.reuse = fresh.reuse,
            Clear::Dpop => settings.dpop = fresh.dpop,
            Clear::CertificateBound => settings.certificate_bound = fresh.certificate_bound,
            Clear::IssueLimit => settings.issue_limit = None,
        }
    }
}

/// Whether a client with these settings can work in its realm.
pub(super) fn check(realm: &Realm, settings: &ClientSettings) -> anyhow::Result<()> {
    let Err(why) = client_settings::check(&realm.settings, settings) else { return Ok(()) };
    let mend = match why {
        Unworkable::NoGrant(_) => format!("give it one with: jeton realm set {} --grant …", realm.name),
        Unworkable::PublicForItself => "give it another --grant than client_credentials".to_owned(),
        Unworkable::NoKey => "give one with --key FILE".to_owned(),
        Unworkable::NoCertificateName => {
            "give one that stands in the certificate, with --certificate san_dns=HOST".to_owned()
        }
        Unworkable::NoThumbprint => "give it with --certificate x5t#S256=THUMBPRINT".to_owned(),
        Unworkable::BoundTwice => "give it one of --dpop true and --certificate-bound true".to_owned(),
        Unworkable::PublicResourceServer => "give it another --auth than none".to_owned(),
    };
    bail!("{why}; {mend}")
}

/// Settings as they are shown: named and written as the options are.
pub(super) fn shown(settings: &ClientSettings) -> Record {
    let limit = settings.issue_limit.map(|limit| format!("{}/{}s", limit.count, limit.per_secs));
    record! {
        "grants": texts(settings.grants.iter().map(|grant| grant.name())),
        "auth": settings.auth.map(AuthMethod::name),
        "keys": texts(settings.keys.iter().map(|key| format!("{} {}", key.alg.name(), key.kid))),
        "assertion_audiences": texts(settings.assertion.audiences.iter().cloned()),
        "assertion_secs": settings.assertion.max_secs,
        "trusts": texts(settings.trusts.iter().map(|trust| trust.issuer.clone())),
        "certificates": texts(settings.certificates.iter().map(|name| {
            let (kind, text) = name.parts();
            format!("{kind}={text}")
        })),
        "scopes": texts(settings.scopes.iter().cloned()),
        "audiences": texts(settings.audiences.iter().cloned()),
        "format": match settings.access_token {
            TokenFormat::Jwt => "jwt",
            TokenFormat::Opaque => "opaque",
        },
        "alg": settings.alg.map(Alg::name),
        "access_token_secs": settings.access_token_secs,
        "refresh_rotates": settings.refresh.rotate,
        "session_idle_secs": settings.refresh.idle_secs,
        "session_secs": settings.refresh.session_secs,
        "session_midnight": settings.refresh.midnight_in.as_deref(),
        "reuse": settings.reuse,
        "dpop": settings.dpop,
        "certificate_bound": settings.certificate_bound,
        "issue_limit": limit,
        "resource_server": settings.resource_server,
    }
}
