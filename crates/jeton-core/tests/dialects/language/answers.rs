//! Where an answer has its token, and how it says when that ends.

use jeton_core::dialect::{AnswerParts, Dialect, Place, Value, Values, WriteError};
use jeton_core::domain::refusal::{Reason, Refusal};

use super::super::goldens::sort;
use super::super::wire::{header_map, value};
use super::{Message, Rows, answering, read_answer, values};

const TOKEN: Rows<'_> = &[("access_token", "t/+=")];

#[test]
fn answers_are_written_and_read_back() {
    let life = |transform: &str| {
        format!("200\nContent-Type: application/json\n\n{{\"t\":\"{{{{access_token}}}}\",\"e\":{transform}}}")
    };
    let json = |value: &str| format!("200\nContent-Type: application/json\n\n{{\"t\":\"t/+=\",\"e\":{value}}}");
    let at: Rows<'_> = &[("access_token", "t/+="), ("expires_at", "2026-01-15T15:00:00Z")];
    let within: Rows<'_> = &[("access_token", "t/+="), ("expires_in", "5400")];
    let rows: Vec<(String, Rows<'_>, String)> = vec![
        ("200\nContent-Type: application/json\n\n\"{{access_token}}\"".into(), TOKEN, "200\nContent-Type: application/json\n\n\"t/+=\"".into()),
        ("200\nContent-Type: text/plain\n\n{{access_token}}".into(), TOKEN, "200\nContent-Type: text/plain\n\nt/+=".into()),
        ("204\nX-Auth-Token: {{access_token}}".into(), TOKEN, "204\nX-Auth-Token: t/+=".into()),
        ("201\nSet-Cookie: sid={{access_token}}; Path=/".into(), TOKEN, "201\nSet-Cookie: sid=t/+=; Path=/".into()),
        ("302\nLocation: https://app.example/#t={{access_token|percent}}&x=1".into(), TOKEN, "302\nLocation: https://app.example/#t=t%2F%2B%3D&x=1".into()),
        (
            "200\nContent-Type: application/xml\n\n<r xmlns='urn:r'><ok>true</ok><token value='{{access_token}}' end='{{expires_at|rfc3339}}'/></r>".into(),
            at,
            "200\nContent-Type: application/xml\n\n<r xmlns='urn:r'><ok>true</ok><token value='t/+=' end='2026-01-15T15:00:00Z'/></r>".into(),
        ),
        (life("{{expires_at|epoch}}"), at, json("1768489200")),
        (life("{{expires_at|epoch_ms}}"), at, json("1768489200000")),
        (life("\"{{expires_at|epoch_ms}}\""), at, json("\"1768489200000\"")),
        (life("\"{{expires_at|rfc3339}}\""), at, json("\"2026-01-15T15:00:00Z\"")),
        (life("\"{{expires_at|http_date}}\""), at, json("\"Thu, 15 Jan 2026 15:00:00 GMT\"")),
        (life("\"{{expires_at|datetime}}\""), at, json("\"2026-01-15 15:00:00\"")),
        (life("{{expires_in}}"), within, json("5400")),
        (life("\"{{expires_in}}\""), within, json("\"5400\"")),
        (life("{{expires_in|ms}}"), within, json("5400000")),
        (life("{{expires_in|minutes}}"), within, json("90")),
        (life("\"{{expires_in|iso8601}}\""), within, json("\"PT1H30M\"")),
    ];
    for (template, told, expected) in rows {
        let dialect = answering(&[&template]);
        let told = values(&dialect.exchanges[0].answer_slots(), told);
        let answer =
            dialect.write_answer(0, &told, &Values::new()).unwrap_or_else(|error| panic!("{template}: {error}"));
        assert_eq!(Message::of(answer.status.to_string(), &answer.headers, &answer.body), expected);
        let read = read_answer(&dialect, &expected).unwrap_or_else(|error| panic!("{expected}: {error}"));
        assert_eq!(sort(&read), sort(&told), "{expected}");
    }
}

