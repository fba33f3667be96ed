//! Every mistake in a file is reported at its exact spot, with what to write instead.

use jeton_core::dialect::{Dialect, Mistake};

const GOOD: &str = r#"jeton = 1
name = "meadow"

[token]
format = "jwt"
lifetime = "1h"
claims = '{"iss":"{{issuer}}","exp":{{expires_at|epoch}}}'

[refresh]
how = "keep"
end = { after = "24h", round_up_to = "midnight", zone = "Europe/Lisbon" }

[field]
plot = { from = "client" }
strict = { from = "setting", type = "bool", default = false }

[part]
basic = '{{client_id|form}}:{{client_secret|form}}'

[[exchange]]
grant = "password"
request = '''
POST /sign-in?kind=person&plot={{plot?}}
Content-Type: application/json

{"user":"{{username}}","secret":{"value":"{{password}}"}}'''
answer = '''
200
Content-Type: application/json

{"token":"{{access_token}}","seconds":{{expires_in}}}'''

[[exchange]]
grant = "client_credentials"
request = '''
POST /clients
Authorization: Basic {{basic|base64}}'''
answer = """
200
Content-Type: application/json\n
{\"token\":\"{{access_token}}\"}"""

[refusal]
answer = '''
{{status}} {{text}}
Content-Type: application/json

{"why":"{{code}}"}'''
invalid_request = { status = 400, text = "{{field}} is wrong", code = "bad" }

[[show]]
token = "Authorization: Bearer {{access_token}}"
"#;

/// What is replaced (its first occurrence), by what (`¦` is where the mistake must be reported), and a part of the report.
const ROWS: &[(&str, &str, &str)] = &[
    // The file.
    ("jeton = 1", "jeton = ¦2", "this version of the notation is not known (write jeton = 1)"),
    ("name = \"meadow\"", "¦nam = \"meadow\"", "unknown key `nam` (did you mean `name`?)"),
    ("format = \"jwt\"", "format = ¦\"jtw\"", "unknown value of `format`: `jtw` (did you mean `jwt`?)"),
    ("[refresh]", "[¦refrsh]", "unknown key `refrsh` (did you mean `refresh`?)"),
    ("name = \"meadow\"", "name = ¦meadow", ""),
    // Policy.
    ("lifetime = \"1h\"", "lifetime = ¦\"1 hour\"", "`1 hour` is not a span of time"),
    ("how = \"keep\"", "how = ¦\"kep\"", "did you mean `keep`?"),
    ("zone = \"Europe/Lisbon\"", "zone = ¦\"Europe/Lisbonn\"", "no IANA time zone"),
    ("end = {", "¦ends = {", "unknown key `ends` (did you mean `end`?)"),
    ("claims = '", "¦claim = '", "unknown key `claim`"),
    // Fields and parts.
    ("from = \"client\"", "from = ¦\"cleint\"", "did you mean `client`?"),
    (
        "plot = { from = \"client\" }",
        "plot = { from = \"client\", required_if = ¦\"strickt\" }",
        "`strickt` is no setting of type bool",
    ),
    ("default = false", "default = ¦\"no\"", "the default must be true or false"),
    ("plot = {", "¦username = {", "`username` is a noun of Jeton"),
    ("basic = '", "¦other = 'x'\nbasic = '", "the part `other` is used nowhere"),
    ("'{{client_id|form}}:", "'{{¦basic}}:", "the part `basic` contains itself"),
    // Holes.
    ("{{username}}", "{{¦usernme}}", "unknown hole `usernme` (did you mean `username`?)"),
    ("{{password}}", "{{¦pasword}}", "unknown hole `pasword` (did you mean `password`?)"),
    ("{{plot?}}", "{{plot¦*}}", "`*` cannot stand in the name of a hole"),
    ("{{plot?}}", "{{plot?¦=x}}", "`?` and `=` in one hole"),
    ("{{plot?}}", "¦{{plot?", "this hole has no end"),
    ("{{plot?}}", "{{plot}}¦{{username}}", "two holes touch"),
    ("{{plot?}}", "{{plot|¦bse64}}", "unknown transform `bse64` (did you mean `base64`?)"),
    ("{{plot?}}", "{{¦plot|epoch}}", "`plot` is not a point in time"),
    ("{{expires_at|epoch}}", "{{¦expires_at}}", "`expires_at` is a point in time"),
    ("{{expires_in}}", "{{¦scope}}", "`scope` is text and stands without quotes"),
    ("{{expires_in}}", "{{¦_}}", "`_` has nothing to write"),
    // Messages.
    ("POST /sign-in", "¦PSOT /sign-in", "unknown method `PSOT` (did you mean `POST`?)"),
    ("POST /sign-in", "¦POST sign-in", "a start line is a method and a path"),
    ("/sign-in?kind", "/sign¦ in?kind", "a space in a path or query"),
    ("/sign-in?kind", "/¦{{plot?}}?kind", "a segment of a path cannot be absent"),
    ("{\"user\":", "{\"secret\":1,\"user\":", "the member `secret` stands twice"),
    ("?kind=person", "?¦kind", "a name and a value are needed here"),
    ("kind=person&plot={{plot?}}", "kind=person&¦kind=other", "`kind` stands twice"),
    (
        "Content-Type: application/json",
        "Content-Type: ¦application/xml",
        "no body is read or written as `application/xml`",
    ),
    ("Content-Type: application/json\n\n{\"user", "Accept: text/plain\n\n¦{\"user", "a body needs a Content-Type"),
    ("Authorization: Basic", "¦Authoé: Basic", "`Authoé` cannot be the name of a header"),
    ("{\"user\":", "{¦user:", "a member's name in quotes is needed here"),
    ("\"{{username}}\",\"secret\"", "\"{{username}}\" ¦\"secret\"", "`,` or `}` is needed here"),
    ("\"{{password}}\"}}", "\"{{password}}\"}}¦}", "the JSON goes on after its end"),
    ("200\n", "¦2000\n", "`2000` is not a status"),
    ("{\"token\":\"{{access_token}}\",", "{", "an answer of the grant `password` needs the hole {{access_token}}"),
    // In a string with escapes, the spot is that of the file, not of the value.
    ("\\\"{{access_token}}\\\"}\"\"\"", "\\\"{{¦acces_token}}\\\"}\"\"\"", "did you mean `access_token`?"),
    // Exchanges.
    ("grant = \"password\"", "grant = ¦\"passwrod\"", "did you mean `password`?"),
    ("{{username}}", "{{username?}}", "needs the hole {{username}}"),
    (
        "POST /clients\n",
        "POST /clients\nPOST /clients\n",
        "another request has this start line and body: POST /clients",
    ),
    // Refusals and shows.
    ("invalid_request =", "¦invalid_requst =", "unknown reason `invalid_requst` (did you mean `invalid_request`?)"),
    (", code = \"bad\" }", " }", "the row `invalid_request` gives no `code`"),
    ("code = \"bad\"", "¦cod = \"bad\", code = \"bad\"", "unknown hole of the frame `cod` (did you mean `code`?)"),
    ("status = 400", "status = ¦4000", "`4000` is not a status"),
    ("{{field}} is wrong", "{{¦feld}} is wrong", "did you mean `field`?"),
    ("Bearer {{access_token}}", "Bearer {{¦acess_token}}", "did you mean `access_token`?"),
    ("\"Authorization: Bearer {{access_token}}\"", "\"¦X-Key: {{key_id}}\"", "a placement holds the token once"),
];

