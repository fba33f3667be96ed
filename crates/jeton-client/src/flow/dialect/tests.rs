//! Requests and answers by a file, as tables.

use super::*;

const FILE: &str = r#"
jeton = 1
name = "meadow"
[token]
format = "opaque"
lifetime = "1h"
url = "home"
[refresh]
how = "keep"
end = { after = "24h" }
[field]
nonce = { from = "client", make = "uuid4", once_within = "2h" }
home = { from = "server" }
[[exchange]]
grant = "password"
request = '''
POST /sign-in?herd={{target.number?}}
Content-Type: application/json
nonce: {{nonce?}}

{"user":"{{username}}","password":"{{password}}"}'''
answer = '''
200
Content-Type: application/json

{"token":"{{access_token}}","again":"{{refresh_token}}","nonce":"{{nonce?}}","home":"{{home?}}"}'''
[[exchange]]
grant = "refresh"
request = '''
POST /again
Content-Type: application/json

{"again":"{{refresh_token}}"}'''
answer = '''
200
Content-Type: application/json

{"token":"{{access_token}}","again":"{{refresh_token}}"}'''
[[exchange]]
grant = "userinfo"
request = '''
GET /me'''
answer = '''
200
Content-Type: application/json

{"user":"{{person.username}}"}'''
[[exchange]]
grant = "end"
request = '''
POST /sign-out'''
answer = '''
204'''
[refusal]
answer = '''
{{status}}
Content-Type: application/json

{"error":"{{code}}"}'''
invalid_request = { status = 400, code = "bad" }
wrong_credentials = { status = 401, code = "who" }
invalid_token = { status = 401, code = "old" }
[[show]]
methods = ["POST"]
token = "X-Key: {{access_token}}"
[[show]]
only = "client"
token = "?key={{access_token}}"
returned = "X-Next: {{access_token}}"
[[show]]
only = "server"
token = "?key={{access_token}}"
"#;

fn flow() -> DialectFlow {
    let dialect = Dialect::parse(FILE).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let texts = [("username", "ada"), ("target.number", "7")];
    let texts = texts.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    let hosts = vec!["eu.example.net".to_owned()];
    let profile = Profile { url: "https://api.example.com/v1".to_owned(), hosts, values: texts, ..Profile::default() };
    DialectFlow::new(Arc::new(dialect), &profile).unwrap()
}

fn secrets() -> Secrets {
    [("password".to_owned(), Secret::from("pa\"ss"))].into_iter().collect()
}

fn fresh() -> Result<String, crate::clock::NoChance> {
    Ok("b6bf15b4-e00f-4d03-8e2b-7ed8829c8ff6".to_owned())
}

fn token(refresh: Option<&str>) -> Token {
    let issued = Issued { access: Secret::from("acc"), refresh: refresh.map(Secret::from), ..Issued::default() };
    Token::new(issued, Timestamp::EPOCH, 0, 0.0)
}

