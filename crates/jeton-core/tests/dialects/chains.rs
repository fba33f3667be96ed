//! Exchanges with steps: every part is written and read like any other exchange, and mistakes between them are found.

use jeton_core::dialect::{Dialect, GrantName, Part};

/// A challenge first, then a sign-in, then a ticket for the token.
pub(crate) const FERRY: &str = r#"
jeton = 1
name = "ferry"
[token]
format = "opaque"
lifetime = "1h"
[field]
challenge = { from = "step" }
ticket = { from = "step", type = "secret" }
[[exchange]]
grant = "password"
request = '''
POST /ferry/board
Content-Type: application/xml

<board><ticket>{{ticket}}</ticket></board>'''
answer = '''
200
Content-Type: application/json

{"token":"{{access_token}}","left":{{expires_in}},"for":"{{person.username}}"}'''
[[exchange.step]]
request = '''
GET /ferry/challenge'''
answer = '''
200
Content-Type: application/json

{"challenge":"{{challenge}}","seconds":{{expires_in}}}'''
[[exchange.step]]
request = '''
POST /ferry/sign-in
Content-Type: application/json
X-Challenge: {{challenge}}

{"user":"{{username}}","password":"{{password}}"}'''
answer = '''
204
Set-Cookie: ticket={{ticket}}; HttpOnly'''
[refusal]
answer = '''
{{status}}
Content-Type: application/json

{"error":"{{code}}"}'''
invalid_request   = { status = 400, code = "bad" }
wrong_credentials = { status = 401, code = "who" }
"#;

pub(crate) fn ferry() -> &'static Dialect {
    static PARSED: std::sync::LazyLock<Dialect> =
        std::sync::LazyLock::new(|| Dialect::parse(FERRY).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")));
    &PARSED
}

#[test]
fn steps_stand_before_their_exchange() {
    let dialect = ferry();
    let grants: Vec<GrantName> = dialect.exchanges.iter().map(|exchange| exchange.grant).collect();
    assert_eq!(grants, [GrantName::Step, GrantName::Step, GrantName::Password]);
    for (index, number) in [(0, 0), (1, 1), (2, 2)] {
        assert_eq!(dialect.part(index), Some(Part { exchange: 2, number, last: 2, proves: 1 }));
    }
    let slots = dialect.whole_request_slots(2);
    assert_eq!(slots.iter().map(|slot| slot.name.as_str()).collect::<Vec<_>>(), ["username", "password"]);
    assert_eq!(super::made_up::meadow().part(0), None);
}

/// What is wrong, and in which line of the file it is told.
#[test]
fn what_leads_nowhere_is_refused() {
    let (board, first, second) = (12, 23, 31);
    let another = "[[exchange.step]]\nrequest = '''\nGET /ferry/more'''\nanswer = '''\n204'''\n[refusal]";
    for (from, to, line, says) in [
        (
            "X-Challenge: {{challenge}}\n",
            "",
            first + 2,
            "`challenge` is given by this step, and no later request takes it",
        ),
        ("{{challenge}}\",\"sec", "x\",\"sec", second, "no step before this request gives `challenge`"),
        (
            "{{challenge}}\",\"sec",
            "{{challenge?}}\",\"sec",
            first + 2,
            "nothing in the next request shows that it follows",
        ),
        ("Set-Cookie: ticket={{ticket}}; HttpOnly", "X: y", board, "no step before this request gives `ticket`"),
        ("{{person.username}}", "{{ticket}}", board + 5, "cannot stand in the last answer"),
        ("from = \"step\" }", "from = \"step\", type = \"number\" }", first + 2, "a server makes `challenge` as text"),
        (
            ":{{expires_in}}}'''\n[[",
            ":\"{{person.name}}\"}'''\n[[",
            first + 2,
            "nobody is known yet whose `person.name`",
        ),
        ("<board><", "<board><scope>{{scope}}</scope><", board, "`scope` comes after the credentials are complete"),
        ("<board><", "<board><p>{{password}}</p><", board, "`password` comes after the credentials are complete"),
        ("204\nSet", "204\nX-Again: {{refresh_token}}\nSet", second + 6, "`refresh_token` comes with the last answer"),
        ("{\"user\":\"{{username}}\",", "{", board, "needs the hole {{username}}"),
        ("grant = \"password\"", "grant = \"end\"", board - 1, "the grant `end` has no steps"),
        (
            "POST /ferry/sign-in",
            "GET /ferry/challenge\nPOST /ferry/sign-in",
            second,
            "another request has this start line",
        ),
        ("[refusal]", another, 40, "an exchange has two steps at most"),
    ] {
        let text = FERRY.replacen(from, to, 1);
        assert_ne!(text, FERRY, "{from}");
        let mistakes = Dialect::parse(&text).err().unwrap_or_default();
        let told = mistakes.iter().any(|mistake| mistake.line == line && mistake.to_string().contains(says));
        assert!(told, "line {line}: {says}\n{mistakes:#?}");
    }
}

#[test]
fn a_value_of_a_step_needs_a_step() {
    let (head, rest) = FERRY.split_once("[[exchange.step]]").unwrap();
    let tail = &rest[rest.find("[refusal]").unwrap()..];
    let text = format!("{head}{tail}").replacen("{{ticket}}", "{{username}}{{password}}", 1);
    let text = text.replacen("{{username}}{{password}}", "{{username}} {{password}}", 1);
    let mistakes = Dialect::parse(&text).err().unwrap_or_default();
    let told: Vec<String> = mistakes.iter().map(|mistake| format!("{}: {}", mistake.line, mistake.message)).collect();
    let says = |line: usize, name: &str| format!("{line}: `{name}` is given by a step, and no exchange has one");
    assert_eq!(told, [says(8, "challenge"), says(9, "ticket")]);
}

/// What only a client speaks may be of any type and order, since nobody has to make it here.
#[test]
fn a_client_takes_what_another_server_gives() {
    let text = FERRY
        .replace("challenge = { from = \"step\" }", "challenge = { from = \"step\", type = \"number\" }")
        .replace("\"{{challenge}}\"", "{{challenge}}")
        .replace("grant = \"password\"", "grant = \"password\"\nonly = \"client\"")
        .replace("<board>", "<board><scope>{{scope}}</scope>");
    assert!(Dialect::parse(&text).is_ok(), "{:#?}", Dialect::parse(&text).err());
}
