//! `jeton dialect list` and `show`: the dialects of the binary.

use std::fmt::Write;

use jeton_core::dialect::Dialect;

use super::file::DialectFile;

/// Print the file of a dialect.
#[derive(clap::Args)]
pub(crate) struct ShowArgs {
    /// The name of a dialect of the binary
    name: String,
}

/// A line for each dialect of the binary: its name, and what can be asked for.
pub(crate) fn list() {
    let mut lines = String::new();
    for (name, text) in Dialect::built_in() {
        let grants: Vec<_> = match Dialect::parse(text) {
            Ok(dialect) => dialect.exchanges.iter().map(|exchange| exchange.grant.name()).collect(),
            Err(_) => Vec::new(),
        };
        let grants =
            if grants.is_empty() { "its tokens come from an OAuth issuer".to_owned() } else { grants.join(", ") };
        let _ = writeln!(lines, "{name:12}{grants}");
    }
    anstream::print!("{lines}");
}

/// Prints a file as it is.
pub(crate) fn show(args: &ShowArgs) -> anyhow::Result<()> {
    anstream::print!("{}", DialectFile::read(&args.name)?.text);
    Ok(())
}
