//! The shell around a person's word on a device: for the page that asks, and for the command line.

use jeton_core::domain::id::Id;
use jeton_core::domain::principal::canonical_username;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::domain::throttle::ThrottleKeys;
use jeton_core::facts::Query;
use jeton_core::rules::device::{self, digest_user_code};

use crate::app::App;
use crate::exchange::Ended;
use crate::fault::Fault;

/// How often a word is taken anew because something it assumed had changed.
const TRIES: usize = 4;

/// What a person of a realm says to a device, and from where.
#[derive(Clone, Copy, Debug)]
pub struct Word<'a> {
    /// The realm's name.
    pub realm: &'a str,
    /// The user code as it was typed.
    pub user_code: &'a str,
    /// The username of the person, who has signed in.
    pub username: &'a str,
    /// Yes or no.
    pub approve: bool,
    /// The counters of wrong codes from there; none for the command line.
    pub throttle: Option<ThrottleKeys>,
    /// An address, or `local`.
    pub source: &'a str,
}

/// Takes a person's word. Returns the row of the client that the device runs.
///
/// # Errors
/// As [`device::decide`] refuses; [`Reason::Disabled`] too where there is no such person.
pub async fn decide(app: &App, word: &Word<'_>) -> Result<Id, Ended> {
    let username = canonical_username(word.username);
    let query = Query {
        realm: word.realm,
        username: Some(&username),
        user_code: Some(digest_user_code(&app.pepper, word.realm, word.user_code)),
        throttle: word.throttle,
        ..Query::default()
    };
    for _ in 0..TRIES {
        let facts = app.store.load(&query).await?.ok_or(Reason::NoRealm)?;
        let person = facts.person.as_ref().ok_or(Refusal::new(Reason::Disabled))?;
        let now = app.clock.now();
        let decision = device::decide(&facts, &person.principal, word.approve, word.throttle, word.source, now);
        match app.store.commit(decision.changes).await {
            Ok(()) => {
                decision.answer?;
                let client = facts.device.as_ref().map(|found| found.authorization.client_id);
                return client.ok_or(Reason::InvalidToken.into());
            }
            Err(jeton_store::Error::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Fault::new("a person's word on a device lost every race").into())
}
