//! `jeton token inspect`

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use anyhow::bail;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jeton_core::domain::realm::Realm;
use jeton_core::domain::refusal::Reason;
use jeton_core::facts::{Facts, Query};
use jeton_core::secret::Secret;
use jeton_core::token::jwt;
use jeton_server::exchange::Ended;
use jeton_server::inspect::inspect;
use jeton_server::present::present;
use serde_json::Value;

use super::password::{from_file, from_stdin, prompt};
use super::print::{Record, record, time};
use super::{Local, Shared};

/// Say whether a token of a local realm is good now, whom it speaks for, and what it claims
///
/// The token is read from --file or from standard input, or asked for on a terminal; it is never printed.
/// The exit status is 0 if the token is good and 1 if it is not.
#[derive(clap::Args)]
pub(crate) struct Inspect {
    #[command(flatten)]
    pub(super) shared: Shared,
    /// The realm that issued it
    realm: String,
    /// Take the token from this file
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(super) async fn run(local: &Local, args: Inspect) -> anyhow::Result<()> {
    let Inspect { realm, file, .. } = args;
    let realm = local.realm(&realm).await?;
    let token = match &file {
        Some(path) => from_file(path)?,
        None if io::stdin().is_terminal() => prompt("Token: ", "give --file FILE")?,
        None => from_stdin()?,
    };
    let token = Secret::from(token.expose().trim());
    if token.expose().is_empty() {
        bail!("there is no token; give it in a file with --file, or on standard input");
    }
    tell(local, &realm, &token).await
}

async fn tell(local: &Local, realm: &Realm, token: &Secret<String>) -> anyhow::Result<()> {
    let verdict = inspect(&local.app, &realm.name, token, |live, _, _| {
        let mut more = record! { "scope": live.scope.as_ref() };
        more.insert("level".to_owned(), Value::from(live.level));
        more.insert("issued".to_owned(), time(live.issued_at));
        more.insert("expires".to_owned(), time(live.expires_at));
        more
    });
    let (mut more, reason) = match verdict.await {
        Ok(more) => (more, None),
        Err(Ended::Refused(refusal)) => (Record::new(), Some(refusal.reason)),
        Err(Ended::Broken(fault)) => return Err(fault.into()),
    };
    let mut shown = record! { "good": reason.is_none(), "why": reason.map(why) };
    let (mut subject, signed) = speaks_for(local, realm, token).await?;
    shown.append(&mut subject);
    shown.append(&mut more);
    if let Some(claims) = claims(token.expose()) {
        shown.insert(if signed { "claims" } else { "unverified_claims" }.to_owned(), claims);
    }
    local.show(shown)?;
    match reason {
        None => Ok(()),
        Some(reason) => bail!("the token is not good: {}", why(reason)),
    }
}

/// Whom a token speaks or spoke for, good or not, and whether its form and signature are in order.
async fn speaks_for(local: &Local, realm: &Realm, token: &Secret<String>) -> anyhow::Result<(Record, bool)> {
    let keys = local.app.keys(realm.id).await?;
    let Ok(presented) = present(token.expose(), &keys, &local.app.pepper) else {
        return Ok((Record::new(), false));
    };
    let client_id = presented.claims.as_ref().and_then(|claims| claims.client_id.as_deref());
    let query = Query { realm: &realm.name, token: Some(presented.digest), client_id, ..Query::default() };
    let facts = local.store().load(&query).await?;
    Ok((facts.as_ref().map(subject).unwrap_or_default(), true))
}

fn subject(facts: &Facts) -> Record {
    if let Some(row) = &facts.token {
        return record! {
            "subject": row.principal.id.to_string(),
            "username": row.principal.username.as_str(),
            "actor": row.actor.as_ref().map(|actor| actor.username.clone()),
            "client_id": row.client.as_ref().map(|client| client.client_id.clone()),
            "key_id": row.api_key.as_ref().map(|key| key.key_id.clone()),
            "target": row.target.as_ref().map(|(target, _)| target.number),
            "session": row.session.id.to_string(),
            "dialect": row.session.dialect.as_str(),
        };
    }
    let Some(client) = &facts.client else { return Record::new() };
    record! {
        "subject": client.service.id.to_string(),
        "username": client.service.username.as_str(),
        "client_id": client.client_id.as_str(),
    }
}

/// The claims of a JWT, whether they are true or not.
fn claims(token: &str) -> Option<Value> {
    let middle = token.split('.').nth(1).filter(|_| jwt::looks_like_jwt(token))?;
    serde_json::from_slice(&BASE64URL.decode(middle).ok()?).ok()
}

fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::NoRealm => "the realm is disabled",
        Reason::Unreadable => "it is no token of this realm, or it was altered",
        Reason::UnknownKey => "it is signed with a key that this realm does not have",
        Reason::InvalidToken => "this realm knows no such token",
        Reason::Expired => "its time is over",
        Reason::Revoked => "it was ended before its time: signed out, renewed or revoked",
        Reason::Disabled => "what it speaks for is disabled",
        other => other.name(),
    }
}
