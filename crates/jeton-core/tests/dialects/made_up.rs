//! A dialect of an API that does not exist: other names, places and shapes than those in the tree.

use std::sync::LazyLock;

use http::{HeaderMap, Method};
use jeton_core::dialect::{
    AnswerParts, Carrier, Dialect, Kind, Place, ReadError, Reading, Request, Shown, Slot, Value, Values, WriteError,
};
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::secret::Secret;

use super::goldens::sort;
use super::wire::{header_map, value};

pub(crate) const TEXT: &str = r##"
jeton = 1
name = "meadow"
json = "ascii"
headers = '''
Cache-Control: no-store'''

[token]
format = "opaque"
lifetime = "45s"

[refresh]
how = "keep"
end = { after = "12h", round_up_to = "midnight", zone = "Pacific/Apia" }

[field]
product = { from = "setting", default = "hay" }
device  = { from = "client", make = "uuid4" }
hint    = { from = "server" }

[part]
basic = '{{client_id|form}}:{{client_secret|form}}'
stamp = '{{issued_at|epoch_ms}}.{{hint}}'

[[exchange]]
grant = "client_credentials"
request = ['''
PUT /v2/{{product}}/{{realm}}/keys
Authorization: Basic {{basic|base64}}
Content-Type: application/x-www-form-urlencoded

scope={{scope?}}''', '''
PUT /v2/{{product}}/{{realm}}/keys
Content-Type: application/x-www-form-urlencoded

id={{client_id}}&secret={{client_secret}}&scope={{scope?}}''']
answer = '''
201
Content-Type: application/json
Expires: {{expires_at|rfc3339}}

{ "result": [ "ok", "{{access_token}}" ],
  "meta": { "by": "{{client_id?}}", "stamp": "{{stamp|base64url}}" },
  "n": {{_=0}} }'''

[[exchange]]
grant = "password"
must = ["X-Api"]
request = '''
POST /v2/door
X-Api: 2
X-Device: {{device?}}
Cookie: sid={{username}}; pin={{password}}'''
answer = '''
200
Set-Cookie: door={{access_token}}; HttpOnly; Path=/
Content-Type: text/plain

welcome {{username}}, for {{expires_in}} seconds'''

[[exchange]]
grant = "refresh"
request = '''
POST /v2/door
Content-Type: text/plain

again {{refresh_token}}'''
answer = '''
200
Content-Type: application/x-www-form-urlencoded

token={{access_token}}&left={{expires_in}}'''

[refusal]
answer = '''
200
Content-Type: application/json

{"result":["error","{{code}}"],"hint":"{{text?}}"}'''
invalid_request   = { code = "E1", text = "{{detail}}" }
wrong_credentials = { code = "E2" }
locked            = { code = "E2", text = "later" }
throttled = '''
420 Calm down
X-Why: slow'''

[[show]]
token = ["Cookie: door={{access_token}}", '''
X-Token: v1.{{access_token}}
X-Device: {{device}}''']
"##;

static MEADOW: LazyLock<Dialect> =
    LazyLock::new(|| Dialect::parse(TEXT).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")));

pub(crate) fn meadow() -> &'static Dialect {
    &MEADOW
}

