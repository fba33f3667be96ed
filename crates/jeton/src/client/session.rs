//! `jeton login`, `jeton refresh` and `jeton logout`

use std::io::{self, IsTerminal};
use std::process::{Command, Stdio};

use jeton_client::{Ended, Prompt, Token};

use super::{Folder, block_on, valid};
use crate::local::print::say;

/// Sign in anew, in the browser or with a code where the profile's grant asks for a person
#[derive(clap::Args)]
pub(crate) struct LoginArgs {
    #[command(flatten)]
    folder: Folder,
    /// The profile
    name: String,
}

/// Refresh the token if it is time to
#[derive(clap::Args)]
pub(crate) struct RefreshArgs {
    #[command(flatten)]
    folder: Folder,
    /// The profile
    name: String,
    /// Get a new token although the old one is good
    #[arg(long)]
    force: bool,
}

/// End the token, at the API where that has a sign-out
///
/// The profile and its secrets stay: the next call signs in again. `jeton profile remove` removes them.
#[derive(clap::Args)]
pub(crate) struct LogoutArgs {
    #[command(flatten)]
    folder: Folder,
    /// The profile
    name: String,
}

pub(super) fn login(args: &LoginArgs) -> anyhow::Result<()> {
    let source = args.folder.source(&args.name)?;
    let token = block_on(async { Ok(source.sign_in(show).await?) })?;
    say_how_long(&args.name, &token);
    Ok(())
}

/// Tells what to do, and opens the page if somebody sits there.
fn show(prompt: &Prompt) {
    match prompt {
        Prompt::Browse { url } => {
            say(&format!("sign in on this page, in a browser on this machine: {url}"));
            if io::stdin().is_terminal() {
                let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
                // Where there is none, the address is there to be copied.
                let _ = Command::new(opener).arg(url).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            }
        }
        Prompt::Type { url, code, url_with_code, lifetime } => {
            let minutes = lifetime.as_secs().div_ceil(60);
            say(&format!("open {url} on any device and type {code} (good for {minutes} minutes)"));
            if let Some(url) = url_with_code {
                say(&format!("or open {url}"));
            }
        }
    }
}

pub(super) fn refresh(args: &RefreshArgs) -> anyhow::Result<()> {
    let source = args.folder.source(&args.name)?;
    let token = block_on(async {
        match args.force {
            true => Ok(source.refresh().await?),
            false => valid(&source).await,
        }
    })?;
    say_how_long(&args.name, &token);
    Ok(())
}

fn say_how_long(name: &str, token: &Token) {
    let until = token.expires_at.map(|end| format!("is good until {}", end.whole_secs()));
    say(&format!("the token of `{name}` {}", until.as_deref().unwrap_or("has no known end")));
}

pub(super) fn logout(args: &LogoutArgs) -> anyhow::Result<()> {
    let source = args.folder.source(&args.name)?;
    let name = &args.name;
    say(&match block_on(async { Ok(source.end().await?) })? {
        Ended::AtTheApi => format!("the token of `{name}` has ended"),
        Ended::Here => {
            format!("the token of `{name}` is forgotten here; the API has no sign-out, so it ends by its time")
        }
        Ended::Nothing => format!("`{name}` has no token"),
    });
    Ok(())
}
