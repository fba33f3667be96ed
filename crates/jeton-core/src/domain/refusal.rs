//! What a peer is told when the answer is no. (What the operator is told is a fault, and not here.)

use std::time::Duration;

/// Why a request was refused, as a closed tree: a dialect answers a reason that it has no row for
/// as it answers the parent.
///
/// The branch tells a client what to do: `invalid_request` stop, `wrong_credentials` sign in with others,
/// `invalid_token` sign in again, `denied` ask for less, `throttled` and `unavailable` wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The request cannot be understood; parent of all that is wrong with its form.
    InvalidRequest,
    /// A required value is absent or empty.
    Missing,
    /// A value is there but has the wrong form (type, length, alphabet, encoding).
    Malformed,
    /// A value stands twice with different contents, or twice where once is allowed.
    Repeated,
    /// A secret stands where the world can read it, in the URL.
    Exposed,
    /// The body has a content type that this exchange does not read.
    UnsupportedType,
    /// The grant type is not one this realm knows.
    UnsupportedGrant,
    /// A header, URI or body above its limit.
    TooLarge,
    /// The path is right and the method is not.
    WrongMethod,
    /// Nothing is served at this address.
    NoRoute,
    /// No realm of this name, or it is disabled.
    NoRealm,
    /// Plain HTTP where HTTPS is required.
    Insecure,

    /// The credentials do not prove what they should; says nothing about which part was wrong.
    WrongCredentials,
    /// The client (not the person) failed to authenticate.
    InvalidClient,
    /// Too many failures for this account from this source.
    Locked,

    /// The presented token is of no use; parent of the next six, up to `Disabled`.
    InvalidToken,
    /// No token was presented.
    NoToken,
    /// A token was presented in a form that cannot be read.
    Unreadable,
    /// The token is signed by a key this realm does not have.
    UnknownKey,
    /// The token was good once and its time is over.
    Expired,
    /// The token was ended before its time.
    Revoked,
    /// What the token speaks for was disabled: the principal, client, API key or target.
    Disabled,

    /// Understood, authenticated, and still no.
    Denied,
    /// A scope that may not be had.
    DeniedScope,
    /// This client may not use this grant.
    DeniedGrant,
    /// The token is limited to another target.
    DeniedTarget,
    /// An audience that may not be had (RFC 8707 `invalid_target`).
    DeniedAudience,

    /// Too many requests.
    Throttled,
    /// Somebody has to decide first, and has not yet (RFC 8628 §3.5).
    Pending,
    /// Overload or an unreachable store: the only 5xx there is.
    Unavailable,
}

impl Reason {
    /// Every reason, parents before children.
    pub const ALL: [Self; 30] = [
        Self::InvalidRequest,
        Self::Missing,
        Self::Malformed,
        Self::Repeated,
        Self::Exposed,
        Self::UnsupportedType,
        Self::UnsupportedGrant,
        Self::TooLarge,
        Self::WrongMethod,
        Self::NoRoute,
        Self::NoRealm,
        Self::Insecure,
        Self::WrongCredentials,
        Self::InvalidClient,
        Self::Locked,
        Self::InvalidToken,
        Self::NoToken,
        Self::Unreadable,
        Self::UnknownKey,
        Self::Expired,
        Self::Revoked,
        Self::Disabled,
        Self::Denied,
        Self::DeniedScope,
        Self::DeniedGrant,
        Self::DeniedTarget,
        Self::DeniedAudience,
        Self::Throttled,
        Self::Pending,
        Self::Unavailable,
    ];