fn read(dialect: &Dialect, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Reading {
    let map = map(headers);
    let request = Request { method: &method, path, query: None, headers: &map, body: body.as_bytes() };
    dialect.read_request(&request, &Values::new())
}

fn map(headers: &[(&str, &str)]) -> HeaderMap {
    header_map(&headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect::<Vec<_>>())
}

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

#[test]
fn alternatives_are_tried_in_order() {
    let dialect = meadow();
    // "a b:c" and "p%ss" as RFC 6749 §2.3.1 puts them into Basic: a+b%3Ac:p%25ss.
    let basic = ("Authorization", "basic YStiJTNBYzpwJTI1c3M=");
    let both = read(dialect, Method::PUT, "/v2/hay/north%20field/keys", &[basic, FORM], "scope=x");
    let form = read(dialect, Method::PUT, "/v2/hay/north%20field/keys", &[FORM], "id=a+b%3Ac&secret=p%25ss&scope=x");
    for reading in [both, form] {
        let Reading::Exchange { index: 0, values, .. } = reading else { panic!("{reading:?}") };
        assert_eq!(values.text("realm"), Some("north field"));
        assert_eq!(values.text("client_id"), Some("a b:c"));
        assert_eq!(values.secret("client_secret").unwrap().expose(), "p%ss");
        assert_eq!(values.text("scope"), Some("x"));
    }
}

#[test]
fn a_broken_credential_is_not_an_absent_one() {
    let dialect = meadow();
    let rows = [
        // Basic that is no base64, although the form would do.
        ("Basic %%%", "id=a&secret=b", Reason::Malformed, "Authorization"),
        // Basic without a colon.
        ("Basic YWI=", "id=a&secret=b", Reason::Malformed, "Authorization"),
        // A client without a secret.
        ("Basic YTo=", "id=a&secret=b", Reason::Missing, "Authorization"),
        // Another scheme says nothing to us, and the form has no secret.
        ("Bearer x", "id=a", Reason::Missing, "Authorization"),
    ];
    for (authorization, body, reason, field) in rows {
        let reading = read(dialect, Method::PUT, "/v2/hay/f/keys", &[("Authorization", authorization), FORM], body);
        let Reading::Refused { place: Place::Exchange(0), refusal } = reading else {
            panic!("{authorization}: {reading:?}")
        };
        assert_eq!((refusal.reason, refusal.field.as_deref()), (reason, Some(field)), "{authorization}");
    }
}

#[test]
fn routes() {
    let dialect = meadow();
    let text = ("Content-Type", "text/plain");
    let cookie = ("Cookie", "a=b; sid=ada; pin=1234");
    assert!(matches!(read(dialect, Method::PUT, "/v2/straw/f/keys", &[FORM], ""), Reading::NotMine));
    assert!(matches!(read(dialect, Method::PUT, "/v2/hay//keys", &[FORM], ""), Reading::NotMine));
    assert!(matches!(read(dialect, Method::PUT, "/v2/hay/%ff/keys", &[FORM], ""), Reading::NotMine));
    assert!(matches!(read(dialect, Method::POST, "/v2/door/", &[text], "again x"), Reading::NotMine));
    assert!(matches!(
        read(dialect, Method::POST, "/v2/door", &[cookie, ("X-Api", "2")], ""),
        Reading::Exchange { index: 1, .. }
    ));
    assert!(matches!(read(dialect, Method::POST, "/v2/door", &[text], "again r1"), Reading::Exchange { index: 2, .. }));
    let Reading::Refused { refusal, .. } = read(dialect, Method::GET, "/v2/door", &[], "") else { panic!() };
    assert_eq!((refusal.reason, refusal.allow), (Reason::WrongMethod, vec!["POST"]));
    let straw = Values::new().with("product", "straw");
    let (map, method) = (map(&[FORM]), Method::PUT);
    let request =
        Request { method: &method, path: "/v2/straw/f/keys", query: None, headers: &map, body: b"id=a&secret=b" };
    assert!(matches!(dialect.read_request(&request, &straw), Reading::Exchange { index: 0, .. }));
}

/// Names and values as text.
type Rows<'a> = &'a [(&'a str, &'a str)];

fn values(slots: &[Slot], rows: Rows<'_>) -> Values {
    let kind = |name: &str| slots.iter().find(|slot| slot.name == name).map_or(Kind::Text, |slot| slot.kind);
    rows.iter().fold(Values::new(), |values, (name, text)| values.with(*name, value(kind(name), text)))
}

#[test]
fn messages_are_written_as_they_stand_in_the_file() {
    let dialect = meadow();
    let keys = &dialect.exchanges[0];
    let asked = values(&keys.request_slots(), &[("realm", "a/b é"), ("client_id", "me"), ("client_secret", "s:t")]);
    let request = dialect.write_request(0, &asked, &Values::new().with("product", "oats")).unwrap();
    assert_eq!(request.target, "/v2/oats/a%2Fb%20%C3%A9/keys");
    assert_eq!(request.headers[0], ("Authorization".to_owned(), "Basic bWU6cyUzQXQ=".to_owned()));
    assert_eq!(request.body, "");

    let told = values(
        &keys.answer_slots(),
        &[
            ("access_token", "t"),
            ("expires_at", "2030-01-02T03:04:05Z"),
            ("issued_at", "1970-01-01T00:00:01.5Z"),
            ("hint", "ü"),
        ],
    );
    let answer = dialect.write_answer(0, &told, &Values::new()).unwrap();
    assert_eq!(answer.status, 201);
    // Of `meta`, the member without a value goes; the white space around the others stays.
    let expected = "{ \"result\": [ \"ok\", \"t\" ],\n  \"meta\": { \"stamp\": \"MTUwMC7DvA\" },\n  \"n\": 0 }";
    assert_eq!(answer.body, expected);
    assert_eq!(answer.headers[1], ("Expires".to_owned(), "2030-01-02T03:04:05Z".to_owned()));
    assert_eq!(answer.headers[2], ("Cache-Control".to_owned(), "no-store".to_owned()));
    let headers = header_map(&answer.headers);
    let parts = AnswerParts { status: 201, reason_phrase: None, headers: &headers, body: answer.body.as_bytes() };
    assert_eq!(sort(&dialect.read_answer(0, &parts).unwrap()), sort(&told));
}

#[test]
fn what_a_place_cannot_hold_is_not_written() {
    let dialect = meadow();
    let none = Values::new();
    let rows: [(usize, Rows<'_>, &str); 5] = [
        (0, &[("realm", ".."), ("client_id", "a"), ("client_secret", "b")], "realm"),
        (1, &[("username", "a;b"), ("password", "b")], "username"),
        (1, &[("username", "a"), ("password", "b\r\nX: y")], "password"),
        (1, &[("username", "a"), ("password", "b"), ("device", "0f8fad5b-d9cb-169f-a165-70867728950e")], "device"),
        (1, &[("username", "a"), ("password", "")], "password"),
    ];
    for (exchange, rows, name) in rows {
        let asked = values(&dialect.exchanges[exchange].request_slots(), rows);
        match dialect.write_request(exchange, &asked, &none).err() {
            Some(WriteError::Unfit { name: found, .. } | WriteError::Missing(found)) => assert_eq!(found, name),
            other => panic!("{rows:?}: {other:?}"),
        }
    }
    let told = values(
        &dialect.exchanges[1].answer_slots(),
        &[("access_token", "t"), ("username", "a, for b"), ("expires_in", "5")],
    );
    assert!(dialect.write_answer(1, &told, &none).is_err(), "the user's name holds what ends it");
}

#[test]
fn what_an_answer_repeats_of_the_request() {
    let dialect = meadow();
    let asked = Values::new().with("username", "ada").with("expires_in", 9).with("client_id", "me").with("hint", "x");
    for (exchange, expected) in [(0, vec!["client_id"]), (1, vec!["username"]), (2, vec![]), (9, vec![])] {
        let mut said = Values::new();
        dialect.echo(exchange, &asked, &mut said);
        assert_eq!(said.iter().map(|(name, _)| name).collect::<Vec<_>>(), expected, "{exchange}");
    }
    let mut decided = Values::new().with("username", "grace");
    dialect.echo(1, &asked, &mut decided);
    assert_eq!(decided.text("username"), Some("grace"));
}

#[test]
fn refusals_with_the_status_of_success() {
    let dialect = meadow();
    let answer = |refusal: &Refusal| dialect.write_refusal(Place::Exchange(2), refusal, &Values::new());
    let parse = |exchange: usize, status: u16, body: &str| {
        let headers = map(&[("Content-Type", "application/json"), ("X-Why", "slow")]);
        dialect.read_answer(
            exchange,
            &AnswerParts { status, reason_phrase: None, headers: &headers, body: body.as_bytes() },
        )
    };
    let refused = |read: Result<Values, ReadError>| match read {
        Err(ReadError::Refused(refusal)) => refusal.reason,
        other => panic!("{other:?}"),
    };
    let written = answer(&Refusal::new(Reason::WrongCredentials));
    assert_eq!(written.body, r#"{"result":["error","E2"]}"#);
    assert_eq!(refused(parse(1, 200, &written.body)), Reason::WrongCredentials);
    assert_eq!(refused(parse(1, 200, r#"{"result":["error","E2"],"hint":"later"}"#)), Reason::Locked);
    assert_eq!(refused(parse(1, 420, "")), Reason::Throttled);
    let calm = answer(&Refusal::new(Reason::Throttled));
    assert_eq!((calm.status, calm.reason_phrase.as_deref(), calm.body.as_str()), (420, Some("Calm down"), ""));
    let nowhere = answer(&Refusal::new(Reason::Denied));
    assert_eq!((nowhere.status, nowhere.body.as_str()), (403, ""));
    for (status, body) in [(500, "{}"), (200, "{}"), (200, r#"{"result":["error","E9"]}"#)] {
        assert!(matches!(parse(1, status, body), Err(ReadError::Shape(_))), "{status} {body}");
    }
}

#[test]
fn tokens_in_cookies_and_headers() {
    let dialect = meadow();
    let method = Method::GET;
    let show = |headers: &[(&str, &str)]| {
        let map = map(headers);
        dialect.read_token(&Request { method: &method, path: "/", query: None, headers: &map, body: b"" })
    };
    assert!(matches!(show(&[]), Shown::None));
    let Shown::Refused { refusal, .. } = show(&[("Cookie", "door=abc")]) else {
        panic!("a device is needed beside it")
    };
    assert_eq!((refusal.reason, refusal.field.as_deref()), (Reason::Missing, Some("X-Device")));
    let device = ("X-Device", "0f8fad5b-d9cb-469f-a165-70867728950e");
    for headers in [[("Cookie", "x=y; door=abc"), device], [("X-Token", "v1.abc"), device]] {
        let Shown::Token { token, also, .. } = show(&headers) else { panic!("{headers:?}") };
        assert_eq!((token.expose().as_str(), also.text("device")), ("abc", Some(device.1)));
    }
    for (headers, reason) in [
        (vec![("Cookie", "door=abc"), ("X-Token", "v1.abd"), device], Reason::Repeated),
        (vec![("Cookie", "door=abc; door=abc"), device], Reason::Repeated),
        (vec![("X-Token", "v2.abc"), device], Reason::Unreadable),
        (vec![("X-Token", "v1.a c"), device], Reason::Unreadable),
    ] {
        let Shown::Refused { refusal, .. } = show(&headers) else { panic!("{headers:?}") };
        assert_eq!(refusal.reason, reason, "{headers:?}");
    }
    let carriers = dialect.shows[0].carriers();
    let header = |name: &str| Carrier::Header(name.to_owned());
    assert_eq!(carriers, [Carrier::Cookie("door".to_owned()), header("X-Token"), header("X-Device")]);
    let placed = dialect.place_token(&method, "/", &Secret::from("abc"), &Values::new()).unwrap();
    assert_eq!(placed.headers, [("Cookie".to_owned(), "door=abc".to_owned())]);
}

#[test]
fn secrets_are_not_printed() {
    let values = Values::new().with("password", Value::Secret(Secret::from("hunter2")));
    assert!(!format!("{values:?}").contains("hunter2"));
}

#[test]
fn the_examples_of_the_documentation_load() {
    let page = include_str!("../../../../docs/dialects.md");
    let blocks: Vec<&str> = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let [whole, fields, signed, steps] = blocks.as_slice() else { panic!("{} examples", blocks.len()) };
    // The others are pieces of a file: what goes before [token], and other exchanges.
    let (head, tail) = (whole.split("[[exchange]]").next().unwrap(), &whole[whole.find("[refusal]").unwrap()..]);
    let with = |exchange: &str| format!("{head}{exchange}\n{tail}");
    let with_fields = whole.replacen("[token]", &format!("{fields}\n[token]"), 1);
    for text in [(*whole).to_owned(), with_fields, with(signed), with(steps)] {
        assert!(Dialect::parse(&text).is_ok(), "{:#?}", Dialect::parse(&text).err());
    }
}
