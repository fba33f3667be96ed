//! Why there is no token.

use std::time::Duration;

use crate::address::AddressError;
use crate::clock::NoChance;
use crate::flow::FlowError;
use crate::profile::ProfileError;
use crate::transport::TransportError;
use crate::vault::VaultError;

/// Why there is no token, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The profile, or the file it stands in.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// An address that secrets are not sent to.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Secrets and tokens on disk.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// No answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// An answer that gives no token.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// No random bytes.
    #[error(transparent)]
    NoChance(#[from] NoChance),
    /// Only a person can get the next token.
    #[error("`{0}` needs you to sign in; run: jeton login {0}")]
    SignInNeeded(String),
    /// Nobody signed in.
    #[error("nobody signed in within {} minutes; try again", .0.as_secs() / 60)]
    NobodyCame(Duration),
    /// A call that goes elsewhere.
    #[error("`{url}` is not below `{base}`, where alone this profile's token goes; nothing was sent")]
    Elsewhere {
        /// Where the call goes.
        url: String,
        /// The profile's address.
        base: String,
    },
    /// The browser has no way back.
    #[error("cannot listen at {address}: {source}; end the program that does, or change the profile's `redirect_uri`")]
    Listen {
        /// Where.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The last try failed, and the API or good manners ask for a pause.
    #[error("the last try failed, and the next may be made in {} s", .0.as_secs() + 1)]
    Pause(Duration),
}
