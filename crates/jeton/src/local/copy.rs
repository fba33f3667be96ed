//! `jeton store copy`

use std::path::Path;

use anyhow::{Context, bail};
use jeton_core::secret::Secret;
use jeton_store::{Copied, Database, copy};
use serde_json::Value;

use super::Shared;
use super::print::{Record, record, say, show, show_table};

/// How many connections each side needs: it reads and writes at once.
const CONNECTIONS: usize = 4;

/// Copy the store to another place, from a file to PostgreSQL or back, with the servers stopped
///
/// Every row is compared before the copy counts; whatever ends it earlier leaves something that no Jeton opens. The
/// master key is neither needed nor copied: servers on the copy need the same one.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The store: a file such as data/jeton.db, or postgres://USER@HOST/NAME without a password
    #[arg(long, value_name = "PLACE")]
    from: String,
    /// Where to: a new file, or a PostgreSQL without a store. The password of either comes from the environment
    /// (JETON_DATABASE_PASSWORD, PGPASSWORD)
    #[arg(long, value_name = "PLACE")]
    to: String,
}

pub(super) async fn run(shared: &Shared, args: &Args) -> anyhow::Result<()> {
    if shared.database.url()?.is_some() {
        bail!("--database has no meaning here: --from and --to name both stores");
    }
    let password = password();
    let from = place("--from", &args.from, password.as_ref())?;
    let to = place("--to", &args.to, password.as_ref())?;
    let copied = copy(&from, &to).await.with_context(|| format!("{from} was not copied"))?;
    if shared.json {
        let tables = copied.iter().map(row).map(Value::Object).collect();
        let summary = record! { "from": from.to_string(), "to": to.to_string(), "tables": Value::Array(tables) };
        return show(summary, true);
    }
    show_table(&copied.iter().map(row).collect::<Vec<_>>())?;
    say(&format!("every row is the same in {from} and in {to}: name the new place in the configuration, and start"));
    Ok(())
}

/// What PostgreSQL asks for: one password, since two servers seldom take part.
#[expect(clippy::disallowed_methods, reason = "a password has no flag, so the command line's parser has no say")]
fn password() -> Option<Secret<String>> {
    let set = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty()).map(Secret::new);
    ["JETON_DATABASE_PASSWORD", "PGPASSWORD"].iter().find_map(set)
}

/// The store that an option names.
fn place(option: &str, named: &str, password: Option<&Secret<String>>) -> anyhow::Result<Database> {
    if named.contains("://") {
        if Database::holds_password(named) {
            bail!(
                "a password in {option} can be seen by everybody on this machine; leave it out there, and give it as \
                 JETON_DATABASE_PASSWORD in the environment"
            );
        }
        return Database::postgres(named, password.cloned(), CONNECTIONS).with_context(|| option.to_owned());
    }
    let path = Path::new(named);
    if named.is_empty() || path.is_dir() {
        let file = path.join("jeton.db");
        bail!("{option} names no file: name the store's own, such as {}", file.display());
    }
    Ok(Database::file(path))
}

fn row(copied: &Copied) -> Record {
    record! { "table": copied.table, "rows": copied.rows }
}
