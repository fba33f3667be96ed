//! Tokens by a dialect file: the same file that a server answers by.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jeton_core::dialect::{
    Dialect, End, Exchange, GrantName, Kind, Origin, Placed, ReadAnswer, ReadError, Slot, Value, Values,
};
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;
use serde::Deserialize;

use super::{Act, FlowError, Fresh, Issued, Request, Response, bearer};
use crate::address::{check_learnt, join};
use crate::jws::sign;
use crate::profile::Profile;
use crate::token::Token;
use crate::vault::Secrets;

/// Tokens by a dialect's own exchanges, at one address and as one person or program.
#[derive(Clone, Debug)]
pub struct DialectFlow {
    dialect: Arc<Dialect>,
    url: String,
    /// Other hosts that an answer may send calls to.
    hosts: Vec<String>,
    values: Values,
    /// What the steps of this sign-in gave so far.
    given: Values,
}

impl DialectFlow {
    /// The exchanges of `dialect` for a profile.
    ///
    /// # Errors
    /// The dialect has no sign-in, or a value of the profile has the wrong form.
    pub fn new(dialect: Arc<Dialect>, profile: &Profile) -> Result<Self, FlowError> {
        let index = exchange(&dialect, Act::SignIn).ok_or_else(|| FlowError::NoSignIn(dialect.name.clone()))?;
        let slots = dialect.whole_request_slots(index);
        let mut values = Values::new();
        for (name, text) in &profile.values {
            let kind = slots.iter().find(|slot| slot.name == *name).map_or(Kind::Text, |slot| slot.kind);
            values.set(name.as_str(), typed(name, text, kind)?);
        }
        let (url, hosts) = (profile.url.clone(), profile.hosts.clone());
        Ok(Self { dialect, url, hosts, values, given: Values::new() })
    }

    /// The request of a step before the sign-in, by its number; nothing if there are no more.
    pub(super) fn write_step(
        &self,
        step: usize,
        secrets: &Secrets,
        fresh: Fresh<'_>,
        now: Timestamp,
    ) -> Result<Option<Request>, FlowError> {
        let Some(index) = self.step(step) else { return Ok(None) };
        let mut values = self.known(secrets, fresh, now)?;
        self.given.iter().for_each(|(name, value)| values.set(name, value.clone()));
        let written = self.dialect.write_signed_request(index, &values, &Values::new(), &sign)?;
        let (url, asked) = (join(&self.url, &written.target), self.own(&values));
        let body = Secret::new(written.body);
        Ok(Some(Request { method: written.method, url, headers: written.headers, body, asked }))
    }

    /// Keeps what the answer to a step gives for the requests after it. `asked` is that of its request.
    pub(super) fn read_step(&mut self, step: usize, asked: &Values, response: &Response) -> Result<Values, FlowError> {
        let none = || FlowError::NoSignIn(self.dialect.name.clone());
        let ReadAnswer { values, .. } = self.read_exchange(self.step(step).ok_or_else(none)?, asked, response)?;
        for (name, value) in values.iter().filter(|(name, _)| self.dialect.is_of_step(name)) {
            self.given.set(name, value.clone());
        }
        Ok(values)
    }

    fn step(&self, step: usize) -> Option<usize> {
        let index = exchange(&self.dialect, Act::SignIn)?;
        self.dialect.exchanges.get(index)?.steps.clone().nth(step)
    }

    /// What any request is written from: the profile's values and secrets, the time, chance.
    fn known(&self, secrets: &Secrets, fresh: Fresh<'_>, now: Timestamp) -> Result<Values, FlowError> {
        let mut values = with_fresh(&self.dialect, self.values.clone(), fresh)?;
        values.set("asked_at", now);
        // A client proves itself in a refresh and a sign-out too, where the API has it so.
        secrets.iter().for_each(|(name, secret)| values.set(name.as_str(), secret.clone()));
        Ok(values)
    }

    /// What of a request its answer may repeat.
    fn own(&self, values: &Values) -> Values {
        let own = self.dialect.fields.iter().filter(|field| field.origin == Origin::Client);
        own.fold(Values::new(), |asked, field| match values.get(&field.name) {
            Some(value) => asked.with(field.name.as_str(), value.clone()),
            None => asked,
        })
    }

