//! Answers that are not as the file says: what is put up with and told, and what is refused.

use jeton_core::dialect::{AnswerParts, Dialect, ReadError, Values};

use super::super::wire::header_map;

const FILE: &str = r#"
jeton = 1
name = "market"
[token]
format = "opaque"
lifetime = "1h"
[field]
id = { from = "client", type = "number" }
word = { from = "client" }
count = { from = "server", type = "number" }
good = { from = "server", type = "bool" }
note = { from = "server" }
mark = { from = "server", type = "uuid" }
[[exchange]]
grant = "password"
request = '''
POST /in
Content-Type: application/json
X-Word: {{word?}}

{"id":{{id}},"u":"{{username}}","p":"{{password}}"}'''
answer = '''
200
Content-Type: application/json
X-Note: {{note?}}

{"t":"{{access_token}}","kind":"Bearer","id":{{id?}},"word":"{{word?}}","u":"{{username?}}","s":{{expires_in?}},"n":{{count?}},"g":{{good?}},"note":"{{note?}}","m":"{{mark?}}","list":["{{scope*}}"]}'''
[[exchange]]
grant = "api_key"
request = '''
POST /key
Content-Type: application/x-www-form-urlencoded

id={{key_id}}&secret={{key_secret}}'''
answer = '''
200
Content-Type: text/xml

<r><t>{{access_token}}</t><n>{{count?}}</n></r>'''
"#;

fn read(exchange: usize, note: &[&str], body: &str) -> Result<(Values, Vec<String>), ReadError> {
    let dialect = Dialect::parse(FILE).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    let asked = Values::new().with("id", 7).with("username", "ada").with("word", "hi");
    let headers: Vec<_> = note.iter().map(|note| ("X-Note".to_owned(), (*note).to_owned())).collect();
    let headers = header_map(&headers);
    let parts = AnswerParts { status: 200, reason_phrase: None, headers: &headers, body: body.as_bytes() };
    let read = dialect.read_answer_to(exchange, &asked, &parts)?;
    let told = read.deviations.iter().map(|deviation| format!("{} {}", deviation.name, deviation.field)).collect();
    Ok((read.values, told))
}

#[test]
fn what_is_put_up_with_is_told() {
    // What stands beside the token; what it is read as; what is told.
    let rows: &[(&str, (&str, Option<&str>), &[&str])] = &[
        ("", ("s", None), &[]),
        (r#""s":60"#, ("expires_in", Some("60")), &[]),
        (r#""s":"60""#, ("expires_in", Some("60")), &["number_as_text s"]),
        (r#""s":60.9"#, ("expires_in", Some("60")), &["fraction s"]),
        (r#""s":"soon""#, ("expires_in", None), &["number_as_text s", "unreadable s"]),
        (r#""s":[60]"#, ("expires_in", None), &["wrong_type s"]),
        (r#""s":null"#, ("expires_in", None), &[]),
        (r#""s":60,"s":61"#, ("expires_in", Some("60")), &["repeated s"]),
        (r#""g":"true""#, ("good", Some("true")), &["bool_as_text g"]),
        (r#""g":1"#, ("good", None), &["wrong_type g"]),
        (r#""note":5"#, ("note", Some("5")), &["text_as_number note"]),
        (r#""note":false"#, ("note", Some("false")), &["text_as_bool note"]),
        (r#""note":{}"#, ("note", None), &["wrong_type note"]),
        (r#""m":"x""#, ("mark", None), &["unreadable m"]),
        (r#""list":["a",1]"#, ("scope", None), &["unreadable list"]),
        (r#""list":"a""#, ("scope", None), &["wrong_type list"]),
        (r#""kind":"bearer""#, ("note", None), &["case kind"]),
        (r#""kind":"mac""#, ("note", None), &["literal kind"]),
        (r#""id":7,"word":"hi""#, ("id", Some("7")), &[]),
        // What is decided by the server may be another than what was asked for.
        (r#""u":"Ada""#, ("username", Some("Ada")), &[]),
    ];
    for (beside, (name, expected), told) in rows {
        let kind = if beside.contains("kind") { "" } else { r#","kind":"Bearer""# };
        let comma = if beside.is_empty() { "" } else { "," };
        let body = format!(r#"{{"t":"tok"{kind}{comma}{beside}}}"#);
        let (values, deviations) = read(0, &[], &body).unwrap_or_else(|error| panic!("{body}: {error}"));
        let found = values.get(name).map(|value| match value {
            jeton_core::dialect::Value::Text(text) => text.clone(),
            jeton_core::dialect::Value::Number(number) => number.to_string(),
            jeton_core::dialect::Value::Bool(flag) => flag.to_string(),
            other => format!("{other:?}"),
        });
        assert_eq!(
            (found.as_deref(), deviations),
            (*expected, told.iter().map(|told| (*told).to_owned()).collect()),
            "{body}"
        );
        assert!(values.secret("access_token").is_some(), "{body}");
    }
    let body = r#"{"t":"tok","kind":"Bearer","note":"two"}"#;
    let told = |note: &[&str]| read(0, note, body).map(|(values, told)| (values.text("note").map(str::to_owned), told));
    assert_eq!(told(&["one"]), Ok((Some("one".to_owned()), vec!["repeated note".to_owned()])));
    assert_eq!(told(&["two", "three"]), Ok((Some("two".to_owned()), vec!["repeated X-Note".to_owned()])));
    let xml = "<r><t>tok</t><n>1</n><n>2</n><n>x</n></r>";
    assert_eq!(
        read(1, &[], xml).map(|(values, told)| (values.number("count"), told)),
        Ok((Some(1), vec!["repeated n".to_owned()]))
    );
}

#[test]
fn an_answer_to_another_request_is_none() {
    for (body, why) in [
        (r#"{"t":"tok","kind":"Bearer","id":8}"#, "its `id` is not the one that was sent"),
        (r#"{"t":"tok","kind":"Bearer","id":7,"word":"Hi"}"#, "its `word` is not the one that was sent"),
        (r#"{"kind":"Bearer","id":7}"#, "t is missing"),
    ] {
        assert_eq!(read(0, &[], body), Err(ReadError::Shape(why.to_owned())), "{body}");
    }
}

#[test]
fn deviations_hold_no_values() {
    let dialect = Dialect::parse(FILE).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    let headers = header_map(&[]);
    let body = br#"{"t":4711,"kind":"Bearer"}"#;
    let parts = AnswerParts { status: 200, reason_phrase: None, headers: &headers, body };
    let read = dialect.read_answer_to(0, &Values::new(), &parts).unwrap();
    let told: Vec<String> = read.deviations.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["text_as_number: `t` is a number"]);
}
