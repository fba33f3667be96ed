//! The constructs of the notation, one row each: what a template writes, that it is read back, what else is read,
//! and what is refused.

mod answers;
mod deviations;
mod guards;
mod refusals;
mod show;
mod xml;

use http::Method;
use jeton_core::dialect::{AnswerParts, Dialect, Kind, ReadError, Reading, Request, Slot, Values, WriteError};
use jeton_core::domain::refusal::Reason;

use super::goldens::sort;
use super::wire::{header_map, value};

/// A request or answer as text: a start line, headers, an empty line, a body.
struct Message {
    start: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Message {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let (start, headers) = head.split_once('\n').unwrap_or((head, ""));
        let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { start: start.to_owned(), headers: headers.lines().filter_map(header).collect(), body: body.to_owned() }
    }

    fn of(start: String, headers: &[(String, String)], body: &str) -> String {
        let head: Vec<String> = headers.iter().map(|(name, value)| format!("\n{name}: {value}")).collect();
        let body = if body.is_empty() { String::new() } else { format!("\n\n{body}") };
        format!("{start}{}{body}", head.concat())
    }
}

const PASSWORD: &str = "grant = 'password'\n";
const ANSWER: &str = "answer = '''\n200\nContent-Type: text/plain\n\n{{access_token}}'''\n";

/// A dialect with these exchanges.
fn dialect(exchanges: &[String]) -> Dialect {
    let head = "jeton = 1\nname = 'made up'\n[token]\nformat = 'opaque'\nlifetime = '1h'\n[field]\nid = { from = 'client', type = 'number' }\n\
                [part]\nwho = ['{{realm}}\\{{username}}', '{{username}}']\nbasic = '{{username}}:{{password}}'\nsigned = '{{key_id}}\n{{issued_at|epoch_ms}}'\n";
    let all: Vec<String> = exchanges.iter().map(|exchange| format!("[[exchange]]\n{exchange}\n")).collect();
    let all = all.concat();
    let parts = ["who", "basic", "signed"].map(|part| (part, all.contains(&format!("{{{{{part}"))));
    let unused = |line: &&str| parts.iter().any(|(part, used)| !used && line.starts_with(&format!("{part} =")));
    // A string over two lines is written with an escape, so that each part is one line.
    let head = head.replace("'{{key_id}}\n{{issued_at|epoch_ms}}'", "\"{{key_id}}\\n{{issued_at|epoch_ms}}\"");
    let head: Vec<&str> = head.lines().filter(|line| !unused(line)).collect();
    let text = format!("{}\n{all}", head.join("\n"));
    Dialect::parse(&text).unwrap_or_else(|mistakes| panic!("{text}\n{mistakes:#?}"))
}

fn asking(request: &str) -> Dialect {
    dialect(&[format!("{PASSWORD}request = '''\n{request}'''\n{ANSWER}")])
}

fn answering(answers: &[&str]) -> Dialect {
    let answers: Vec<String> = answers.iter().map(|answer| format!("'''\n{answer}'''")).collect();
    let request = "POST /in\nAuthorization: Basic {{basic|base64}}";
    dialect(&[format!("{PASSWORD}request = '''\n{request}'''\nanswer = [{}]", answers.join(", "))])
}

type Rows<'a> = &'a [(&'a str, &'a str)];

fn values(slots: &[Slot], rows: Rows<'_>) -> Values {
    let kind = |name: &str| slots.iter().find(|slot| slot.name == name).map_or(Kind::Text, |slot| slot.kind);
    rows.iter().fold(Values::new(), |values, (name, text)| values.with(*name, value(kind(name), text)))
}

fn read(dialect: &Dialect, text: &str) -> Reading {
    let message = Message::parse(text);
    let (method, target) = message.start.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let headers = header_map(&message.headers);
    let method: Method = method.parse().unwrap();
    let request = Request { method: &method, path, query, headers: &headers, body: message.body.as_bytes() };
    dialect.read_request(&request, &Values::new())
}

