//! HTTP messages as the engine takes and gives them: no connection, no framing.

use super::noun::Kind;
use super::values::Values;
use crate::domain::refusal::Refusal;
use crate::secret::Secret;

/// A request that came in.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a http::Method,
    /// The path, still percent-encoded.
    pub path: &'a str,
    /// What follows the question mark, still encoded.
    pub query: Option<&'a str>,
    /// All headers.
    pub headers: &'a http::HeaderMap,
    /// The whole body.
    pub body: &'a [u8],
}

/// An answer that came in.
#[derive(Clone, Copy, Debug)]
pub struct AnswerParts<'a> {
    /// The status code.
    pub status: u16,
    /// The reason phrase, where the protocol has one.
    pub reason_phrase: Option<&'a str>,
    /// All headers.
    pub headers: &'a http::HeaderMap,
    /// The whole body.
    pub body: &'a [u8],
}

/// A request to send. It may hold secrets, so there is no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnedRequest {
    /// The method.
    pub method: http::Method,
    /// Path and query, encoded.
    pub target: String,
    /// Headers in the order of the file.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: String,
}

/// An answer to send. It may hold tokens, so there is no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The reason phrase, where the dialect has one of its own: printable ASCII.
    pub reason_phrase: Option<String>,
    /// Headers in the order of the file; `Content-Length` is the connection's business.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: String,
}

/// What a request turned out to be.
#[derive(Debug)]
pub enum Reading {
    /// This dialect does not serve the path.
    NotMine,
    /// A request of this exchange.
    Exchange {
        /// Which of [`exchanges`](super::Dialect::exchanges).
        index: usize,
        /// What it asks for.
        grant: GrantName,
        /// What it says.
        values: Values,
    },
    /// The path is served here, and the request is wrong.
    Refused {
        /// Whose refusals hold.
        place: Place,
        /// Why.
        refusal: Refusal,
    },
}

/// Whose refusals hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Those of the dialect.
    Dialect,
    /// Those of an exchange, by its index, then the dialect's.
    Exchange(usize),
    /// Those of a `[[show]]`, by its index, then the dialect's.
    Show(usize),
}

/// What an exchange is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GrantName {
    /// A person signs in.
    Password,
    /// A refresh token for an access token.
    Refresh,
    /// The old access token for a new one.
    Renew,
    /// An API key signs in.
    ApiKey,
    /// A client signs in.
    ClientCredentials,
    /// Whom a token speaks for.
    UserInfo,
    /// Sign-out.
    End,
    /// A step on the way to another exchange.
    Step,
}

impl GrantName {
    /// Those that a file names; a step is a table of its own.
    pub(super) const ALL: [Self; 7] =
        [Self::Password, Self::Refresh, Self::Renew, Self::ApiKey, Self::ClientCredentials, Self::UserInfo, Self::End];

    /// The name in dialect files, such as `client_credentials`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Refresh => "refresh",
            Self::Renew => "renew",
            Self::ApiKey => "api_key",
            Self::ClientCredentials => "client_credentials",
            Self::UserInfo => "userinfo",
            Self::End => "end",
            Self::Step => "step",
        }
    }

    /// Whether its answer brings a token.
    pub fn issues(self) -> bool {
        !matches!(self, Self::UserInfo | Self::End | Self::Step)
    }

    /// Whether somebody signs in by it.
    pub fn signs_in(self) -> bool {
        matches!(self, Self::Password | Self::ApiKey | Self::ClientCredentials)
    }

    /// Whether it is about the access token: where its request has no hole for one, the token stands where `[[show]]` says.
    pub fn shows_token(self) -> bool {
        matches!(self, Self::Renew | Self::UserInfo | Self::End)
    }

    /// What a request for this must carry.
    pub(super) fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Password => &["username", "password"],
            Self::Refresh => &["refresh_token"],
            Self::ApiKey => &["key_id", "key_secret"],
            Self::ClientCredentials => &["client_id", "client_secret"],
            Self::Renew | Self::UserInfo | Self::End | Self::Step => &[],
        }
    }
}

/// The token of an API call, as [`Dialect::read_token`](super::Dialect::read_token) finds it.
#[derive(Debug)]
pub enum Shown {
    /// None is shown.
    None,
    /// One is.
    Token {
        /// The token.
        token: Secret<String>,
        /// Which of [`shows`](super::Dialect::shows) it was found by.
        show: usize,
        /// The values that stand beside it (a nonce).
        also: Values,
    },
    /// Something is wrong with what is shown.
    Refused {
        /// Whose refusals hold: [`Place::Show`] of this.
        show: usize,
        /// Why.
        refusal: Refusal,
    },
}

/// What a client adds to an API call to show its token. It holds the token, so there is no `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Placed {
    /// Headers to add.
    pub headers: Vec<(String, String)>,
    /// Names and values to add to the query, encoded.
    pub query: Vec<(String, String)>,
}

/// Where a dialect's token, or a value beside it, may stand in a call: what a gate takes out before it passes a call on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// The header of this name.
    Header(String),
    /// The cookie of this name.
    Cookie(String),
    /// This name in the query.
    Query(String),
}

/// A value that a message carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// Whether the message cannot be written without it.
    pub required: bool,
}

/// What a client is asked to sign: the claims of a JWT, a JSON object, by a key of its own.
#[derive(Clone, Copy)]
pub struct ToSign<'a> {
    /// The algorithm: `ES256`, `EdDSA`, `RS256` or `HS256`.
    pub alg: &'static str,
    /// The key as the client keeps it: the text of a PEM file or a JWK; for `HS256` the shared secret.
    pub key: &'a str,
    /// The key's name, for the header.
    pub kid: Option<&'a str>,
    /// The claims.
    pub claims: &'a str,
}

/// Gives the finished JWT; nothing if the key is none for the algorithm. Some signatures need chance, which this crate has
/// none of.
pub type Sign<'s> = &'s dyn Fn(&ToSign<'_>) -> Option<String>;

/// Why a message could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// A value is needed and not there.
    #[error("the value `{0}` is needed to write this message")]
    Missing(String),
    /// A value cannot stand where the template puts it.
    #[error("the value `{name}` cannot be written: {why}")]
    Unfit {
        /// Its name.
        name: String,
        /// Why.
        why: String,
    },
    /// A setting has a value that the dialect does not know.
    #[error("the setting `{name}` is not one of {known}")]
    Setting {
        /// Its name.
        name: String,
        /// What it can be.
        known: String,
    },
    /// There is no exchange, show or template of this number or name.
    #[error("the dialect has no {0}")]
    Nothing(&'static str),
}

/// What an answer says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadAnswer {
    /// Its values.
    pub values: Values,
    /// Where it is not as the file says, and was read all the same.
    pub deviations: Vec<Deviation>,
}

/// A difference between an answer and its description that was put up with. It tells of no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// Which tolerance it needed, such as `number_as_text`.
    pub name: &'static str,
    /// The name on the wire; empty for the whole body.
    pub field: String,
    /// What was found instead.
    pub found: &'static str,
}

impl std::fmt::Display for Deviation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let field = if self.field.is_empty() { "the body" } else { &self.field };
        write!(f, "{}: `{field}` is {}", self.name, self.found)
    }
}

/// Why an answer could not be read as a success.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The server said no.
    #[error("refused: {}", .0.reason.name())]
    Refused(Refusal),
    /// It is not an answer of this dialect.
    #[error("the answer is not of the shape the dialect describes: {0}")]
    Shape(String),
}
