//! `jeton backup`

use std::path::PathBuf;

use anyhow::{Context, bail};
use jeton_server::clock::Clock;
use jeton_store::{Database, backup};

use super::Shared;
use super::print::{record, say, show, time};

/// Copy the store into a new file, while the server runs
///
/// The master key is neither needed nor in it: keep that elsewhere. `jeton restore` puts the store back. For a store in
/// PostgreSQL use its own tools.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    shared: Shared,
    /// The file; it must not be there yet
    file: PathBuf,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let (_, database) = args.shared.settings()?;
    let Database::File(store) = database else {
        bail!("{database} is copied with PostgreSQL's own tools, such as pg_basebackup or pg_dump");
    };
    let made = backup(&store, &args.file, Clock::system().now());
    let made = made.with_context(|| format!("no backup of {} was made", store.display()))?;
    say("keep it apart from the master key, without which it is of no use");
    show(
        record! {
            "file": args.file.display().to_string(),
            "taken_at": time(made.taken_at),
            "realms": made.realms,
            "people": made.people,
            "clients": made.clients,
            "api_keys": made.api_keys,
            "live_sessions": made.sessions,
            "bytes": made.bytes,
        },
        args.shared.json,
    )
}
