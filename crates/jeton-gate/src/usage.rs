//! How calls to an API show their token and how the API says no: RFC 6750's way, or a dialect's.

use std::sync::Arc;

use jeton_core::dialect::{Answer, Carrier, Dialect, Place, Request, Shown, Values};
use jeton_core::domain::refusal::Refusal;

use crate::bearer;

/// The manners of one API.
#[derive(Clone, Debug)]
pub enum Usage {
    /// `Authorization: Bearer TOKEN` (RFC 6750).
    Bearer {
        /// The realm that a challenge names.
        realm: String,
        /// Where the API's metadata is, for a challenge to name too (RFC 9728 §5.1).
        metadata: Option<String>,
    },
    /// As the `[[show]]` tables of a dialect say.
    Dialect(Arc<Dialect>),
}

impl Usage {
    /// The token that a call shows.
    pub fn read_token(&self, request: &Request<'_>) -> Shown {
        match self {
            Self::Bearer { .. } => bearer::read(request),
            Self::Dialect(dialect) => dialect.read_token(request),
        }
    }

    /// The placement that a call of this method and path should have had.
    pub fn show_at(&self, method: &http::Method, path: &str) -> Option<usize> {
        match self {
            Self::Bearer { .. } => None,
            Self::Dialect(dialect) => dialect.show_at(method, path),
        }
    }

    /// The API's own answer to a call that is refused.
    ///
    /// `show` is the placement in which the token was found, or should have been; without one the first that is for
    /// every call speaks, since that is where the API's documentation says how a call is refused.
    pub fn refuse(&self, show: Option<usize>, refusal: &Refusal) -> Answer {
        match self {
            Self::Bearer { realm, metadata } => bearer::refuse(realm, metadata.as_deref(), refusal),
            Self::Dialect(dialect) => {
                let general = || dialect.shows.iter().position(|show| show.is_for_every_call());
                let place = show.or_else(general).map_or(Place::Dialect, Place::Show);
                dialect.write_refusal(place, refusal, &Values::new())
            }
        }
    }

    /// Where the API's metadata is (RFC 9728).
    pub fn metadata(&self) -> Option<&str> {
        match self {
            Self::Bearer { metadata, .. } => metadata.as_deref(),
            Self::Dialect(_) => None,
        }
    }

    /// Where a token, or a value beside it, may stand in a call: what is taken out before the call goes on.
    /// `Authorization` is not among them, since it goes always.
    pub fn carriers(&self) -> Vec<Carrier> {
        match self {
            Self::Bearer { .. } => Vec::new(),
            Self::Dialect(dialect) => dialect.shows.iter().flat_map(|show| show.carriers()).collect(),
        }
    }
}
