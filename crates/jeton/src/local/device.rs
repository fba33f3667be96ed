//! `jeton device`

use anyhow::bail;
use clap::Subcommand;
use jeton_core::domain::device::Verdict;
use jeton_core::domain::id::Id;
use jeton_core::domain::realm::Realm;
use jeton_core::domain::refusal::Reason;
use jeton_server::device::{Word, decide};
use jeton_server::exchange::Ended;

use super::Local;
use super::print::{record, say, time};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the devices that ask to act for somebody, newest first; their codes are not stored
    List {
        /// The realm
        realm: String,
        /// At most this many
        #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Let a device act for a person
    Approve(Args),
    /// Refuse a device
    Deny(Args),
}

/// Which device, and who says so.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The realm
    realm: String,
    /// The code that the device shows, such as WDJB-MJHT
    user_code: String,
    /// The person it asks
    #[arg(long, value_name = "USERNAME")]
    person: String,
}

pub(super) async fn run(local: &Local, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { realm, limit } => list(local, &local.realm(&realm).await?, limit).await,
        Command::Approve(args) => say_so(local, &args, true).await,
        Command::Deny(args) => say_so(local, &args, false).await,
    }
}

async fn list(local: &Local, realm: &Realm, limit: u32) -> anyhow::Result<()> {
    let clients = local.store().clients(realm.id).await?;
    let name = |id: Id| clients.iter().find(|client| client.id == id).map(|client| client.client_id.clone());
    let mut rows = Vec::new();
    for device in local.store().devices(realm.id, local.now(), limit).await? {
        let (verdict, person) = match device.verdict {
            None => ("pending", None),
            Some(Verdict::Denied) => ("denied", None),
            Some(Verdict::Approved { principal_id, .. }) => ("approved", Some(principal_id.to_string())),
        };
        rows.push(record! {
            "client": name(device.client_id),
            "scope": device.scope,
            "verdict": verdict,
            "person": person,
            "asked": time(device.created_at),
            "expires": time(device.expires_at),
        });
    }
    local.list(rows, "no device asks")
}

async fn say_so(local: &Local, args: &Args, approve: bool) -> anyhow::Result<()> {
    let realm = local.realm(&args.realm).await?;
    let person = local.person(&realm, &args.person).await?;
    let word = Word {
        realm: &realm.name,
        user_code: &args.user_code,
        username: &person.username,
        approve,
        throttle: None,
        source: "local",
    };
    match decide(&local.app, &word).await {
        Ok(_) if approve => say(&format!("the device acts for `{}` once it asks", person.username)),
        Ok(_) => say("the device is refused once it asks"),
        Err(Ended::Refused(refusal)) if refusal.reason == Reason::Disabled => {
            bail!("`{}` is disabled; enable the person with: jeton person enable", person.username)
        }
        Err(Ended::Refused(_)) => bail!(
            "no device of realm `{0}` waits with the code `{1}`: it is over after ten minutes and decided on once; see \
             jeton device list {0}, and let the device ask anew",
            realm.name,
            args.user_code
        ),
        Err(Ended::Broken(fault)) => bail!("{fault}"),
    }
    Ok(())
}
