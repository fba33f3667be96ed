//! A dialect whose refresh tokens are good once, which tells whom a token speaks for, and ends a session by either token.

use jeton_core::domain::realm::{Mount, Settings};
use serde_json::json;
use tempfile::TempDir;

use crate::harness::{Answer, DAY, Options, Person, SECOND, Server};

const FERRY: &str = r#"
jeton = 1
name = "ferry"

[token]
format = "opaque"
lifetime = "10m"

[refresh]
how = "rotate"
within = "7d"
end = { after = "20d" }

[limits]
sessions = 2

[field]
cabin = { from = "person" }

[[exchange]]
grant = "password"
request = '''
POST /rpc
Content-Type: application/json

{"method":"board","name":"{{username}}","word":"{{password}}"}'''
answer = '''
200
Content-Type: application/json

{"pass":"{{access_token}}","again":"{{refresh_token}}"}'''

[[exchange]]
grant = "refresh"
request = '''
POST /again
Content-Type: application/json

{"again":"{{refresh_token}}"}'''
answer = '''
200
Content-Type: application/json

{"pass":"{{access_token}}","again":"{{refresh_token}}"}'''

[[exchange]]
grant = "userinfo"
request = '''
GET /me'''
answer = '''
200
Content-Type: application/json

{"name":"{{person.username}}","number":{{person.number}},"cabin":"{{cabin?}}","left":{{expires_in}}}'''

[[exchange]]
grant = "userinfo"
request = '''
POST /look
Content-Type: application/json

{"pass":"{{access_token}}"}'''
answer = '''
200
Content-Type: application/json

{"name":"{{person.username}}","pass":"{{access_token}}"}'''

[[exchange]]
grant = "end"
request = '''
POST /leave
Content-Type: application/json

{"again":"{{refresh_token}}"}'''
answer = "204"

[[exchange]]
grant = "end"
request = "DELETE /me"
answer = "204"

[refusal]
answer = '''
{{status}}
Content-Type: application/json

{"no":"{{code}}"}'''
invalid_request   = { status = 400, code = "what" }
wrong_credentials = { status = 401, code = "who" }
invalid_token     = { status = 401, code = "stale" }
expired           = { status = 401, code = "late" }

[[show]]
token = "X-Pass: {{access_token}}"
"#;

const MARY: Person = Person { username: "mary", password: "read by the sea" };

/// A server where the dialect is spoken below `/ferry`, and below `/line` beside a second one that differs by what the
/// body names.
async fn ferry() -> (Server, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("ferry.toml"), folder.path().join("liner.toml"));
    std::fs::write(&one, FERRY).unwrap();
    let liner = FERRY.replace("name = \"ferry\"", "name = \"liner\"").replace("\"board\"", "\"embark\"");
    std::fs::write(&two, liner).unwrap();
    let server = Server::start_with(Options { dialects: vec![one, two], ..Options::default() }).await;
    let mount = |dialect: &str, prefix: &str| Mount { dialect: dialect.into(), host: None, prefix: prefix.into() };
    for (realm, mounts) in
        [("ferry", vec![mount("ferry", "/ferry")]), ("line", vec![mount("ferry", "/line"), mount("liner", "/line")])]
    {
        server.seed().realm(realm, Settings { dialects: mounts, ..Settings::default() }).await;
        server.seed().person(realm, MARY, 7, &[("cabin", "B2")], &[]).await;
    }
    (server, folder)
}

