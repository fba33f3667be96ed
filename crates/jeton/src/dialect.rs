//! `jeton dialect`: what can be done with the file that describes an API's token page.

mod check;
mod docs;
mod file;
mod from_curl;
mod list;
mod trial;

use clap::Subcommand;

/// Verbs of `jeton dialect`.
#[derive(Subcommand)]
pub(crate) enum Command {
    Check(check::Args),
    FromCurl(from_curl::Args),
    Docs(docs::Args),
    #[command(name = "try")]
    Trial(trial::Args),
    List(list::ListArgs),
    Show(list::ShowArgs),
    /// Print the reference of the dialect language, in Markdown
    Reference,
}

/// Does what was asked.
pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Check(args) => check::run(&args),
        Command::FromCurl(args) => from_curl::run(&args),
        Command::Docs(args) => docs::run(&args),
        Command::Trial(args) => trial::run(args),
        Command::List(args) => list::list_all(&args),
        Command::Show(args) => list::show(&args),
        Command::Reference => {
            anstream::print!("{}", jeton_core::dialect::reference::markdown());
            Ok(())
        }
    }
}
