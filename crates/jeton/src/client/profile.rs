//! `jeton profile`

mod add;
mod environment;

use clap::Subcommand;
use http::Method;
use jeton_client::vault::{State, VaultError};
use jeton_client::{Clock, Profile, Profiles, TokenSource};
use jeton_core::dialect::{self, Values};
use jeton_core::time::Timestamp;
use serde_json::Value;

use super::call::Call;
use super::{Folder, block_on, valid};
use crate::local::print::{Record, list, maybe_time, record, say, show, texts, time};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    folder: Folder,
    /// Print JSON instead of text
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Add(add::Args),
    /// Show all profiles
    List,
    /// Show a profile, the names of its secrets and the state of its token
    Show {
        /// The profile
        name: String,
    },
    /// Remove a profile with its secrets and its token
    ///
    /// A token that is still good is not ended at the API: run `jeton logout` before.
    Remove {
        /// The profile
        name: String,
    },
    /// Get a token, ask the API whom it speaks for if its dialect can, and say how long it is good
    Test {
        /// The profile
        name: String,
    },
}

pub(super) fn run(args: Args) -> anyhow::Result<()> {
    let profiles = args.folder.profiles()?;
    match args.command {
        Command::Add(new) => add::run(&profiles, new),
        Command::List => {
            let rows = profiles.all()?.iter().map(|(name, profile)| row(name, profile)).collect();
            list(rows, "there is no profile yet; make one with: jeton profile add", args.json)
        }
        Command::Show { name } => show(details(&profiles, &name)?, args.json),
        Command::Remove { name } => {
            profiles.remove(&name)?;
            say(&format!("removed the profile `{name}`"));
            Ok(())
        }
        Command::Test { name } => show(test(&profiles, &name)?, args.json),
    }
}

fn row(name: &str, profile: &Profile) -> Record {
    record! {
        "name": name,
        "url": profile.url.as_str(),
        "dialect": profile.dialect.clone(),
        "issuer": profile.issuer.clone(),
    }
}

fn details(profiles: &Profiles, name: &str) -> anyhow::Result<Record> {
    let profile = profiles.get(name)?;
    let state = match profiles.vault().load(name, &profile) {
        Err(VaultError::Missing(_)) => State::default(),
        state => state?,
    };
    let mut shown = row(name, &profile);
    shown.append(&mut record! {
        "grant": serde_json::to_value(profile.grant)?,
        "auth": serde_json::to_value(profile.auth)?,
        "ca_file": profile.ca_file.as_ref().map(|file| file.display().to_string()),
        "values": serde_json::to_value(&profile.values)?,
        "secrets": texts(state.secrets.keys().cloned()),
        "token": token_state(&state, Clock::system().now()),
        "expires": maybe_time(state.token.as_ref().and_then(|token| token.expires_at)),
    });
    Ok(shown)
}

fn token_state(state: &State, now: Timestamp) -> &'static str {
    match &state.token {
        None => "none",
        Some(token) if token.is_good(now) => "good",
        Some(_) => "expired",
    }
}

fn test(profiles: &Profiles, name: &str) -> anyhow::Result<Record> {
    let clock = Clock::system();
    let source = TokenSource::open(profiles, name, clock.clone())?;
    let began = clock.now();
    let (token, user) = block_on(async {
        let token = valid(&source).await?;
        let user = source.user_info(&token).await?;
        Ok((token, user))
    })?;
    let call = Call::new(&source, &token, &Method::GET, "/")?;
    let mut shown_in: Vec<Value> = call.headers.iter().map(|(name, _)| Value::from(name.as_str())).collect();
    if !call.query.is_empty() {
        shown_in.push(Value::from("query"));
    }
    Ok(record! {
        "good": true,
        "new": token.obtained_at >= began,
        "obtained": time(token.obtained_at),
        "refreshed_from": maybe_time(token.refresh_at),
        "expires": maybe_time(token.expires_at),
        "seconds_left": token.expires_at.map(|end| end.since(clock.now()).as_secs()),
        "has_refresh_token": token.refresh.is_some(),
        "shown_in": Value::Array(shown_in),
        "speaks_for": user.map_or(Value::Null, |user| Value::Object(person(&user))),
    })
}

/// What the API says of whom the token speaks for.
fn person(values: &Values) -> Record {
    let text = |value: &dialect::Value| match value {
        dialect::Value::Text(text) => Some(Value::from(text.as_str())),
        dialect::Value::Number(number) => Some(Value::from(*number)),
        dialect::Value::Bool(flag) => Some(Value::from(*flag)),
        dialect::Value::Time(at) => Some(time(*at)),
        dialect::Value::Secret(_) => None,
    };
    values.iter().filter_map(|(name, value)| Some((name.to_owned(), text(value)?))).collect()
}
