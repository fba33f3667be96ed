//! A dialect of an API that does not exist, given by the path of its file and used without compiling anything.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jeton_core::domain::realm::{Mount, Settings};
use jeton_core::time::Timestamp;
use jeton_server::dialects::Dialects;
use tempfile::TempDir;

use crate::harness::{Answer, Options, Person, SECOND, Server, rules};

/// Names, places, shapes, statuses and a zone that stand in no file of ours.
const HARBOUR: &str = r##"
jeton = 1
name = "harbour"
json = "ascii"
headers = '''
X-Tide: high'''

[token]
format = "opaque"
lifetime = "45s"
scope = { realm = "quay" }

[refresh]
how = "keep"
end = { after = "12h", round_up_to = "midnight", zone = "Pacific/Apia" }

[field]
pier = { from = "setting", default = "north" }
flag = { from = "person" }

[part]
basic = '{{username|form}}:{{password|form}}'

[[exchange]]
grant = "password"
request = ['''
PUT /v3/{{pier}}/moor
Authorization: Basic {{basic|base64}}''', '''
PUT /v3/{{pier}}/moor
Cookie: sid={{username}}; pin={{password}}''', '''
PUT /v3/{{pier}}/anchor
X-Captain: {{username}}
X-Pin: {{password}}''']
answer = '''
201
Content-Type: application/json

{ "result": [ "ok", "{{access_token}}" ],
  "captain": { "name": "{{person.name}}", "no": {{person.number}}, "flag": "{{flag?}}" },
  "until": "{{expires_at|rfc3339}}", "ms": {{issued_at|epoch_ms}}, "again": "{{refresh_token}}" }'''

[[exchange]]
grant = "password"
request = '''
POST /v3/captains/{{username}}/moor
Content-Type: text/plain

pin {{password}}'''
answer = '''
200
Set-Cookie: berth={{access_token}}; HttpOnly; Path=/
Content-Type: text/plain

moored for {{expires_in}} seconds, then {{refresh_token}}'''

[[exchange]]
grant = "refresh"
request = '''
POST /v3/again
Content-Type: application/x-www-form-urlencoded

r={{refresh_token}}'''
answer = '''
200
Content-Type: application/x-www-form-urlencoded

token={{access_token}}&left={{expires_in}}'''

[[exchange]]
grant = "end"
request = '''
DELETE /v3/moor'''
answer = '''
200
Content-Type: text/plain

bon voyage'''

[refusal]
answer = '''
{{status}} {{text}}
Content-Type: application/json

{"result":["no","{{code}}"]}'''
invalid_request   = { status = 422, text = "Not Seaworthy", code = "E1" }
wrong_method      = { status = 405, text = "Wrong Rudder", code = "E2" }
wrong_credentials = { status = 461, text = "Unknown Captain", code = "E3" }
invalid_token     = { status = 462, text = "Adrift", code = "E4" }
expired           = { status = 462, text = "Adrift", code = "E5" }

[[show]]
token = ["Cookie: berth={{access_token}}", "X-Berth: v1.{{access_token}}"]
"##;

const ANNE: Person = Person { username: "anne b\u{f6}nny", password: "p:in%+; x" };

struct Harbour {
    server: Server,
    file: PathBuf,
    /// Holds the file; gone when this is dropped.
    folder: TempDir,
}

