//! What a decision asks the store to do. The changes of one request are one transaction.
//!
//! A change that assumes something says so, and the store answers *conflict* where it no longer holds;
//! then everything is loaded and decided again.

use crate::domain::device::{DeviceAuthorization, Verdict};
use crate::domain::id::{Digest, Id};
use crate::domain::session::{Session, Token};
use crate::domain::throttle::ThrottleKeys;
use crate::time::Timestamp;

/// One change. Guarded ones name what they assume.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Assumes that the principal still has this version (not disabled, no new password). Changes nothing.
    HoldPrincipal {
        /// The principal.
        id: Id,
        /// The version that was decided on.
        version: i64,
    },
    /// A new session.
    StartSession(Session),
    /// A new token of a session. The same digest twice in one session is the same token.
    PutToken(Token),
    /// Notes a use. Assumes that the session has this generation and was not ended.
    UseSession {
        /// The session.
        id: Id,
        /// The generation that was decided on.
        generation: i64,
        /// The use.
        at: Timestamp,
    },
    /// The successor that this generation began with was used, so its predecessor is answered no more. Changes nothing
    /// if that is written already, or the session was renewed or ended since.
    ConfirmRenewal {
        /// The session.
        id: Id,
        /// The successor's generation.
        generation: i64,
        /// The use.
        at: Timestamp,
    },
    /// The next generation begins. Assumes that the session has this generation and was not ended.
    RenewSession {
        /// The session.
        id: Id,
        /// The generation that ends.
        generation: i64,
        /// When.
        at: Timestamp,
    },
    /// Ends a session, if it was not ended before.
    EndSession {
        /// The session.
        id: Id,
        /// When.
        at: Timestamp,
    },
    /// Forgets one token of a session, which goes on.
    ForgetToken {
        /// The token.
        digest: Digest,
        /// Its session.
        session_id: Id,
    },
    /// Ends the oldest live sessions of a principal until `keep` are left.
    CapSessions {
        /// Whose.
        principal_id: Id,
        /// How many stay.
        keep: u32,
        /// When.
        at: Timestamp,
    },
    /// Ends a JWT by itself: one without a session, or one of a session that goes on.
    EndToken {
        /// Digest of its `jti`.
        digest: Digest,
        /// The realm that issued it.
        realm_id: Id,
        /// Its `jti`, for those who judge tokens without asking.
        jti: String,
        /// When it is ended.
        at: Timestamp,
        /// The row can go when the token would have ended by itself.
        expires_at: Timestamp,
    },
    /// A device asks to act for a person. Assumes that no other has one of its codes.
    StartDevice(DeviceAuthorization),
    /// Notes that the client asked whether its device may.
    PollDevice {
        /// Which.
        device_code: Digest,
        /// When.
        at: Timestamp,
        /// How long it has to wait from now on, in seconds.
        interval_secs: i64,
    },
    /// What a person said to a device. Assumes that nobody said anything before.
    DecideDevice {
        /// Which.
        device_code: Digest,
        /// What.
        verdict: Verdict,
    },
    /// A device that may has its tokens. Assumes that it has none yet.
    UseDevice {
        /// Which.
        device_code: Digest,
    },
    /// Uses up a nonce. Assumes that it was not used before.
    UseNonce {
        /// Digest of the nonce and its realm.
        digest: Digest,
        /// The row can go at this time.
        expires_at: Timestamp,
    },
    /// Counts a failed proof under all three keys.
    Fail {
        /// Which counters.
        keys: ThrottleKeys,
        /// When.
        at: Timestamp,
    },
    /// Notes a success: the pair's and the account's failures start anew, and the source is known to the account.
    Succeed {
        /// Which counters.
        keys: ThrottleKeys,
        /// When.
        at: Timestamp,
    },
    /// A line of the audit trail.
    Audit(Audit),
}

/// A line of the audit trail: who did what, when, from where. Never a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// When.
    pub at: Timestamp,
    /// The realm, if it concerns one.
    pub realm_id: Option<Id>,
    /// What, as a constant: `session.started`, `password.refused`.
    pub event: &'static str,
    /// The principal it concerns.
    pub principal_id: Option<Id>,
    /// The session it concerns.
    pub session_id: Option<Id>,
    /// From where: an address, or `local` for the command line.
    pub source: String,
    /// More, in plain words of ours.
    pub detail: String,
}
