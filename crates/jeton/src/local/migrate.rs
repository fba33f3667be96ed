//! `jeton migrate`

use std::process;

use jeton_store::{Database, Store};

use super::Shared;
use super::print::{record, say, show, texts};

/// Nothing is to be done.
const CURRENT: i32 = 0;
/// Steps are to be taken.
const PENDING: i32 = 1;
/// It cannot be said: the database does not answer, or the store is not one that this Jeton can open.
const UNKNOWN: i32 = 2;

/// Bring the store's tables up to date, as `jeton serve` does when it starts
///
/// Other nodes may run meanwhile, and of several that begin at once one does it. There is no way back but a backup.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    shared: Shared,
    /// Only say what would be done, and change nothing: exit status 0 if that is nothing, 1 if there is something to
    /// do, 2 if it cannot be said
    #[arg(long)]
    check: bool,
}

pub(super) async fn run(args: &Args) -> anyhow::Result<()> {
    if args.check {
        // As `diff` has it. An error of any other command is 1.
        process::exit(check(&args.shared).await.unwrap_or_else(|error| {
            say(&format!("error: {error:#}"));
            UNKNOWN
        }));
    }
    let (_, database) = args.shared.settings()?;
    let done = Store::pending_migrations(&database).await?;
    Store::open(&database).await?.close().await;
    if done.is_empty() {
        say("the tables are up to date");
    }
    tell(&args.shared, &database, "done", done)
}

async fn check(shared: &Shared) -> anyhow::Result<i32> {
    let (_, database) = shared.settings()?;
    let pending = Store::pending_migrations(&database).await?;
    let status = if pending.is_empty() { CURRENT } else { PENDING };
    tell(shared, &database, "pending", pending)?;
    Ok(status)
}

fn tell(shared: &Shared, database: &Database, what: &'static str, steps: Vec<String>) -> anyhow::Result<()> {
    let mut told = record! { "database": database.to_string() };
    told.insert(what.to_owned(), texts(steps));
    show(told, shared.json)
}
