//! An exchange as two halves: a request to send and an answer to read. No I/O, no clock, no chance of its own.

mod dialect;
mod oauth;

use std::collections::BTreeMap;
use std::time::Duration;

use http::HeaderMap;
use jeton_core::dialect::{AnswerParts, Deviation, Placed, Values, WriteError};
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;

pub use dialect::{DialectFlow, sign_in_slots};
pub(crate) use dialect::{returned, show};
pub use oauth::{
    Authorization, ClientAuth, Device, Grant, Metadata, OAuthFlow, Poll, Proof, discovery, oauth_discovery,
};

use crate::address::AddressError;
use crate::token::Token;
use crate::vault::Secrets;

/// How tokens are had from one API.
#[derive(Debug)]
pub enum Flow {
    /// By a dialect file.
    Dialect(Box<DialectFlow>),
    /// From an OAuth issuer.
    OAuth(Box<OAuthFlow>),
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A first token, for the profile's secrets.
    SignIn,
    /// A new token for an old one.
    Refresh,
    /// Whom a token speaks for.
    UserInfo,
    /// The end of a token.
    End,
}

/// A request to send. It may hold secrets, so there is no `Debug`.
pub struct Request {
    /// The method.
    pub method: http::Method,
    /// The whole URL.
    pub url: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Secret<String>,
    /// What it says of itself that its answer repeats, if at all (the `id` of a JSON-RPC call).
    pub asked: Values,
}

/// An answer that came in. It may hold tokens, so there is no `Debug`.
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The reason phrase, where it is not the usual one.
    pub reason_phrase: Option<String>,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Secret<Vec<u8>>,
}

/// What an answer issued, by the server's clock.
#[derive(Debug, Default)]
pub struct Issued {
    /// The access token.
    pub access: Secret<String>,
    /// What it is refreshed with, if the answer has it.
    pub refresh: Option<Secret<String>>,
    /// How long it is good from when it was asked for.
    pub lifetime: Option<Duration>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Where calls with it go, if the answer says so: an address that the profile allows.
    pub url: Option<String>,
    /// What later requests repeat of the answer, such as the person's id.
    pub said: BTreeMap<String, String>,
    /// What in the answer was not as it should be, and was read all the same.
    pub deviations: Vec<Deviation>,
}