    pub(super) fn write(
        &self,
        act: Act,
        secrets: &Secrets,
        token: Option<&Token>,
        fresh: Fresh<'_>,
        now: Timestamp,
    ) -> Result<Option<Request>, FlowError> {
        let Some(index) = exchange(&self.dialect, act) else { return Ok(None) };
        let grant = self.dialect.exchanges[index].grant;
        let slots = self.dialect.exchanges[index].request_slots();
        let mut values = self.known(secrets, fresh, now)?;
        match (act, token) {
            (Act::SignIn, _) => self.given.iter().for_each(|(name, value)| values.set(name, value.clone())),
            (Act::Refresh | Act::UserInfo | Act::End, None) => return Ok(None),
            (Act::Refresh | Act::UserInfo | Act::End, Some(token)) => {
                values.set("access_token", token.access.clone());
                for slot in &slots {
                    if let (Some(text), None) = (token.said.get(&slot.name), values.get(&slot.name)) {
                        values.set(slot.name.as_str(), typed(&slot.name, text, slot.kind)?);
                    }
                }
                match &token.refresh {
                    Some(refresh) => values.set("refresh_token", refresh.clone()),
                    None if slots.iter().any(|slot| slot.name == "refresh_token" && slot.required) => return Ok(None),
                    None => {}
                }
            }
        }
        let written = self.dialect.write_signed_request(index, &values, &Values::new(), &sign)?;
        let (mut headers, mut target) = (written.headers, written.target);
        // What has no hole for its token shows it as any call does.
        if grant.shows_token() && !slots.iter().any(is_token) {
            let token = token.map(|token| token.access.clone()).unwrap_or_default();
            let placed = show(&self.dialect, (&written.method, &target), &token, &values, fresh)?;
            headers.extend(placed.headers);
            for (name, value) in placed.query {
                target = format!("{target}{}{name}={value}", if target.contains('?') { '&' } else { '?' });
            }
        }
        let url = join(&self.url, &target);
        let asked = self.own(&values);
        Ok(Some(Request { method: written.method, url, headers, body: Secret::new(written.body), asked }))
    }

    pub(super) fn read(&self, act: Act, asked: &Values, response: &Response) -> Result<Issued, FlowError> {
        let ReadAnswer { values, deviations } = self.read_answer(act, asked, response)?;
        let shape = |why: &str| FlowError::Shape { status: response.status, why: why.to_owned() };
        let mut issued = issued(&self.dialect, &values).ok_or_else(|| shape("it has no token"))?;
        issued.url = self.dialect.url.as_deref().and_then(|name| values.text(name)).map(str::to_owned);
        if let Some(url) = &issued.url {
            check_learnt(url, &self.url, &self.hosts)?;
        }
        Ok(Issued { said: self.repeated(&values), deviations, ..issued })
    }

    /// What of an answer the requests about its token repeat.
    fn repeated(&self, values: &Values) -> BTreeMap<String, String> {
        let acts = [Act::Refresh, Act::UserInfo, Act::End];
        let exchanges = acts.into_iter().filter_map(|act| self.dialect.exchanges.get(exchange(&self.dialect, act)?));
        let slots = exchanges.flat_map(Exchange::request_slots);
        let text = |slot: Slot| match values.get(&slot.name)? {
            Value::Text(text) => Some((slot.name, text.clone())),
            Value::Number(number) => Some((slot.name, number.to_string())),
            _ => None,
        };
        slots.filter_map(text).collect()
    }

    pub(super) fn read_end(&self, response: &Response) -> Result<(), FlowError> {
        self.read_answer(Act::End, &Values::new(), response).map(|_| ())
    }

    pub(super) fn read_user_info(&self, response: &Response) -> Result<Values, FlowError> {
        Ok(self.read_answer(Act::UserInfo, &Values::new(), response)?.values)
    }

    fn read_answer(&self, act: Act, asked: &Values, response: &Response) -> Result<ReadAnswer, FlowError> {
        let none = || FlowError::Shape { status: response.status, why: "the dialect has no such exchange".to_owned() };
        self.read_exchange(exchange(&self.dialect, act).ok_or_else(none)?, asked, response)
    }

    fn read_exchange(&self, index: usize, asked: &Values, response: &Response) -> Result<ReadAnswer, FlowError> {
        let shape = |why| FlowError::Shape { status: response.status, why };
        match self.dialect.read_answer_to(index, asked, &response.parts()) {
            Ok(read) => Ok(read),
            Err(ReadError::Refused(refusal)) => Err(FlowError::Refused(refusal)),
            Err(ReadError::Shape(why)) => Err(response.overload().map_or_else(|| shape(why), FlowError::Refused)),
        }
    }
}