/// Other spellings of the end, as foreign servers have them.
#[test]
fn ends_in_foreign_spellings() {
    let rows: &[(&str, &str, Option<&str>)] = &[
        (
            "\"{{expires_at|rfc3339}}\"",
            "\"2026-01-15T16:00:00.123456789012+01:00\"",
            Some("2026-01-15T15:00:00.123456Z"),
        ),
        ("\"{{expires_at|rfc3339}}\"", "\"2026-01-15\"", None),
        ("\"{{expires_at|datetime}}\"", "\"2026-01-15 15:00:00.5\"", Some("2026-01-15T15:00:00.5Z")),
        ("\"{{expires_at|datetime}}\"", "\"2026-01-15T15:00:00\"", None),
        ("\"{{expires_at|http_date}}\"", "\"Thu, 15 Jan 2026 15:00:00 +0000\"", None),
        ("{{expires_at|epoch}}", "1768489200.9", Some("2026-01-15T15:00:00Z")),
        ("{{expires_at|epoch}}", "1e300", None),
        ("{{expires_in|ms}}", "1999", Some("1")),
        ("{{expires_in|ms}}", "-1", None),
        ("\"{{expires_in|iso8601}}\"", "\"P1DT1H\"", Some("90000")),
        ("\"{{expires_in|iso8601}}\"", "\"PT90.7S\"", Some("90")),
        ("\"{{expires_in|iso8601}}\"", "\"P1M\"", None),
        ("\"{{expires_in|iso8601}}\"", "\"1h\"", None),
    ];
    for (template, text, expected) in rows {
        let answer =
            format!("200\nContent-Type: application/json\n\n{{\"t\":\"{{{{access_token}}}}\",\"e\":{template}}}");
        let dialect = answering(&[&answer]);
        let slots = dialect.exchanges[0].answer_slots();
        let name = &slots[1].name;
        let read =
            read_answer(&dialect, &format!("200\nContent-Type: application/json\n\n{{\"t\":\"x\",\"e\":{text}}}"));
        match expected {
            Some(expected) => {
                let expected = value(slots[1].kind, expected);
                assert_eq!(read.as_ref().map(|values| values.get(name)), Ok(Some(&expected)), "{text}");
            }
            None => assert_eq!(read.ok().and_then(|values| values.get(name).cloned()), None, "{template} {text}"),
        }
    }
}

#[test]
fn a_token_alone_in_the_body_may_end_its_line() {
    let dialect = answering(&["200\nContent-Type: text/plain\n\n{{access_token}}"]);
    for body in ["t", "t\n", "t\r\n"] {
        let read = read_answer(&dialect, &format!("200\nContent-Type: text/plain\n\n{body}"));
        assert_eq!(
            read.ok().as_ref().and_then(|read| read.secret("access_token")).map(|token| token.expose().as_str()),
            Some("t")
        );
    }
}

#[test]
fn alternatives_of_an_answer() {
    let dialect = answering(&[
        "200\nContent-Type: application/json\n\n{\"t\":\"{{access_token}}\",\"r\":\"{{refresh_token}}\"}",
        "201\nContent-Type: text/plain\n\n{{access_token}}",
    ]);
    let slots = dialect.exchanges[0].answer_slots();
    for (told, expected) in [
        (
            &[("access_token", "a"), ("refresh_token", "b")][..],
            "200\nContent-Type: application/json\n\n{\"t\":\"a\",\"r\":\"b\"}",
        ),
        (&[("access_token", "a")][..], "201\nContent-Type: text/plain\n\na"),
    ] {
        let told = values(&slots, told);
        let answer = dialect.write_answer(0, &told, &Values::new()).ok().unwrap();
        assert_eq!(Message::of(answer.status.to_string(), &answer.headers, &answer.body), expected);
        assert_eq!(read_answer(&dialect, expected).map(|read| sort(&read) == sort(&told)), Ok(true));
    }
    let required: Vec<_> = slots.iter().map(|slot| (slot.name.as_str(), slot.required)).collect();
    assert_eq!(required, [("access_token", true), ("refresh_token", false)]);
    let nothing = dialect.write_answer(0, &Values::new(), &Values::new()).err();
    assert_eq!(nothing, Some(WriteError::Missing("access_token".to_owned())));
}

