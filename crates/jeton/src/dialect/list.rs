//! `jeton dialect list` and `jeton dialect show`: which dialects there are, and their files.

use std::path::{Path, PathBuf};

use jeton_core::dialect::Dialect;

use super::file::DialectFile;
use crate::config::Config;
use crate::local::print::{Record, list, record, texts};

/// List the dialects of the binary, and those that a configuration file adds
#[derive(clap::Args)]
pub(crate) struct ListArgs {
    /// List the dialects that this configuration file names, too
    #[arg(long, env = "JETON_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

/// Print the file of a dialect: one of the binary, or one that a configuration file adds
#[derive(clap::Args)]
pub(crate) struct ShowArgs {
    /// The dialect's name
    name: String,
    /// Look among the dialects that this configuration file names, too
    #[arg(long, env = "JETON_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Prints a row for each: its name, where it is from, what can be asked for, and how many mistakes keep it from that.
pub(crate) fn list_all(args: &ListArgs) -> anyhow::Result<()> {
    let mut rows: Vec<Record> = Dialect::built_in().iter().map(|(name, text)| row(name, "the binary", text)).collect();
    for file in added(args.config.as_deref())? {
        rows.push(row("", file.shown(), &file.text));
    }
    list(rows, "there are no dialects", args.json)
}

/// Prints the text, as it stands in the file.
pub(crate) fn show(args: &ShowArgs) -> anyhow::Result<()> {
    // As in a server: a file of the configuration goes before one of the binary.
    let named = |file: &DialectFile| Dialect::parse(&file.text).is_ok_and(|dialect| dialect.name == args.name);
    let added = added(args.config.as_deref())?.into_iter().rev().find(named);
    let file = added.map_or_else(|| DialectFile::read(&args.name), Ok)?;
    anstream::print!("{}", file.text);
    Ok(())
}

/// The files that the configuration names.
fn added(config: Option<&Path>) -> anyhow::Result<Vec<DialectFile>> {
    let Some(path) = config else { return Ok(Vec::new()) };
    Config::read(path)?.dialects.iter().map(|file| DialectFile::open(file)).collect()
}

fn row(name: &str, from: &str, text: &str) -> Record {
    let (name, grants, mistakes) = match Dialect::parse(text) {
        Ok(dialect) => {
            let grants: Vec<_> = dialect.exchanges.iter().map(|exchange| exchange.grant.name()).collect();
            (dialect.name, grants, 0)
        }
        Err(mistakes) => (name.to_owned(), Vec::new(), mistakes.len()),
    };
    record! { "name": name, "from": from, "exchanges": texts(grants), "mistakes": mistakes }
}
