//! `jeton api-key`

use std::time::Duration;

use anyhow::Context;
use clap::Subcommand;
use jeton_core::change::Audit;
use jeton_core::domain::client::ApiKey;
use jeton_core::domain::id::Id;
use jeton_core::domain::principal::{Kind, PersonProfile};
use jeton_core::domain::realm::Realm;
use jeton_core::time::Timestamp;
use jeton_server::random::SystemRng;
use jeton_store::{NewApiKey, NewPrincipal, Owner, Service};

use super::arguments::{CutOff, name, span, title};
use super::print::{maybe_time, record, say, time};
use super::secret::{Adding, NewSecret};
use super::{Local, state};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Add an API key, and print its id and its secret, once
    Add {
        /// The realm
        realm: String,
        /// Its public part [default: a random UUID, as some dialects want it]
        #[arg(value_parser = name)]
        key_id: Option<String>,
        /// The key is of no use after this time, such as 90d
        #[arg(long, value_name = "TIME", value_parser = span)]
        expires_in: Option<Duration>,
        /// The name of the service it speaks for [default: the key's id]
        #[arg(long, value_parser = title)]
        name: Option<String>,
    },
    /// List the API keys of a realm
    List {
        /// The realm
        realm: String,
    },
    /// Show an API key; secrets are not shown again
    Show(Named),
    /// Let an API key be used again
    Enable(Named),
    /// Refuse an API key and its tokens until it is enabled again
    Disable(Named),
    /// Remove an API key with its sessions, for good
    Remove(Named),
    /// Add a second secret, so that one can replace the other, and print it, once
    AddSecret {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        adding: Adding,
    },
    /// Remove a secret: from now on it proves nothing
    RemoveSecret {
        #[command(flatten)]
        named: Named,
        /// The secret, by the id that `show` gives
        secret_id: String,
    },
    /// Refuse every token that was got with an API key until now, or before a time
    RevokeTokens {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        cut_off: CutOff,
    },
}

/// An API key of a realm, by its id.
#[derive(clap::Args)]
pub(crate) struct Named {
    /// The realm
    realm: String,
    /// The API key
    key_id: String,
}

pub(super) async fn run(local: &Local, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add { realm, key_id, expires_in, name } => {
            let key_id = key_id.unwrap_or_else(|| Id::random(&mut SystemRng::new()).to_string());
            add(local, &local.realm(&realm).await?, key_id, expires_in, name).await
        }
        Command::List { realm } => list(local, &local.realm(&realm).await?).await,
        Command::Show(named) => show(local, &named.find(local).await?),
        Command::Enable(named) => set_enabled(local, &named.find(local).await?, true).await,
        Command::Disable(named) => set_enabled(local, &named.find(local).await?, false).await,
        Command::Remove(named) => remove(local, &named.find(local).await?).await,
        Command::AddSecret { named, adding } => {
            let key = named.find(local).await?;
            let record = record_of(local, "api_key.secret_added", &key);
            let secret = local.add_secret(Owner::ApiKey(key.id), &key.secrets, &adding, record).await?;
            show_secret(local, &key, &secret)
        }
        Command::RemoveSecret { named, secret_id } => {
            let key = named.find(local).await?;
            let record = record_of(local, "api_key.secret_removed", &key);
            local.remove_secret(&key.secrets, &secret_id, record).await?;
            say(&format!("the secret of API key `{}` was removed", key.key_id));
            Ok(())
        }
        Command::RevokeTokens { named, cut_off } => {
            let before = cut_off.given(local.now())?.unwrap_or(local.now());
            revoke_tokens(local, &named.find(local).await?, before).await
        }
    }
}

impl Named {
    async fn find(&self, local: &Local) -> anyhow::Result<ApiKey> {
        local.api_key(&local.realm(&self.realm).await?, &self.key_id).await
    }
}