async fn board(server: &Server) -> (String, String) {
    let body = json!({"method": "board", "name": "mary", "word": MARY.password});
    let answer = server.post("/ferry/rpc").body("application/json", body.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    pair(&answer)
}

fn pair(answer: &Answer) -> (String, String) {
    (answer.text("/pass"), answer.text("/again"))
}

async fn again(server: &Server, refresh: &str) -> Answer {
    server.post("/ferry/again").body("application/json", json!({"again": refresh}).to_string()).await
}

async fn me(server: &Server, pass: &str) -> Answer {
    server.get("/ferry/me").header("X-Pass", pass).await
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_has_one_successor() {
    let (server, _folder) = ferry().await;
    let (pass, first) = board(&server).await;
    let answer = again(&server, &first).await;
    let (next, second) = pair(&answer);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(next != pass && second != first);

    server.clock.advance(5 * SECOND);
    assert_eq!(pair(&again(&server, &first).await), (next.clone(), second.clone()), "a lost answer is given again");
    for token in [&pass, &next] {
        assert_eq!(me(&server, token).await.status, 200, "both access tokens live their own time");
    }
    let reused = again(&server, &first).await;
    assert_eq!((reused.status, reused.text("/no")), (401, "stale".into()), "after its successor was used");
    for token in [&pass, &next] {
        assert_eq!(me(&server, token).await.status, 401, "the session has ended");
    }
    assert_eq!(again(&server, &second).await.status, 401);
}

#[tokio::test]
async fn the_use_of_an_older_access_token_does_not_shut_the_window() {
    let (server, _folder) = ferry().await;
    let (pass, first) = board(&server).await;
    let renewed = pair(&again(&server, &first).await);
    assert_eq!(me(&server, &pass).await.status, 200, "a call that was under way");
    assert_eq!(pair(&again(&server, &first).await), renewed);
}

#[tokio::test]
async fn each_refresh_token_has_its_own_end_and_the_session_one_for_all() {
    let (server, _folder) = ferry().await;
    let (_, mut refresh) = board(&server).await;
    for _ in 0..3 {
        server.clock.advance(7 * DAY - SECOND);
        let answer = again(&server, &refresh).await;
        if answer.status != 200 {
            assert_eq!((answer.status, answer.text("/no")), (401, "late".into()), "after twenty days");
            break;
        }
        refresh = answer.text("/again");
    }
    assert_eq!(again(&server, &refresh).await.text("/no"), "late");

    let (_, refresh) = board(&server).await;
    server.clock.advance(7 * DAY);
    assert_eq!(again(&server, &refresh).await.text("/no"), "late", "unused for seven days");
}

#[tokio::test]
async fn a_token_tells_whom_it_speaks_for() {
    let (server, _folder) = ferry().await;
    let (pass, refresh) = board(&server).await;
    server.clock.advance(60 * SECOND);
    let answer = me(&server, &pass).await;
    assert_eq!((answer.status, &*answer.body), (200, r#"{"name":"mary","number":7,"cabin":"B2","left":540}"#));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let look =
        async |pass: &str| server.post("/ferry/look").body("application/json", json!({"pass": pass}).to_string()).await;
    assert_eq!(look(&pass).await.body, format!(r#"{{"name":"mary","pass":"{pass}"}}"#));
    for (what, answer, status, code) in [
        ("none", server.get("/ferry/me").await, 401, "stale"),
        ("a refresh token", me(&server, &refresh).await, 401, "stale"),
        ("another", look("x").await, 401, "stale"),
        ("no member", server.post("/ferry/look").body("application/json", "{}").await, 400, "what"),
    ] {
        assert_eq!((answer.status, answer.text("/no")), (status, code.to_owned()), "{what}");
    }
    server.clock.advance(540 * SECOND);
    assert_eq!(me(&server, &pass).await.text("/no"), "late");
}

#[tokio::test]
async fn a_session_ends_by_either_of_its_tokens() {
    let (server, _folder) = ferry().await;
    let leave = async |refresh: &str| {
        server.post("/ferry/leave").body("application/json", json!({"again": refresh}).to_string()).await.status
    };
    let (pass, refresh) = board(&server).await;
    assert_eq!((me(&server, &pass).await.status, leave(&refresh).await), (200, 204));
    assert_eq!((me(&server, &pass).await.status, leave(&refresh).await), (401, 204));
    let (pass, refresh) = board(&server).await;
    assert_eq!(server.call("DELETE", "/ferry/me").header("X-Pass", &pass).await.status, 204);
    assert_eq!(again(&server, &refresh).await.status, 401);
}

#[tokio::test]
async fn the_oldest_session_makes_room() {
    let (server, _folder) = ferry().await;
    let mut passes = Vec::new();
    for _ in 0..3 {
        passes.push(board(&server).await.0);
        server.clock.advance(SECOND);
    }
    for (pass, status) in passes.iter().zip([401, 200, 200]) {
        assert_eq!(me(&server, pass).await.status, status);
    }
}

/// A token that goes on and stays the same.
#[tokio::test]
async fn an_extended_token_is_the_same_and_lives_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("raft.toml");
    let raft = FERRY
        .replace("lifetime = \"10m\"", "lifetime = { idle = \"10m\", max = \"1h\" }")
        .replace("how = \"rotate\"\nwithin = \"7d\"\nend = { after = \"20d\" }", "how = \"extend\"")
        .replace("grant = \"refresh\"", "grant = \"renew\"")
        .replace(
            r#"{"pass":"{{access_token}}","again":"{{refresh_token}}"}"#,
            r#"{"pass":"{{access_token}}","left":{{expires_in}}}"#,
        )
        .replace(r#"{"again":"{{refresh_token}}"}"#, r#"{"again":"{{access_token}}"}"#);
    std::fs::write(&file, raft).unwrap();
    let server = Server::start_with(Options { dialects: vec![file], ..Options::default() }).await;
    let mount = Mount { dialect: "ferry".into(), host: None, prefix: "/ferry".into() };
    server.seed().realm("ferry", Settings { dialects: vec![mount], ..Settings::default() }).await;
    server.seed().person("ferry", MARY, 7, &[], &[]).await;
    let body = json!({"method": "board", "name": "mary", "word": MARY.password});
    let pass = server.post("/ferry/rpc").body("application/json", body.to_string()).await.text("/pass");
    for (wait, left) in [(9, 600), (9, 600), (9, 600), (9, 600), (9, 600), (9, 360), (5, 60)] {
        server.clock.advance(60 * SECOND * wait);
        let answer = again(&server, &pass).await;
        let expected = format!(r#"{{"pass":"{pass}","left":{left}}}"#);
        assert_eq!((answer.status, &*answer.body), (200, &*expected));
        assert_eq!(me(&server, &pass).await.status, 200);
    }
    server.clock.advance(60 * SECOND);
    assert_eq!(again(&server, &pass).await.text("/no"), "late", "an hour after the sign-in");

    let answer = server.post("/ferry/rpc").body("application/json", body.to_string()).await;
    server.clock.advance(600 * SECOND);
    assert_eq!(again(&server, &answer.text("/pass")).await.text("/no"), "late", "ten minutes without use");
}

#[tokio::test]
async fn what_the_body_names_chooses_among_dialects_of_one_address() {
    let (server, _folder) = ferry().await;
    for (method, status) in [("board", 200), ("embark", 200), ("sail", 400)] {
        let body = json!({"method": method, "name": "mary", "word": MARY.password});
        let answer = server.post("/line/rpc").body("application/json", body.to_string()).await;
        assert_eq!(answer.status, status, "{method}: {answer:?}");
    }
}
