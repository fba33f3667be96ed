//! `jeton session`

use std::collections::HashMap;

use anyhow::bail;
use clap::Subcommand;
use jeton_core::change::Audit;
use jeton_core::domain::id::Id;
use jeton_core::domain::realm::Realm;
use jeton_store::{ListedSession, Sessions};

use super::print::{Record, record, say, time};
use super::{Local, realm};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the live sessions of a realm, newest first
    List {
        /// The realm
        realm: String,
        /// Those of this person only
        #[arg(long, value_name = "USERNAME")]
        person: Option<String>,
        /// At most this many
        #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// End sessions: their tokens are refused from the next request on
    Revoke {
        /// The realm
        realm: String,
        /// The session, by the id that `list` gives
        #[arg(required_unless_present_any = ["person", "all"], conflicts_with_all = ["person", "all"])]
        session_id: Option<String>,
        /// Every session of this person, and everything issued to it before now
        #[arg(long, value_name = "USERNAME", conflicts_with = "all")]
        person: Option<String>,
        /// Every session of the realm, and everything issued in it before now
        #[arg(long)]
        all: bool,
    },
}

pub(super) async fn run(local: &Local, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { realm, person, limit } => {
            list(local, &local.realm(&realm).await?, person.as_deref(), limit).await
        }
        Command::Revoke { realm, session_id: Some(id), .. } => revoke(local, &local.realm(&realm).await?, &id).await,
        Command::Revoke { realm, person: Some(username), .. } => {
            revoke_of(local, &local.realm(&realm).await?, &username).await
        }
        Command::Revoke { realm, .. } => realm::revoke_all(local, &local.realm(&realm).await?).await,
    }
}

async fn list(local: &Local, realm: &Realm, person: Option<&str>, limit: u32) -> anyhow::Result<()> {
    let which = match person {
        Some(username) => Sessions::OfPrincipal(local.person(realm, username).await?.id),
        None => Sessions::OfRealm(realm.id),
    };
    let sessions = local.store().sessions(which, Some(local.now()), limit).await?;
    let through = Through::of(local, realm).await?;
    let full = sessions.len() == limit as usize;
    let rows = sessions.iter().map(|listed| row(listed, &through)).collect();
    local.list(rows, "there is no live session")?;
    if full {
        say(&format!("there may be more than these {limit}; `--limit` shows them"));
    }
    Ok(())
}

fn row(listed: &ListedSession, through: &Through) -> Record {
    let session = &listed.session;
    record! {
        "id": session.id.to_string(),
        "username": listed.username.as_str(),
        "dialect": session.dialect.as_str(),
        "through": session.api_key_id.or(session.client_id).and_then(|id| through.programs.get(&id).cloned()),
        "target": session.target_id.and_then(|id| through.targets.get(&id).copied()),
        "scope": session.scope.as_str(),
        "started": time(session.started_at),
        "last_used": time(session.last_used_at),
        "expires": time(session.expires_at),
    }
}

/// What sessions came through, by row.
struct Through {
    /// Client and API key ids.
    programs: HashMap<Id, String>,
    /// Numbers of targets.
    targets: HashMap<Id, i64>,
}

impl Through {
    async fn of(local: &Local, realm: &Realm) -> anyhow::Result<Self> {
        let clients = local.store().clients(realm.id).await?;
        let keys = local.store().api_keys(realm.id).await?;
        let targets = local.store().targets(realm.id).await?;
        let programs = clients.into_iter().map(|client| (client.id, client.client_id));
        Ok(Self {
            programs: programs.chain(keys.into_iter().map(|key| (key.id, key.key_id))).collect(),
            targets: targets.into_iter().map(|target| (target.id, target.number)).collect(),
        })
    }
}

async fn revoke(local: &Local, realm: &Realm, id: &str) -> anyhow::Result<()> {
    let session = match id.parse() {
        Ok(id) => local.store().session(id).await?,
        Err(_) => None,
    };
    let Some(session) = session.filter(|session| session.realm_id == realm.id) else {
        bail!("no session `{id}` in realm `{0}`; see them with: jeton session list {0}", realm.name);
    };
    if session.ended_at.is_some() {
        bail!("session `{id}` has ended already");
    }
    let record = Audit {
        principal_id: Some(session.principal_id),
        session_id: Some(session.id),
        ..local.record("session.ended", Some(realm.id), "revoked by the operator")
    };
    local.store().end_session(session.id, local.now(), record).await?;
    say(&format!("session `{}` was ended", session.id));
    Ok(())
}

async fn revoke_of(local: &Local, realm: &Realm, username: &str) -> anyhow::Result<()> {
    let person = local.person(realm, username).await?;
    let record = local.record_of("person.revoked", &person, person.username.as_str());
    local.store().end_principal_sessions(person.id, local.now(), record).await?;
    say(&format!("every session of `{}` was ended", person.username));
    Ok(())
}