async fn add(
    local: &Local,
    realm: &Realm,
    key_id: String,
    expires_in: Option<Duration>,
    name: Option<String>,
) -> anyhow::Result<()> {
    let now = local.now();
    let secret = local.new_secret(None);
    let service = NewPrincipal {
        id: local.new_id(),
        realm_id: realm.id,
        kind: Kind::Service,
        number: None,
        username: name.unwrap_or_else(|| key_id.clone()),
        profile: PersonProfile::default(),
        password: None,
        created_at: now,
    };
    let new = NewApiKey {
        id: local.new_id(),
        realm_id: realm.id,
        key_id,
        expires_at: expires_in.map(|span| now + span),
        service: Service::New(service),
        secrets: vec![secret.stored.clone()],
        created_at: now,
    };
    let record = local.record("api_key.added", Some(realm.id), new.key_id.as_str());
    let added = local.store().add_api_key(&new, record).await;
    let key = added.with_context(|| format!("API key `{}` was not added", new.key_id))?;
    say(&format!("API key `{}` was added to realm `{}`", key.key_id, realm.name));
    show_secret(local, &key, &secret)
}

/// The one time that a secret is seen.
fn show_secret(local: &Local, key: &ApiKey, secret: &NewSecret) -> anyhow::Result<()> {
    say("keep the secret now: it is not shown again");
    local.show(record! {
        "key_id": key.key_id.as_str(),
        "key_secret": secret.value.expose().as_str(),
        "secret_id": secret.stored.id.to_string(),
        "expires": maybe_time(secret.stored.expires_at.or(key.expires_at)),
    })
}

async fn list(local: &Local, realm: &Realm) -> anyhow::Result<()> {
    let keys = local.store().api_keys(realm.id).await?;
    let rows = keys.iter().map(|key| {
        record! {
            "key_id": key.key_id.as_str(),
            "name": key.service.username.as_str(),
            "enabled": key.enabled,
            "expires": maybe_time(key.expires_at),
            "created": time(key.created_at),
        }
    });
    local.list(rows.collect(), &format!("there is no API key yet; add one with: jeton api-key add {}", realm.name))
}

fn show(local: &Local, key: &ApiKey) -> anyhow::Result<()> {
    let not_before = (key.not_before > Timestamp::EPOCH).then_some(key.not_before);
    local.show(record! {
        "key_id": key.key_id.as_str(),
        "name": key.service.username.as_str(),
        "enabled": key.enabled,
        "subject": key.service.id.to_string(),
        "expires": maybe_time(key.expires_at),
        "secrets": local.secrets_shown(&key.secrets),
        "created": time(key.created_at),
        "refused_before": maybe_time(not_before),
    })
}

async fn set_enabled(local: &Local, key: &ApiKey, enabled: bool) -> anyhow::Result<()> {
    let record = record_of(local, if enabled { "api_key.enabled" } else { "api_key.disabled" }, key);
    local.store().set_api_key_enabled(key.id, enabled, record).await?;
    say(&format!("API key `{}` is {}", key.key_id, state(enabled)));
    Ok(())
}

async fn revoke_tokens(local: &Local, key: &ApiKey, before: Timestamp) -> anyhow::Result<()> {
    let record = record_of(local, "api_key.revoked", key);
    local.store().set_api_key_not_before(key.id, before, record).await?;
    say(&format!("tokens of sessions that API key `{}` began before {} are refused", key.key_id, before.whole_secs()));
    Ok(())
}

/// Removes a key, and its service unless another key or a client speaks for it too.
async fn remove(local: &Local, key: &ApiKey) -> anyhow::Result<()> {
    let record = record_of(local, "api_key.removed", key);
    match local.is_shared(&key.service).await? {
        true => local.store().remove_api_key(key.id, record).await?,
        false => local.store().remove_principal(key.service.id, record).await?,
    }
    say(&format!("API key `{}` was removed", key.key_id));
    Ok(())
}

fn record_of(local: &Local, event: &'static str, key: &ApiKey) -> Audit {
    local.record_of(event, &key.service, key.key_id.as_str())
}
