//! Whatever comes in, the answer is a refusal: no panic, and never a 5xx.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method};
use jeton_core::dialect::{Answer, AnswerParts, Dialect, Place, Reading, Request, Values};
use jeton_core::domain::refusal::{Reason, Refusal};
use proptest::prelude::*;
use proptest::test_runner::Config;

use super::goldens::built_in;
use super::made_up::{TEXT, meadow};
use super::round_trip::{VALLEY, valley};

/// Reason and field of a refusal; nothing if the request can be read.
type Refused<'a> = Option<(Reason, Option<&'a str>)>;
/// Query, content type, body.
type Sent<'a> = (String, &'a str, Vec<u8>);

fn json(dialect: &Dialect, path: &str, body: &[u8]) -> Option<(Reason, Option<String>)> {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    let request = Request { method: &Method::POST, path, query: None, headers: &headers, body };
    match dialect.read_request(&request, &Values::new()) {
        Reading::Refused { refusal, .. } => Some((refusal.reason, refusal.field)),
        _ => None,
    }
}

#[test]
fn bodies_of_json() {
    let dialect = built_in().iter().find(|dialect| dialect.name == "pitchpoint").unwrap();
    let path = "/user-management-services-ws/oauth2/002/refreshIdToken";
    let long = format!(r#"{{"refresh_token":"{}"}}"#, "x".repeat(8193));
    let deep = [r#"{"a":"#.repeat(32), "1".to_owned(), "}".repeat(32)].concat();
    let deepest_that_is_read = [r#"{"refresh_token":"t","a":"#, &"[".repeat(31), &"]".repeat(31), "}"].concat();
    let endless = "[".repeat(100_000);
    let rows: &[(&[u8], Refused<'_>)] = &[
        (br#"{"refresh_token":"t"}"#, None),
        (deepest_that_is_read.as_bytes(), None),
        (br#"{"a":1,"a":2,"refresh_token":"t"}"#, None),
        (br#"{"refresh_token":"t"} "#, None),
        (br#"{"refresh_token":"t"}x"#, Some((Reason::Malformed, Some("body")))),
        (b"", Some((Reason::Malformed, Some("body")))),
        (b"\xff\xfe", Some((Reason::Malformed, Some("body")))),
        (b"{\"refresh_token\":\"\xff\"}", Some((Reason::Malformed, Some("body")))),
        (br#"{"refresh_token":"\ud800"}"#, Some((Reason::Malformed, Some("body")))),
        (deep.as_bytes(), Some((Reason::Missing, Some("refresh_token")))),
        (endless.as_bytes(), Some((Reason::Malformed, Some("body")))),
        (br#""text""#, Some((Reason::Malformed, None))),
        (b"null", Some((Reason::Missing, Some("refresh_token")))),
        (b"{}", Some((Reason::Missing, Some("refresh_token")))),
        (br#"{"refresh_token":null}"#, Some((Reason::Missing, Some("refresh_token")))),
        (br#"{"refresh_token":""}"#, Some((Reason::Missing, Some("refresh_token")))),
        (br#"{"refresh_token":["t"]}"#, Some((Reason::Malformed, Some("refresh_token")))),
        (br#"{"refresh_token":true}"#, Some((Reason::Malformed, Some("refresh_token")))),
        (br#"{"refresh_token":1e999}"#, Some((Reason::Malformed, Some("body")))),
        (br#"{"refresh_token":"t","refresh_token":"t"}"#, Some((Reason::Repeated, Some("refresh_token")))),
        (br#"{"refresh_token":"t","refresh\u005ftoken":"u"}"#, Some((Reason::Repeated, Some("refresh_token")))),
        (long.as_bytes(), Some((Reason::Malformed, Some("refresh_token")))),
    ];
    for (body, expected) in rows {
        let found = json(dialect, path, body);
        let found = found.as_ref().map(|(reason, field)| (*reason, field.as_deref()));
        assert_eq!(found, *expected, "{}", String::from_utf8_lossy(&body[..body.len().min(60)]));
    }
}

#[test]
fn forms_and_queries() {
    let dialect = built_in().iter().find(|dialect| dialect.name == "inevent").unwrap();
    let long = |name: &str, length: usize| format!("{name}={}", "x".repeat(length));
    let form = "application/x-www-form-urlencoded";
    let multipart = "multipart/form-data; boundary=b";
    let sign_in = "action=person.signIn&username=a";
    let rows: Vec<(Sent<'_>, Option<(Reason, &str)>)> = vec![
        ((sign_in.into(), form, b"password=%ff".to_vec()), Some((Reason::Malformed, "password"))),
        ((sign_in.into(), form, b"password=%4".to_vec()), Some((Reason::Malformed, "password"))),
        ((sign_in.into(), form, b"password=\xff".to_vec()), Some((Reason::Malformed, "body"))),
        ((sign_in.into(), form, b"password=a&password=a".to_vec()), Some((Reason::Repeated, "password"))),
        ((sign_in.into(), form, long("password", 1025).into()), Some((Reason::Malformed, "password"))),
        ((sign_in.into(), form, long("password", 1024).into()), None),
        (
            (sign_in.into(), "application/x-www-form-urlencoded; charset=latin1", b"password=a".to_vec()),
            Some((Reason::UnsupportedType, "Content-Type")),
        ),
        ((sign_in.into(), "nonsense", b"password=a".to_vec()), Some((Reason::UnsupportedType, "Content-Type"))),
        (
            (format!("action=person.signIn&{}", long("username", 257)), form, b"password=a".to_vec()),
            Some((Reason::Malformed, "username")),
        ),
        ((format!("action=person.signIn&{}", long("username", 256)), form, b"password=a".to_vec()), None),
        (
            ("action=person.signIn&username=a%00b".into(), form, b"password=a".to_vec()),
            Some((Reason::Malformed, "username")),
        ),
        (
            ("action=person.signIn&username=%zz".into(), form, b"password=a".to_vec()),
            Some((Reason::Malformed, "username")),
        ),
        (
            ("action=person.signIn&username=a&action=person.signIn".into(), form, b"password=a".to_vec()),
            Some((Reason::Repeated, "action")),
        ),
        (("action=%ff".into(), form, b"password=a".to_vec()), Some((Reason::Malformed, "action"))),
        (
            ("action=person.signIn&username=a&eventID=-0".into(), form, b"password=a".to_vec()),
            Some((Reason::Malformed, "eventID")),
        ),
        (
            ("action=person.signIn&username=a&eventID=+7".into(), form, b"password=a".to_vec()),
            Some((Reason::Malformed, "eventID")),
        ),
        (("action=person.signIn&username=a&eventID=9223372036854775807".into(), form, b"password=a".to_vec()), None),
        (
            (
                sign_in.into(),
                multipart,
                b"--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\na\r\n--b--".to_vec(),
            ),
            None,
        ),
        (
            (sign_in.into(), multipart, b"--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\na".to_vec()),
            Some((Reason::Malformed, "body")),
        ),
        ((sign_in.into(), "multipart/form-data", b"--b--".to_vec()), Some((Reason::Malformed, "body"))),
        (
            (
                sign_in.into(),
                multipart,
                b"--b\r\nContent-Disposition: form-data; name=\"password\"; filename=\"p\"\r\n\r\na\r\n--b--".to_vec(),
            ),
            Some((Reason::Missing, "password")),
        ),
    ];
    for ((query, content_type, body), expected) in &rows {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static(content_type));
        let request = Request { method: &Method::POST, path: "/", query: Some(query), headers: &headers, body };
        let found = match dialect.read_request(&request, &Values::new()) {
            Reading::Refused { refusal, .. } => Some((refusal.reason, refusal.field.unwrap_or_default())),
            Reading::Exchange { .. } => None,
            Reading::NotMine => panic!("{query}"),
        };
        let found = found.as_ref().map(|(reason, field)| (*reason, field.as_str()));
        assert_eq!(found, *expected, "{query} {}", String::from_utf8_lossy(&body[..body.len().min(80)]));
    }
}

#[test]
fn every_reason_has_an_answer_everywhere() {
    for dialect in built_in() {
        let exchanges = (0..dialect.exchanges.len()).map(Place::Exchange);
        let shows = (0..dialect.shows.len()).map(Place::Show);
        for place in exchanges.chain(shows).chain([Place::Dialect, Place::Show(99)]) {
            for reason in Reason::ALL {
                for field in [None, Some("na\u{e9}\r\nme")] {
                    let mut refusal = Refusal::new(reason);
                    refusal.field = field.map(str::to_owned);
                    let answer = dialect.write_refusal(place, &refusal, &Values::new());
                    let fault = answer.status >= 500 && reason != Reason::Unavailable;
                    assert!(answer.status >= 400 && !fault, "{} {place:?} {reason:?}", dialect.name);
                    let phrase = answer.reason_phrase.unwrap_or_default();
                    assert!(phrase.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{phrase:?}");
                    assert!(answer.headers.iter().all(|(_, value)| HeaderValue::from_str(value).is_ok()));
                }
            }
        }
    }
}

#[test]
fn what_a_refusal_adds() {
    let named = |name: &str| built_in().iter().find(|dialect| dialect.name == name).unwrap();
    let write = |name: &str, refusal: &Refusal| named(name).write_refusal(Place::Dialect, refusal, &Values::new());
    let header = |answer: &Answer, name: &str| {
        answer.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    };
    for (wait, seconds) in [(0, "0"), (1, "1"), (1000, "1"), (1001, "2"), (59_999, "60")] {
        let answer = write("zro", &Refusal::new(Reason::Throttled).retry_after(Duration::from_millis(wait)));
        assert_eq!(header(&answer, "Retry-After").as_deref(), Some(seconds));
    }
    // A row that speaks of a field is no answer to a refusal that names none: the parent's is.
    let answer = write("inevent", &Refusal::new(Reason::Malformed));
    assert_eq!(answer.reason_phrase.as_deref(), Some("request is invalid"));
    // Neither a row nor a parent's: the status alone.
    let answer = write("ion", &Refusal::new(Reason::WrongCredentials));
    assert_eq!((answer.status, answer.headers.len(), answer.body.as_str()), (401, 0, ""));
    // A field that no header can hold is not repeated: again the parent's row.
    let answer = write("inevent", &Refusal::new(Reason::Missing).field("a\r\nb"));
    assert_eq!(header(&answer, "X-InEvent-Error").as_deref(), Some("request is invalid"));
}

proptest! {
    #![proptest_config(Config { cases: 400, failure_persistence: None, ..Config::default() })]

    #[test]
    fn no_request_panics(
        path in prop_oneof!["(/[ -~]{0,8}){0,4}", Just("/".to_owned()), Just("/auth/singin".to_owned()), Just("/v2/door".to_owned()), Just("/soap".to_owned()), Just("/token".to_owned())],
        query in "[ -~]{0,40}|action=person\\.sign(In|Out)(&[a-z%=]{0,20})?",
        kind in prop_oneof!["application/json", "multipart/form-data; boundary=[ab-]{1,3}", "application/x-www-form-urlencoded", "text/plain", "text/xml", "application/x-amz-json-1\\.1", "[ -~]{0,20}"],
        authorization in prop::collection::vec(any::<u8>(), 0..20),
        body in prop_oneof![prop::collection::vec(any::<u8>(), 0..60), r#"[\[\]{}",:a-z0-9=&%\r\n-]{0,60}"#.prop_map(String::into_bytes), r#"<s:Envelope xmlns:s="urn:soap">[<>/=:'"&;#!?a-z\[\] -]{0,60}"#.prop_map(String::into_bytes)],
    ) {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_str(&kind).unwrap());
        if let Ok(value) = HeaderValue::from_bytes(&authorization) {
            headers.insert("authorization", value.clone());
            headers.insert("cookie", value);
        }
        for dialect in built_in().iter().chain([meadow(), valley()]) {
            let request = Request { method: &Method::POST, path: &path, query: Some(&query), headers: &headers, body: &body };
            let _ = dialect.read_request(&request, &Values::new());
            let _ = dialect.read_token(&request);
            for index in 0..dialect.exchanges.len() {
                let answer = AnswerParts { status: 200, reason_phrase: Some(&query), headers: &headers, body: &body };
                let _ = dialect.read_answer(index, &answer);
            }
        }
    }

    #[test]
    fn no_file_panics(at in any::<prop::sample::Index>(), length in 0usize..20, text in "[ -~\\n'\"{}=|?*<>/é]{0,6}") {
        for (_, file) in Dialect::built_in().iter().chain([&("meadow", TEXT), &("valley", VALLEY)]) {
            let chars: Vec<char> = file.chars().collect();
            let from = at.index(chars.len());
            let to = (from + length).min(chars.len());
            let changed: String = chars[..from].iter().copied().chain(text.chars()).chain(chars[to..].iter().copied()).collect();
            if let Err(mistakes) = Dialect::parse(&changed) {
                prop_assert!(!mistakes.is_empty());
                prop_assert!(mistakes.iter().all(|mistake| mistake.line >= 1 && mistake.line <= changed.lines().count() + 1));
            }
        }
    }
}
