//! Two exchanges of one shape: the form of a value tells the earlier from the later, or the file is refused.

use http::Method;
use jeton_core::dialect::{Dialect, Reading, Request, Values};
use jeton_core::domain::refusal::Reason;

use super::super::wire::header_map;

/// A dialect with these exchanges: grant and request.
fn parse(exchanges: &[(&str, &str)]) -> Result<Dialect, Vec<String>> {
    let mut text =
        "jeton = 1\nname = 'gate house'\n[token]\nformat = 'opaque'\ntext = 'sk_{{random:43}}'\nlifetime = '1h'\n\
                    [field]\norg = { from = 'client', type = 'number' }\n"
            .to_owned();
    for (grant, request) in exchanges {
        text += &format!(
            "[[exchange]]\ngrant = '{grant}'\nrequest = '''\n{request}'''\nanswer = '''\n200\nContent-Type: text/plain\n\n{{{{access_token}}}}'''\n"
        );
    }
    Dialect::parse(&text).map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
}

const JSON: &str = "POST /in\nContent-Type: application/json\n\n";

fn json(body: &str) -> String {
    format!("{JSON}{body}")
}

#[test]
fn the_form_of_a_value_tells_requests_apart() {
    let token = format!("sk_{}", "a".repeat(43));
    let uuid = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let renew = json(r#"{"user":"{{username?}}","pin":"{{access_token}}"}"#);
    let password = json(r#"{"user":"{{username}}","pin":"{{password}}"}"#);
    let key = json(r#"{"user":"{{key_id|uuid}}","pin":"{{key_secret}}"}"#);
    let of_org = json(r#"{"user":"{{username}}","pin":"{{password}}","org":{{org}}}"#);
    let of_realm = json(r#"{"user":"{{key_id}}","pin":"{{key_secret}}","org":"{{realm}}"}"#);
    let pin = |user: &str, pin: &str| format!(r#"{{"user":"{user}","pin":"{pin}"}}"#);
    let both = [("renew", renew.as_str()), ("password", &password)];
    let keys = [("api_key", key.as_str()), ("password", &password)];
    let orgs = [("password", of_org.as_str()), ("api_key", &of_realm)];
    let three = [("renew", renew.as_str()), ("api_key", &key), ("password", &password)];
    type Row<'a> = (&'a [(&'a str, &'a str)], String, Result<&'a str, Reason>);
    let rows: [Row<'_>; 14] = [
        (&both, pin("ada", &token), Ok("renew")),
        (&both, pin("ada", &token[1..]), Ok("password")),
        (&both, pin("ada", &format!("{token}b")), Ok("password")),
        (&both, pin("ada", ""), Err(Reason::Missing)),
        (&both, pin("", "x"), Err(Reason::Missing)),
        (&keys, pin(uuid, "x"), Ok("api_key")),
        (&keys, pin("ada", "x"), Ok("password")),
        // With the form of the earlier, what is wrong in it is its own.
        (&keys, pin(uuid, ""), Err(Reason::Missing)),
        (&orgs, r#"{"user":"ada","pin":"x","org":7}"#.to_owned(), Ok("password")),
        (&orgs, r#"{"user":"ada","pin":"x","org":"seven"}"#.to_owned(), Ok("api_key")),
        (&orgs, r#"{"user":"ada","pin":"x","org":true}"#.to_owned(), Err(Reason::Malformed)),
        (&three, pin(uuid, &token), Ok("renew")),
        (&three, pin(uuid, "x"), Ok("api_key")),
        (&three, pin("ada", "x"), Ok("password")),
    ];
    let headers = header_map(&[("Content-Type".to_owned(), "application/json".to_owned())]);
    for (exchanges, body, expected) in rows {
        let dialect = parse(exchanges).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
        let request =
            Request { method: &Method::POST, path: "/in", query: None, headers: &headers, body: body.as_bytes() };
        let found = match dialect.read_request(&request, &Values::new()) {
            Reading::Exchange { grant, .. } => Ok(grant.name()),
            Reading::Refused { refusal, .. } => Err(refusal.reason),
            Reading::NotMine => panic!("{body}"),
        };
        assert_eq!(found, expected, "{body}");
    }
}

#[test]
fn in_basic_credentials_too() {
    let parts = "[part]\nheld = 'token:{{access_token}}'\nbasic = '{{username}}:{{password}}'\n[[exchange]]";
    let renew = ("renew", "GET /in\nAuthorization: Basic {{held|base64}}");
    let password = ("password", "GET /in\nAuthorization: Basic {{basic|base64}}");
    let text = "jeton = 1\nname = 'gate house'\n[token]\nformat = 'opaque'\nlifetime = '1h'\n".to_owned();
    let exchange = |(grant, request): (&str, &str)| {
        format!(
            "\ngrant = '{grant}'\nrequest = '''\n{request}'''\nanswer = '''\n200\nContent-Type: text/plain\n\n{{{{access_token}}}}'''\n"
        )
    };
    let load =
        |first, second| Dialect::parse(&format!("{text}{parts}{}[[exchange]]{}", exchange(first), exchange(second)));
    assert!(load(password, renew).is_err(), "a password takes every token");
    let dialect = load(renew, password).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    // `ada:secret`, and `token:secret`, which is no token: a person may be called so.
    for credentials in ["YWRhOnNlY3JldA==", "dG9rZW46c2VjcmV0"] {
        let headers = header_map(&[("Authorization".to_owned(), format!("Basic {credentials}"))]);
        let request = Request { method: &Method::GET, path: "/in", query: None, headers: &headers, body: b"" };
        match dialect.read_request(&request, &Values::new()) {
            Reading::Exchange { grant, .. } => assert_eq!(grant.name(), "password"),
            other => panic!("{credentials}: {other:?}"),
        }
    }
}

#[test]
fn what_cannot_be_told_apart_is_refused() {
    let password = json(r#"{"user":"{{username}}","pin":"{{password}}"}"#);
    let form = "POST /in\nContent-Type: application/x-www-form-urlencoded\n\nuser={{key_id}}&pin={{key_secret}}";
    let rows: &[(&str, &str, bool)] = &[
        // Nothing tells a password from a secret, nor one that has more beside it.
        (&password, r#"{"user":"{{key_id}}","pin":"{{key_secret}}"}"#, false),
        (&password, r#"{"user":"{{key_id}}","pin":"{{key_secret}}","kind":"key"}"#, false),
        (&password, r#"{"pin":"{{key_secret}}","of":"{{key_id}}"}"#, false),
        // The wider form is first.
        (&password, r#"{"user":"{{key_id|uuid}}","pin":"{{key_secret}}"}"#, false),
        (&password, r#"{"name":"{{key_id}}","secret":"{{key_secret}}"}"#, true),
    ];
    for (first, second, good) in rows {
        let mistakes = parse(&[("password", first), ("api_key", &json(second))]).err().unwrap_or_default();
        let told =
            mistakes.iter().any(|mistake| mistake.contains("another request has this start line and body: POST /in"));
        assert_eq!((told, mistakes.is_empty()), (!good, *good), "{second}: {mistakes:#?}");
    }
    let literal = json(r#"{"user":"{{username}}","pin":"{{password}}","kind":"person"}"#);
    let other = json(r#"{"user":"{{key_id}}","pin":"{{key_secret}}","kind":"key"}"#);
    for (first, second) in [
        (literal.as_str(), other.as_str()),
        (&literal, &password.replace("username", "key_id").replace("password", "key_secret")),
        (&password, form),
    ] {
        let loaded = parse(&[("password", first), ("api_key", second)]);
        assert!(loaded.is_ok(), "{second}: {:#?}", loaded.err());
    }
}
