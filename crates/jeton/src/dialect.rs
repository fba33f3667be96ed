//! `jeton dialect`: what can be done with the file that describes an API's token page.

mod from_curl;

use clap::Subcommand;

/// Verbs of `jeton dialect`.
#[derive(Subcommand)]
pub(crate) enum Command {
    FromCurl(from_curl::Args),
}

/// Does what was asked.
pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::FromCurl(args) => from_curl::run(&args),
    }
}
