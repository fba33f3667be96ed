//! The commands that speak to APIs as a client: profiles, their tokens, and calls made with them.
//!
//! [`jeton_client`] knows how tokens are had and kept. Here stands how a person or another program asks for them.

mod call;
mod credential;
mod curl;
mod exec;
mod profile;
mod proxy;
pub(crate) mod secret;
mod session;
mod token;

pub(crate) use credential::arguments;

use std::future::Future;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Subcommand;
use jeton_client::flow::FlowError;
use jeton_client::{Clock, Error, Profiles, Token, TokenSource};
use jeton_core::domain::refusal::Reason;
use jeton_server::sealing;

use crate::local::print::say;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Profiles: which API, by which dialect or OAuth issuer, as whom
    Profile(profile::Args),
    Token(token::Args),
    Header(call::HeaderArgs),
    Exec(exec::Args),
    Curl(curl::Args),
    Proxy(proxy::Args),
    Login(session::LoginArgs),
    Refresh(session::RefreshArgs),
    Logout(session::LogoutArgs),
    /// Answer git or Docker that ask for a password
    Credential(credential::Args),
}

/// Runs one command.
pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    sealing::no_core_dumps().context("core dumps could not be switched off")?;
    match command {
        Command::Profile(args) => profile::run(args),
        Command::Token(args) => token::run(args),
        Command::Header(args) => call::header(&args),
        Command::Exec(args) => exec::run(args),
        Command::Curl(args) => curl::run(args),
        Command::Proxy(args) => proxy::run(args),
        Command::Login(args) => session::login(&args),
        Command::Refresh(args) => session::refresh(&args),
        Command::Credential(args) => credential::run(args),
        Command::Logout(args) => session::logout(&args),
    }
}

/// The exit status for an error: 3 if the API says no or a person must sign in, 4 if it may say yes later, 1 for
/// everything else.
pub(crate) fn exit_status(error: &anyhow::Error) -> u8 {
    match error.chain().find_map(|cause| cause.downcast_ref::<Error>()) {
        Some(Error::Transport(_) | Error::Pause(_)) => 4,
        Some(Error::SignInNeeded(_)) => 3,
        Some(Error::Flow(FlowError::Refused(refusal))) => match refusal.reason {
            Reason::Throttled | Reason::Unavailable => 4,
            _ => 3,
        },
        _ => 1,
    }
}

/// Where profiles are.
#[derive(clap::Args)]
pub(crate) struct Folder {
    /// The folder with the profiles, and sealed beside them their secrets and tokens [default: ~/.config/jeton]
    #[arg(long = "profiles", global = true, env = "JETON_PROFILES", value_name = "DIR")]
    profiles: Option<PathBuf>,
}

impl Folder {
    fn profiles(&self) -> anyhow::Result<Profiles> {
        if let Some(folder) = &self.profiles {
            return Ok(Profiles::at(folder));
        }
        // XDG Base Directory Specification: a relative path counts as none.
        let settings = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        match settings.or_else(|| Some(std::env::home_dir()?.join(".config"))) {
            Some(settings) => Ok(Profiles::at(settings.join("jeton"))),
            None => bail!("there is no home folder to keep profiles in; name a folder with --profiles DIR"),
        }
    }

    fn source(&self, name: &str) -> anyhow::Result<TokenSource> {
        Ok(TokenSource::open(&self.profiles()?, name, Clock::system())?)
    }
}

/// A valid token. That it could not be refreshed although it is time to is told, and no error; so is what was odd in the
/// answer that has just issued it.
async fn valid(source: &TokenSource) -> anyhow::Result<Token> {
    let given = source.token().await?;
    if let Some(error) = given.refresh_failed {
        say(&format!("warning: the token is still good, and could not be refreshed: {error}"));
    }
    for deviation in &given.token.deviations {
        say(&format!("warning: the API's answer is not as it should be: {deviation}"));
    }
    checked(given.token)
}

/// The token, unless it would end a line where one is expected.
fn checked(token: Token) -> anyhow::Result<Token> {
    if token.access.expose().chars().any(char::is_control) {
        bail!("the API's token has control characters in it, so it cannot be used; see whether the dialect is right");
    }
    Ok(token)
}

fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}
