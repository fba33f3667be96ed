//! The commands that administer the local store: with a server running beside them, or without one.
//!
//! Each noun has a file, and each of its verbs does the same: find what is named, check what is given, make one
//! change together with its line of the audit trail, and say what happened. A running server reads the same store
//! and answers by the change from its next request on.

mod api_key;
pub(crate) mod arguments;
mod backup;
mod client;
mod copy;
mod device;
mod doctor;
mod master_key;
mod migrate;
pub(crate) mod password;
mod person;
pub(crate) mod print;
mod realm;
mod restore;
mod secret;
mod session;
mod signing_key;
mod store;
mod target;
pub(crate) mod token;

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Subcommand;
use jeton_core::change::Audit;
use jeton_core::domain::client::{ApiKey, Client};
use jeton_core::domain::id::Id;
use jeton_core::domain::principal::{Kind, Principal};
use jeton_core::domain::realm::Realm;
use jeton_core::domain::target::Target;
use jeton_core::time::Timestamp;
use jeton_server::app::{App, Site};
use jeton_server::clock::Clock;
use jeton_server::dialects::Dialects;
use jeton_server::keyring::Keyring;
use jeton_server::random::SystemRng;
use jeton_server::sealing;
use jeton_store::{Database, Store};

use crate::config::{Config, DatabaseArg, Environment};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Realms: each has its own issuer, keys, people, clients and dialects
    Realm(Noun<realm::Command>),
    /// People: they sign in with a username and a password
    Person(Noun<person::Command>),
    /// Targets: parts of a realm that a token can be limited to, and their members
    Target(Noun<target::Command>),
    /// Clients: programs that get OAuth tokens with a client id and a secret
    Client(Noun<client::Command>),
    /// API keys: an id and a secret that a dialect exchanges for a token
    ApiKey(Noun<api_key::Command>),
    /// Sessions: sign-ins that go on until they are ended or expire
    Session(Noun<session::Command>),
    /// Devices: programs without a browser that ask to act for a person
    Device(Noun<device::Command>),
    /// Signing keys: what a realm's tokens are signed with, and verified by
    SigningKey(Noun<signing_key::Command>),
    /// The master key: what the secrets in the store are sealed under
    MasterKey(Noun<master_key::Command>),
    Backup(backup::Args),
    Restore(restore::Args),
    Migrate(migrate::Args),
    Doctor(doctor::Args),
    /// The store itself: what is in it, and moving it to another place
    Store(Noun<store::Command>),
}

/// A noun with its verbs, and what all of them can be told.
#[derive(clap::Args)]
pub(crate) struct Noun<C: Subcommand> {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    command: C,
}

/// What every command on the local store can be told.
#[derive(clap::Args)]
pub(crate) struct Shared {
    /// The configuration file: it says where the store and the master key are
    #[arg(long, global = true, env = "JETON_CONFIG", default_value = "jeton.toml", value_name = "FILE")]
    config: PathBuf,
    #[command(flatten)]
    database: DatabaseArg,
    /// Print JSON instead of text
    #[arg(long, global = true)]
    json: bool,
}

impl Shared {
    /// The configuration, and the database that the command line, the environment or it names.
    fn settings(&self) -> anyhow::Result<(Config, Database)> {
        let config = Config::read(&self.config)?;
        let database = config.database(&self.database, &Environment::read())?;
        Ok((config, database))
    }
}

/// Runs one command.
pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    sealing::no_core_dumps().context("core dumps could not be switched off")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Realm(Noun { shared, command }) => realm::run(&Local::open(&shared).await?, command).await,
            Command::Person(Noun { shared, command }) => person::run(&Local::open(&shared).await?, command).await,
            Command::Target(Noun { shared, command }) => target::run(&Local::open(&shared).await?, command).await,
            Command::Client(Noun { shared, command }) => client::run(&Local::open(&shared).await?, command).await,
            Command::ApiKey(Noun { shared, command }) => api_key::run(&Local::open(&shared).await?, command).await,
            Command::Session(Noun { shared, command }) => session::run(&Local::open(&shared).await?, command).await,
            Command::Device(Noun { shared, command }) => device::run(&Local::open(&shared).await?, command).await,
            Command::SigningKey(Noun { shared, command }) => {
                signing_key::run(&Local::open(&shared).await?, command).await
            }
            Command::Store(Noun { shared, command }) => store::run(&shared, command).await,
            Command::MasterKey(Noun { shared, command }) => {
                master_key::run(&Local::open(&shared).await?, command).await
            }
            Command::Backup(args) => backup::run(&args),
            Command::Restore(args) => restore::run(args).await,
            Command::Migrate(args) => migrate::run(&args).await,
            Command::Doctor(args) => doctor::run(&args).await,
        }
    })
}

