//! Every mistake in a file is reported at its exact spot, with what to write instead.

use jeton_core::dialect::{Dialect, Mistake};

const GOOD: &str = r#"jeton = 1
name = "meadow"

[token]
format = "jwt"
lifetime = "1h"
claims = '{"iss":"{{issuer}}","sub":"{{person.id}}","iat":{{issued_at|epoch}},"exp":{{expires_at|epoch}}}'

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
    (
        "claims = '{",
        "header = '{\"alg\":\"{{alg}}\",\"typ\":\"at+jwt\",\"kid\":\"{{key.id}}\"}'\nclaims = ¦'{\"client_id\":\"x\",",
        "it would pass for one of OAuth's",
    ),
    ("claims = '{\"iss\":\"{{issuer}}\",", "claims = ¦'{", "refused without the claim `iss` in this form"),
    (
        "'{\"iss\":\"{{issuer}}\",\"sub\":\"{{person.id}}\",",
        "¦'{\"iss\":\"{{issuer}}\",",
        "write \"sub\":\"{{person.id}}\"",
    ),
    (
        "'{\"iss\":\"{{issuer}}\",\"sub\":\"{{person.id}}\"",
        "¦'{\"iss\":\"{{issuer}}\",\"sub\":\"{{person.email?}}\"",
        "without the claim `sub`",
    ),
    (
        "claims = '{\"iss\":\"{{issuer}}\",\"sub\":\"{{person.id}}\",\"iat\":{{issued_at|epoch}},",
        "claims = ¦'{\"iss\":\"{{issuer}}\",\"sub\":\"{{person.id}}\",",
        "without the claim `iat`",
    ),
    (
        "claims = '{\"iss\":\"{{issuer}}\",\"sub\":\"{{person.id}}\",\"iat\":{{issued_at|epoch}},\"exp\":{{expires_at|epoch}}",
        "claims = ¦'{\"iss\":\"{{issuer}}\",\"sub\":\"{{person.id}}\",\"iat\":{{issued_at|epoch}},\"exp\":{{expires_at|epoch_ms}}",
        "without the claim `exp`",
    ),
    (
        "how = \"keep\"\nend = { after = \"24h\", round_up_to = \"midnight\", zone = \"Europe/Lisbon\" }",
        "how = ¦\"extend\"",
        "a token that is extended has a time without use",
    ),
    (
        "how = \"keep\"\nend = { after = \"24h\", round_up_to = \"midnight\", zone = \"Europe/Lisbon\" }",
        "how = \"renew\"\nwithin = \"7d\"\nends_old = ¦false",
        "a renewal always ends the old token",
    ),
    (
        "format = \"jwt\"",
        "format = \"opaque\"\ntext = ¦\"sk {{random:43}}\"",
        "a token's text is one run of random characters",
    ),
    ("format = \"jwt\"", "format = \"opaque\"\ntext = ¦\"sk_{{random:42}}\"", "with N from 43 (256 bits) to 255"),
    (
        "format = \"jwt\"",
        "format = \"opaque\"\ntext = ¦\"{{random:43}}_sk\"",
        "perhaps with letters and digits before it",
    ),
    (
        "format = \"jwt\"",
        "format = \"opaque\"\ntext = ¦\"jtr_{{random:43}}\"",
        "`jtr_` is what Jeton's own texts begin with",
    ),
    // Fields and parts.
    ("from = \"client\"", "from = ¦\"cleint\"", "did you mean `client`?"),
    (
        "plot = { from = \"client\" }",
        "plot = { from = \"client\", required_if = ¦\"strickt\" }",
        "`strickt` is no setting of type bool",
    ),
    ("default = false", "default = ¦\"no\"", "the default must be true or false"),
    ("plot = {", "¦username = {", "`username` is a noun of Jeton"),
    (
        "basic = '{{client_id|form}}:{{client_secret|form}}'",
        "basic = ['¦{{client_id}}', '{{client_id}}:{{client_secret}}']",
        "no hole of this text decides for it (put the text with more values first)",
    ),
    ("basic = '", "¦other = 'x'\nbasic = '", "the part `other` is used nowhere"),
    ("'{{client_id|form}}:", "'{{¦basic}}:", "the part `basic` contains itself"),
    // Holes.
    ("{{username}}", "{{¦usernme}}", "unknown hole `usernme` (did you mean `username`?)"),
    ("{{password}}", "{{¦pasword}}", "unknown hole `pasword` (did you mean `password`?)"),
    ("{{username}}", "{{¦username*}}", "`*` cannot stand here"),
    ("{{plot?}}", "{{plot¦!}}", "`!` cannot stand in the name of a hole"),
    ("{{plot?}}", "{{plot*¦?}}", "`*` and `?` in one hole"),
    ("{{plot?}}", "{{¦strict*}}", "`*` repeats a text word by word"),
    ("plot={{plot?}}", "plot={{plot*}}&¦plot=x", "what `*` repeats is the last of its name"),
    ("{{plot?}}", "{{plot?¦=x}}", "`?` and `=` in one hole"),
    ("{{plot?}}", "¦{{plot?", "this hole has no end"),
    ("{{plot?}}", "{{plot}}¦{{username}}", "two holes touch"),
    ("{{plot?}}", "{{plot|¦bse64}}", "unknown transform `bse64` (did you mean `base64`?)"),
    ("{{plot?}}", "{{¦plot|epoch}}", "`plot` is not a point in time"),
    ("{{plot?}}", "{{¦plot|ms}}", "`plot` is not a number of seconds"),
    ("{{expires_in}}", "{{¦expires_in|iso8601}}", "`expires_in` is text and stands without quotes"),
    (
        "{{plot?}}",
        "{{¦plot|sha256|hex}}",
        "a server cannot read back what a client hashes, signs or dates (write only = \"client\"",
    ),
    ("{{plot?}}", "{{¦plot|sha256}}", "a hash is bytes and cannot be written as it is"),
    ("{{plot?}}", "{{plot|¦hmac_sha256}}", "a keyed hash needs its key (write `hmac_sha256:client_secret`)"),
    ("{{plot?}}", "{{plot|hmac_sha256:¦pasword|hex}}", "did you mean `password`?"),
    ("{{plot?}}", "{{plot|hmac_sha256:¦strict|hex}}", "`strict` cannot be the key"),
    ("{{plot?}}", "{{plot|¦md5|hex}}", "unknown transform `md5`"),
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
    (
        "Content-Type: application/json\n\n{\"user",
        "Cookie: a=b; ¦a=c\nContent-Type: application/json\n\n{\"user",
        "`a` stands twice",
    ),
    (
        "Content-Type: application/json",
        "Content-Type: ¦application/pdf",
        "no body is read or written as `application/pdf`",
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
    ("grant = \"password\"", "grant = \"password\"\nonly = ¦\"servr\"", "did you mean `server`?"),
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
    (
        "token = \"Authorization",
        "methods = [\"¦PSOT\"]\ntoken = \"Authorization",
        "unknown method `PSOT` (did you mean `POST`?)",
    ),
    ("token = \"Authorization", "path = \"¦/*/me\"\ntoken = \"Authorization", "`/*/me` is not a path of calls"),
    ("token = \"Authorization", "path = \"¦v2\"\ntoken = \"Authorization", "such as \"/v2/me\""),
    ("token = \"Authorization", "only = ¦\"gate\"\ntoken = \"Authorization", "unknown value of `only`: `gate`"),
    (
        "[[show]]\n",
        "[[exchange]]\ngrant = \"end\"\nrequest = 'POST /out'\nanswer = '204'\n\n[[¦show]]\nmethods = [\"GET\"]\n",
        "the grant `end` finds its token by [[show]], and none is for POST /out",
    ),
    (
        "[[show]]\n",
        "[[exchange]]\ngrant = \"end\"\nrequest = 'POST /out'\nanswer = '204'\n\n[[¦show]]\nonly = \"client\"\n",
        "the grant `end` finds its token by [[show]], and none is for POST /out",
    ),
    (
        "token = \"Authorization",
        "¦returned = \"X-New: {{access_token}}\"\ntoken = \"Authorization",
        "no server here gives the next token in the answer to a call (write only = \"client\"",
    ),
    (
        "token = \"Authorization",
        "only = \"client\"\nreturned = \"¦X-New: {{access_token?}}\"\ntoken = \"Authorization",
        "what is returned holds the next token once",
    ),
    (
        "[token]\n",
        "[token]\nurl = ¦\"plot\"\n",
        "`plot` is no text that the server gives (write plot = { from = \"server\" }",
    ),
    (
        "[token]\nformat = \"jwt\"",
        "[field.home]\nfrom = \"server\"\n[¦token]\nurl = \"home\"\nformat = \"jwt\"",
        "no answer says `home` (write {{home}} in one)",
    ),
    ("\"Authorization: Bearer {{access_token}}\"", "\"¦X-Key: {{key_id}}\"", "a placement holds the token once"),
];

