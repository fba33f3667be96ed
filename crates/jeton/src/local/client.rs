//! `jeton client`

use std::time::Duration;

use anyhow::Context;
use clap::{Subcommand, ValueEnum};
use jeton_core::domain::client::{Client, ClientSettings};
use jeton_core::domain::id::Id;
use jeton_core::domain::principal::{Kind, PersonProfile};
use jeton_core::domain::realm::Realm;
use jeton_core::time::Timestamp;
use jeton_server::random::SystemRng;
use jeton_store::{NewClient, NewPrincipal, Owner, Service};

use super::arguments::{name, span, word};
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
    Show {
        /// The realm
        realm: String,
        /// The client
        client_id: String,
    },
    /// Change settings of a client: what is given replaces what was there, the rest stays
    Set {
        /// The realm
        realm: String,
        /// The client
        client_id: String,
        #[command(flatten)]
        options: Options,
        /// Whether it may introspect every token of the realm
        #[arg(long, value_name = "true|false")]
        resource_server: Option<bool>,
        /// Take this setting away
        #[arg(long, value_name = "SETTING")]
        clear: Vec<Clear>,
    },
    /// Let a client get tokens again
    Enable {
        /// The realm
        realm: String,
        /// The client
        client_id: String,
    },
    /// Refuse a client and its tokens until it is enabled again
    Disable {
        /// The realm
        realm: String,
        /// The client
        client_id: String,
    },
    /// Remove a client, for good
    Remove {
        /// The realm
        realm: String,
        /// The client
        client_id: String,
    },
    /// Add a second secret, so that one can replace the other, and print it, once
    AddSecret {
        /// The realm
        realm: String,
        /// The client
        client_id: String,
        #[command(flatten)]
        adding: Adding,
    },
    /// Remove a secret: from now on it proves nothing
    RemoveSecret {
        /// The realm
        realm: String,
        /// The client
        client_id: String,
        /// The secret, by the id that `show` gives
        secret_id: String,
    },
    /// Refuse every token that a client has got until now
    RevokeTokens {
        /// The realm
        realm: String,
        /// The client
        client_id: String,
    },
}

/// The settings of a client, each as an option.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A grant it may use [in a new client: client_credentials]
    #[arg(long = "grant", value_parser = ["client_credentials"])]
    grants: Vec<String>,
    /// A scope it may have; it gets all of them when it asks for none (repeatable)
    #[arg(long = "scope", value_parser = word)]
    scopes: Vec<String>,
    /// An audience of its tokens (repeatable)
    #[arg(long = "audience", value_parser = word)]
    audiences: Vec<String>,
    /// How long its access tokens are good, in seconds [default: as the realm says]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    access_token_secs: Option<u32>,
}

/// Settings that can be taken away.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Clear {
    Grant,
    Scope,
    Audience,
    AccessTokenSecs,
}

pub(super) async fn run(local: &Local, command: Command) -> anyhow::Result<()> {
    let (realm, client_id) = match &command {
        Command::Add { realm, .. } | Command::List { realm } => (local.realm(realm).await?, None),
        Command::Show { realm, client_id }
        | Command::Set { realm, client_id, .. }
        | Command::Enable { realm, client_id }
        | Command::Disable { realm, client_id }
        | Command::Remove { realm, client_id }
        | Command::AddSecret { realm, client_id, .. }
        | Command::RemoveSecret { realm, client_id, .. }
        | Command::RevokeTokens { realm, client_id } => (local.realm(realm).await?, Some(client_id.clone())),
    };
    let client = match &client_id {
        Some(client_id) => Some(local.client(&realm, client_id).await?),
        None => None,
    };
    todo!()
}