/// Why an exchange gives no token.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The API said no.
    #[error("the API refuses: {}{}; {}", .0.reason.name(), said(.0), advice(.0))]
    Refused(Refusal),
    /// The answer is not one that can be read.
    #[error("the answer (status {status}) cannot be read: {why}; see whether the profile's URL and dialect are right")]
    Shape {
        /// Its status code.
        status: u16,
        /// What is wrong with it.
        why: String,
    },
    /// The request cannot be written.
    #[error("{0}; put the value in the profile")]
    Write(#[from] WriteError),
    /// A value of the profile has the wrong form.
    #[error("the profile's value `{name}` must be {demand}")]
    Value {
        /// Its name.
        name: String,
        /// What it must be.
        demand: &'static str,
    },
    /// The API has no sign-in that this profile could use.
    #[error("the dialect `{0}` has no sign-in of its own; name the issuer that gives its tokens in the profile")]
    NoSignIn(String),
    /// The issuer lacks what the profile's grant needs.
    #[error("the issuer has no {0}; see whether the profile's issuer and grant are right")]
    Unsupported(&'static str),
    /// The answer names an address that no token is sent to.
    #[error("the answer sends calls to an address that is not used: {0}")]
    Address(#[from] AddressError),
    /// No random bytes for a nonce.
    #[error(transparent)]
    NoChance(#[from] crate::clock::NoChance),
}

/// Where the fresh value of a nonce comes from.
pub type Fresh<'a> = &'a dyn Fn() -> Result<String, crate::clock::NoChance>;

impl Flow {
    /// The request for `act` at `now`; nothing if the API has none for it, or `token` cannot be used for it.
    ///
    /// # Errors
    /// A value that the request needs is missing or has the wrong form.
    pub fn write(
        &self,
        act: Act,
        secrets: &Secrets,
        token: Option<&Token>,
        fresh: Fresh<'_>,
        now: Timestamp,
    ) -> Result<Option<Request>, FlowError> {
        match self {
            Self::Dialect(flow) => flow.write(act, secrets, token, fresh, now),
            Self::OAuth(flow) => flow.write(act, token, Proof { secrets, fresh, now }),
        }
    }

    /// The request of a step before a sign-in, by its number from 0; nothing if there are no more of them. Each is sent,
    /// and its answer read by [`read_step`](Self::read_step), before the next is written.
    ///
    /// # Errors
    /// A value that the request needs is missing or has the wrong form.
    pub fn write_step(
        &self,
        step: usize,
        secrets: &Secrets,
        fresh: Fresh<'_>,
        now: Timestamp,
    ) -> Result<Option<Request>, FlowError> {
        match self {
            Self::Dialect(flow) => flow.write_step(step, secrets, fresh, now),
            Self::OAuth(_) => Ok(None),
        }
    }

    /// What the answer to a step says; what it gives is kept for the requests after it. `asked` is that of its request.
    ///
    /// # Errors
    /// The API refuses, or the answer cannot be read or is one to another request.
    pub fn read_step(&mut self, step: usize, asked: &Values, response: &Response) -> Result<Values, FlowError> {
        match self {
            Self::Dialect(flow) => flow.read_step(step, asked, response),
            Self::OAuth(_) => Ok(Values::new()),
        }
    }

    /// What the answer to a sign-in or refresh issued. `asked` is that of its request.
    ///
    /// # Errors
    /// The API refuses, the answer cannot be read or is one to another request, or it sends calls to an address that
    /// the profile does not allow.
    pub fn read(&self, act: Act, asked: &Values, response: &Response) -> Result<Issued, FlowError> {
        match self {
            Self::Dialect(flow) => flow.read(act, asked, response),
            Self::OAuth(flow) => flow.read(act, response),
        }
    }

    /// What the answer to [`Act::UserInfo`] says.
    ///
    /// # Errors
    /// The API refuses the token, or the answer cannot be read.
    pub fn read_user_info(&self, response: &Response) -> Result<Values, FlowError> {
        match self {
            Self::Dialect(flow) => flow.read_user_info(response),
            // Nothing was asked: an issuer's own page of the person is no part of getting a token.
            Self::OAuth(_) => Ok(Values::new()),
        }
    }

    /// Whether the answer to a sign-out says that the token has ended.
    ///
    /// # Errors
    /// The API refuses for another reason than that it has ended already.
    pub fn read_end(&self, response: &Response) -> Result<(), FlowError> {
        let read = match self {
            Self::Dialect(flow) => flow.read_end(response),
            Self::OAuth(flow) => flow.read_end(response),
        };
        match read {
            Err(FlowError::Refused(refusal)) if is_about_the_token(refusal.reason) => Ok(()),
            read => read,
        }
    }
}

/// The plain way to show a token (RFC 6750 §2.1), for an API without a dialect.
pub(crate) fn bearer(token: &Secret<String>) -> Placed {
    Placed { headers: vec![("Authorization".to_owned(), format!("Bearer {}", token.expose()))], ..Placed::default() }
}

impl Response {
    /// As a dialect reads it.
    pub(crate) fn parts(&self) -> AnswerParts<'_> {
        AnswerParts {
            status: self.status,
            reason_phrase: self.reason_phrase.as_deref(),
            headers: &self.headers,
            body: self.body.expose(),
        }
    }

    /// The server's time by `Date`.
    pub(crate) fn date(&self) -> Option<Timestamp> {
        http_date(self.headers.get(http::header::DATE)?.to_str().ok()?)
    }

    /// How long `Retry-After` asks to wait, in seconds or until a date (RFC 9110 §10.2.3).
    pub(crate) fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let text = self.headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
        match text.parse() {
            Ok(seconds) => Some(Duration::from_secs(seconds)),
            // A date is by the server's clock, as `Date` is.
            Err(_) => http_date(text).map(|until| until.since(self.date().unwrap_or(now))),
        }
    }

    /// What a status alone says, where the API has no words of its own for it.
    fn overload(&self) -> Option<Refusal> {
        match self.status {
            429 => Some(Refusal::new(Reason::Throttled)),
            500.. => Some(Refusal::new(Reason::Unavailable)),
            _ => None,
        }
    }
}

fn http_date(text: &str) -> Option<Timestamp> {
    let zoned = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Timestamp::from_secs(zoned.timestamp().as_second()))
}

/// Whether a new token would help.
fn is_about_the_token(reason: Reason) -> bool {
    reason == Reason::InvalidToken || reason.parent() == Some(Reason::InvalidToken)
}

fn said(refusal: &Refusal) -> String {
    let detail = refusal.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
    let field = refusal.field.as_ref().map(|field| format!(" `{field}`")).unwrap_or_default();
    format!("{field}{detail}")
}

fn advice(refusal: &Refusal) -> &'static str {
    match refusal.reason.parent().unwrap_or(refusal.reason) {
        Reason::WrongCredentials => "put the right ones in the profile",
        Reason::InvalidToken => "end the token and sign in anew",
        Reason::Denied => "ask whoever runs the API for this permission",
        Reason::Throttled | Reason::Unavailable => "wait and try again",
        _ => "see whether the profile's URL, dialect and values are right",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_to_wait() {
        let now = Timestamp::from_secs(1_000_000);
        let date = "Tue, 15 Nov 1994 12:45:26 GMT";
        for (retry, date, seconds) in [
            (Some("120"), None, Some(120)),
            (Some("Tue, 15 Nov 1994 12:46:26 GMT"), Some(date), Some(60)),
            (Some("Tue, 15 Nov 1994 12:45:00 GMT"), Some(date), Some(0)),
            (Some("soon"), Some(date), None),
            (Some("-1"), None, None),
            (None, Some(date), None),
        ] {
            let mut headers = HeaderMap::new();
            retry.and_then(|text| headers.insert(http::header::RETRY_AFTER, text.parse().unwrap()));
            date.and_then(|text| headers.insert(http::header::DATE, text.parse().unwrap()));
            let response = Response { status: 429, reason_phrase: None, headers, body: Secret::default() };
            assert_eq!(response.retry_after(now), seconds.map(Duration::from_secs), "{retry:?}");
        }
    }
}
