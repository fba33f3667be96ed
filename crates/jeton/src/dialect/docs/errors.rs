//! The table of errors: every refusal that the dialect writes, and what it means to a reader.

use jeton_core::dialect::{Dialect, Place, Values};
use jeton_core::domain::refusal::{Reason, Refusal};

use super::page::{Block, Inline, code, inline};
use super::sections::purpose;

/// Every refusal as it is written, those of sign-ins before those of calls.
pub(super) fn errors(dialect: &Dialect, blocks: &mut Vec<Block>) {
    let mut rows: Vec<Vec<Vec<Inline>>> = Vec::new();
    let exchanges = (0..dialect.exchanges.len()).map(Place::Exchange);
    let shows = (0..dialect.shows.len()).map(Place::Show);
    for place in [Place::Dialect].into_iter().chain(exchanges).chain(shows) {
        let on = match place {
            Place::Dialect => "everywhere",
            Place::Exchange(index) => dialect.exchanges.get(index).map_or("", |exchange| purpose(exchange.grant).0),
            Place::Show(_) => "calls",
        };
        for reason in dialect.reasons(place) {
            let refusal = Refusal::new(reason).field("FIELD");
            let answer = dialect.write_refusal(place, &refusal, &Values::new());
            let says = match (answer.body.is_empty(), answer.reason_phrase) {
                (true, Some(phrase)) => phrase,
                _ => answer.body,
            };
            rows.push(vec![code(&answer.status.to_string()), code(&says), inline(what_to_do(reason)), inline(on)]);
        }
    }
    rows.dedup_by(|row, before| same(row, before));
    if !rows.is_empty() {
        blocks.push(Block::Heading(2, "Errors".to_owned()));
        blocks.push(Block::Table { head: vec!["Status", "Answer", "Meaning", "Where"], rows });
    }
}

fn same(row: &[Vec<Inline>], other: &[Vec<Inline>]) -> bool {
    let text = |row: &[Vec<Inline>]| -> Vec<String> {
        row.iter()
            .flatten()
            .map(|piece| match piece {
                Inline::Text(text) | Inline::Code(text) => text.clone(),
            })
            .collect()
    };
    text(row) == text(other)
}

/// What a refusal means to whoever reads the page.
fn what_to_do(reason: Reason) -> &'static str {
    match reason {
        Reason::InvalidRequest => "the request is wrong; mend it",
        Reason::Missing => "a required value is missing or empty",
        Reason::Malformed => "a value has the wrong form",
        Reason::Repeated => "a value is given twice",
        Reason::Exposed => "a secret stands in the address; send it in the body",
        Reason::UnsupportedType => "the body has another content type",
        Reason::UnsupportedGrant => "this way to ask for a token is not offered",
        Reason::TooLarge => "the request is too large",
        Reason::WrongMethod => "the method is another",
        Reason::NoRoute => "nothing is served at this address",
        Reason::NoRealm => "there is no such realm",
        Reason::Insecure => "use HTTPS",
        Reason::WrongCredentials => "the credentials are wrong",
        Reason::InvalidClient => "the client's own credentials are wrong",
        Reason::Locked => "there were too many attempts; wait",
        Reason::InvalidToken => "the token is of no use any more; sign in again",
        Reason::NoToken => "no token is shown",
        Reason::Unreadable => "the token cannot be read",
        Reason::UnknownKey => "the token is signed with a key that is not known",
        Reason::Expired => "the token has expired",
        Reason::Revoked => "the token was ended",
        Reason::Disabled => "the account is disabled",
        Reason::Denied => "this is not allowed",
        Reason::DeniedScope => "this scope may not be had",
        Reason::DeniedGrant => "the client may not ask in this way",
        Reason::DeniedTarget => "the token is for something else",
        Reason::DeniedAudience => "this audience may not be had",
        Reason::Throttled => "there were too many requests; wait as long as `Retry-After` says",
        Reason::Pending => "somebody has to decide first; ask again later",
        Reason::Unavailable => "the service is not available; try again later",
    }
}
