//! `jeton dialect`: what can be done with the file that describes an API's token page.

mod check;
mod file;
mod from_curl;

use clap::Subcommand;

/// Verbs of `jeton dialect`.
#[derive(Subcommand)]
pub(crate) enum Command {
    Check(check::Args),
    FromCurl(from_curl::Args),
}

/// Does what was asked.
pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Check(args) => check::run(&args),
        Command::FromCurl(args) => from_curl::run(&args),
    }
}