/// Runs `jeton token inspect`, which stands among the client's commands.
pub(crate) fn inspect(args: token::Inspect) -> anyhow::Result<()> {
    sealing::no_core_dumps().context("core dumps could not be switched off")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { token::run(&Local::open(&args.shared).await?, args).await })
}

/// The opened store, and all that a command needs beside it.
struct Local {
    /// The same parts that a server is made of: store, master key, dialects, clock, password hashing.
    app: App,
    config: Config,
    json: bool,
}

impl Local {
    async fn open(shared: &Shared) -> anyhow::Result<Self> {
        let (config, database) = shared.settings()?;
        let master = Keyring::load(&config.master_key)?;
        let dialects = Dialects::load(config.dialects.clone())?;
        let store = Store::open(&database).await?;
        let app = App::new(store, master, dialects, Clock::system(), Site::at(&config.public_url)).await?;
        Ok(Self { app, config, json: shared.json })
    }

    fn store(&self) -> &Store {
        &self.app.store
    }

    fn now(&self) -> Timestamp {
        self.app.clock.now()
    }

    fn new_id(&self) -> Id {
        Id::new(self.now(), &mut SystemRng::new())
    }

    /// The line of the audit trail for what this command does.
    fn record(&self, event: &'static str, realm_id: Option<Id>, detail: impl Into<String>) -> Audit {
        Audit {
            at: self.now(),
            realm_id,
            event,
            principal_id: None,
            session_id: None,
            source: "local".to_owned(),
            detail: detail.into(),
        }
    }

    /// The same, for what concerns a principal.
    fn record_of(&self, event: &'static str, principal: &Principal, detail: impl Into<String>) -> Audit {
        Audit { principal_id: Some(principal.id), ..self.record(event, Some(principal.realm_id), detail) }
    }

    async fn realm(&self, name: &str) -> anyhow::Result<Realm> {
        if let Some(realm) = self.store().realm(name).await? {
            return Ok(realm);
        }
        let names = self.store().realms().await?.into_iter().map(|realm| realm.name);
        bail!("no realm `{name}`; {}", known(names, &format!("make it with: jeton realm add {name}")))
    }

    async fn person(&self, realm: &Realm, username: &str) -> anyhow::Result<Principal> {
        let found = self.store().principal_named(realm.id, username).await?;
        if let Some(person) = found.filter(|principal| principal.kind == Kind::Person) {
            return Ok(person);
        }
        bail!("no person `{username}` in realm `{0}`; see who is there with: jeton person list {0}", realm.name)
    }

    async fn target(&self, realm: &Realm, number: i64) -> anyhow::Result<Target> {
        if let Some(target) = self.store().target(realm.id, number).await? {
            return Ok(target);
        }
        let numbers = self.store().targets(realm.id).await?.into_iter().map(|target| target.number.to_string());
        let otherwise = format!("make it with: jeton target add {} {number} NAME", realm.name);
        bail!("no target {number} in realm `{}`; {}", realm.name, known(numbers, &otherwise))
    }

    async fn client(&self, realm: &Realm, client_id: &str) -> anyhow::Result<Client> {
        if let Some(client) = self.store().client(realm.id, client_id).await? {
            return Ok(client);
        }
        let names = self.store().clients(realm.id).await?.into_iter().map(|client| client.client_id);
        let otherwise = format!("make it with: jeton client add {} {client_id}", realm.name);
        bail!("no client `{client_id}` in realm `{}`; {}", realm.name, known(names, &otherwise))
    }

    async fn api_key(&self, realm: &Realm, key_id: &str) -> anyhow::Result<ApiKey> {
        if let Some(key) = self.store().api_key(realm.id, key_id).await? {
            return Ok(key);
        }
        let names = self.store().api_keys(realm.id).await?.into_iter().map(|key| key.key_id);
        let otherwise = format!("make one with: jeton api-key add {}", realm.name);
        bail!("no API key `{key_id}` in realm `{}`; {}", realm.name, known(names, &otherwise))
    }
}

/// `known: a, b, c`, or what to do when there is none.
fn known(names: impl Iterator<Item = String>, otherwise: &str) -> String {
    const MOST: usize = 12;
    let names: Vec<String> = names.collect();
    let more = if names.len() > MOST { ", …" } else { "" };
    match names.as_slice() {
        [] => otherwise.to_owned(),
        names => format!("known: {}{more}", names[..names.len().min(MOST)].join(", ")),
    }
}

/// `enabled` or `disabled`, for what a command says it did.
fn state(enabled: bool) -> &'static str {
    if enabled { "enabled" } else { "disabled" }
}