#[test]
fn requests_are_those_of_the_file() {
    let nonce = ("nonce", "b6bf15b4-e00f-4d03-8e2b-7ed8829c8ff6");
    let json = ("Content-Type", "application/json");
    let again = token(Some("ref"));
    let bare = token(None);
    for (act, token, expected) in [
        (Act::SignIn, None, Some(("/sign-in?herd=7", vec![json, nonce], r#"{"user":"ada","password":"pa\"ss"}"#))),
        (Act::Refresh, Some(&again), Some(("/again", vec![json], r#"{"again":"ref"}"#))),
        (Act::Refresh, Some(&bare), None),
        (Act::Refresh, None, None),
        (Act::End, Some(&bare), Some(("/sign-out", vec![("X-Key", "acc")], ""))),
        (Act::UserInfo, Some(&bare), Some(("/me?key=acc", vec![], ""))),
        (Act::UserInfo, None, None),
        (Act::End, None, None),
    ] {
        let written = flow().write(act, &secrets(), token, &fresh, Timestamp::EPOCH).unwrap();
        let written = written.as_ref().map(|request| {
            let mut headers: Vec<_> = request.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            headers.sort_unstable();
            (request.url.strip_prefix("https://api.example.com/v1").unwrap(), headers, request.body.expose().as_str())
        });
        assert_eq!(written, expected, "{act:?}");
    }
}

#[test]
fn answers_are_read_and_refusals_have_reasons() {
    for (act, status, body, expected) in [
        (Act::SignIn, 200, r#"{"token":"a","again":"r"}"#, Ok(("a", Some("r")))),
        (Act::SignIn, 401, r#"{"error":"who"}"#, Err("wrong_credentials")),
        (Act::Refresh, 401, r#"{"error":"old"}"#, Err("invalid_token")),
        (Act::SignIn, 429, "slow down", Err("throttled")),
        (Act::SignIn, 502, "<html>", Err("unavailable")),
        (Act::SignIn, 200, "<html>", Err("cannot be read")),
    ] {
        let response = Response {
            status,
            reason_phrase: None,
            headers: http::HeaderMap::new(),
            body: Secret::new(body.as_bytes().to_vec()),
        };
        let read = flow().read(act, &Values::new(), &response);
        match (read, expected) {
            (Ok(issued), Ok((access, refresh))) => {
                assert_eq!(issued.access.expose(), access);
                assert_eq!(issued.refresh.as_ref().map(|secret| secret.expose().as_str()), refresh);
                assert_eq!(issued.lifetime, Some(Duration::from_secs(3600)));
            }
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (read, _) => panic!("{status} {body}: {read:?}"),
        }
    }
}

fn answered(status: u16, body: &str) -> Response {
    let body = Secret::new(body.as_bytes().to_vec());
    Response { status, reason_phrase: None, headers: http::HeaderMap::new(), body }
}

#[test]
fn an_answer_is_to_its_request_and_sends_calls_where_the_profile_allows() {
    let asked = flow().write(Act::SignIn, &secrets(), None, &fresh, Timestamp::EPOCH).unwrap().unwrap().asked;
    for (beside, expected) in [
        ("", Ok((None, 0))),
        (r#","nonce":"b6bf15b4-e00f-4d03-8e2b-7ed8829c8ff6""#, Ok((None, 0))),
        (r#","nonce":"b6bf15b4-e00f-4d03-8e2b-7ed8829c8ff7""#, Err("its `nonce` is not the one that was sent")),
        (r#","home":"https://de.api.example.com/v2""#, Ok((Some("https://de.api.example.com/v2"), 0))),
        (r#","home":"https://eu.example.net""#, Ok((Some("https://eu.example.net"), 0))),
        (r#","home":"https://evil.net""#, Err("add its host to `hosts` in the profile")),
        (r#","home":"http://api.example.com""#, Err("plain HTTP")),
        (r#","home":"/v2""#, Err("not an address")),
        (r#","home":7"#, Err("not an address")),
        (r#","home":null,"token":"b""#, Ok((None, 1))),
    ] {
        let response = answered(200, &format!(r#"{{"token":"a","again":"r"{beside}}}"#));
        match (flow().read(Act::SignIn, &asked, &response), expected) {
            (Ok(issued), Ok((url, deviations))) => {
                assert_eq!((issued.url.as_deref(), issued.deviations.len()), (url, deviations), "{beside}");
            }
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (read, _) => panic!("{beside}: {read:?}"),
        }
    }
}

#[test]
fn the_next_token_from_the_answer_to_any_call() {
    for (name, value, expected) in [("X-Next", "new", Some("new")), ("X-Next", "", None), ("X-Key", "new", None)] {
        let mut response = answered(500, "<html>");
        response.headers.append(name, value.parse().unwrap());
        let read = returned(&flow().dialect, &response);
        assert_eq!(read.as_ref().map(|issued| issued.access.expose().as_str()), expected, "{name}");
        assert!(read.is_none_or(|issued| issued.lifetime == Some(Duration::from_secs(3600))));
    }
}

#[test]
fn whom_a_token_speaks_for() {
    for (status, body, expected) in [
        (200, r#"{"user":"ada"}"#, Ok("ada")),
        (401, r#"{"error":"old"}"#, Err("invalid_token")),
        (200, "{}", Err("user")),
    ] {
        let body = Secret::new(body.as_bytes().to_vec());
        let response = Response { status, reason_phrase: None, headers: http::HeaderMap::new(), body };
        match (flow().read_user_info(&response), expected) {
            (Ok(values), Ok(name)) => assert_eq!(values.text("person.username"), Some(name)),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (read, _) => panic!("{status}: {read:?}"),
        }
    }
}

#[test]
fn the_end_of_a_jwt_is_seen() {
    let jwt = |claims: &str| format!("e30.{}.sig", BASE64URL.encode(claims));
    for (token, expected) in [
        (jwt(r#"{"exp":1700000000}"#), Some(1_700_000_000)),
        (jwt("{}"), None),
        (jwt("no"), None),
        ("opaque".to_owned(), None),
        ("a.b".to_owned(), None),
    ] {
        assert_eq!(unverified_expiry(&token), expected.map(Timestamp::from_secs), "{token}");
    }
}