fn write(dialect: &Dialect, index: usize, values: &Values) -> Result<String, WriteError> {
    let request = dialect.write_request(index, values, &Values::new())?;
    Ok(Message::of(format!("{} {}", request.method, request.target), &request.headers, &request.body))
}

fn read_answer(dialect: &Dialect, text: &str) -> Result<Values, ReadError> {
    let message = Message::parse(text);
    let headers = header_map(&message.headers);
    let status = message.start.parse().unwrap();
    let parts = AnswerParts { status, reason_phrase: None, headers: &headers, body: message.body.as_bytes() };
    dialect.read_answer(0, &parts)
}

/// Values, and the request that they are written as.
const ADA: Rows<'_> = &[("username", "ada"), ("password", "p&s")];

#[test]
fn requests_are_written_and_read_back() {
    let soap = r#"POST /soap
Content-Type: text/xml

<?xml version="1.0"?>
<s:Envelope xmlns:s="urn:soap">
  <s:Body>
    <m:login xmlns:m="urn:m" v='1'><m:user realm="{{realm?}}">{{username}}</m:user><m:pin>{{password}}</m:pin>
      <m:role>{{scope*}}</m:role>
    </m:login>
  </s:Body>
</s:Envelope>"#;
    let soap_written = r#"POST /soap
Content-Type: text/xml

<?xml version="1.0"?>
<s:Envelope xmlns:s="urn:soap">
  <s:Body>
    <m:login xmlns:m="urn:m" v='1'><m:user>a&lt;b&gt; &quot;é&quot;</m:user><m:pin>p&amp;&#10;s</m:pin>
      <m:role>r</m:role>
      <m:role>w</m:role>
    </m:login>
  </s:Body>
</s:Envelope>"#;
    let rows: &[(&str, Rows<'_>, &str)] = &[
        ("GET /in?user={{username}}&pin={{password}}&kind=a&kind=b", ADA, "GET /in?user=ada&pin=p%26s&kind=a&kind=b"),
        (
            "GET /in?user={{username}}&pin={{password}}&scope=base&scope={{scope*}}",
            &[("username", "a"), ("password", "b"), ("scope", "r w+é")],
            "GET /in?user=a&pin=b&scope=base&scope=r&scope=w%2B%C3%A9",
        ),
        ("GET /in?user={{username}}&pin={{password}}&scope={{scope*}}", ADA, "GET /in?user=ada&pin=p%26s"),
        (
            "GET /in?user={{username}}&pin={{password}}&sign={{signed?}}",
            &[("username", "a"), ("password", "b"), ("key_id", "k"), ("issued_at", "1970-01-01T00:00:01Z")],
            "GET /in?user=a&pin=b&sign=k%0A1000",
        ),
        ("GET /in?user={{username}}&pin={{password}}&sign={{signed?}}", ADA, "GET /in?user=ada&pin=p%26s"),
        (
            "PUT /in/{{username}}\nContent-Type: text/plain\n\n{{password}}",
            &[("username", "a/b"), ("password", "line\nline % & é")],
            "PUT /in/a%2Fb\nContent-Type: text/plain\n\nline\nline % & é",
        ),
        (
            "PUT /in\nX-Vendor-User: {{username}}\nX-Vendor-Pin: {{password}}",
            ADA,
            "PUT /in\nX-Vendor-User: ada\nX-Vendor-Pin: p&s",
        ),
        ("POST /in\nAuthorization: Basic {{basic|base64url}}", ADA, "POST /in\nAuthorization: Basic YWRhOnAmcw"),
        ("POST /in\nAuthorization: X {{basic|hex}}", ADA, "POST /in\nAuthorization: X 6164613a702673"),
        (
            "POST /in\nX-In: {{basic|percent}}",
            &[("username", "é+"), ("password", "%~ ")],
            "POST /in\nX-In: %C3%A9%2B%3A%25~%20",
        ),
        (
            "POST /in\nContent-Type: application/json\n\n{\"in\":\"{{who}}\",\"pin\":\"{{password}}\"}",
            &[("realm", "corp"), ("username", "ada"), ("password", "x")],
            "POST /in\nContent-Type: application/json\n\n{\"in\":\"corp\\\\ada\",\"pin\":\"x\"}",
        ),
        (
            "POST /in\nContent-Type: application/json\n\n{\"in\":\"{{who}}\",\"pin\":\"{{password}}\"}",
            &[("username", "ada"), ("password", "x")],
            "POST /in\nContent-Type: application/json\n\n{\"in\":\"ada\",\"pin\":\"x\"}",
        ),
        (
            "POST /in\nContent-Type: application/json\n\n{\"a\":[\"{{username}}\",\"{{password}}\"],\"s\":[\"x\", \"s:{{scope*}}\"]}",
            &[("username", "a"), ("password", "b"), ("scope", "r w\"")],
            "POST /in\nContent-Type: application/json\n\n{\"a\":[\"a\",\"b\"],\"s\":[\"x\", \"s:r\", \"s:w\\\"\"]}",
        ),
        (
            "POST /in\nContent-Type: text/plain\nX-In: IN_{{username|upper}}\n\n{{password}}",
            ADA,
            "POST /in\nContent-Type: text/plain\nX-In: IN_ADA\n\np&s",
        ),
        (
            "POST /in\nContent-Type: application/json\n\n{\"l\":[{\"n\":\"user\",\"v\":\"{{username}}\"},{\"n\":\"realm\",\"v\":\"{{realm?}}\"},{\"n\":\"pin\",\"v\":\"{{password}}\"}]}",
            ADA,
            "POST /in\nContent-Type: application/json\n\n{\"l\":[{\"n\":\"user\",\"v\":\"ada\"},{\"n\":\"pin\",\"v\":\"p&s\"}]}",
        ),
        (
            "POST /in\nContent-Type: text/xml\n\n<in user='{{username}}'>{{password}}</in>",
            ADA,
            "POST /in\nContent-Type: text/xml\n\n<in user='ada'>p&amp;s</in>",
        ),
        (soap, &[("username", "a<b> \"é\""), ("password", "p&\ns"), ("scope", "r w")], soap_written),
    ];
    for (template, asked, expected) in rows {
        let dialect = asking(template);
        let asked = values(&dialect.exchanges[0].request_slots(), asked);
        assert_eq!(write(&dialect, 0, &asked).as_deref(), Ok(*expected));
        match read(&dialect, expected) {
            Reading::Exchange { values, .. } => assert_eq!(sort(&values), sort(&asked), "{expected}"),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn what_is_not_read() {
    let words = "GET /in?user={{username}}&pin={{password}}&kind=a&kind=b&scope={{scope*}}";
    let list = "POST /in\nContent-Type: application/json\n\n{\"u\":\"{{username}}\",\"p\":\"{{password}}\",\"s\":[\"{{scope*}}\"]}";
    let json = |scopes: &str| {
        format!("POST /in\nContent-Type: application/json\n\n{{\"u\":\"a\",\"p\":\"b\",\"s\":{scopes}}}")
    };
    let rows: Vec<(&str, String, Reason, &str)> = vec![
        (words, "GET /in?user=a&pin=b&kind=b&kind=a".into(), Reason::NoRoute, "kind"),
        (words, "GET /in?user=a&pin=b&kind=a".into(), Reason::Missing, "kind"),
        (words, "GET /in?user=a&pin=b&kind=a&kind=b&kind=c".into(), Reason::Repeated, "kind"),
        (words, "GET /in?user=a&pin=b&pin=b&kind=a&kind=b".into(), Reason::Repeated, "pin"),
        (words, "GET /in?user=a&pin=b&kind=a&kind=b&scope=r&scope=".into(), Reason::Malformed, "scope"),
        (words, "GET /in?user=a&pin=b&kind=a&kind=b&scope=r+w".into(), Reason::Malformed, "scope"),
        (words, "GET /in?user=a&pin=b&kind=a&kind=b&scope=r&scope=%00".into(), Reason::Malformed, "scope"),
        (list, json("[\"r\",1]"), Reason::Malformed, "s"),
        (list, json("[\"r w\"]"), Reason::Malformed, "s"),
        (list, json("\"r\""), Reason::Malformed, "s"),
    ];
    for (template, request, reason, field) in rows {
        match read(&asking(template), &request) {
            Reading::Refused { refusal, .. } => {
                assert_eq!((refusal.reason, refusal.field.as_deref()), (reason, Some(field)), "{request}");
            }
            other => panic!("{request}: {other:?}"),
        }
    }
}

#[test]
fn what_cannot_be_written() {
    let rows: &[(&str, Rows<'_>, &str)] = &[
        (
            "GET /in?u={{username}}&p={{password}}&s={{scope*}}",
            &[("username", "a"), ("password", "b"), ("scope", "r  w")],
            "scope",
        ),
        (
            "POST /in\nContent-Type: text/xml\n\n<a b='{{username}}'>{{password}}</a>",
            &[("username", "a"), ("password", "\u{1}")],
            "password",
        ),
        ("POST /in\nX-A: {{who}}\nX-B: {{password}}", &[("username", "a\\b"), ("password", "b")], "who"),
        ("POST /in\nX-A: {{who}}\nX-B: {{password}}", &[("password", "b")], "realm"),
        ("POST /in\nX-A: {{username|upper}}\nX-B: {{password}}", &[("username", "Ada"), ("password", "b")], "username"),
    ];
    for (template, asked, name) in rows {
        let dialect = asking(template);
        let asked = values(&dialect.exchanges[0].request_slots(), asked);
        match write(&dialect, 0, &asked) {
            Err(WriteError::Unfit { name: found, .. } | WriteError::Missing(found)) => assert_eq!(found, *name),
            other => panic!("{asked:?}: {other:?}"),
        }
    }
}

/// Two exchanges at one address, told apart by a header, by a member, by an element.
#[test]
fn routing_by_what_a_request_says() {
    let exchange = |grant: &str, must: &str, request: &str| {
        format!("grant = '{grant}'\n{must}request = '''\nPOST /\n{request}'''\n{ANSWER}")
    };
    let json = "Content-Type: application/x-amz-json-1.1\n\n";
    let must = "must = ['X-Amz-Target']\n";
    let aws = dialect(&[
        exchange(
            "password",
            must,
            &format!("X-Amz-Target: Idp.InitiateAuth\n{json}{{\"U\":\"{{{{username}}}}\",\"P\":\"{{{{password}}}}\"}}"),
        ),
        exchange("refresh", must, &format!("X-Amz-Target: Idp.Refresh\n{json}{{\"T\":\"{{{{refresh_token}}}}\"}}")),
    ]);
    let rpc = dialect(&[
        exchange(
            "password",
            "",
            &format!(
                "{json}{{\"jsonrpc\":\"2.0\",\"method\":\"login\",\"params\":[\"{{{{username}}}}\",\"{{{{password}}}}\"],\"id\":{{{{id}}}}}}"
            ),
        ),
        exchange(
            "refresh",
            "",
            &format!(
                "{json}{{\"jsonrpc\":\"2.0\",\"method\":\"again\",\"params\":{{\"t\":\"{{{{refresh_token}}}}\"}},\"id\":{{{{id}}}}}}"
            ),
        ),
    ]);
    let deep = dialect(&[
        exchange(
            "password",
            "",
            &format!(
                "{json}{{\"as\":{{\"kind\":\"user\",\"name\":\"{{{{username}}}}\"}},\"word\":\"{{{{password}}}}\"}}"
            ),
        ),
        exchange(
            "password",
            "",
            &format!(
                "{json}{{\"as\":{{\"kind\":\"guest\",\"nick\":\"{{{{username}}}}\"}},\"word\":\"{{{{password}}}}\"}}"
            ),
        ),
    ]);
    let xml = "Content-Type: text/xml\n\n";
    let soap = dialect(&[
        exchange("password", "", &format!("{xml}<e><login><u>{{{{username}}}}</u><p>{{{{password}}}}</p></login></e>")),
        exchange("refresh", "", &format!("{xml}<e><again><t>{{{{refresh_token}}}}</t></again></e>")),
    ]);
    let target = |name: &str, body: &str| {
        format!("POST /\nX-Amz-Target: {name}\nContent-Type: application/x-amz-json-1.1\n\n{body}")
    };
    let call = |body: &str| format!("POST /\nContent-Type: application/x-amz-json-1.1\n\n{body}");
    let element = |body: &str| format!("POST /\nContent-Type: text/xml\n\n{body}");
    let rows: Vec<(&Dialect, String, Result<usize, Reason>)> = vec![
        (&aws, target("Idp.InitiateAuth", r#"{"U":"a","P":"b"}"#), Ok(0)),
        (&aws, target("Idp.Refresh", r#"{"T":"b"}"#), Ok(1)),
        // A body that the other exchange could read does not outvote the header.
        (&aws, target("Idp.Refresh", r#"{"U":"a","P":"b"}"#), Err(Reason::Missing)),
        (&aws, target("Idp.Other", r#"{"T":"b"}"#), Err(Reason::NoRoute)),
        (&aws, call(r#"{"T":"b"}"#), Err(Reason::Missing)),
        (&rpc, call(r#"{"jsonrpc":"2.0","method":"login","params":["a","b"],"id":7}"#), Ok(0)),
        (&rpc, call(r#"{"id":7,"params":{"t":"b"},"method":"again","jsonrpc":"2.0"}"#), Ok(1)),
        (&rpc, call(r#"{"jsonrpc":"2.0","method":"other","params":["a","b"],"id":7}"#), Err(Reason::Malformed)),
        (&deep, call(r#"{"as":{"name":"a","kind":"user"},"word":"b"}"#), Ok(0)),
        (&deep, call(r#"{"as":{"nick":"a","kind":"guest"},"word":"b"}"#), Ok(1)),
        (&deep, call(r#"{"as":{"nick":"a"},"word":"b"}"#), Err(Reason::Missing)),
        (&soap, element("<e><login><u>a</u><p>b</p></login></e>"), Ok(0)),
        (&soap, element("<e><again><t>a</t></again></e>"), Ok(1)),
        (&soap, element("<e><other/></e>"), Err(Reason::Missing)),
    ];
    for (dialect, request, expected) in rows {
        let found = match read(dialect, &request) {
            Reading::Exchange { index, .. } => Ok(index),
            Reading::Refused { refusal, .. } => Err(refusal.reason),
            Reading::NotMine => panic!("{request}"),
        };
        assert_eq!(found, expected, "{request}");
    }
}

/// RFC 4231's second case, and what a client alone can write, no server reads.
#[test]
fn signatures_are_for_clients() {
    let request = "POST /in\nX-Key: {{key_id}}\nX-At: {{issued_at|epoch_ms}}\nX-Sign: {{signed|hmac_sha256:key_secret|hex}}\nX-Plain: {{detail|hmac_sha256:key_secret|hex}}\nX-Hash: {{signed|sha256|base64}}";
    let exchange = format!("grant = 'api_key'\nonly = 'client'\nrequest = '''\n{request}'''\n{ANSWER}");
    let dialect = dialect(&[exchange]);
    let slots = dialect.exchanges[0].request_slots();
    let asked = values(
        &slots,
        &[
            ("key_id", "k"),
            ("key_secret", "Jefe"),
            ("issued_at", "1970-01-01T00:00:01Z"),
            ("detail", "what do ya want for nothing?"),
        ],
    );
    let written = write(&dialect, 0, &asked).unwrap();
    assert!(
        written.contains("\nX-Plain: 5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843\n"),
        "{written}"
    );
    let mut unsigned = asked.clone();
    unsigned.remove("key_secret");
    assert_eq!(write(&dialect, 0, &unsigned), Err(WriteError::Missing("key_secret".to_owned())));
    assert!(matches!(read(&dialect, &written), Reading::NotMine));
}

#[test]
fn exchanges_for_one_end() {
    let exchange = |only: &str| {
        format!("{PASSWORD}only = '{only}'\nrequest = '''\nGET /in?u={{{{username}}}}&p={{{{password}}}}'''\n{ANSWER}")
    };
    let asked = Values::new().with("username", "a").with("password", jeton_core::secret::Secret::from("b"));
    let (client, server) = (dialect(&[exchange("client")]), dialect(&[exchange("server")]));
    assert!(matches!(read(&client, "GET /in?u=a&p=b"), Reading::NotMine));
    assert!(matches!(read(&server, "GET /in?u=a&p=b"), Reading::Exchange { .. }));
    assert_eq!(write(&client, 0, &asked).as_deref(), Ok("GET /in?u=a&p=b"));
    assert!(matches!(write(&server, 0, &asked), Err(WriteError::Nothing(_))));
}

#[test]
fn a_form_or_json_by_the_type_of_the_body() {
    let json = "POST /in\nContent-Type: application/json\n\n{\"u\":\"{{username}}\",\"p\":\"{{password}}\"}";
    let form = "POST /in\nContent-Type: application/x-www-form-urlencoded\n\nu={{username}}&p={{password}}";
    let dialect = dialect(&[format!("{PASSWORD}request = ['''\n{json}''', '''\n{form}''']\n{ANSWER}")]);
    for request in [
        "POST /in\nContent-Type: application/json\n\n{\"u\":\"ada\",\"p\":\"p&s\"}",
        "POST /in\nContent-Type: application/x-www-form-urlencoded\n\nu=ada&p=p%26s",
    ] {
        let Reading::Exchange { values: found, .. } = read(&dialect, request) else { panic!("{request}") };
        assert_eq!(sort(&found), sort(&values(&dialect.exchanges[0].request_slots(), ADA)), "{request}");
    }
    let reading = read(&dialect, "POST /in\nContent-Type: application/json\n\nu=ada&p=p%26s");
    assert!(matches!(&reading, Reading::Refused { refusal, .. } if refusal.reason == Reason::Malformed), "{reading:?}");
}

/// A text with a setting stands before one without: the setting decides which is written, and both are read.
#[test]
fn a_part_that_a_setting_chooses() {
    let head = "jeton = 1\nname = 'made up'\n[token]\nformat = 'opaque'\nlifetime = '1h'\n[field]\nhome = { from = 'setting' }\n\
                [part]\nwho = ['@{{username}}:{{home}}', '{{username}}']\n";
    let exchange = format!(
        "[[exchange]]\n{PASSWORD}request = \"PUT /in\\nX-In: {{{{who}}}}\\nX-Pin: {{{{password}}}}\"\n{ANSWER}"
    );
    let dialect = Dialect::parse(&format!("{head}{exchange}")).unwrap();
    let ada = values(&dialect.exchanges[0].request_slots(), ADA);
    let set = Values::new().with("home", "example.org");
    let written = |settings| dialect.write_request(0, &ada, settings).map(|request| request.headers[0].1.clone());
    assert_eq!(written(&set).as_deref(), Ok("@ada:example.org"));
    assert_eq!(written(&Values::new()).as_deref(), Ok("ada"));
    for (found, username) in
        [("@ada:example.org", "ada"), ("ada", "ada"), ("@ada:example.com", "@ada:example.com"), ("@ada", "@ada")]
    {
        let headers = header_map(&[("X-In".into(), found.into()), ("X-Pin".into(), "p".into())]);
        let request = Request { method: &Method::PUT, path: "/in", query: None, headers: &headers, body: b"" };
        match dialect.read_request(&request, &set) {
            Reading::Exchange { values, .. } => assert_eq!(values.text("username"), Some(username)),
            other => panic!("{found}: {other:?}"),
        }
    }
}
