//! `jeton dialect try`: the client against a live server, showing what goes over the wire.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use jeton_client::flow::{Act, DialectFlow, Flow, Response};
use jeton_client::transport::Transport;
use jeton_client::vault::Secrets;
use jeton_client::{Clock, Profile, Token};
use jeton_core::dialect::{Dialect, Values};
use jeton_core::secret::Secret;
use jeton_server::random::SystemRng;
use rand_core::Rng;

use super::file::DialectFile;
use crate::client::secret;

/// Sign in to a live server by a dialect file, and show requests and answers with their secrets masked.
///
/// Then, as far as the file has it, the token tells whom it speaks for, is refreshed, and is ended.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A file, or the name of a dialect of the binary
    dialect: String,
    /// Where the API is
    #[arg(long)]
    url: String,
    /// What the sign-in says beside its secrets, such as username=ada; repeatable
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
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let file = DialectFile::read(&args.dialect)?;
    let dialect = Dialect::parse(&file.text).map_err(|mistakes| {
        let told: Vec<_> = mistakes.iter().map(|mistake| file.point_at(mistake)).collect();
        anyhow::anyhow!("{}", told.join("\n"))
    })?;
    let values = pairs(&args.values)?;
    let mut secrets = Secrets::new();
    for text in &args.secrets {
        let (name, origin) = secret::parse(text)?;
        let read = origin.read().with_context(|| format!("the secret `{name}`"))?;
        secrets.insert(name, read);
    }
    let profile = Profile { url: args.url.clone(), values, ..Profile::default() };
    let flow = Flow::Dialect(Box::new(DialectFlow::new(Arc::new(dialect), &profile)?));
    let transport = Transport::new(args.ca_file.as_deref())?;
    let attempt = Attempt { flow, transport, secrets };
    tokio::runtime::Runtime::new()?.block_on(attempt.run())
}

fn pairs(texts: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => bail!("`{text}` is no NAME=VALUE"),
    };
    texts.iter().map(pair).collect()
}

struct Attempt {
    flow: Flow,
    transport: Transport,
    secrets: Secrets,
}

/// What stands for a secret in what is printed.
const MASK: &str = "***";
/// Runs of this many characters in an answer may be secrets, whatever they are called.
const LONG: usize = 20;

impl Attempt {
    async fn run(&self) -> anyhow::Result<()> {
        let mut token = self.issue(Act::SignIn, None).await?.context("the dialect has no sign-in")?;
        if let Some((_, response)) = self.ask(Act::UserInfo, Some(&token)).await? {
            self.flow.read_user_info(&response)?;
        }
        if let Some(fresh) = self.issue(Act::Refresh, Some(&token)).await? {
            token = Token { refresh: fresh.refresh.or(token.refresh), ..fresh };
        }
        if let Some((_, response)) = self.ask(Act::End, Some(&token)).await? {
            self.flow.read_end(&response)?;
        }
        Ok(())
    }

    async fn issue(&self, act: Act, token: Option<&Token>) -> anyhow::Result<Option<Token>> {
        let asked_at = Clock::system().now();
        let Some((asked, response)) = self.ask(act, token).await? else { return Ok(None) };
        let issued = self.flow.read(act, &asked, &response)?;
        for deviation in &issued.deviations {
            anstream::println!("! {deviation}");
        }
        let token = Token::new(issued, asked_at, 0, 0.5);
        let life = token.expires_at.map_or("without a known end".to_owned(), |end| format!("good until {end}"));
        let refresh = if token.refresh.is_some() { ", with a refresh token" } else { "" };
        anstream::println!("= a token of {} characters, {life}{refresh}\n", token.access.expose().chars().count());
        Ok(Some(token))
    }

    /// Sends the request for `act`, if the dialect has one, and prints it and its answer.
    async fn ask(&self, act: Act, token: Option<&Token>) -> anyhow::Result<Option<(Values, Response)>> {
        let nonce = uuid();
        let fresh = || Ok(nonce.clone());
        let now = Clock::system().now();
        let Some(request) = self.flow.write(act, &self.secrets, token, &fresh, now)? else { return Ok(None) };
        // The same request without its secrets: masked however a secret is encoded in it.
        let hidden = self.secrets.keys().map(|name| (name.clone(), Secret::from(MASK))).collect();
        let blank = token.map(|token| Token {
            access: Secret::from(MASK),
            refresh: token.refresh.as_ref().map(|_| Secret::from(MASK)),
            ..token.clone()
        });
        if let Ok(Some(shown)) = self.flow.write(act, &hidden, blank.as_ref(), &fresh, now) {
            anstream::println!("→ {} {}", shown.method, shown.url);
            shown.headers.iter().for_each(|(name, value)| anstream::println!("→ {name}: {value}"));
            print_body("→", shown.body.expose());
        }
        let asked = request.asked.clone();
        let response = self.transport.send(request).await?;
        anstream::println!("← {} {}", response.status, response.reason_phrase.as_deref().unwrap_or_default());
        for (name, value) in &response.headers {
            anstream::println!("← {name}: {}", masked(&String::from_utf8_lossy(value.as_bytes())));
        }
        print_body("←", &masked(&String::from_utf8_lossy(response.body.expose())));
        Ok(Some((asked, response)))
    }
}

fn print_body(arrow: &str, body: &str) {
    if !body.is_empty() {
        anstream::println!("{arrow}");
        body.lines().for_each(|line| anstream::println!("{arrow} {line}"));
    }
    anstream::println!();
}

/// The text of an answer with every long run of a token's characters as its length.
fn masked(text: &str) -> String {
    let is_run = |char: char| char.is_ascii_alphanumeric() || "._~+/=-\\%".contains(char);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|char| is_run(char) != is_run(first)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        match is_run(first) && run.len() >= LONG {
            true => out.push_str(&format!("<{} characters>", run.len())),
            false => out.push_str(run),
        }
        rest = after;
    }
    out
}

fn uuid() -> String {
    let mut bytes = [0; 16];
    SystemRng::new().fill_bytes(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn long_runs_are_masked() {
        for (text, expected) in [
            (r#"{"token":"abcdefghijklmnopqrst","n":1}"#, r#"{"token":"<20 characters>","n":1}"#),
            (r#"{"token":"short"}"#, r#"{"token":"short"}"#),
            ("sid=a.b_c-d0123456789012345; Path=/", "<27 characters>; Path=/"),
            ("", ""),
            ("é", "é"),
        ] {
            assert_eq!(masked(text), expected);
        }
    }
}
