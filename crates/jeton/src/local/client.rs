//! `jeton client`

mod registration_token;
mod settings;
mod trust;

use std::time::Duration;

use anyhow::Context;
use clap::Subcommand;
use jeton_core::change::Audit;
use jeton_core::domain::client::{Client, ClientSettings};
use jeton_core::domain::grant::GrantType;
use jeton_core::domain::id::Id;
use jeton_core::domain::principal::{Kind, PersonProfile};
use jeton_core::domain::realm::Realm;
use jeton_core::time::Timestamp;
use jeton_core::token::claims::service_account;
use jeton_server::random::SystemRng;
use jeton_store::{NewClient, NewPrincipal, Owner, Service};

use self::settings::{Clear, Options};
use super::arguments::{CutOff, name, span};
use super::print::{maybe_time, record, say, texts, time};
use super::secret::{Adding, NewSecret};
use super::{Local, state};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Add a client, and print its id and its secret, once
    Add {
        /// The realm
        realm: String,
        /// What it calls itself [default: the realm's name and a UUID]
        #[arg(value_parser = name)]
        client_id: Option<String>,
        #[command(flatten)]
        options: Options,
        /// Its secret proves nothing after this time, such as 90d
        #[arg(long, value_name = "TIME", value_parser = span)]
        expires_in: Option<Duration>,
        /// A resource server: it may introspect every token of the realm, and gets none itself unless --grant says so
        #[arg(long)]
        resource_server: bool,
    },
    /// List the clients of a realm
    List {
        /// The realm
        realm: String,
    },
    /// Show a client with its settings; secrets are not shown again
    Show(Named),
    /// Change settings of a client: what is given replaces what was there, the rest stays
    Set {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        options: Options,
        /// Whether it may introspect every token of the realm
        #[arg(long, value_name = "true|false")]
        resource_server: Option<bool>,
        /// Put this setting back to what it is in a new client
        #[arg(long, value_name = "SETTING")]
        clear: Vec<Clear>,
    },
    /// Let a client get tokens again
    Enable(Named),
    /// Refuse a client and its tokens until it is enabled again
    Disable(Named),
    /// Remove a client, for good
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
    /// Foreign issuers whose assertions stand for a client's secret: workload identity
    #[command(subcommand)]
    Trust(trust::Command),
    /// Initial access tokens: with one, a client registers itself (RFC 7591)
    #[command(subcommand)]
    RegistrationToken(registration_token::Command),
    /// Refuse every token that a client has got until now, or before a time
    RevokeTokens {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        cut_off: CutOff,
    },
}

/// A client of a realm, by its id.
#[derive(clap::Args)]
pub(crate) struct Named {
    /// The realm
    realm: String,
    /// The client
    client_id: String,
}

pub(super) async fn run(local: &Local, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add { realm, client_id, options, expires_in, resource_server } => {
            let mut settings = ClientSettings { resource_server, ..ClientSettings::default() };
            if !resource_server {
                settings.grants.push(GrantType::ClientCredentials);
            }
            options.apply(&mut settings);
            add(local, &local.realm(&realm).await?, client_id, settings, expires_in).await
        }
        Command::List { realm } => list(local, &local.realm(&realm).await?).await,
        Command::Show(named) => show(local, &named.find(local).await?),
        Command::Set { named, options, resource_server, clear } => {
            let mut client = named.find(local).await?;
            settings::clear(&clear, &mut client.settings);
            options.apply(&mut client.settings);
            client.settings.resource_server = resource_server.unwrap_or(client.settings.resource_server);
            let realm = local.realm(&named.realm).await?;
            settings::check(&realm, &client.settings)?;
            set(local, &realm, &client).await
        }
        Command::Enable(named) => set_enabled(local, &named.find(local).await?, true).await,
        Command::Disable(named) => set_enabled(local, &named.find(local).await?, false).await,
        Command::Remove(named) => remove(local, &named.find(local).await?).await,
        Command::AddSecret { named, adding } => {
            let client = named.find(local).await?;
            let record = record_of(local, "client.secret_added", &client);
            let secret = local.add_secret(Owner::Client(client.id), &client.secrets, &adding, record).await?;
            show_secret(local, &client, &secret)
        }
        Command::RemoveSecret { named, secret_id } => {
            let client = named.find(local).await?;
            let record = record_of(local, "client.secret_removed", &client);
            local.remove_secret(&client.secrets, &secret_id, record).await?;
            say(&format!("the secret of client `{}` was removed", client.client_id));
            Ok(())
        }
        Command::Trust(command) => trust::run(local, command).await,
        Command::RegistrationToken(command) => registration_token::run(local, command).await,
        Command::RevokeTokens { named, cut_off } => {
            let before = cut_off.given(local.now())?.unwrap_or(local.now());
            revoke_tokens(local, &named.find(local).await?, before).await
        }
    }
}

impl Named {
    async fn find(&self, local: &Local) -> anyhow::Result<Client> {
        local.client(&local.realm(&self.realm).await?, &self.client_id).await
    }
}

