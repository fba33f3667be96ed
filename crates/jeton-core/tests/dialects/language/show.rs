//! Which placement a call has, by its method and path, at either end.

use http::Method;
use jeton_core::dialect::{AnswerParts, Carrier, Dialect, Reading, Request, Shown, Values};
use jeton_core::domain::refusal::Reason;
use jeton_core::secret::Secret;

use super::super::wire::header_map;

const FILE: &str = r#"
jeton = 1
name = "terrace"
prefixes = ["/api"]
[token]
format = "opaque"
lifetime = "1h"
[[exchange]]
grant = "end"
request = 'DELETE /v2/session'
answer = '204'
[[show]]
methods = ["PUT", "DELETE"]
path = "/v2/*"
token = "X-Write: {{access_token}}"
[[show]]
path = "/v1/caf%C3%A9"
token = "Cookie: v1={{access_token}}"
[[show]]
path = "/v2/*"
only = "client"
token = "X-Client: {{access_token}}"
[[show]]
path = "/v2/*"
only = "server"
token = ["Authorization: Bearer {{access_token}}", "X-Client: {{access_token}}"]
[[show]]
methods = ["GET"]
path = "/*"
token = "?key={{access_token}}"
"#;

#[test]
fn a_call_has_the_placement_that_is_for_it() {
    let dialect = Dialect::parse(FILE).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    let read = |method: &str, target: &str, headers: &[(String, String)]| {
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let (method, headers): (Method, _) = (method.parse().unwrap(), header_map(headers));
        match dialect.read_token(&Request { method: &method, path, query, headers: &headers, body: b"" }) {
            Shown::Token { show, .. } => Some(show),
            Shown::None => None,
            Shown::Refused { refusal, .. } => panic!("{target}: {refusal:?}"),
        }
    };
    // Method and path; what a client writes; by which show the gate reads that.
    let rows = [
        ("PUT", "/v2/x", Some("X-Write"), Some(0)),
        ("DELETE", "/v2", Some("X-Write"), Some(0)),
        ("PUT", "/api/v2/x/y", Some("X-Write"), Some(0)),
        ("PUT", "/v22", None, None),
        ("PUT", "/", None, None),
        ("GET", "/v1/caf%c3%a9", Some("Cookie"), Some(1)),
        ("POST", "/v1/caf%c3%a9/", None, None),
        ("POST", "/v2/x", Some("X-Client"), Some(3)),
        ("GET", "/v2/x", Some("X-Client"), Some(3)),
        ("GET", "/v3", Some("?key"), Some(4)),
        ("GET", "", Some("?key"), Some(4)),
    ];
    for (method, path, written, shown) in rows {
        let method_name: Method = method.parse().unwrap();
        let placed = dialect.place_token(&method_name, path, &Secret::from("abc"), &Values::new()).ok();
        let names = placed.iter().flat_map(|placed| {
            let headers = placed.headers.iter().map(|(name, _)| name.clone());
            headers.chain(placed.query.iter().map(|(name, _)| format!("?{name}")))
        });
        assert_eq!(names.collect::<Vec<_>>(), Vec::from_iter(written), "{method} {path}");
        if let Some(placed) = placed {
            let query: Vec<String> = placed.query.iter().map(|(name, value)| format!("?{name}={value}")).collect();
            assert_eq!(read(method, &format!("{path}{}", query.concat()), &placed.headers), shown, "{method} {path}");
        }
    }
    // A token where another call has it is none, whoever sends it.
    let header = |name: &str| [(name.to_owned(), "abc".to_owned())];
    for (method, path, name) in [("GET", "/v2/x", "X-Write"), ("PUT", "/v1/x", "X-Write"), ("GET", "/v3", "X-Client")] {
        assert_eq!(read(method, path, &header(name)), None, "{method} {path} {name}");
    }
    // What a gate takes out is every place that any call has.
    let carriers: Vec<Carrier> = dialect.shows.iter().flat_map(|show| show.carriers()).collect();
    for name in ["X-Write", "X-Client", "Authorization"] {
        assert!(carriers.contains(&Carrier::Header(name.to_owned())), "{name}");
    }
}

#[test]
fn a_sign_out_has_the_placement_of_its_own_request() {
    let dialect = Dialect::parse(FILE).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    for (name, expected) in [("X-Write", None), ("X-Other", Some(Reason::NoToken))] {
        let headers = header_map(&[(name.to_owned(), "abc".to_owned())]);
        let request =
            Request { method: &Method::DELETE, path: "/v2/session", query: None, headers: &headers, body: b"" };
        match (dialect.read_request(&request, &Values::new()), expected) {
            (Reading::Exchange { values, .. }, None) => assert!(values.secret("access_token").is_some()),
            (Reading::Refused { refusal, .. }, Some(reason)) => assert_eq!(refusal.reason, reason),
            (other, _) => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn the_next_token_in_the_answer_to_a_call() {
    let text = FILE.replacen(
        "only = \"client\"",
        "only = \"client\"\nreturned = \"\"\"\nX-Next: {{access_token}}\nX-Next-End: {{expires_at|epoch?}}\"\"\"",
        1,
    );
    let cookie = text.replace("X-Next: {{access_token}}", "Set-Cookie: v2=s.{{access_token}}; Path=/");
    let rows: &[(&str, &[(&str, &str)], Option<(&str, Option<i64>)>)] = &[
        (&text, &[("X-Next", "new"), ("X-Next-End", "60")], Some(("new", Some(60)))),
        (&text, &[("x-next", "new")], Some(("new", None))),
        (&text, &[("X-Next", ""), ("X-Next-End", "60")], None),
        (&text, &[("X-Next", "a b")], None),
        (&text, &[("X-Client", "new")], None),
        (&cookie, &[("Set-Cookie", "a=b"), ("Set-Cookie", "v2=s.new; Max-Age=9")], Some(("new", None))),
        (&cookie, &[("Set-Cookie", "v2=gone; Max-Age=0")], None),
        (FILE, &[("X-Next", "new")], None),
    ];
    for (file, headers, expected) in rows {
        let dialect = Dialect::parse(file).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let headers = header_map(&headers);
        let parts = AnswerParts { status: 404, reason_phrase: None, headers: &headers, body: b"x" };
        let read = dialect.read_returned(&parts);
        let found = read.as_ref().map(|values| {
            (
                values.secret("access_token").unwrap().expose().as_str(),
                values.time("expires_at").map(|end| end.as_secs()),
            )
        });
        assert_eq!(found, *expected, "{headers:?}");
    }
}