/// The next token, if the answer to a call gives one.
pub(crate) fn returned(dialect: &Dialect, response: &Response) -> Option<Issued> {
    issued(dialect, &dialect.read_returned(&response.parts())?)
}

/// The token among the values of an answer.
fn issued(dialect: &Dialect, values: &Values) -> Option<Issued> {
    let access = values.secret("access_token")?.clone();
    let told = values.number("expires_in").and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
    let expires_at = values.time("expires_at").or_else(|| unverified_expiry(access.expose()));
    let policy = &dialect.policy;
    // What the answer says goes before what the file says of all answers.
    let by_policy = || policy.idle.map_or(policy.lifetime, |idle| idle.min(policy.lifetime));
    let lifetime = told.or_else(|| expires_at.is_none().then(by_policy));
    let refresh = values.secret("refresh_token").cloned();
    Some(Issued { access, refresh, lifetime, expires_at, ..Issued::default() })
}

/// Names and types of the values that a sign-in of this dialect takes, in its steps too; those the client makes itself
/// and those that steps give left out. Nothing if it has no sign-in.
pub fn sign_in_slots(dialect: &Dialect) -> Option<Vec<Slot>> {
    let index = exchange(dialect, Act::SignIn)?;
    let made = |slot: &Slot| {
        slot.name == "asked_at" || dialect.fields.iter().any(|field| field.made && field.name == slot.name)
    };
    Some(dialect.whole_request_slots(index).into_iter().filter(|slot| !made(slot)).collect())
}

/// Where a call of this method and path shows its token, and what stands beside it.
pub(crate) fn show(
    dialect: &Dialect,
    (method, path): (&http::Method, &str),
    token: &Secret<String>,
    values: &Values,
    fresh: Fresh<'_>,
) -> Result<Placed, FlowError> {
    if dialect.shows.is_empty() {
        return Ok(bearer(token));
    }
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    Ok(dialect.place_token(method, path, token, &with_fresh(dialect, values.clone(), fresh)?)?)
}

fn exchange(dialect: &Dialect, act: Act) -> Option<usize> {
    let grants: &[GrantName] = match act {
        Act::SignIn => &[GrantName::Password, GrantName::ApiKey, GrantName::ClientCredentials],
        Act::Refresh => &[GrantName::Refresh, GrantName::Renew],
        Act::UserInfo => &[GrantName::UserInfo],
        Act::End => &[GrantName::End],
    };
    let written = |exchange: &Exchange| exchange.only != Some(End::Server) && grants.contains(&exchange.grant);
    dialect.exchanges.iter().position(written)
}

/// `values` with a fresh one for every name that the sender makes up, unless the profile has given it.
fn with_fresh(dialect: &Dialect, mut values: Values, fresh: Fresh<'_>) -> Result<Values, FlowError> {
    for field in dialect.fields.iter().filter(|field| field.made) {
        if values.get(&field.name).is_none() {
            values.set(field.name.as_str(), fresh()?);
        }
    }
    Ok(values)
}

fn typed(name: &str, text: &str, kind: Kind) -> Result<Value, FlowError> {
    let wrong = |demand| FlowError::Value { name: name.to_owned(), demand };
    Ok(match kind {
        Kind::Number => Value::Number(text.parse().map_err(|_| wrong("a whole number"))?),
        Kind::Bool => Value::Bool(text.parse().map_err(|_| wrong("true or false"))?),
        Kind::Secret => return Err(wrong("given as a secret, not among its values")),
        Kind::Time => return Err(wrong("left out: a time cannot be given")),
        Kind::Text | Kind::Uuid | Kind::Uuid4 | Kind::Dotted => Value::from(text),
    })
}

fn is_token(slot: &Slot) -> bool {
    slot.name == "access_token" || slot.name == "refresh_token"
}

/// The `exp` of a JWT. Only the API can check the signature; a client uses this to be early, not to believe.
fn unverified_expiry(token: &str) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Claims {
        exp: i64,
    }
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    let claims: Claims = serde_json::from_slice(&BASE64URL.decode(payload).ok()?).ok()?;
    Some(Timestamp::from_secs(claims.exp))
}
