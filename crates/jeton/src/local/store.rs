//! `jeton store`

use anyhow::Context;
use clap::Subcommand;
use jeton_core::time::Timestamp;
use jeton_server::clock::Clock;
use jeton_store::{Begun, Passing, Stats, Store};
use serde_json::Value;

use super::print::{Record, maybe_time, record, say, show, show_table};
use super::{Shared, copy};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Say what is stored, what it takes up, and how it grows; servers may run meanwhile
    Stats,
    Copy(copy::Args),
}

pub(super) async fn run(shared: &Shared, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Stats => stats(shared).await,
        Command::Copy(args) => copy::run(shared, &args).await,
    }
}

/// Needs no master key: it counts, and reads nothing that is sealed.
async fn stats(shared: &Shared) -> anyhow::Result<()> {
    let (_, database) = shared.settings()?;
    let store = Store::open(&database).await?;
    let stats = store.stats(Clock::system().now()).await.context("the store could not be counted")?;
    store.close().await;
    let passing = stats.passing.iter().map(row);
    if shared.json {
        let mut all = summary(&stats);
        all.insert("passing".to_owned(), Value::Array(passing.map(Value::Object).collect()));
        return show(all, true);
    }
    show(summary(&stats), false)?;
    say("rows that leave by themselves:");
    show_table(&passing.collect::<Vec<_>>())
}

fn summary(stats: &Stats) -> Record {
    let lasting = &stats.lasting;
    let (added, removed) = stats.bytes_a_day();
    record! {
        "engine": stats.engine,
        "schema": stats.schema,
        "bytes_used": stats.size.used,
        "bytes_free": stats.size.free,
        "bytes_log": stats.size.log,
        "realms": lasting.realms,
        "people": lasting.people,
        "services": lasting.services,
        "clients": lasting.clients,
        "api_keys": lasting.api_keys,
        "secrets": lasting.secrets,
        "targets": lasting.targets,
        "signing_keys": lasting.signing_keys,
        "sessions_live": stats.live_sessions,
        "sessions_ended": stats.ended_sessions,
        "sessions_expired": stats.expired_sessions(),
        "bytes_added_last_day": added,
        "bytes_leaving_next_day": removed,
    }
}

fn row(passing: &Passing) -> Record {
    let begun = passing.begun.as_ref();
    let count = |of: fn(&Begun) -> i64| begun.map(of);
    let when = |of: fn(&Begun) -> Option<Timestamp>| maybe_time(begun.and_then(of));
    record! {
        "kind": passing.kind,
        "rows": passing.rows,
        "new_in_hour": count(|begun| begun.in_hour),
        "in_day": count(|begun| begun.in_day),
        "in_week": count(|begun| begun.in_week),
        "due_now": passing.due_now,
        "due_in_hour": passing.due_in_hour,
        "due_in_day": passing.due_in_day,
        "last_due": maybe_time(passing.last_due),
        "oldest": when(|begun| begun.oldest),
        "newest": when(|begun| begun.newest),
    }
}