#[test]
fn every_mistake_is_reported_at_its_spot() {
    assert!(Dialect::parse(GOOD).is_ok(), "{:#?}", Dialect::parse(GOOD).err());
    let wrong: Vec<String> = ROWS.iter().filter_map(|(from, to, report)| unreported(from, to, report)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is reported instead, if the mistake is not reported at its spot.
fn unreported(from: &str, to: &str, report: &str) -> Option<String> {
    assert!(GOOD.contains(from), "{from}");
    let marked = GOOD.replacen(from, to, 1);
    let text = marked.replace('¦', "");
    let mistakes = Dialect::parse(&text).err().unwrap_or_default();
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
    (!found).then(|| format!("{to:?}\n  expected: {report}\n  found: {}", all.join("\n         ")))
}

/// The body of an answer in XML, with the mistake's spot, and a part of the report.
const XML: &[(&str, &str)] = &[
    ("<a>{{¦acces_token}}</a>", "did you mean `access_token`?"),
    ("<a x='{{¦acces_token}}'>{{access_token}}</a>", "did you mean `access_token`?"),
    ("<a>{{access_token}}¦</b>", "the element `a` is open here (write `</a>`)"),
    ("<a>¦{{access_token}}", "the element `a` has no end"),
    ("<a>¦<b/>", "the element `a` has no end"),
    ("<¦s:a>{{access_token}}</s:a>", "the prefix `s` is not declared"),
    ("<a ¦s:x='1'>{{access_token}}</a>", "the prefix `s` is not declared"),
    ("<a x=¦1>{{access_token}}</a>", "an attribute has a value in quotes"),
    ("<a x='1' ¦x='2'>{{access_token}}</a>", "this attribute stands twice"),
    ("<a x='¦1>{{access_token}}</a>", "this value has no end"),
    ("<a xmlns='¦{{access_token}}'/>", "the URI of a namespace cannot have holes"),
    ("<a>¦{{access_token}}<b/></a>", "text and elements in one element"),
    ("<a>¦<!-- x -->{{access_token}}</a>", "do not stand in a template"),
    ("¦<!DOCTYPE a><a>{{access_token}}</a>", "do not stand in a template"),
    ("<a>{{access_token}}</a>¦<b/>", "the XML goes on after its end"),
    ("<¦1a>{{access_token}}</1a>", "a name is needed here"),
    ("<a>¦&nbsp;{{access_token}}</a>", "is not written as this place needs it"),
    ("<r><s>{{scope*}}</s>¦<s>{{access_token}}</s></r>", "what `*` repeats is the last of its name"),
    ("<a b='{{¦scope*}}'>{{access_token}}</a>", "`*` cannot stand here"),
    ("¦{{access_token}}", "an element is needed here"),
];

#[test]
fn mistakes_in_xml() {
    let json = "Content-Type: application/json\n\n{\"token\":\"{{access_token}}\",\"seconds\":{{expires_in}}}";
    assert!(GOOD.contains(json));
    let rows = XML.iter().map(|(body, report)| (format!("Content-Type: text/xml\n\n{body}"), *report));
    let wrong: Vec<String> = rows.filter_map(|(to, report)| unreported(json, &to, report)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_list_of_texts_is_no_json() {
    let list = GOOD.replacen("basic = '", "list = ['a', 'b']\nbasic = '", 1);
    let mistakes = Dialect::parse(&list.replacen("{{expires_in}}", "{{list}}", 1)).err().unwrap_or_default();
    let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    let report = "line 32, column 41: the part `list` is a list, which stands in text only (write [part.list] with a name for each alternative)";
    assert!(told.iter().any(|told| told == report), "{told:#?}");
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
