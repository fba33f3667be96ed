//! Jeton: obtain, serve and check access tokens. Arguments in, one call out.

mod client;
mod config;
#[cfg(feature = "demo")]
mod demo;
mod dialect;
mod gate;
mod init;
mod local;
mod logging;
mod rotator;
mod run;
mod serve;
mod sweeper;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

/// An access-token server, a gate in front of an API, and a client of any API's sign-in, in one binary.
///
/// New here? `jeton demo` runs four sample APIs with their sign-in pages and prints what to type.
/// For your own API: `jeton init`, then `jeton serve`. To call somebody's: `jeton profile add`, then `jeton token`.
#[derive(Parser)]
#[command(name = "jeton", version, propagate_version = false, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run four sample realms with their APIs, and print the lines to try them with
    #[cfg(feature = "demo")]
    Demo(demo::Args),
    /// Run the server that a configuration file describes
    Serve(serve::Args),
    /// Write a commented configuration file and a master key
    Init(init::Args),
    /// Stand in front of an API and let through what a realm's tokens open
    Gate(gate::Args),
    /// Dialect files: what describes an API's token page
    #[command(subcommand)]
    Dialect(dialect::Command),
    #[command(flatten)]
    Client(client::Command),
    #[command(flatten)]
    Local(local::Command),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse_from(client::arguments(std::env::args_os())).command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("error: {error:#}");
            ExitCode::from(client::exit_status(&error))
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        #[cfg(feature = "demo")]
        Command::Demo(args) => demo::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Init(args) => init::run(&args),
        Command::Gate(args) => gate::run(args),
        Command::Dialect(command) => dialect::run(command),
        Command::Client(command) => client::run(command),
        Command::Local(command) => local::run(command),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "jeton", &mut std::io::stdout());
            Ok(())
        }
    }
}
