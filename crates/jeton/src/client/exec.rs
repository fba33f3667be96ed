//! `jeton exec`

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::anyhow;
use http::Method;

use super::call::Call;
use super::{Folder, block_on, valid};

/// Run a program with a valid token in its environment
///
/// JETON_TOKEN is the token, JETON_URL the API's address, and JETON_HEADER the header line that shows the token, if it
/// is shown in one. The program takes the place of this one: signals and the exit status are its own. The token is
/// not refreshed while the program runs; for a long one see `jeton proxy`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    folder: Folder,
    /// The profile
    name: String,
    /// The program with its arguments, behind `--`
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(super) fn run(args: Args) -> anyhow::Result<()> {
    let source = args.folder.source(&args.name)?;
    let (token, call) = block_on(async {
        let token = valid(&source).await?;
        let call = Call::new(&source, &token, &Method::GET, "/")?;
        Ok((token, call))
    })?;
    let mut words = args.command.into_iter();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).env("JETON_TOKEN", token.access.expose()).env("JETON_URL", source.url(&token));
    match call.header_lines()?.first() {
        Some(line) => command.env("JETON_HEADER", line),
        None => command.env_remove("JETON_HEADER"),
    };
    Err(replace_by(command))
}

/// Lets `command` take the place of this process. Returns only if it cannot.
pub(super) fn replace_by(mut command: Command) -> anyhow::Error {
    let error = command.exec();
    let program = command.get_program().display();
    match error.kind() {
        ErrorKind::NotFound => anyhow!("there is no program `{program}`; see whether it is installed and on the PATH"),
        _ => anyhow!(error).context(format!("`{program}` cannot be run")),
    }
}
