//! A valid token, from disk while it is good, else from the API, asked once for all processes.

mod loopback;
mod sign_in;

use std::sync::Arc;

use jeton_core::dialect::{Dialect, Placed, Values};
use jeton_core::domain::refusal::Reason;
use jeton_core::secret::Secret;

use crate::clock::{Clock, uuid};
use crate::error::Error;
use crate::flow::{self, Act, DialectFlow, Flow, FlowError, Grant, Metadata, OAuthFlow, Request, Response};
use crate::profile::{Profile, Profiles};
use crate::token::{Need, Token, pause};
use crate::transport::Transport;
use crate::vault::{Lock, Secrets, State, Vault};

pub use sign_in::Prompt;

/// Gives the token of one profile.
#[derive(Debug)]
pub struct TokenSource {
    name: String,
    profile: Profile,
    dialect: Option<Arc<Dialect>>,
    vault: Vault,
    transport: Transport,
    clock: Clock,
}

/// A token that is good now.
#[derive(Debug)]
pub struct Given {
    /// The token.
    pub token: Token,
    /// Why it could not be refreshed, although it is time to: worth telling, no reason to stop.
    pub refresh_failed: Option<Error>,
}

/// How a token ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The API refuses it from now on.
    AtTheApi,
    /// The API has no sign-out: it is forgotten here, and good until it expires.
    Here,
    /// There was none.
    Nothing,
}

impl TokenSource {
    /// Prepares to give the token of the profile `name`. Nothing is sent.
    ///
    /// # Errors
    /// There is no such profile, or it could not work.
    pub fn open(profiles: &Profiles, name: &str, clock: Clock) -> Result<Self, Error> {
        let profile = profiles.get(name)?;
        profile.check()?;
        let dialect = profile.load_dialect()?.map(Arc::new);
        let transport = Transport::new(profile.ca_file.as_deref())?;
        Ok(Self { name: name.to_owned(), profile, dialect, vault: profiles.vault().clone(), transport, clock })
    }