/// Whole bodies with a name for each alternative: a setting chooses what is written, any is read.
#[test]
fn named_bodies() {
    let text = |kind: &str, ways: &str| {
        format!(
            "jeton = 1\nname = 'two ways'\n[token]\nformat = 'opaque'\nlifetime = '1h'\n[part.shape]\n{ways}\n[[exchange]]\ngrant = 'api_key'\n\
                 request = 'GET /in?id={{{{key_id}}}}&pin={{{{key_secret}}}}'\nanswer = \"\"\"\n200\nContent-Type: {kind}\n\n{{{{shape}}}}\"\"\"\n"
        )
    };
    let xml = "full = '<r><t>{{access_token}}</t><s>{{scope}}</s></r>'\nbare = '<t>{{access_token}}</t>'";
    let plain = "full = 'token={{access_token}} scope={{scope}}'\nbare = '{{access_token}}'";
    let form = "full = 'oauth_token={{access_token}}&scope={{scope}}'\nbare = 'token={{access_token}}'";
    for (kind, ways, full, bare) in [
        ("text/xml", xml, "<r><t>tok</t><s>r w</s></r>", "<t>tok</t>"),
        ("text/plain", plain, "token=tok scope=r w", "tok"),
        ("application/x-www-form-urlencoded", form, "oauth_token=tok&scope=r+w", "token=tok"),
    ] {
        let dialect = Dialect::parse(&text(kind, ways)).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
        let slots = dialect.exchanges[0].answer_slots();
        let required: Vec<_> = slots.iter().map(|slot| (slot.name.as_str(), slot.required)).collect();
        assert_eq!(required, [("access_token", true), ("scope", false)], "{kind}");
        let told = values(&slots, &[("access_token", "tok"), ("scope", "r w")]);
        let bare_told = values(&slots, &[("access_token", "tok")]);
        for (shape, body, told) in [(None, full, &told), (Some("full"), full, &told), (Some("bare"), bare, &bare_told)]
        {
            let settings = shape.map_or(Values::new(), |shape| Values::new().with("shape", shape));
            assert_eq!(dialect.check_settings(&settings), Ok(()), "{kind}");
            let answer = dialect.write_answer(0, told, &settings).ok().unwrap();
            assert_eq!(answer.body, body);
            let mut read = read_answer(&dialect, &format!("200\nContent-Type: {kind}\n\n{body}")).unwrap();
            assert_eq!(read.remove("shape"), Some(Value::from(shape.unwrap_or("full"))), "{body}");
            assert_eq!(sort(&read), sort(told), "{body}");
        }
        assert!(dialect.check_settings(&Values::new().with("shape", "none")).is_err(), "{kind}");
        let settings = Values::new().with("shape", "none");
        assert!(matches!(dialect.write_answer(0, &told, &settings).err(), Some(WriteError::Setting { .. })), "{kind}");
    }
    let json = text("application/json", "a = '{\"t\":\"{{access_token}}\"}'");
    assert!(Dialect::parse(&json).is_ok());
    let odd = text("text/xml", "full = '<t>{{access_token}}</u>'");
    let told: Vec<String> = Dialect::parse(&odd).unwrap_err().iter().map(ToString::to_string).collect();
    assert!(
        told.iter().any(|told| told.contains("line 7") && told.contains("the element `t` is open here")),
        "{told:?}"
    );
}

#[test]
fn named_bodies_are_for_answers() {
    let text = r#"jeton = 1
name = "two ways"
[token]
format = "opaque"
lifetime = "1h"
[part.shape]
a = '{{key_id}} {{key_secret}}'
[[exchange]]
grant = "api_key"
request = '''
POST /in
Content-Type: text/plain

{{shape}}'''
answer = "204"
"#;
    let told: Vec<String> = Dialect::parse(text).unwrap_err().iter().map(ToString::to_string).collect();
    let expected = "line 11, column 1: a part with named alternatives stands in answers";
    assert!(told.iter().any(|told| told.starts_with(expected)), "{told:?}");
}

