//! What a token is and how long it lives: stated once, in a dialect file or in a realm's settings,
//! and obeyed by the rules. A realm may tighten a dialect's policy, never widen it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Signature algorithms (RFC 7518 §3.1, RFC 8037). There is no `none` and no HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Alg {
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
    /// RSA PKCS#1 v1.5 with SHA-256.
    RS256,
    /// RSA-PSS with SHA-256.
    PS256,
}

impl Alg {
    /// All that can be configured.
    pub const ALL: [Self; 4] = [Self::ES256, Self::EdDSA, Self::RS256, Self::PS256];

    /// The `alg` value of RFC 7515.
    pub fn name(self) -> &'static str {
        match self {
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
            Self::RS256 => "RS256",
            Self::PS256 => "PS256",
        }
    }

    /// Whether others may write this `alg` value for it: RFC 9864 has one of its own for EdDSA with Ed25519.
    pub fn goes_by(self, name: &str) -> bool {
        name == self.name() || (self == Self::EdDSA && name == "Ed25519")
    }

    /// The algorithm that others mean by this `alg` value.
    pub fn by_others(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alg| alg.goes_by(name))
    }

    /// The algorithm of this `alg` value, compared exactly.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alg| alg.name() == name)
    }
}

/// How tokens of one dialect come to be and to end.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// How access tokens look.
    pub format: Format,
    /// How long an access token is good from its issue.
    pub lifetime: Duration,
    /// An opaque access token also dies after this long without use.
    pub idle: Option<Duration>,
    /// How a token is renewed.
    pub refresh: Refresh,
    /// The scope word of a token without a target, such as `system`; empty for none.
    pub realm_scope: String,
    /// The scope word of a token limited to a target, such as `event`.
    pub target_scope: String,
    /// How targets work in this dialect, if it has them.
    pub target: Option<TargetPolicy>,
    /// How often something may be asked.
    pub limits: Vec<Limit>,
    /// A nonce may stand only once within this time.
    pub nonce_once_within: Option<Duration>,
    /// A principal's oldest session ends when it would have more than this many.
    pub sessions: Option<u32>,
}

/// How an access token looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// A random string that means nothing without the store.
    Opaque(TokenText),
    /// A signed JWT. Its header and claims come from the dialect's templates.
    Jwt(Alg),
}

/// How an opaque token is made up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenText {
    /// Jeton's own form: a recognisable prefix, 43 base62 characters (256 bits) and a checksum.
    Checked,
    /// What a dialect says.
    Random {
        /// Letters, digits, `_` and `-`; may be empty.
        prefix: String,
        /// How many random base62 characters follow it, at least 43.
        length: u8,
    },
}

/// How a token is renewed.
#[derive(Clone, Debug, PartialEq)]
pub enum Refresh {
    /// Not at all: sign in again.
    None,
    /// One refresh token for the whole session, used again and again until the session ends.
    Keep {
        /// When the session ends, reckoned from the sign-in.
        end: End,
    },
    /// Each refresh token is good once: its refresh gives the next one. Access tokens live their own time.
    Rotate {
        /// How long after its issue a refresh token is good.
        within: Duration,
        /// When the session ends at the latest, if the dialect says.
        end: Option<End>,
    },
    /// The access token is the credential and stays the same: it may again be unused for its whole idle time.
    Extend,
    /// The old access token is the credential, also when it has expired.
    Renew {
        /// How long after its issue a token can be renewed.
        within: Duration,
        /// Whether the renewed token dies with the renewal.
        ends_old: bool,
    },
}

/// When a session ends, reckoned from its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Elapsed time (a day is 86 400 s here).
    pub after: Duration,
    /// Rounded up to the next midnight in this IANA zone, if one is named.
    pub midnight_in: Option<String>,
}

/// How targets work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetPolicy {
    /// A password equal to the realm-wide one gives a token for the whole realm.
    pub same_secret_is_realm: bool,
    /// Level names and their numbers, in the file's order.
    pub levels: Vec<(String, i64)>,
    /// The level a principal acts with under a target's token, where it differs: `Admin` acts as `User`.
    pub inside: Vec<(String, String)>,
}

impl TargetPolicy {
    /// The level that holds under a token limited to the target.
    pub fn level_inside<'a>(&'a self, level: &'a str) -> &'a str {
        self.inside.iter().find(|(from, _)| from == level).map_or(level, |(_, to)| to)
    }
}

/// At most `count` in `per`, counted for each principal (or each token where no principal is known).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What is counted.
    pub what: Limited,
    /// How many.
    pub count: u32,
    /// In which time.
    pub per: Duration,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limited {
    /// Renewals and refreshes.
    Renew,
    /// Everything else: sign-ins and calls.
    All,
    /// A client's tokens of OAuth.
    Issue,
}