async fn add(
    local: &Local,
    realm: &Realm,
    client_id: Option<String>,
    settings: ClientSettings,
    expires_in: Option<Duration>,
) -> anyhow::Result<()> {
    settings::check(realm, &settings)?;
    let client_id = client_id.unwrap_or_else(|| format!("{}-{}", realm.name, Id::random(&mut SystemRng::new())));
    // Who proves itself with nothing, or with a key of its own, has no secret.
    let secret = settings.has_secret().then(|| local.new_secret(expires_in));
    let service = NewPrincipal {
        id: local.new_id(),
        realm_id: realm.id,
        kind: Kind::Service,
        number: None,
        // As Keycloak names it: out of the way of people who are called like the client.
        username: service_account(&client_id),
        profile: PersonProfile::default(),
        password: None,
        created_at: local.now(),
    };
    let new = NewClient {
        id: local.new_id(),
        realm_id: realm.id,
        client_id,
        settings,
        service: Service::New(service),
        secrets: secret.iter().map(|secret| secret.stored.clone()).collect(),
        registration: None,
        created_at: local.now(),
    };
    let record = local.record("client.added", Some(realm.id), new.client_id.as_str());
    let added = local.store().add_client(&new, record).await;
    let client = added.with_context(|| format!("client `{}` was not added", new.client_id))?;
    say(&format!("client `{}` was added to realm `{}`", client.client_id, realm.name));
    match secret {
        Some(secret) => show_secret(local, &client, &secret),
        None => show(local, &client),
    }
}

/// The one time that a secret is seen.
fn show_secret(local: &Local, client: &Client, secret: &NewSecret) -> anyhow::Result<()> {
    say("keep the secret now: it is not shown again");
    local.show(record! {
        "client_id": client.client_id.as_str(),
        "client_secret": secret.value.expose().as_str(),
        "secret_id": secret.stored.id.to_string(),
        "expires": maybe_time(secret.stored.expires_at),
    })
}

async fn list(local: &Local, realm: &Realm) -> anyhow::Result<()> {
    let clients = local.store().clients(realm.id).await?;
    let rows = clients.iter().map(|client| {
        record! {
            "client_id": client.client_id.as_str(),
            "enabled": client.enabled,
            "grants": texts(client.settings.grants.iter().map(|grant| grant.name())),
            "scopes": texts(client.settings.scopes.iter().cloned()),
            "resource_server": client.settings.resource_server,
            "registered_itself": client.registration.is_some(),
            "created": time(client.created_at),
        }
    });
    local.list(rows.collect(), &format!("there is no client yet; add one with: jeton client add {}", realm.name))
}

fn show(local: &Local, client: &Client) -> anyhow::Result<()> {
    let not_before = (client.not_before > Timestamp::EPOCH).then_some(client.not_before);
    let mut shown = record! {
        "client_id": client.client_id.as_str(),
        "enabled": client.enabled,
        "subject": client.service.id.to_string(),
        "secrets": local.secrets_shown(&client.secrets),
        "created": time(client.created_at),
        "refused_before": maybe_time(not_before),
    };
    if let Some(registration) = &client.registration {
        shown.extend(record! {
            "registered_itself": true,
            "name": registration.name.as_deref(),
            "manages_itself": registration.token.is_some(),
            "may_have_grants": texts(registration.bounds.grants.iter().map(|grant| grant.name())),
            "may_have_scopes": texts(registration.bounds.scopes.iter().cloned()),
            "may_have_audiences": texts(registration.bounds.audiences.iter().cloned()),
        });
    }
    shown.extend(settings::shown(&client.settings));
    local.show(shown)
}

async fn set(local: &Local, realm: &Realm, client: &Client) -> anyhow::Result<()> {
    let record = record_of(local, "client.set", client);
    local.store().set_client_settings(client.id, &client.settings, record).await?;
    say(&format!("client `{}` was changed", client.client_id));
    say_who_manages(client);
    show(local, &local.client(realm, &client.client_id).await?)
}

/// Of a client that could change its settings itself until now.
fn say_who_manages(client: &Client) {
    if client.registration.as_ref().is_some_and(|registration| registration.token.is_some()) {
        say("it registered itself, and manages itself no more: what you set, it could have changed back");
    }
}

async fn set_enabled(local: &Local, client: &Client, enabled: bool) -> anyhow::Result<()> {
    let record = record_of(local, if enabled { "client.enabled" } else { "client.disabled" }, client);
    local.store().set_client_enabled(client.id, enabled, record).await?;
    say(&format!("client `{}` is {}", client.client_id, state(enabled)));
    Ok(())
}

/// Removes a client, and its service unless another client or an API key speaks for it too.
async fn remove(local: &Local, client: &Client) -> anyhow::Result<()> {
    let record = record_of(local, "client.removed", client);
    match local.is_shared(&client.service).await? {
        true => local.store().remove_client(client.id, record).await?,
        false => local.store().remove_principal(client.service.id, record).await?,
    }
    say(&format!("client `{}` was removed", client.client_id));
    Ok(())
}

async fn revoke_tokens(local: &Local, client: &Client, before: Timestamp) -> anyhow::Result<()> {
    let record = record_of(local, "client.revoked", client);
    local.store().set_client_not_before(client.id, before, record).await?;
    say(&format!("tokens that client `{}` got before {} are refused", client.client_id, before.whole_secs()));
    Ok(())
}

fn record_of(local: &Local, event: &'static str, client: &Client) -> Audit {
    local.record_of(event, &client.service, client.client_id.as_str())
}
