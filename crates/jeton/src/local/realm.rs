//! `jeton realm`

mod settings;

use std::io;

use anyhow::{Context, bail};
use clap::{Subcommand, ValueEnum};
use jeton_core::domain::realm::{Realm, Settings};
use jeton_core::time::Timestamp;
use serde_json::Value;

use self::settings::Options;
use super::arguments::{CutOff, mount_text, name};
use super::print::{maybe_time, record, say, texts, time};
use super::{Local, state};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Add a realm, and make its signing keys
    ///
    /// For example, a realm that speaks a built-in dialect at the root of the server:
    ///   jeton realm add shop --dialect legacy
    #[command(verbatim_doc_comment)]
    Add {
        /// Its name, as in /realms/NAME
        #[arg(value_parser = name)]
        name: String,
        #[command(flatten)]
        options: Options,
    },
    /// List the realms
    List,
    /// Show a realm with all its settings and keys
    Show {
        /// The realm
        name: String,
    },
    /// Change settings of a realm: what is given replaces what was there, the rest stays
    Set {
        /// The realm
        name: String,
        #[command(flatten)]
        options: Options,
        /// Put this setting back to what it is in a new realm
        #[arg(long, value_name = "SETTING")]
        clear: Vec<Clear>,
    },
    /// Let a realm answer again
    Enable {
        /// The realm
        name: String,
    },
    /// Let a realm answer nothing, and refuse its tokens, until it is enabled again
    Disable {
        /// The realm
        name: String,
    },
    /// Remove a realm with everything in it, for good
    Remove {
        /// The realm
        name: String,
        /// Do not ask for the name again
        #[arg(long)]
        yes: bool,
    },
    /// Refuse everything that was issued in a realm until now, and end its sessions; or what was issued before a time
    #[command(alias = "revoke-all")]
    RevokeTokens {
        /// The realm
        name: String,
        #[command(flatten)]
        cut_off: CutOff,
    },
}

/// Settings that can be put back.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Clear {
    Dialect,
    Grant,
    Alg,
    AccessTokenSecs,
    Profile,
    ClientErrors,
    KeycloakCompat,
    CorsOrigin,
    Issuer,
    Resource,
    SessionCap,
    Registration,
    KeyRotationSecs,
    JwksMaxAgeSecs,
    Set,
    Gate,
}

pub(super) async fn run(local: &Local, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add { name, options } => add(local, name, options).await,
        Command::List => list(local).await,
        Command::Show { name } => show(local, &local.realm(&name).await?).await,
        Command::Set { name, options, clear } => set(local, local.realm(&name).await?, options, &clear).await,
        Command::Enable { name } => set_enabled(local, &local.realm(&name).await?, true).await,
        Command::Disable { name } => set_enabled(local, &local.realm(&name).await?, false).await,
        Command::Remove { name, yes } => remove(local, &local.realm(&name).await?, yes).await,
        Command::RevokeTokens { name, cut_off } => {
            let realm = local.realm(&name).await?;
            match cut_off.given(local.now())? {
                Some(before) => revoke_before(local, &realm, before).await,
                None => revoke_all(local, &realm).await,
            }
        }
    }
}

/// Ends everything that a realm has issued until now.
pub(super) async fn revoke_all(local: &Local, realm: &Realm) -> anyhow::Result<()> {
    let now = local.now();
    let record = local.record("realm.revoked", Some(realm.id), realm.name.as_str());
    local.store().end_realm_sessions(realm.id, now, record).await?;
    say(&format!("everything issued in realm `{}` before {} is refused", realm.name, now.whole_secs()));
    Ok(())
}

async fn revoke_before(local: &Local, realm: &Realm, before: Timestamp) -> anyhow::Result<()> {
    let record = local.record("realm.revoked", Some(realm.id), realm.name.as_str());
    local.store().set_realm_not_before(realm.id, before, record).await?;
    say(&format!("everything issued in realm `{}` before {before} is refused", realm.name));
    Ok(())
}

async fn add(local: &Local, name: String, options: Options) -> anyhow::Result<()> {
    let mut settings = Settings::default();
    options.apply(&mut settings);
    let realm = Realm {
        id: local.new_id(),
        name,
        enabled: true,
        not_before: Timestamp::EPOCH,
        created_at: local.now(),
        settings,
    };
    settings::check(local, &realm).await?;
    let record = local.record("realm.added", Some(realm.id), realm.name.as_str());
    let added = local.store().add_realm(&realm, record).await;
    added.with_context(|| format!("realm `{}` was not added", realm.name))?;
    settings::make_keys(local, &realm).await?;
    say(&format!("realm `{}` was added", realm.name));
    show(local, &realm).await
}

async fn list(local: &Local) -> anyhow::Result<()> {
    let realms = local.store().realms().await?;
    let rows = realms.iter().map(|realm| {
        record! {
            "name": realm.name.as_str(),
            "enabled": realm.enabled,
            "dialects": texts(realm.settings.dialects.iter().map(mount_text)),
            "created": time(realm.created_at),
        }
    });
    local.list(rows.collect(), "there is no realm yet; make one with: jeton realm add NAME")
}

async fn show(local: &Local, realm: &Realm) -> anyhow::Result<()> {
    let not_before = (realm.not_before > Timestamp::EPOCH).then_some(realm.not_before);
    let mut shown = record! {
        "name": realm.name.as_str(),
        "enabled": realm.enabled,
        "issuer": realm.issuer(&local.app.site.public_url),
        "created": time(realm.created_at),
        "refused_before": maybe_time(not_before),
    };
    shown.append(&mut settings::shown(&realm.settings));
    let keys = local.store().keys(realm.id).await?;
    let keys = keys.iter().map(|key| {
        Value::Object(record! {
            "alg": key.alg.name(),
            "kid": key.kid.as_str(),
            "state": key.state.name(),
        })
    });
    shown.insert("keys".to_owned(), Value::Array(keys.collect()));
    local.show(shown)
}

async fn set(local: &Local, mut realm: Realm, options: Options, clear: &[Clear]) -> anyhow::Result<()> {
    settings::clear(clear, &mut realm.settings);
    options.apply(&mut realm.settings);
    settings::check(local, &realm).await?;
    settings::make_keys(local, &realm).await?;
    let record = local.record("realm.set", Some(realm.id), realm.name.as_str());
    local.store().set_realm_settings(realm.id, &realm.settings, record).await?;
    say(&format!("realm `{}` was changed", realm.name));
    show(local, &realm).await
}

async fn set_enabled(local: &Local, realm: &Realm, enabled: bool) -> anyhow::Result<()> {
    let event = if enabled { "realm.enabled" } else { "realm.disabled" };
    let record = local.record(event, Some(realm.id), realm.name.as_str());
    local.store().set_realm_enabled(realm.id, enabled, record).await?;
    say(&format!("realm `{}` is {}", realm.name, state(enabled)));
    Ok(())
}

async fn remove(local: &Local, realm: &Realm, yes: bool) -> anyhow::Result<()> {
    if !yes {
        say(&format!(
            "all people, clients, keys and sessions of realm `{0}` go with it; type {0} to go on:",
            realm.name
        ));
        let mut typed = String::new();
        io::stdin().read_line(&mut typed).context("the answer could not be read; give --yes to not be asked")?;
        if typed.trim() != realm.name {
            bail!("that is not the name of the realm; nothing was removed (`--yes` does not ask)");
        }
    }
    let record = local.record("realm.removed", Some(realm.id), realm.name.as_str());
    local.store().remove_realm(realm.id, record).await?;
    say(&format!("realm `{}` was removed", realm.name));
    Ok(())
}
