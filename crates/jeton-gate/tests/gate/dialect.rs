//! An API with manners of its own: where its token stands, and how it says no.

use std::sync::Arc;

use jeton_core::dialect::Dialect;
use jeton_gate::{Gate, Guard, Usage};

use crate::harness::{self, Api, FakeCheck};

/// Made up; says no with an empty body and the words in the reason phrase.
const MANNERS: &str = r#"
jeton = 1
name = "made-up"

[token]
format = "opaque"
lifetime = "1h"

[refresh]
how = "none"

[[show]]
path = "/v2/*"
token = "X-Ticket: {{access_token}}"

[show.refusal]
answer = '''
{{status}} {{text}}'''
invalid_token = { status = 401, text = "Ticket in X-Ticket please" }

[[show]]
token = ["Authorization: Bearer {{access_token}}", "?ticket={{access_token}}", "Cookie: ticket={{access_token}}"]

[show.refusal]
answer = '''
{{status}} {{text}}
X-Said: {{text}}'''
invalid_request = { status = 400, text = "What?" }
no_token = { status = 401, text = "Ticket please" }
invalid_token = { status = 401, text = "No good ticket" }
expired = { status = 401, text = "Ticket expired" }
denied = { status = 403, text = "Not with this ticket" }
throttled = { status = 429, text = "Slowly" }
"#;

#[tokio::test]
async fn the_token_is_read_and_taken_out_where_the_dialect_shows_it() {
    let dialect = Dialect::parse(MANNERS).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let api = Api::default();
    let guard = Guard {
        usage: Usage::Dialect(Arc::new(dialect)),
        ..harness::guard(&["GET /a", "GET /b scope=admin", "GET /v2/*", "GET /open anonymous"])
    };
    let gate: Arc<Gate<FakeCheck>> = Arc::new(Gate { guard, upstream: api.in_process(), body_limit: 16 });
    let peer: std::net::SocketAddr = "192.0.2.1:9".parse().unwrap();
    let address = harness::serve(move |request| {
        let gate = gate.clone();
        async move { gate.handle(peer, request).await }
    })
    .await;

    #[rustfmt::skip]
    let rows = [
        // target                  header                          status line               what the API sees: target and cookie
        ("/a",                     "Authorization: Bearer good",   "200 OK",                   Some(("/a", ""))),
        ("/a?x=%7e&ticket=good",   "X: 1",                         "200 OK",                   Some(("/a?x=%7e", ""))),
        ("/a?ticket=good",         "Authorization: Bearer good",   "200 OK",                   Some(("/a", ""))),
        ("/a?ticket=go%6fd",       "Cookie: a=1; ticket=good",     "200 OK",                   Some(("/a", "a=1"))),
        ("/open?ticket=any&x",     "Cookie: ticket=other; b=2",    "200 OK",                   Some(("/open?x", "b=2"))),
        ("/a?ticket=good",         "Authorization: Bearer other",  "400 What?",                None),
        ("/a?ticket=good&ticket=good", "X: 1",                     "400 What?",                None),
        ("/a",                     "X: 1",                         "401 Ticket please",        None),
        ("/a?ticket=",             "X: 1",                         "401 Ticket please",        None),
        ("/a?ticket=expired",      "X: 1",                         "401 Ticket expired",       None),
        ("/a?ticket=gone",         "X: 1",                         "401 No good ticket",       None),
        ("/b?ticket=good",         "X: 1",                         "403 Not with this ticket", None),
        ("/a?ticket=busy",         "X: 1",                         "429 Slowly",               None),
        ("/a?ticket=down",         "X: 1",                         "503 Service Unavailable",  None),
        ("/v2/a",                  "X-Ticket: good",               "200 OK",                   Some(("/v2/a", ""))),
        ("/a/../v2/a",             "X-Ticket: good",               "200 OK",                   Some(("/v2/a", ""))),
        ("/a",                     "X-Ticket: good",               "401 Ticket please",        None),
        ("/v2/a",                  "X-Ticket: bad",                "401 Ticket in X-Ticket please", None),
        ("/none?ticket=good",      "X: 1",                         "404 Not Found",            None),
        ("/a%2f?ticket=good",      "X: 1",                         "400 What?",                None),
    ];
    for (target, header, line, reached) in rows {
        let answer =
            harness::send(address, format!("GET {target} HTTP/1.1\r\nHost: h\r\n{header}\r\n\r\n").as_bytes()).await;
        assert_eq!(answer.head.lines().next(), Some(format!("HTTP/1.1 {line}").as_str()), "{target} {header}");
        let seen = api.take();
        let seen = seen.first().map(|seen| (seen.uri.clone(), seen.header("cookie"), seen.header("authorization")));
        let reached = reached.map(|(uri, cookie)| (uri.to_owned(), cookie.to_owned(), String::new()));
        assert_eq!(seen, reached, "{target} {header}");
    }
}