/// A server with the dialect at the host `harbour.test`, its pier set to `east` there, and below `/old` in a second realm.
async fn harbour() -> Harbour {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("harbour.toml");
    std::fs::write(&file, HARBOUR).unwrap();
    let server = Server::start_with(Options { dialects: vec![file.clone()], ..Options::default() }).await;
    let mount = |host: Option<&str>, prefix: &str| {
        vec![Mount { dialect: "harbour".into(), host: host.map(str::to_owned), prefix: prefix.into() }]
    };
    let by_host = Settings {
        dialects: mount(Some("harbour.test"), ""),
        values: [("pier".to_owned(), "east".to_owned())].into(),
        gate: rules(&["GET harbour.test/ships"]),
        ..Settings::default()
    };
    server.seed().realm("custom", by_host).await;
    server.seed().realm("old", Settings { dialects: mount(None, "/old"), ..Settings::default() }).await;
    for realm in ["custom", "old"] {
        server.seed().person(realm, ANNE, 17, &[("name", "Anne \u{1f6a2}")], &[]).await;
    }
    Harbour { server, file, folder }
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, reason: &str, code: &str, what: &str) {
    let body = format!(r#"{{"result":["no","{code}"]}}"#);
    assert_eq!(
        (answer.status, answer.reason.as_str(), answer.body.as_str()),
        (status, reason, body.as_str()),
        "{what}"
    );
    assert_eq!(answer.header("x-tide"), Some("high"), "{what}");
}

#[tokio::test]
async fn credentials_stand_where_the_file_says() {
    let Harbour { server, .. } = harbour().await;
    let put = |path: &str| server.call("PUT", path).host("harbour.test");
    let basic = |pair: &str| format!("Basic {}", BASE64.encode(pair));
    let good = basic("anne+b%C3%B6nny:p%3Ain%25%2B%3B+x");
    let answer = put("/v3/east/moor").header("Authorization", &good).await;
    let (token, again) = (answer.text("/result/1"), answer.text("/again"));
    let expected = format!(
        "{{ \"result\": [ \"ok\", \"{token}\" ],\n  \"captain\": {{ \"name\": \"Anne \\ud83d\\udea2\", \"no\": 17 }},\n  \
         \"until\": \"2026-01-15T15:00:45Z\", \"ms\": 1768489200000, \"again\": \"{again}\" }}"
    );
    assert_eq!((answer.status, answer.body.as_str()), (201, expected.as_str()));
    assert_eq!((answer.header("x-tide"), answer.header("cache-control")), (Some("high"), Some("no-store")));

    // The other places cannot hold every character.
    server.seed().set_password("custom", ANNE.username, None, "plain-pin").await;
    let mary = Person { username: "mary", password: "read" };
    server.seed().person("custom", mary, 18, &[("name", "Mary"), ("flag", "red")], &[]).await;
    let rows = [
        ("a cookie", put("/v3/east/moor").header("Cookie", "a=b; sid=mary; pin=read")),
        ("headers", put("/v3/east/anchor").header("X-Captain", "mary").header("X-Pin", "read")),
    ];
    for (what, call) in rows {
        let answer = call.await;
        assert_eq!((answer.status, answer.text("/captain/flag")), (201, "red".into()), "{what}");
    }
    let path = "/v3/captains/anne%20b%C3%B6nny/moor";
    let answer = server.post(path).host("harbour.test").body("text/plain", "pin plain-pin").await;
    assert!(answer.body.starts_with("moored for 45 seconds, then "), "{answer:?}");
    assert!(answer.header("set-cookie").is_some_and(|cookie| cookie.ends_with("; HttpOnly; Path=/")), "{answer:?}");

    let wrong = basic("mary:wrong");
    let rows = [
        ("wrong", put("/v3/east/moor").header("Authorization", &wrong), 461, "Unknown Captain", "E3"),
        ("wrong in a cookie", put("/v3/east/moor").header("Cookie", "sid=mary; pin=x"), 461, "Unknown Captain", "E3"),
        ("nothing", put("/v3/east/moor"), 422, "Not Seaworthy", "E1"),
        (
            "a broken header beside a good cookie",
            put("/v3/east/moor").header("Authorization", "Basic !").header("Cookie", "sid=mary; pin=read"),
            422,
            "Not Seaworthy",
            "E1",
        ),
        ("another method", server.get("/v3/east/moor").host("harbour.test"), 405, "Wrong Rudder", "E2"),
    ];
    for (what, call, status, reason, code) in rows {
        assert_refused(&call.await, status, reason, code, what);
    }
}

#[tokio::test]
async fn its_policy_holds_and_its_tokens_open_its_api() {
    let Harbour { server, .. } = harbour().await;
    let path = "/v3/captains/ANNE%20B%C3%96NNY/moor";
    let signed_in = server.post(path).host("harbour.test").body("text/plain", format!("pin {}", ANNE.password)).await;
    let cookie = signed_in.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let token = cookie.strip_prefix("berth=").unwrap().to_owned();
    let refresh = signed_in.body.rsplit(' ').next().unwrap().to_owned();
    let ships = || server.get("/ships").host("harbour.test");
    for call in [ships().header("Cookie", &cookie), ships().header("X-Berth", &format!("v1.{token}"))] {
        let answer = call.await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(!answer.body.contains(&token), "the API sees no token: {answer:?}");
        assert!(answer.body.contains(r#"["x-jeton-scope","quay"]"#), "{answer:?}");
    }
    assert_refused(&ships().await, 462, "Adrift", "E4", "no token");
    assert_refused(&ships().header("X-Berth", &format!("v2.{token}")).await, 462, "Adrift", "E4", "another form");
    server.clock.advance(45 * SECOND);
    assert_refused(&ships().header("Cookie", &cookie).await, 462, "Adrift", "E5", "after its 45 seconds");

    // Twelve hours from 2026-01-16 04:00 in Apia, up to midnight there.
    let again = || server.post("/v3/again").host("harbour.test").form(&[("r", &refresh)]);
    let deadline: Timestamp = Timestamp::from_secs(1_768_561_200);
    server.clock.set(deadline - SECOND);
    let answer = again().await;
    let next = answer.body.strip_prefix("token=").and_then(|rest| rest.strip_suffix("&left=45"));
    let next = next.unwrap_or_else(|| panic!("{answer:?}")).to_owned();
    assert_eq!(ships().header("X-Berth", &format!("v1.{next}")).await.status, 200);
    server.clock.set(deadline);
    assert_refused(&again().await, 462, "Adrift", "E5", "at midnight");

    server.clock.set(deadline - SECOND);
    let ended = server.call("DELETE", "/v3/moor").host("harbour.test").header("X-Berth", &format!("v1.{next}")).await;
    assert_eq!((ended.status, ended.body.as_str()), (200, "bon voyage"));
    assert_refused(&ships().header("X-Berth", &format!("v1.{next}")).await, 462, "Adrift", "E4", "signed out");
    assert_refused(&again().await, 462, "Adrift", "E4", "signed out");
}

#[tokio::test]
async fn a_mount_answers_at_its_host_or_prefix_alone() {
    let Harbour { server, .. } = harbour().await;
    let body = format!("pin {}", ANNE.password);
    let rows = [
        ("harbour.test", "/v3/captains/anne%20b%C3%B6nny/moor", 200),
        ("HARBOUR.test.:8443", "/v3/captains/anne%20b%C3%B6nny/moor", 200),
        ("jeton.test", "/v3/captains/anne%20b%C3%B6nny/moor", 404),
        ("x.harbour.test", "/v3/captains/anne%20b%C3%B6nny/moor", 404),
        ("jeton.test", "/old/v3/captains/anne%20b%C3%B6nny/moor", 200),
        ("jeton.test", "/older/v3/captains/anne%20b%C3%B6nny/moor", 404),
        ("jeton.test", "/OLD/v3/captains/anne%20b%C3%B6nny/moor", 404),
    ];
    for (host, target, status) in rows {
        let answer = server.post(target).host(host).body("text/plain", body.as_str()).await;
        assert_eq!(answer.status, status, "{host} {target}: {answer:?}");
    }
    // A realm's setting is a part of its addresses.
    for (host, target, status) in [
        ("harbour.test", "/v3/east/moor", 422),
        ("harbour.test", "/v3/north/moor", 404),
        ("jeton.test", "/old/v3/north/moor", 422),
        ("jeton.test", "/old/v3/east/moor", 404),
    ] {
        assert_eq!(server.call("PUT", target).host(host).await.status, status, "{host} {target}");
    }
    // The other dialects are at the root of every host.
    assert_eq!(server.zro_sign_in(&server.zro).host("harbour.test").await.status, 200);
}

#[tokio::test]
async fn a_file_that_breaks_leaves_the_old_one_in_use() {
    let Harbour { server, file, folder: _folder } = harbour().await;
    let sign_in = async |target: &str| {
        server.post(target).host("harbour.test").body("text/plain", format!("pin {}", ANNE.password)).await.status
    };
    let (old, new) = ("/v3/captains/anne%20b%C3%B6nny/moor", "/v4/captains/anne%20b%C3%B6nny/moor");
    assert_eq!((sign_in(old).await, sign_in(new).await), (200, 404));

    let files = [file.clone()];
    std::fs::write(&file, HARBOUR.replace("/v3/", "/v4/").replace("{{expires_in}}", "{{expires_inn}}")).unwrap();
    let told = server.app.dialects.reload(&files).unwrap_err().to_string();
    assert_mistake(&told, &file, "expires_inn");
    assert_eq!((sign_in(old).await, sign_in(new).await), (200, 404), "a broken file changes nothing");

    std::fs::write(&file, HARBOUR.replace("/v3/", "/v4/")).unwrap();
    server.app.dialects.reload(&files).unwrap();
    assert_eq!((sign_in(old).await, sign_in(new).await), (404, 200), "a mended one is used at the next request");

    std::fs::remove_file(&file).unwrap();
    assert!(server.app.dialects.reload(&files).is_err());
    assert_eq!(sign_in(new).await, 200, "nor does a file that is gone");
}

#[test]
fn a_mistake_is_told_with_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("harbour.toml");
    for (right, wrong, word) in [
        ("lifetime = \"45s\"", "lifetime = \"45 sec\"", "lifetime"),
        ("how = \"keep\"", "how = \"hold\"", "hold"),
        ("Pacific/Apia", "Pacific/Atlantis", "Pacific/Atlantis"),
        ("{{flag?}}", "{{flga?}}", "flga"),
        ("|rfc3339}}", "|rfc3340}}", "rfc3340"),
        ("[refusal]", "[refusals]", "refusals"),
        ("jeton = 1", "jeton = ", ""),
    ] {
        std::fs::write(&file, HARBOUR.replace(right, wrong)).unwrap();
        let told = Dialects::load(vec![file.clone()]).err().unwrap_or_else(|| panic!("{wrong} is taken")).to_string();
        assert_mistake(&told, &file, word);
    }
    let told = Dialects::load(vec![folder.path().join("none.toml")]).err().unwrap().to_string();
    assert!(told.contains("none.toml"), "{told}");
}

/// `FILE:LINE:COLUMN: …` with the word in it, the line being one where the file has that word.
#[track_caller]
fn assert_mistake(told: &str, file: &Path, word: &str) {
    let rest = told.strip_prefix(&format!("{}:", file.display())).unwrap_or_else(|| panic!("{told}"));
    let mut parts = rest.splitn(3, ':');
    let mut number = || parts.next().and_then(|part| part.parse::<usize>().ok()).unwrap_or_else(|| panic!("{told}"));
    let (line, column) = (number(), number());
    let text = std::fs::read_to_string(file).unwrap();
    let text = text.lines().nth(line - 1).unwrap_or_else(|| panic!("{told}"));
    assert!(text.contains(word) && column <= text.len() + 1, "{told}\n{text}");
}

/// Calls of one address, told apart by a member of the body, whose answers repeat the call's id.
const TELEGRAPH: &str = r#"
jeton = 1
name = "telegraph"

[token]
format = "opaque"
lifetime = "1h"

[refresh]
how = "renew"
within = "7d"

[field]
id = { from = "client", type = "number" }

[[exchange]]
grant = "password"
request = '''
POST /rpc
Content-Type: application/json

{"jsonrpc":"2.0","method":"login","params":["{{username}}","{{password}}"],"id":{{id}}}'''
answer = '''
200
Content-Type: application/json

{"jsonrpc":"2.0","result":"{{access_token}}","id":{{id}}}'''

[[exchange]]
grant = "refresh"
request = '''
POST /rpc
Content-Type: application/json

{"jsonrpc":"2.0","method":"again","params":["{{refresh_token}}"],"id":{{id}}}'''
answer = '''
200
Content-Type: application/json

{"jsonrpc":"2.0","result":"{{access_token}}","id":{{id}}}'''

[refusal]
answer = '''
{{status}}
Content-Type: application/json

{"jsonrpc":"2.0","error":{"code":{{status}}}}'''

[[show]]
token = "Authorization: Bearer {{access_token}}"
"#;

#[tokio::test]
async fn an_answer_repeats_what_its_caller_named_the_call() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("telegraph.toml");
    std::fs::write(&file, TELEGRAPH).unwrap();
    let server = Server::start_with(Options { dialects: vec![file], ..Options::default() }).await;
    let mount = Mount { dialect: "telegraph".into(), host: None, prefix: "/wire".into() };
    server.seed().realm("wire", Settings { dialects: vec![mount], ..Settings::default() }).await;
    server.seed().person("wire", ANNE, 17, &[], &[]).await;
    let call = async |method: &str, params: serde_json::Value, id: i64| {
        let body = serde_json::json!({"jsonrpc": "2.0", "method": method, "params": params, "id": id});
        server.post("/wire/rpc").body("application/json", body.to_string()).await
    };
    let first = call("login", serde_json::json!([ANNE.username, ANNE.password]), 41).await;
    let token = first.text("/result");
    let expected = format!(r#"{{"jsonrpc":"2.0","result":"{token}","id":41}}"#);
    assert_eq!((first.status, first.body.as_str()), (200, expected.as_str()));
    let second = call("again", serde_json::json!([token]), -7).await;
    assert!(second.status == 200 && second.body.ends_with(r#","id":-7}"#), "{second:?}");
    assert_ne!(second.text("/result"), token);
    assert_eq!(call("login", serde_json::json!([ANNE.username, "wrong"]), 1).await.status, 401);
}
