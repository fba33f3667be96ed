//! Rows of an exchange's own beside those of the whole dialect, and what a client makes of an answer.

use jeton_core::dialect::{Dialect, Place, ReadError, Values};
use jeton_core::domain::refusal::{Reason, Refusal};

use super::{Message, read_answer};

const HALL: &str = r#"
jeton = 1
name = 'hall'
[token]
format = 'opaque'
lifetime = '1h'
[refresh]
how = 'keep'
end = { after = '1d' }

[[exchange]]
grant = 'refresh'
request = "POST /again\nX-Token: {{refresh_token}}"
answer = "200\nX-Token: {{access_token}}"
[exchange.refusal]
missing = { status = 400, code = 'no token' }
denied = '''
403
Content-Type: text/plain

never'''

[refusal]
answer = '''
{{status}}
Content-Type: application/json

{"why":"{{code}}","more":"{{text?}}"}'''
by = ['code']
invalid_request = { status = 400, code = 'bad' }
invalid_token = { status = 400, code = 'stale', text = 'sign in' }
throttled = { status = 400, code = 'slow down' }
"#;

fn json(body: &str) -> String {
    format!("400\nContent-Type: application/json\n\n{body}")
}

#[test]
fn rows_of_an_exchange_fill_the_frame_of_the_dialect() {
    let hall = Dialect::parse(HALL).unwrap();
    for (reason, expected) in [
        (Reason::Missing, json(r#"{"why":"no token"}"#)),
        (Reason::Malformed, json(r#"{"why":"bad"}"#)),
        (Reason::Expired, json(r#"{"why":"stale","more":"sign in"}"#)),
        (Reason::Denied, "403\nContent-Type: text/plain\n\nnever".to_owned()),
    ] {
        let answer = hall.write_refusal(Place::Exchange(0), &Refusal::new(reason), &Values::new());
        assert_eq!(Message::of(answer.status.to_string(), &answer.headers, &answer.body), expected, "{reason:?}");
    }
}

/// The exchange's own row has the status in common with all of these; the dialect's rows say them exactly, or by `by`.
#[test]
fn what_is_said_exactly_counts_before_what_is_near() {
    let hall = Dialect::parse(HALL).unwrap();
    for (body, reason) in [
        (r#"{"why":"no token"}"#, Reason::Missing),
        (r#"{"why":"bad"}"#, Reason::InvalidRequest),
        (r#"{"why":"stale","more":"sign in"}"#, Reason::InvalidToken),
        (r#"{"why":"slow down"}"#, Reason::Throttled),
        (r#"{"why":"slow down","more":"please"}"#, Reason::Throttled),
        (r#"{"why":"something else"}"#, Reason::Missing),
    ] {
        match read_answer(&hall, &json(body)) {
            Err(ReadError::Refused(refusal)) => assert_eq!(refusal.reason, reason, "{body}"),
            other => panic!("{body}: {other:?}"),
        }
    }
}