    /// The name in dialect files and logs, such as `wrong_credentials`.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Repeated => "repeated",
            Self::Exposed => "exposed",
            Self::UnsupportedType => "unsupported_type",
            Self::UnsupportedGrant => "unsupported_grant",
            Self::TooLarge => "too_large",
            Self::WrongMethod => "wrong_method",
            Self::NoRoute => "no_route",
            Self::NoRealm => "no_realm",
            Self::Insecure => "insecure",
            Self::WrongCredentials => "wrong_credentials",
            Self::InvalidClient => "invalid_client",
            Self::Locked => "locked",
            Self::InvalidToken => "invalid_token",
            Self::NoToken => "no_token",
            Self::Unreadable => "unreadable",
            Self::UnknownKey => "unknown_key",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Disabled => "disabled",
            Self::Denied => "denied",
            Self::DeniedScope => "denied_scope",
            Self::DeniedGrant => "denied_grant",
            Self::DeniedTarget => "denied_target",
            Self::DeniedAudience => "denied_audience",
            Self::Throttled => "throttled",
            Self::Pending => "pending",
            Self::Unavailable => "unavailable",
        }
    }

    /// The reason of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }

    /// The more general reason that stands in where a dialect has no row for this one.
    pub fn parent(self) -> Option<Self> {
        match self {
            Self::Missing
            | Self::Malformed
            | Self::Repeated
            | Self::Exposed
            | Self::UnsupportedType
            | Self::UnsupportedGrant
            | Self::TooLarge
            | Self::WrongMethod
            | Self::NoRoute
            | Self::NoRealm
            | Self::Insecure => Some(Self::InvalidRequest),
            Self::InvalidClient | Self::Locked => Some(Self::WrongCredentials),
            Self::NoToken | Self::Unreadable | Self::UnknownKey | Self::Expired | Self::Revoked | Self::Disabled => {
                Some(Self::InvalidToken)
            }
            Self::DeniedScope | Self::DeniedGrant | Self::DeniedTarget | Self::DeniedAudience => Some(Self::Denied),
            Self::Pending => Some(Self::Throttled),
            Self::InvalidRequest
            | Self::WrongCredentials
            | Self::InvalidToken
            | Self::Denied
            | Self::Throttled
            | Self::Unavailable => None,
        }
    }

    /// The status used where a dialect has no row for this reason and none for its parents.
    pub fn status(self) -> u16 {
        match self {
            Self::UnsupportedType => 415,
            Self::TooLarge => 413,
            Self::WrongMethod => 405,
            Self::NoRoute | Self::NoRealm => 404,
            Self::Insecure | Self::Locked => 403,
            Self::Throttled | Self::Pending => 429,
            Self::Unavailable => 503,
            _ => match self.parent().unwrap_or(self) {
                Self::WrongCredentials | Self::InvalidToken => 401,
                Self::Denied => 403,
                _ => 400,
            },
        }
    }
}

/// A refusal: the reason, and the little a peer may learn beyond it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// The request field it is about, by the name it has on the wire (`username`, `eventID`).
    pub field: Option<String>,
    /// A sentence in plain English for dialects that show one. Constant text or escaped; never a secret.
    pub detail: Option<String>,
    /// Methods to name in `Allow` (with [`Reason::WrongMethod`]).
    pub allow: Vec<&'static str>,
    /// When to try again (with [`Reason::Throttled`], [`Reason::Locked`], [`Reason::Unavailable`]).
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal that says nothing beyond its reason.
    pub fn new(reason: Reason) -> Self {
        Self { reason, field: None, detail: None, allow: Vec::new(), retry_after: None }
    }

    /// The same, about this field.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>) -> Self {
        self.field = Some(name.into());
        self
    }

    /// The same, with a sentence. It is cut to 128 bytes, and what is not printable ASCII is replaced.
    #[must_use]
    pub fn detail(mut self, text: impl AsRef<str>) -> Self {
        self.detail = Some(echo(text.as_ref()));
        self
    }

    /// The same, with a time after which a new try makes sense.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self::new(reason)
    }
}

/// Text from a peer made fit to be shown to it: at most 128 bytes of printable ASCII.
pub fn echo(text: &str) -> String {
    text.chars().take(128).map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).collect()
}
