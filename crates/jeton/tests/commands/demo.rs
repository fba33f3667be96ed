//! `jeton demo` as a program sees it: one line, credentials of this run alone, an end with status 0.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::harness::{FORM, JSON, Response, contains, post, send, text};

pub(crate) struct Demo {
    child: Child,
    stdout: BufReader<ChildStdout>,
    ready: Value,
}

impl Demo {
    pub(crate) fn start(data: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_jeton"))
            .args(["demo", "--listen", "127.0.0.1:0", "--json", "--data", data.to_str().unwrap()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Self { child, stdout, ready }
    }

    /// A member of the one line that it prints.
    pub(crate) fn of(&self, pointer: &str) -> String {
        text(&self.ready, pointer)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.of("/url").strip_prefix("http://").unwrap().parse().unwrap()
    }

    /// Ends it as an operator does; it must have said nothing more, and end well.
    fn end(mut self) {
        let kill = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "nothing but the one line goes to standard output");
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }

    fn api_key_sign_in(&self, id: &str, secret: &str) -> Response {
        let body = format!(r#"{{"api_id":"{id}","api_key":"{secret}"}}"#);
        send(self.address(), &post("/auth/singin", JSON, &body))
    }

    fn client_sign_in(&self, id: &str, secret: &str) -> Response {
        let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        send(self.address(), &post("/realms/api-keys/protocol/openid-connect/token", FORM, &form))
    }

    fn person_sign_in(&self, password: &str) -> Response {
        let target = format!("/?action=person.signIn&username={}", self.of("/realms/inevent/username"));
        send(self.address(), &post(&target, FORM, &format!("password={password}")))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SECRETS: [&str; 5] = [
    "/realms/inevent/password",
    "/realms/inevent/event_password",
    "/realms/pitchpoint/password",
    "/realms/ion/client_secret",
    "/realms/zro/api_key",
];
const IDS: [&str; 5] = [
    "/realms/inevent/username",
    "/realms/inevent/event_id",
    "/realms/pitchpoint/username",
    "/realms/ion/client_id",
    "/realms/zro/api_id",
];

#[test]
fn a_restart_keeps_ids_makes_new_secrets_and_ends_the_old() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let first = Demo::start(&data);
    let secrets = SECRETS.map(|pointer| first.of(pointer));
    let ids = IDS.map(|pointer| first.of(pointer));
    let (password, client_secret, api_key) = (&secrets[0], &secrets[3], &secrets[4]);
    let (client_id, api_id) = (&ids[3], &ids[4]);
    let token = text(&first.api_key_sign_in(api_id, api_key).json(), "/access_token");
    assert_eq!(first.person_sign_in(password).status, 200);
    assert_eq!(first.client_sign_in(client_id, client_secret).status, 200);
    let call = |demo: &Demo| {
        let mut call = post("/operations/wallets", JSON, "");
        call.method = "GET";
        call.headers.push(("Authorization", format!("Bearer {token}")));
        call.headers.push(("nonce", "b6bf15b4-e00f-4d03-8e2b-7ed8829c8ff6".to_owned()));
        send(demo.address(), &call).status
    };
    assert_eq!(call(&first), 200);
    first.end();

    let second = Demo::start(&data);
    assert_eq!(IDS.map(|pointer| second.of(pointer)), ids);
    for (pointer, old) in SECRETS.into_iter().zip(&secrets) {
        assert_ne!(second.of(pointer), *old, "{pointer}");
    }
    assert_eq!(second.person_sign_in(password).status, 401);
    assert_eq!(second.client_sign_in(client_id, client_secret).status, 401);
    assert_eq!(second.api_key_sign_in(api_id, api_key).status, 401);
    assert_eq!(call(&second), 401, "a token of the last run");
    assert_eq!(second.person_sign_in(&second.of(SECRETS[0])).status, 200);
    assert_eq!(second.client_sign_in(client_id, &second.of(SECRETS[3])).status, 200);
    assert_eq!(second.api_key_sign_in(api_id, &second.of(SECRETS[4])).status, 200);

    let mut stored = Vec::new();
    for entry in std::fs::read_dir(&data).unwrap() {
        stored.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let new = SECRETS.map(|pointer| second.of(pointer));
    for secret in secrets.iter().chain(&new).chain([&token]) {
        assert!(!contains(&stored, secret), "a secret stands on disk in clear");
    }
    second.end();
}

#[test]
fn other_machines_are_let_in_only_if_that_is_said() {
    let refused = Command::new(env!("CARGO_BIN_EXE_jeton")).args(["demo", "--listen", "0.0.0.0:0"]).output().unwrap();
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("--expose") && refused.stdout.is_empty(), "{said}");
}
