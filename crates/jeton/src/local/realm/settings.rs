//! What can be set for a realm: the options that say it, and whether it can work.

use std::sync::Arc;

use anyhow::bail;
use jeton_core::dialect::{Dialect, Field, Kind, Origin, Value as Setting, Values};
use jeton_core::domain::grant::GrantType;
use jeton_core::domain::key::KeyState;
use jeton_core::domain::policy::{Alg, Format};
use jeton_core::domain::realm::{ClientErrors, Mount, Profile, Realm, Settings};
use jeton_core::domain::registration::RegistrationMode;
use jeton_core::rules::rotate_keys::KeyPlan;
use jeton_server::keys;
use serde_json::Value;

use super::Clear;
use crate::local::Local;
use crate::local::arguments::{self, mount_text};
use crate::local::print::{Record, record, texts};

/// The settings of a realm, each as an option.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A dialect this realm speaks beside OAuth, and where: at the root, at a host name or below a path (repeatable)
    #[arg(long = "dialect", value_name = "DIALECT[@HOST][/PREFIX]", value_parser = arguments::mount)]
    dialects: Vec<Mount>,
    /// A grant of its token endpoint; a client may use it if it is the client's too (repeatable) [in a new realm:
    /// client_credentials and refresh_token]
    #[arg(long = "grant", value_parser = arguments::grant())]
    grants: Vec<GrantType>,
    /// How OAuth access tokens are signed [in a new realm: ES256]
    #[arg(long, value_parser = arguments::alg())]
    alg: Option<Alg>,
    /// How long an OAuth access token is good, in seconds [in a new realm: 300]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    access_token_secs: Option<u32>,
    /// The shape of OAuth access tokens and answers [in a new realm: rfc9068]
    #[arg(long, value_parser = arguments::profile())]
    profile: Option<Profile>,
    /// Whether an unknown client and a wrong secret can be told apart [in a new realm: uniform, they cannot]
    #[arg(long, value_parser = arguments::client_errors())]
    client_errors: Option<ClientErrors>,
    /// Imitate this Keycloak where its versions differ
    #[arg(long, value_parser = arguments::keycloak())]
    keycloak_compat: Option<u8>,
    /// An origin that browsers may call from (repeatable) [in a new realm: none]
    #[arg(long = "cors-origin", value_name = "ORIGIN", value_parser = arguments::origin)]
    cors_origins: Vec<String>,
    /// The issuer of its tokens, if not {public_url}/realms/{name}
    #[arg(long, value_name = "URL", value_parser = arguments::url)]
    issuer: Option<String>,
    /// The identifier of the API behind the gate, such as https://api.example.org/orders: it says there whose tokens it
    /// takes (RFC 9728), and where that is in its challenges
    #[arg(long, value_name = "URL", value_parser = arguments::url)]
    resource: Option<String>,
    /// At most this many live sessions for a person or service: the oldest ends when another begins
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    session_cap: Option<u32>,
    /// Whether clients can register themselves with an initial access token, made with `jeton client registration-token
    /// add` [in a new realm: off]
    #[arg(long, value_parser = arguments::registration())]
    registration: Option<RegistrationMode>,
    /// How long a signing key signs before the next one does, in seconds; 0: until `jeton signing-key rotate`
    /// [in a new realm: 7776000, which is 90 days]
    #[arg(long, value_name = "N")]
    key_rotation_secs: Option<u32>,
    /// How long verifiers may keep the key set, in seconds; a key is published for twice as long before it signs
    /// [in a new realm: 300]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(5..=86_400))]
    jwks_max_age_secs: Option<u32>,
    /// A setting of the dialect's own, as its file names it; without a value it is removed (repeatable)
    #[arg(long, value_name = "NAME=VALUE", value_parser = arguments::pair)]
    set: Vec<(String, String)>,
    /// A rule of the gate in front of the API, such as "GET,POST /orders/*"; the first that fits decides (repeatable)
    #[arg(long, value_name = "RULE", value_parser = arguments::rule)]
    gate: Vec<String>,
}

