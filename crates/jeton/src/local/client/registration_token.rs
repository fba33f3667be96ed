//! `jeton client registration-token`: what lets clients register themselves, and what they may have then.

use std::time::Duration;

use anyhow::bail;
use clap::Subcommand;
use jeton_core::domain::client::ClientSettings;
use jeton_core::domain::grant::GrantType;
use jeton_core::domain::id::Id;
use jeton_core::domain::realm::Realm;
use jeton_core::domain::registration::{InitialAccessToken, REGISTRABLE, RegistrationBounds, RegistrationMode};
use jeton_core::rules::registration::digest_initial;
use jeton_core::token::opaque;
use jeton_server::random::SystemRng;

use super::settings;
use crate::local::Local;
use crate::local::arguments::{grant, span, word};
use crate::local::print::{Record, record, say, texts, time};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make an initial access token (RFC 7591), and print it, once
    Add(Add),
    /// List the initial access tokens of a realm; they are not shown again
    List {
        /// The realm
        realm: String,
    },
    /// Remove an initial access token: it registers nothing more. The clients that it registered stay
    Remove {
        /// The realm
        realm: String,
        /// Which one, by the id that `list` gives
        id: String,
    },
}

#[derive(clap::Args)]
pub(crate) struct Add {
    /// The realm
    realm: String,
    /// A grant that its clients may have, if the realm has it too (repeatable) [default: client_credentials]
    #[arg(long = "grant", value_parser = grant())]
    grants: Vec<GrantType>,
    /// A scope that its clients may have (repeatable) [default: none]
    #[arg(long = "scope", value_parser = word)]
    scopes: Vec<String>,
    /// An audience that its clients' tokens may have (repeatable) [default: none]
    #[arg(long = "audience", value_parser = word)]
    audiences: Vec<String>,
    /// How many clients it registers
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    uses: u32,
    /// How long it is good
    #[arg(long, value_name = "TIME", value_parser = span, default_value = "1d")]
    expires_in: Duration,
}

pub(super) async fn run(local: &Local, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add(given) => add(local, given).await,
        Command::List { realm } => list(local, &local.realm(&realm).await?).await,
        Command::Remove { realm, id } => remove(local, &local.realm(&realm).await?, &id).await,
    }
}

async fn add(local: &Local, given: Add) -> anyhow::Result<()> {
    let realm = local.realm(&given.realm).await?;
    let grants = if given.grants.is_empty() { vec![GrantType::ClientCredentials] } else { given.grants };
    if let Some(grant) = grants.iter().find(|grant| !REGISTRABLE.contains(grant)) {
        let known = REGISTRABLE.map(GrantType::name).join(", ");
        bail!("a client cannot register itself for the grant {}; give one of {known}", grant.name());
    }
    let bounds = RegistrationBounds { grants, scopes: given.scopes, audiences: given.audiences };
    settings::check(&realm, &ClientSettings { grants: bounds.grants.clone(), ..ClientSettings::default() })?;
    let token = opaque::new_initial_access_token(&mut SystemRng::new());
    let now = local.now();
    let new = InitialAccessToken {
        id: local.new_id(),
        realm_id: realm.id,
        digest: digest_initial(&local.app.pepper, token.expose()),
        bounds,
        uses_left: i64::from(given.uses),
        created_at: now,
        expires_at: now + given.expires_in,
    };
    let record = local.record("registration_token.added", Some(realm.id), new.id.to_string());
    local.store().add_initial_access_token(&new, record).await?;
    if realm.settings.registration == RegistrationMode::Off {
        let mode = RegistrationMode::Token.name();
        say(&format!(
            "it is of no use yet; let clients register with: jeton realm set {} --registration {mode}",
            realm.name
        ));
    }
    say("keep the token now: it is not shown again");
    let mut printed = record! { "initial_access_token": token.expose().as_str() };
    printed.extend(shown(&new));
    local.show(printed)
}

async fn list(local: &Local, realm: &Realm) -> anyhow::Result<()> {
    let tokens = local.store().initial_access_tokens(realm.id).await?;
    let empty = format!("no client can register; let one with: jeton client registration-token add {}", realm.name);
    local.list(tokens.iter().map(shown).collect(), &empty)
}

async fn remove(local: &Local, realm: &Realm, id: &str) -> anyhow::Result<()> {
    let tokens = local.store().initial_access_tokens(realm.id).await?;
    let id: Option<Id> = id.parse().ok();
    let Some(token) = tokens.iter().find(|token| Some(token.id) == id) else {
        bail!("there is no such token; see: jeton client registration-token list {}", realm.name);
    };
    let record = local.record("registration_token.removed", Some(realm.id), token.id.to_string());
    local.store().remove_initial_access_token(token.id, record).await?;
    say("the token was removed: it registers nothing more");
    Ok(())
}

fn shown(token: &InitialAccessToken) -> Record {
    record! {
        "id": token.id.to_string(),
        "grants": texts(token.bounds.grants.iter().map(|grant| grant.name())),
        "scopes": texts(token.bounds.scopes.iter().cloned()),
        "audiences": texts(token.bounds.audiences.iter().cloned()),
        "uses_left": token.uses_left,
        "created": time(token.created_at),
        "expires": time(token.expires_at),
    }
}