#[test]
fn every_mistake_is_reported_at_its_spot() {
    assert!(Dialect::parse(GOOD).is_ok(), "{:#?}", Dialect::parse(GOOD).err());
    let mut wrong = Vec::new();
    for (from, to, report) in ROWS {
        assert!(GOOD.contains(from), "{from}");
        let marked = GOOD.replacen(from, to, 1);
        let text = marked.replace('¦', "");
        let mistakes = Dialect::parse(&text).err().unwrap_or_else(|| panic!("no mistake: {to}"));
        let here = |mistake: &Mistake| match marked.find('¦') {
            Some(at) => {
                let before = &marked[..at];
                let line = before.matches('\n').count() + 1;
                let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
                (mistake.line, mistake.column) == (line, column)
            }
            None => true,
        };
        let found = mistakes.iter().any(|mistake| here(mistake) && mistake.to_string().contains(report));
        let all: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        if !found {
            wrong.push(format!("{to:?}\n  expected: {report}\n  found: {}", all.join("\n         ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_mistakes_are_found_at_once() {
    let text =
        GOOD.replace("{{username}}", "{{usernam}}").replace("{{password}}", "{{passwd}}").replace("\"1h\"", "\"1\"");
    let mistakes = Dialect::parse(&text).err().unwrap_or_default();
    let lines: Vec<usize> = mistakes.iter().map(|mistake| mistake.line).collect();
    assert!(lines.contains(&6) && lines.iter().filter(|line| **line == 26).count() >= 2, "{mistakes:#?}");
    assert_eq!(
        mistakes[0].to_string(),
        "line 6, column 12: `1` is not a span of time (write a number and s, m, h or d, such as \"1h\" or \"30d\")"
    );
}

#[test]
fn lines_that_end_in_crlf_keep_their_places() {
    let text = GOOD.replace("{{password}}", "{{pasword}}").replace('\n', "\r\n");
    let mistakes = Dialect::parse(&text).err().unwrap_or_default();
    assert!(mistakes.iter().any(|mistake| (mistake.line, mistake.column) == (26, 45)), "{mistakes:#?}");
    assert!(Dialect::parse(&GOOD.replace('\n', "\r\n")).is_ok());
}
