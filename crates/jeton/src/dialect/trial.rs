//! `jeton dialect try`: the client against a live server, every message shown and every secret masked.

mod mask;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use jeton_client::flow::{Act, DialectFlow, Flow, Issued, Request};
use jeton_client::transport::Transport;
use jeton_client::vault::Secrets;
use jeton_client::{Clock, Profile, Token};
use jeton_core::dialect::{Deviation, Value, Values};
use jeton_core::secret::Secret;
use jeton_server::random::SystemRng;
use jeton_server::sealing;
use rand_core::Rng;

use super::file::DialectFile;
use crate::client::sign_in_values;
use mask::Mask;

/// Try a dialect file on a live server, and show what is said
///
/// Signs in, asks whom the token speaks for, refreshes the token and ends it, as far as the dialect has that. Each request
/// and answer is shown with its secrets masked: their names and lengths stand for them. The exit status is 0 if all of it
/// worked.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A file, or the name of a dialect of the binary
    #[arg(value_name = "FILE|NAME")]
    dialect: String,
    /// The address of the API
    #[arg(long)]
    url: String,
    /// What the sign-in says that is not secret, such as username=ada; repeatable
    #[arg(long = "value", value_name = "NAME=VALUE")]
    values: Vec<String>,
    /// Where a secret comes from: NAME=file:PATH, NAME=env:VARIABLE, NAME=stdin or NAME=command:COMMAND; repeatable
    #[arg(long = "secret", value_name = "NAME=FROM")]
    secrets: Vec<String>,
    /// Trust the CA certificates (PEM) in this file and no others
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

/// Tries and prints.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    sealing::no_core_dumps().context("core dumps could not be switched off")?;
    let file = DialectFile::read(&args.dialect)?;
    let dialect = file.parse()?;
    let (values, secrets) = sign_in_values(&dialect, &args.values, &args.secrets)?;
    let named = match &file.path {
        Some(path) => path.canonicalize()?.display().to_string(),
        None => dialect.name.clone(),
    };
    let transport = Transport::new(args.ca_file.as_deref())?;
    let profile = Profile { url: args.url, dialect: Some(named), ca_file: args.ca_file, values, ..Profile::default() };
    profile.check()?;
    let flow = Flow::Dialect(Box::new(DialectFlow::new(Arc::new(dialect), &profile)?));
    let trial = Trial { flow, secrets, transport, clock: Clock::system() };
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(trial.run())
}

struct Trial {
    flow: Flow,
    secrets: Secrets,
    transport: Transport,
    clock: Clock,
}

impl Trial {
    async fn run(&self) -> anyhow::Result<()> {
        let mut token: Option<Token> = None;
        let mut failed = 0;
        for (act, title) in [
            (Act::SignIn, "A token"),
            (Act::UserInfo, "Whom it speaks for"),
            (Act::Refresh, "A new token"),
            (Act::End, "The end of the token"),
        ] {
            match self.step(act, title, token.as_ref()).await {
                Ok(None) => {}
                Ok(Some(new)) => {
                    // An answer without a refresh token means that the old one goes on (RFC 6749 §6).
                    let refresh = new.refresh.clone().or_else(|| token.as_ref().and_then(|old| old.refresh.clone()));
                    token = Some(Token { refresh, ..new });
                }
                Err(error) if act == Act::SignIn => return Err(error),
                Err(error) => {
                    anstream::println!("  ✗ {error:#}");
                    failed += 1;
                }
            }
        }
        match failed {
            0 => Ok(()),
            1 => bail!("1 step failed"),
            count => bail!("{count} steps failed"),
        }
    }

    /// Asks and shows; the token that the answer gave. Nothing is sent if the API has no such exchange.
    async fn step(&self, act: Act, title: &str, token: Option<&Token>) -> anyhow::Result<Option<Token>> {
        let now = self.clock.now();
        let nonce = nonce();
        let fresh = || Ok(nonce.clone());
        let Some(request) = self.flow.write(act, &self.secrets, token, &fresh, now)? else { return Ok(None) };
        let masked: Secrets =
            self.secrets.iter().map(|(name, secret)| (name.clone(), mask::stand_in(name, secret))).collect();
        let masked_token = token.map(|token| Token {
            access: mask::stand_in("access_token", &token.access),
            refresh: token.refresh.as_ref().map(|refresh| mask::stand_in("refresh_token", refresh)),
            ..token.clone()
        });
        anstream::println!("\n{title}");
        // The request as it is with other secrets: so none is seen, however the dialect writes it.
        match self.flow.write(act, &masked, masked_token.as_ref(), &fresh, now) {
            Ok(Some(shown)) => show_request(&shown),
            _ => anstream::println!("  → {} (it cannot be shown without its secrets)", request.method),
        }
        let asked = request.asked.clone();
        let response = self.transport.send(request).await?;
        let issues = matches!(act, Act::SignIn | Act::Refresh);
        let issued = if issues { self.flow.read(act, &asked, &response).map(Some) } else { Ok(None) };
        let mut mask = Mask::new(&self.secrets);
        let tokens = token.iter().flat_map(|token| [Some(&token.access), token.refresh.as_ref()]);
        let given = issued.iter().flatten().flat_map(|issued| [Some(&issued.access), issued.refresh.as_ref()]);
        for (secret, name) in tokens.chain(given).zip(["access_token", "refresh_token"].into_iter().cycle()) {
            if let Some(secret) = secret {
                mask.add(name, secret);
            }
        }
        for line in mask.response(&response) {
            anstream::println!("  {line}");
        }
        match issued? {
            Some(issued) => {
                show_issued(&issued);
                Ok(Some(Token::new(issued, now, 0, 0.0)))
            }
            None => {
                match act {
                    Act::UserInfo => show_values(&self.flow.read_user_info(&response)?),
                    _ => self.flow.read_end(&response).map(|()| anstream::println!("  ✓ it has ended"))?,
                }
                Ok(None)
            }
        }
    }
}

/// A UUID of version 4.
fn nonce() -> String {
    let mut bytes = [0; 16];
    SystemRng::new().fill_bytes(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

fn show_request(request: &Request) {
    anstream::println!("  → {} {}", request.method, request.url);
    request.headers.iter().for_each(|(name, value)| anstream::println!("    {name}: {value}"));
    request.body.expose().lines().for_each(|line| anstream::println!("    {line}"));
}

fn show_issued(issued: &Issued) {
    let length = |secret: &Secret<String>| secret.expose().chars().count();
    anstream::println!("  ✓ access_token: {} characters", length(&issued.access));
    if let Some(refresh) = &issued.refresh {
        anstream::println!("  ✓ refresh_token: {} characters", length(refresh));
    }
    match (issued.lifetime, issued.expires_at) {
        (Some(lifetime), _) => anstream::println!("  ✓ good for {} s", lifetime.as_secs()),
        (None, Some(end)) => anstream::println!("  ✓ good until {}", end.whole_secs()),
        (None, None) => anstream::println!("  ✓ without a known end"),
    }
    if let Some(url) = &issued.url {
        anstream::println!("  ✓ calls go to {url}");
    }
    let deviation = |deviation: &Deviation| anstream::println!("  – not as the file says: {deviation}");
    issued.deviations.iter().for_each(deviation);
}

fn show_values(values: &Values) {
    for (name, value) in values.iter() {
        let text = match value {
            Value::Text(text) => text.clone(),
            Value::Secret(secret) => format!("{} characters", secret.expose().chars().count()),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Time(time) => time.whole_secs().to_string(),
        };
        anstream::println!("  ✓ {name}: {text}");
    }
}