    /// The profile.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// A good token: from disk, refreshed early, or new.
    ///
    /// # Errors
    /// There is none, and none to be had.
    pub async fn token(&self) -> Result<Given, Error> {
        let state = self.vault.load(&self.name, &self.profile)?;
        let now = self.clock.now();
        match (state.need(now), state.token) {
            (Need::Nothing, Some(token)) => Ok(Given { token, refresh_failed: None }),
            // Early: if another process is at it already, what there is does.
            (Need::Refresh, Some(token)) => match self.vault.try_lock(&self.name)? {
                Some(lock) => self.renew(&lock, None).await,
                None => Ok(Given { token, refresh_failed: None }),
            },
            _ => self.renew(&self.lock().await?, None).await,
        }
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// A new token now, although the old one may be good. Processes that ask for it together get the same.
    ///
    /// # Errors
    /// None is to be had; the old one stays.
    pub async fn refresh(&self) -> Result<Token, Error> {
        let before = self.vault.load(&self.name, &self.profile)?;
        self.refresh_from(before.token).await
    }

    /// The same, unless another process has replaced `refused` already.
    pub(crate) async fn refresh_instead_of(&self, refused: &Token) -> Result<Token, Error> {
        self.refresh_from(Some(refused.clone())).await
    }

    async fn refresh_from(&self, old: Option<Token>) -> Result<Token, Error> {
        let given = self.renew(&self.lock().await?, Some(old)).await?;
        given.refresh_failed.map_or(Ok(given.token), Err)
    }

    /// Whom the token speaks for, by the API's own word; nothing if its dialect has no such call.
    ///
    /// # Errors
    /// The API refuses the token, or could not be asked.
    pub async fn user_info(&self, token: &Token) -> Result<Option<Values>, Error> {
        let state = self.vault.load(&self.name, &self.profile)?;
        let flow = self.flow().await?;
        let Some(request) = flow.write(Act::UserInfo, &state.secrets, Some(token), &uuid, self.clock.now())? else {
            return Ok(None);
        };
        let response = self.transport.send(request).await?;
        Ok(Some(flow.read_user_info(&response)?))
    }

    /// Ends the token, at the API where that has a sign-out.
    ///
    /// # Errors
    /// The API could not be asked; the token stays, so that it can be tried again.
    pub async fn end(&self) -> Result<Ended, Error> {
        let lock = self.lock().await?;
        let state = self.vault.load(&self.name, &self.profile)?;
        if state.token.is_none() {
            return Ok(Ended::Nothing);
        }
        let flow = self.flow().await?;
        let ended = match flow.write(Act::End, &state.secrets, state.token.as_ref(), &uuid, self.clock.now())? {
            Some(request) => {
                flow.read_end(&self.transport.send(request).await?)?;
                Ended::AtTheApi
            }
            None => Ended::Here,
        };
        self.vault.store(&lock, &self.profile, &State { secrets: state.secrets, ..State::default() })?;
        Ok(ended)
    }

    /// What a call adds to show the token, as the profile's dialect has it for this method and path (encoded, below the
    /// profile's URL).
    ///
    /// # Errors
    /// The dialect shows no token in such a call, or a value beside the token is missing.
    pub fn show(&self, token: &Token, method: &http::Method, path: &str) -> Result<Placed, Error> {
        match &self.dialect {
            Some(dialect) => {
                let texts = self.profile.values.iter();
                let values = texts.fold(Values::new(), |values, (name, text)| values.with(name, text.as_str()));
                Ok(flow::show(dialect, (method, path), &token.access, &values, &uuid)?)
            }
            None => Ok(flow::bearer(&token.access)),
        }
    }

    /// Where calls with the token go: what the answer that issued it says, or else the profile's URL.
    pub fn url<'a>(&'a self, token: &'a Token) -> &'a str {
        token.url.as_deref().unwrap_or(&self.profile.url)
    }

    /// Keeps the next token, if the dialect says where the answer to a call gives one and this one does. `shown` is the
    /// token of the call; if another has been kept since, that one stays.
    ///
    /// # Errors
    /// What is sealed cannot be read or written.
    pub async fn keep_returned(&self, shown: &Token, response: &Response) -> Result<Option<Token>, Error> {
        let returned = self.dialect.as_ref().and_then(|dialect| flow::returned(dialect, response));
        let Some(issued) = returned.filter(|issued| issued.access != shown.access) else { return Ok(None) };
        let lock = self.lock().await?;
        let state = self.vault.load(&self.name, &self.profile)?;
        if state.token.as_ref().is_none_or(|kept| kept.access != shown.access) {
            return Ok(None);
        }
        let now = self.clock.now();
        let ahead = response.date().map_or(0, |date| date.as_secs() - now.as_secs());
        let mut token = Token::new(issued, now, ahead, self.clock.chance());
        token.refresh = token.refresh.or_else(|| shown.refresh.clone());
        token.url = shown.url.clone();
        self.vault.store(&lock, &self.profile, &State { token: Some(token.clone()), ..state })?;
        Ok(Some(token))
    }

    /// Asks the API, unless another process has done so meanwhile. `replacing` is the token that shall be replaced even
    /// if it is good; on failure, a good one is given all the same.
    async fn renew(&self, lock: &Lock, replacing: Option<Option<Token>>) -> Result<Given, Error> {
        let mut state = self.vault.load(&self.name, &self.profile)?;
        let now = self.clock.now();
        // By the value alone: what else is known of a token is not all kept.
        let is_wanted = replacing.as_ref().is_none_or(|replacing| access(replacing) != access(&state.token));
        if state.need(now) == Need::Nothing
            && is_wanted
            && let Some(token) = state.token
        {
            return Ok(Given { token, refresh_failed: None });
        }
        let asked = match state.pause(now) {
            Some(wait) => Err(Error::Pause(wait)),
            None => self.obtain(&state).await,
        };
        match asked {
            Ok(token) => {
                let state = State { secrets: state.secrets, token: Some(token.clone()), ..State::default() };
                self.vault.store(lock, &self.profile, &state)?;
                Ok(Given { token, refresh_failed: None })
            }
            Err(error) => {
                let now = self.clock.now();
                let good = state.good_token(now).cloned();
                if matches!(error, Error::SignInNeeded(_)) {
                    // What was just refused is not tried again.
                    state.token.iter_mut().for_each(|token| token.refresh = None);
                    self.vault.store(lock, &self.profile, &state)?;
                }
                if let Some(asked) = wants_pause(&error, good.is_some()) {
                    state.failures = state.failures.saturating_add(1);
                    state.not_before = Some(now + pause(state.failures, asked, self.clock.chance()));
                    self.vault.store(lock, &self.profile, &state)?;
                }
                match good {
                    Some(token) => Ok(Given { token, refresh_failed: Some(error) }),
                    None => Err(error),
                }
            }
        }
    }

    /// A token by refreshing the one there is, or if that gives none, by signing in.
    async fn obtain(&self, state: &State) -> Result<Token, Error> {
        let old = state.token.as_ref();
        let needs_person = self.grant().needs_person();
        if needs_person && old.is_none_or(|old| old.refresh.is_none()) {
            return Err(Error::SignInNeeded(self.name.clone()));
        }
        let mut flow = self.flow().await?;
        if let Some(request) = flow.write(Act::Refresh, &state.secrets, old, &uuid, self.clock.now())? {
            match self.exchange(&flow, Act::Refresh, request).await {
                Ok(mut token) => {
                    // An answer without a refresh token means that the old one goes on (RFC 6749 §6).
                    token.refresh = token.refresh.or_else(|| old.and_then(|old| old.refresh.clone()));
                    for (name, text) in old.iter().flat_map(|old| &old.said) {
                        token.said.entry(name.clone()).or_insert_with(|| text.clone());
                    }
                    token.url = token.url.or_else(|| old.and_then(|old| old.url.clone()));
                    return Ok(token);
                }
                Err(Error::Flow(FlowError::Refused(refusal))) if !is_overload(refusal.reason) => {}
                Err(error) => return Err(error),
            }
        }
        if needs_person {
            return Err(Error::SignInNeeded(self.name.clone()));
        }
        self.take_steps(&mut flow, &state.secrets).await?;
        let nothing = || FlowError::NoSignIn(self.profile.dialect.clone().unwrap_or_default());
        let request = flow.write(Act::SignIn, &state.secrets, None, &uuid, self.clock.now())?.ok_or_else(nothing)?;
        self.exchange(&flow, Act::SignIn, request).await
    }

    /// What comes before a sign-in, where the API needs it.
    async fn take_steps(&self, flow: &mut Flow, secrets: &Secrets) -> Result<(), Error> {
        let mut step = 0;
        while let Some(request) = flow.write_step(step, secrets, &uuid, self.clock.now())? {
            let asked = request.asked.clone();
            let response = self.transport.send(request).await?;
            flow.read_step(step, &asked, &response).map_err(|error| with_wait(error, &response, self.clock.now()))?;
            step += 1;
        }
        Ok(())
    }

    async fn exchange(&self, flow: &Flow, act: Act, request: Request) -> Result<Token, Error> {
        let (asked_at, asked) = (self.clock.now(), request.asked.clone());
        let response = self.transport.send(request).await?;
        let now = self.clock.now();
        let issued = flow.read(act, &asked, &response).map_err(|error| with_wait(error, &response, now))?;
        let ahead = response.date().map_or(0, |date| date.as_secs() - now.as_secs());
        Ok(Token::new(issued, asked_at, ahead, self.clock.chance()))
    }

    async fn flow(&self) -> Result<Flow, Error> {
        match (&self.profile.issuer, &self.dialect) {
            (Some(issuer), _) => Ok(Flow::OAuth(Box::new(self.oauth(issuer).await?))),
            (None, Some(dialect)) => {
                let flow = DialectFlow::new(Arc::clone(dialect), &self.profile)?;
                Ok(Flow::Dialect(Box::new(flow)))
            }
            (None, None) => Err(crate::profile::ProfileError::NoSource.into()),
        }
    }

    async fn oauth(&self, issuer: &str) -> Result<OAuthFlow, Error> {
        let mut response = self.transport.send(flow::discovery(issuer)).await?;
        if response.status == 404 {
            response = self.transport.send(flow::oauth_discovery(issuer)).await?;
        }
        let now = self.clock.now();
        let metadata = Metadata::read(issuer, &response, now).map_err(|error| with_wait(error, &response, now))?;
        Ok(OAuthFlow::new(metadata, self.grant(), self.profile.auth, &self.profile.values)?)
    }

    /// How a first token is had; a dialect's own sign-in needs nobody.
    fn grant(&self) -> Grant {
        self.profile.grant.filter(|_| self.profile.issuer.is_some()).unwrap_or_default()
    }

    /// The lock, waited for on a thread that may wait.
    async fn lock(&self) -> Result<Lock, Error> {
        let (vault, name) = (self.vault.clone(), self.name.clone());
        match tokio::task::spawn_blocking(move || vault.lock(&name)).await {
            Ok(locked) => Ok(locked?),
            Err(ended) => std::panic::resume_unwind(ended.into_panic()),
        }
    }
}

fn access(token: &Option<Token>) -> Option<&Secret<String>> {
    token.as_ref().map(|token| &token.access)
}

/// The refusal with the time that the answer asks to wait, a date included.
fn with_wait(error: FlowError, response: &Response, now: jeton_core::time::Timestamp) -> FlowError {
    match error {
        FlowError::Refused(mut refusal) => {
            refusal.retry_after = response.retry_after(now).or(refusal.retry_after);
            FlowError::Refused(refusal)
        }
        other => other,
    }
}

/// Whether the next try shall wait, and how long the API asks for. Without an answer and a token, who calls knows best
/// when the network is back.
fn wants_pause(error: &Error, has_token: bool) -> Option<Option<std::time::Duration>> {
    match error {
        Error::Flow(FlowError::Refused(refusal)) => Some(refusal.retry_after),
        Error::Flow(FlowError::Shape { .. }) => Some(None),
        Error::Transport(_) if has_token => Some(None),
        _ => None,
    }
}

fn is_overload(reason: Reason) -> bool {
    matches!(reason, Reason::Throttled | Reason::Unavailable)
}
