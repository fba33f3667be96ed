//! Breaks servers under load and checks, with a journal kept on the client's side, that nothing acknowledged is lost.
#![expect(clippy::print_stdout, reason = "what it found is what it prints")]

mod check;
mod connection;
mod history;
mod journal;
mod kill;
mod load;
mod nodes;
mod prepare;
mod random;
mod record;
mod server;
mod service;
mod storm;
mod summary;

use std::process::ExitCode;

use clap::Parser;

/// The program behind ./faults; see docs/faults.md.
#[derive(Parser)]
enum Command {
    /// Make the realm, API keys and client that the other commands work with
    Prepare(prepare::Args),
    /// Keep running nodes busy, and write down what they answer
    Load(load::Args),
    /// Compare running nodes with a journal
    Check(check::Args),
    /// SIGKILL a server on SQLite again and again under load
    Kill(kill::Args),
    /// Refresh one token a thousand times at once
    Storm(storm::Args),
    /// Three servers on one PostgreSQL: what one does, all know; kill servers and database under load
    Nodes(nodes::Args),
}

/// Status 0 if the service kept its word (with `--control`: if it was seen to break it), 1 if not, 2 if the run itself
/// failed.
fn main() -> ExitCode {
    let command = Command::parse();
    let ended =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Into::into).and_then(|runtime| {
            runtime.block_on(async {
                match command {
                    Command::Prepare(args) => prepare::run(&args).map(|()| true),
                    Command::Load(args) => load::run(args).await,
                    Command::Check(args) => check::run(args).await,
                    Command::Kill(args) => kill::run(args).await,
                    Command::Storm(args) => storm::run(args).await,
                    Command::Nodes(args) => nodes::run(args).await,
                }
            })
        });
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("faults: {error:#}");
            ExitCode::from(2)
        }
    }
}
