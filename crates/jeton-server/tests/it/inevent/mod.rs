//! InEvent's `person.signIn` and the use of its `tokenID` (contracts/inevent.md).

mod sign_in;
mod token;

use crate::harness::Answer;

/// §3: a failure has no body; its message is the reason phrase, and stands in a header besides.
#[track_caller]
pub(super) fn assert_refused(answer: &Answer, status: u16, message: &str, what: &str) {
    assert_eq!((answer.status, answer.reason.as_str()), (status, message), "{what}: {answer:?}");
    assert_eq!(answer.header("x-inevent-error"), Some(message), "{what}");
    assert_eq!(answer.body, "", "{what}");
}