impl Options {
    /// Puts what is given in place of what was there.
    pub(super) fn apply(self, settings: &mut Settings) {
        replace(&mut settings.dialects, self.dialects);
        replace(&mut settings.grants, self.grants);
        replace(&mut settings.cors_origins, self.cors_origins);
        replace(&mut settings.gate, self.gate);
        settings.alg = self.alg.unwrap_or(settings.alg);
        settings.access_token_secs = self.access_token_secs.unwrap_or(settings.access_token_secs);
        settings.profile = self.profile.unwrap_or(settings.profile);
        settings.client_errors = self.client_errors.unwrap_or(settings.client_errors);
        settings.keycloak_compat = self.keycloak_compat.or(settings.keycloak_compat);
        settings.issuer = self.issuer.or(settings.issuer.take());
        settings.resource = self.resource.or(settings.resource.take());
        settings.session_cap = self.session_cap.or(settings.session_cap);
        settings.registration = self.registration.unwrap_or(settings.registration);
        settings.key_rotation_secs = self.key_rotation_secs.unwrap_or(settings.key_rotation_secs);
        settings.jwks_max_age_secs = self.jwks_max_age_secs.unwrap_or(settings.jwks_max_age_secs);
        for (name, value) in self.set {
            match value.is_empty() {
                true => settings.values.remove(&name),
                false => settings.values.insert(name, value),
            };
        }
    }
}

/// Puts settings back to what they are in a new realm.
pub(super) fn clear(which: &[Clear], settings: &mut Settings) {
    let fresh = Settings::default();
    for setting in which {
        match setting {
            Clear::Dialect => settings.dialects.clear(),
            Clear::Grant => settings.grants.clone_from(&fresh.grants),
            Clear::Alg => settings.alg = fresh.alg,
            Clear::AccessTokenSecs => settings.access_token_secs = fresh.access_token_secs,
            Clear::Profile => settings.profile = fresh.profile,
            Clear::ClientErrors => settings.client_errors = fresh.client_errors,
            Clear::KeycloakCompat => settings.keycloak_compat = None,
            Clear::CorsOrigin => settings.cors_origins.clear(),
            Clear::Issuer => settings.issuer = None,
            Clear::Resource => settings.resource = None,
            Clear::SessionCap => settings.session_cap = None,
            Clear::Registration => settings.registration = fresh.registration,
            Clear::KeyRotationSecs => settings.key_rotation_secs = fresh.key_rotation_secs,
            Clear::JwksMaxAgeSecs => settings.jwks_max_age_secs = fresh.jwks_max_age_secs,
            Clear::Set => settings.values.clear(),
            Clear::Gate => settings.gate.clear(),
        }
    }
}

/// Whether a realm with these settings can work beside the others.
pub(super) async fn check(local: &Local, realm: &Realm) -> anyhow::Result<()> {
    for mount in &realm.settings.dialects {
        let Some(dialect) = local.app.dialects.get(&mount.dialect) else {
            let names = local.app.dialects.names().join(", ");
            bail!("no dialect `{}`; known: {names} (jeton.toml names more files under `dialects`)", mount.dialect);
        };
        if !dialect.exchanges.is_empty() {
            check_address(local, realm, mount).await?;
        }
    }
    check_values(local, &realm.settings)
}

/// Makes the keys that the realm signs with and does not have yet.
pub(super) async fn make_keys(local: &Local, realm: &Realm) -> anyhow::Result<()> {
    let mut wanted = vec![realm.settings.alg];
    wanted.extend(dialects(local, &realm.settings).filter_map(|dialect| match dialect.policy.format {
        Format::Jwt(alg) => Some(alg),
        Format::Opaque(_) => None,
    }));
    wanted.sort_unstable();
    wanted.dedup();
    let there = local.store().keys(realm.id).await?;
    for alg in wanted {
        if !there.iter().any(|key| key.alg == alg && key.state == KeyState::Current) {
            let life = KeyPlan::of(&realm.settings).token_life;
            keys::create(local.store(), &local.app.master, realm.id, alg, life, local.now()).await?;
        }
    }
    Ok(())
}