/// What only some texts of a list have is not required.
#[test]
fn a_list_needs_what_all_its_texts_have() {
    let dialect = super::asking("POST /in\nX-Who: {{who}}\nX-Pin: {{password}}");
    let slots: Vec<_> = dialect.exchanges[0].request_slots();
    let required: Vec<_> = slots.iter().map(|slot| (slot.name.as_str(), slot.required)).collect();
    assert_eq!(required, [("realm", false), ("username", true), ("password", true)]);
}

/// A refusal's messages by field, as Django, Laravel and many more give them.
#[test]
fn the_name_of_a_member_is_the_field_in_question() {
    let text = "jeton = 1\nname = 'made up'\n[token]\nformat = 'opaque'\nlifetime = '1h'\n[[exchange]]\ngrant = 'password'\n\
        request = '''\nPOST /in\nContent-Type: application/json\n\n{\"user\":\"{{username}}\",\"p\\\"in\":\"{{password}}\"}'''\n\
        answer = '''\n200\nContent-Type: text/plain\n\n{{access_token}}'''\n[refusal]\n\
        invalid_request = '''\n400\nContent-Type: application/json\n\n{\"ok\":false,\"detail\":\"no\"}'''\n\
        missing = '''\n400\nContent-Type: application/json\n\n{\"ok\":false, \"{{field}}\": [\"{{field}} is required\"]}'''\n";
    let dialect = Dialect::parse(text).unwrap();
    let place = Place::Exchange(0);
    for (reason, field, expected) in [
        (Reason::Missing, Some("user"), r#"{"ok":false, "user": ["user is required"]}"#),
        (Reason::Missing, Some("p\"in"), r#"{"ok":false, "p\"in": ["p\"in is required"]}"#),
        // Without a field there is nothing to call it.
        (Reason::Missing, None, r#"{"ok":false,"detail":"no"}"#),
        (Reason::Malformed, Some("user"), r#"{"ok":false,"detail":"no"}"#),
    ] {
        let refusal = Refusal { field: field.map(str::to_owned), ..Refusal::new(reason) };
        let answer = dialect.write_refusal(place, &refusal, &Values::new());
        assert_eq!(answer.body, expected);
        let headers = header_map(&answer.headers);
        let parts = AnswerParts { status: 400, reason_phrase: None, headers: &headers, body: answer.body.as_bytes() };
        let read = dialect.read_refusal(place, &parts).unwrap();
        let told = expected.contains("required");
        assert_eq!(read.reason, if told { Reason::Missing } else { Reason::InvalidRequest }, "{expected}");
        assert_eq!(read.field.as_deref(), field.filter(|_| told), "{expected}");
    }
}

/// Names and values in a list, in the order and the company that somebody else likes.
#[test]
fn elements_by_their_name() {
    let dialect = answering(&[concat!(
        "200\nContent-Type: application/json\n\n",
        r#"{"a":[{"n":"mail","v":"{{person.email?}}"},{"n":"name","v":"{{person.name?}}"},{"n":"t","v":"{{access_token}}"},{"n":"t","v":"{{refresh_token?}}"}]}"#,
    )]);
    let slots = dialect.exchanges[0].answer_slots();
    for (list, expected) in [
        (
            r#"[{"n":"x","v":"1"},{"n":"t","v":"a"},{"v":"m","n":"mail"}]"#,
            &[("access_token", "a"), ("person.email", "m")][..],
        ),
        (r#"[{"n":"t","v":"a"},7,{"n":1},{"n":"t","v":"b"}]"#, &[("access_token", "a"), ("refresh_token", "b")][..]),
    ] {
        let read = read_answer(&dialect, &format!("200\nContent-Type: application/json\n\n{{\"a\":{list}}}"));
        assert_eq!(read.as_ref().map(sort), Ok(sort(&values(&slots, expected))), "{list}");
    }
    let told = values(&slots, &[("access_token", "a"), ("person.name", "b")]);
    let answer = dialect.write_answer(0, &told, &Values::new()).ok().unwrap();
    assert_eq!(answer.body, r#"{"a":[{"n":"name","v":"b"},{"n":"t","v":"a"}]}"#);
}
