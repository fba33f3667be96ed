//! `jeton dialect`: what can be done with the file that describes an API's token page.

mod attempt;
mod check;
mod docs;
mod file;
mod from_curl;
mod list;

use clap::Subcommand;

/// Verbs of `jeton dialect`.
#[derive(Subcommand)]
pub(crate) enum Command {
    Check(check::Args),
    Try(attempt::Args),
    /// List the dialects of the binary
    List,
    Show(list::ShowArgs),
    FromCurl(from_curl::Args),
    Docs(docs::Args),
    /// Print the reference of the dialect language, in Markdown
    Reference,
}

/// Does what was asked.
pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Check(args) => check::run(&args),
        Command::Try(args) => attempt::run(&args),
        Command::List => {
            list::list();
            Ok(())
        }
        Command::Show(args) => list::show(&args),
        Command::FromCurl(args) => from_curl::run(&args),
        Command::Docs(args) => docs::run(&args),
        Command::Reference => {
            anstream::print!("{}", jeton_core::dialect::reference::markdown());
            Ok(())
        }
    }
}