/// Settings as they are shown: named and written as the options are.
pub(super) fn shown(settings: &Settings) -> Record {
    let values = settings.values.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
    record! {
        "dialects": texts(settings.dialects.iter().map(mount_text)),
        "grants": texts(settings.grants.iter().map(|grant| grant.name())),
        "alg": settings.alg.name(),
        "access_token_secs": settings.access_token_secs,
        "profile": match settings.profile {
            Profile::Rfc9068 => "rfc9068",
            Profile::Keycloak => "keycloak",
        },
        "client_errors": match settings.client_errors {
            ClientErrors::Uniform => "uniform",
            ClientErrors::Keycloak => "keycloak",
        },
        "keycloak_compat": settings.keycloak_compat,
        "cors_origins": texts(settings.cors_origins.iter().cloned()),
        "resource": settings.resource.as_deref(),
        "session_cap": settings.session_cap,
        "registration": settings.registration.name(),
        "key_rotation_secs": settings.key_rotation_secs,
        "jwks_max_age_secs": settings.jwks_max_age_secs,
        "set": Value::Object(values.collect()),
        "gate": texts(settings.gate.iter().cloned()),
    }
}

fn replace<T>(old: &mut Vec<T>, new: Vec<T>) {
    if !new.is_empty() {
        *old = new;
    }
}

fn dialects(local: &Local, settings: &Settings) -> impl Iterator<Item = Arc<Dialect>> {
    settings.dialects.iter().filter_map(|mount| local.app.dialects.get(&mount.dialect))
}

/// One address, one realm: of two with the same dialect there, only one would ever be asked.
async fn check_address(local: &Local, realm: &Realm, mount: &Mount) -> anyhow::Result<()> {
    for other in local.store().realms().await? {
        if other.id != realm.id && other.settings.dialects.contains(mount) {
            bail!(
                "realm `{}` has `{}` already; give this one a host or path of its own, such as `{}/{}`",
                other.name,
                mount_text(mount),
                mount.dialect,
                realm.name
            );
        }
    }
    if realm.settings.dialects.iter().filter(|other| *other == mount).count() > 1 {
        bail!("`{}` is given twice", mount_text(mount));
    }
    Ok(())
}

/// Every value of the dialects' own must be one that a dialect of the realm has, and of its type.
fn check_values(local: &Local, settings: &Settings) -> anyhow::Result<()> {
    for (name, text) in &settings.values {
        let mut complaints = Vec::new();
        for dialect in dialects(local, settings) {
            let mut values = Values::new();
            values.set(name.as_str(), typed(&dialect.fields, name, text));
            match dialect.check_settings(&values) {
                Ok(()) => complaints.push(None),
                Err(complaint) => complaints.push(Some(complaint)),
            }
        }
        if complaints.is_empty() {
            bail!("`{name}` is a setting of a dialect, and this realm speaks none; give --dialect too");
        }
        if let Some(all) = complaints.into_iter().collect::<Option<Vec<String>>>() {
            bail!("{}", all.join("; "));
        }
    }
    Ok(())
}

/// The value of a setting, of the type that the dialect declares.
fn typed(fields: &[Field], name: &str, text: &str) -> Setting {
    let field = fields.iter().find(|field| field.name == name && field.origin == Origin::Setting);
    match field.map(|field| field.kind) {
        Some(Kind::Bool) => text.parse().map_or(Setting::from(text), Setting::Bool),
        Some(Kind::Number) => text.parse().map_or(Setting::from(text), Setting::Number),
        _ => Setting::from(text),
    }
}
