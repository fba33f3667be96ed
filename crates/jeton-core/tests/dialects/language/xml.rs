//! XML as it comes in: other spellings of the same, and what is refused.

use jeton_core::dialect::Reading;
use jeton_core::domain::refusal::Reason;

use super::super::goldens::sort;
use super::{asking, read, values};

const XML: &str = r#"POST /in
Content-Type: application/xml

<in xmlns="urn:a" kind="1"><user>{{username}}</user><pin t="{{realm?}}">{{password}}</pin><x><y>{{scope?}}</y></x></in>"#;

#[test]
fn xml_is_read_by_name() {
    let dialect = asking(XML);
    let asked =
        values(&dialect.exchanges[0].request_slots(), &[("username", "a&b"), ("password", "c"), ("realm", "r")]);
    let good = [
        r#"<in xmlns="urn:a" kind="1"><user>a&amp;b</user><pin t="r">c</pin></in>"#,
        r#"<?xml version="1.0" encoding="UTF-8"?><!-- x --><z:in xmlns:z='urn:a' kind='1' b="2"> <z:pin t="r">c</z:pin><other>1</other>
           <z:user><![CDATA[a&]]>&#98;</z:user> <z:x/> </z:in>"#,
        "\u{feff}<in xmlns=\"urn:a\" kind=\"1\"><user>a&#x26;b</user><q:user xmlns:q='urn:b'>z</q:user><pin t='r'>c</pin></in>",
    ];
    for body in good {
        match read(&dialect, &format!("POST /in\nContent-Type: application/xml; charset=utf-8\n\n{body}")) {
            Reading::Exchange { values, .. } => assert_eq!(sort(&values), sort(&asked), "{body}"),
            other => panic!("{body}: {other:?}"),
        }
    }
    let user = "<user>a</user>";
    let bomb = "<!DOCTYPE in [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]>";
    let deep = format!("<in xmlns='urn:a' kind='1'>{}{}</in>", "<d>".repeat(40), "</d>".repeat(40));
    let many = format!("<in xmlns='urn:a' kind='1'>{}</in>", "<d/>".repeat(1_001));
    let inside = |children: &str| format!("<in xmlns='urn:a' kind='1'>{children}</in>");
    let rows: Vec<(String, Reason, &str)> = vec![
        (format!("{bomb}{}", inside("<user>&b;</user><pin>c</pin>")), Reason::Malformed, "body"),
        (inside("<user>&b;</user><pin>c</pin>"), Reason::Malformed, "body"),
        (deep, Reason::Malformed, "body"),
        (many, Reason::Malformed, "body"),
        (inside("<user>a</pin>"), Reason::Malformed, "body"),
        (format!("{}x", inside(user)), Reason::Malformed, "body"),
        (format!("{}<b/>", inside(user)), Reason::Malformed, "body"),
        ("<in xmlns='urn:a'".to_owned(), Reason::Malformed, "body"),
        (String::new(), Reason::Malformed, "body"),
        ("<q:in/>".to_owned(), Reason::Malformed, "body"),
        ("<?xml version='1.0' encoding='latin1'?><in/>".to_owned(), Reason::Malformed, "body"),
        (inside("<user>&#1;</user>"), Reason::Malformed, "body"),
        (inside("<user b='1' b='2'>a</user>"), Reason::Malformed, "body"),
        (inside(&format!("{user}{user}<pin>c</pin>")), Reason::Repeated, "user"),
        (inside("<user><b/></user><pin>c</pin>"), Reason::Malformed, "user"),
        (inside(&format!("{user}<pin>c</pin><x>text</x>")), Reason::Malformed, "x"),
        (inside(user), Reason::Missing, "pin"),
        (inside("<user/><pin>c</pin>"), Reason::Missing, "user"),
        (inside(&format!("{user}<pin xmlns=''>c</pin>")), Reason::Missing, "pin"),
        (inside(user).replace("kind='1'", "kind='2'"), Reason::Malformed, "kind"),
        (inside(user).replace("urn:a", "urn:b"), Reason::Malformed, "in"),
    ];
    for (body, reason, field) in rows {
        match read(&dialect, &format!("POST /in\nContent-Type: application/xml\n\n{body}")) {
            Reading::Refused { refusal, .. } => {
                assert_eq!((refusal.reason, refusal.field.as_deref()), (reason, Some(field)), "{body}");
            }
            other => panic!("{body}: {other:?}"),
        }
    }
    let exposed = format!("POST /in?pin=c\nContent-Type: application/xml\n\n{}", inside("<user>a</user><pin>c</pin>"));
    let Reading::Refused { refusal, .. } = read(&dialect, &exposed) else { panic!("the secret stands in the query") };
    assert_eq!((refusal.reason, refusal.field.as_deref()), (Reason::Exposed, Some("pin")));
}
