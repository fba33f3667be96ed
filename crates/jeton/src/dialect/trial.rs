//! `jeton dialect try`: the client against a live server, every message shown and every secret masked.

mod mask;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use jeton_client::flow::{Act, DialectFlow, Flow, Issued, Request, Response};
use jeton_client::transport::Transport;
use jeton_client::vault::Secrets;
use jeton_client::{Clock, Profile, Token};
use jeton_core::dialect::{Deviation, Value, Values};
use jeton_core::domain::id::Id;
use jeton_core::secret::Secret;
use jeton_server::random::SystemRng;
use jeton_server::sealing;

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
    let mask = Mask::new(&secrets);
    let mut trial = Trial { flow, secrets, transport, clock: Clock::system(), mask };
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(trial.run())
}

struct Trial {
    flow: Flow,
    secrets: Secrets,
    transport: Transport,
    clock: Clock,
    /// Of the secrets that are known so far.
    mask: Mask,
}

impl Trial {
    async fn run(&mut self) -> anyhow::Result<()> {
        self.take_steps().await?;
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

    /// What comes before a sign-in, where the API needs it.
    async fn take_steps(&mut self) -> anyhow::Result<()> {
        for step in 0.. {
            let now = self.clock.now();
            let nonce = Id::random(&mut SystemRng::new()).to_string();
            let fresh = || Ok(nonce.clone());
            let Some(request) = self.flow.write_step(step, &self.secrets, &fresh, now)? else { break };
            anstream::println!("\nStep {}", step + 1);
            match self.flow.write_step(step, &self.stand_ins(), &fresh, now) {
                Ok(Some(shown)) => self.show_request(&shown),
                _ => hidden(&request),
            }
            let asked = request.asked.clone();
            let response = self.transport.send(request).await?;
            let given = self.flow.read_step(step, &asked, &response);
            // What a step gives opens the next one.
            for (name, value) in given.iter().flat_map(Values::iter) {
                match value {
                    Value::Secret(secret) => self.mask.add(name, secret),
                    Value::Text(text) => self.mask.add(name, &Secret::from(text.as_str())),
                    Value::Number(_) | Value::Bool(_) | Value::Time(_) => {}
                }
            }
            self.show_response(&response);
            given?;
        }
        Ok(())
    }

    /// Asks and shows; the token that the answer gave. Nothing is sent if the API has no such exchange.
    async fn step(&mut self, act: Act, title: &str, token: Option<&Token>) -> anyhow::Result<Option<Token>> {
        let now = self.clock.now();
        let nonce = Id::random(&mut SystemRng::new()).to_string();
        let fresh = || Ok(nonce.clone());
        let Some(request) = self.flow.write(act, &self.secrets, token, &fresh, now)? else { return Ok(None) };
        let masked_token = token.map(|token| Token {
            access: mask::stand_in("access_token", &token.access),
            refresh: token.refresh.as_ref().map(|refresh| mask::stand_in("refresh_token", refresh)),
            ..token.clone()
        });
        anstream::println!("\n{title}");
        // The request as it is with other secrets: so none is seen, however the dialect writes it.
        match self.flow.write(act, &self.stand_ins(), masked_token.as_ref(), &fresh, now) {
            Ok(Some(shown)) => self.show_request(&shown),
            _ => hidden(&request),
        }
        let asked = request.asked.clone();
        let response = self.transport.send(request).await?;
        let issues = matches!(act, Act::SignIn | Act::Refresh);
        let issued = if issues { self.flow.read(act, &asked, &response).map(Some) } else { Ok(None) };
        for issued in issued.iter().flatten() {
            self.mask.add("access_token", &issued.access);
            issued.refresh.iter().for_each(|refresh| self.mask.add("refresh_token", refresh));
        }
        self.show_response(&response);
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

    /// What is shown in place of the secrets.
    fn stand_ins(&self) -> Secrets {
        self.secrets.iter().map(|(name, secret)| (name.clone(), mask::stand_in(name, secret))).collect()
    }

    /// A request that was written without its secrets. What a step gave is still in it.
    fn show_request(&self, request: &Request) {
        anstream::println!("  → {} {}", request.method, self.mask.known_in(&request.url));
        let line = |(name, value): &(String, String)| anstream::println!("    {name}: {}", self.mask.known_in(value));
        request.headers.iter().for_each(line);
        self.mask.known_in(request.body.expose()).lines().for_each(|line| anstream::println!("    {line}"));
    }

    fn show_response(&self, response: &Response) {
        for line in self.mask.clone().response(response) {
            anstream::println!("  {line}");
        }
    }
}

fn hidden(request: &Request) {
    anstream::println!("  → {} (it cannot be shown without its secrets)", request.method);
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
