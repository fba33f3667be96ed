//! A machine with a folder of profiles, and APIs to make profiles of.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::harness::write;

/// A folder with profiles and whatever else a test puts there.
pub(super) struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file and returns its path.
    pub(super) fn file(&self, name: &str, text: &str) -> String {
        write(&self.path(name), text)
    }

    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jeton"));
        command.args(args).env("JETON_PROFILES", self.path("profiles")).stdin(Stdio::null());
        // Nothing of a test goes into the keyring of whoever runs it.
        command.env("JETON_NO_KEYRING", "true");
        command
    }

    pub(super) fn output(&self, args: &[&str], input: &str) -> Output {
        let mut command = self.command(args);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that reads nothing may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Runs a command that must succeed, and returns what it printed without the newline at its end.
    pub(super) fn run(&self, args: &[&str]) -> String {
        let output = self.output(args, "");
        assert!(output.status.success(), "{args:?}: {output:?}");
        let printed = String::from_utf8(output.stdout).unwrap();
        printed.strip_suffix('\n').unwrap_or(&printed).to_owned()
    }

    /// Starts `jeton proxy`.
    pub(super) fn proxy(&self, name: &str) -> Proxy {
        let mut child = self.command(&["proxy", name]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Proxy { child, url: line.trim_end().to_owned() }
    }

    /// Runs a command that must fail with this exit status, and returns what it said.
    pub(super) fn fail(&self, args: &[&str], status: i32) -> String {
        let output = self.output(args, "");
        assert_eq!(output.status.code(), Some(status), "{args:?}: {output:?}");
        assert!(output.stdout.is_empty(), "{args:?}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Makes the profile `name` of an API that speaks the dialect below.
    pub(super) fn add(&self, name: &str, api: &Api, more: &[&str]) {
        let dialect = self.file("meadow.toml", DIALECT);
        let password = format!("password=file:{}", self.file("password", "p\"4 ss\n"));
        let own = ["--dialect", &dialect, "--url", &api.url, "--value", "username=ada", "--secret", &password];
        self.run(&[&["profile", "add", name], &own[..], more].concat());
    }
}

/// A running proxy. Ends with this.
pub(super) struct Proxy {
    pub(super) child: Child,
    pub(super) url: String,
}

impl Proxy {
    pub(super) fn address(&self) -> SocketAddr {
        self.url.strip_prefix("http://").unwrap().parse().unwrap()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `Api` speaks.
pub(super) const DIALECT: &str = r#"
jeton = 1
name = "meadow"
[token]
format = "opaque"
lifetime = "1h"
[refresh]
how = "none"
[[exchange]]
grant = "password"
request = '''
POST /sign-in
Content-Type: application/json

{"user":"{{username}}","password":"{{password}}"}'''
answer = '''
200
Content-Type: application/json

{"token":"{{access_token}}"}'''
[refusal]
answer = '''
{{status}}
Content-Type: application/json

{"error":"{{code}}"}'''
invalid_request = { status = 400, code = "bad" }
wrong_credentials = { status = 401, code = "who" }
invalid_token = { status = 403, code = "old" }
[[show]]
token = "Authorization: Token {{access_token}}"
"#;

/// An API that gives `t1`, `t2`, … at `/sign-in`, and answers every other call with what was sent to it.
pub(super) struct Api {
    pub(super) url: String,
    behaviour: Arc<Mutex<Behaviour>>,
}

#[derive(Default)]
struct Behaviour {
    sign_ins: usize,
    calls: Vec<String>,
    /// How long a sign-in takes.
    delay: Duration,
    /// The answer to all that is no sign-in, if not the usual one.
    answer: Option<String>,
    /// The answer to sign-ins, if not the usual one.
    sign_in_answer: Option<String>,
    /// Tokens that calls are refused with.
    refused: Vec<String>,
}

impl Api {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let behaviour = Arc::<Mutex<Behaviour>>::default();
        let shared = Arc::clone(&behaviour);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let behaviour = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &behaviour));
            }
        });
        Self { url, behaviour }
    }

    pub(super) fn sign_ins(&self) -> usize {
        self.behaviour.lock().unwrap().sign_ins
    }

    /// The calls since the last time this was asked: head and body as they came.
    pub(super) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.behaviour.lock().unwrap().calls)
    }

    pub(super) fn take_its_time(&self, delay: Duration) {
        self.behaviour.lock().unwrap().delay = delay;
    }

    /// Answers all calls with this from now on.
    pub(super) fn answer(&self, answer: &str) {
        self.behaviour.lock().unwrap().answer = Some(answer.to_owned());
    }

    /// Answers all sign-ins with this from now on.
    pub(super) fn answer_sign_ins(&self, answer: &str) {
        self.behaviour.lock().unwrap().sign_in_answer = Some(answer.to_owned());
    }

    /// Answers calls that show this token with 401 from now on.
    pub(super) fn refuse(&self, token: &str) {
        self.behaviour.lock().unwrap().refused.push(format!("Token {token}\r\n"));
    }
}

fn serve(mut stream: TcpStream, behaviour: &Mutex<Behaviour>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let answer = if head.starts_with("POST /sign-in ") {
        let (count, delay, other) = {
            let mut behaviour = behaviour.lock().unwrap();
            behaviour.sign_ins += 1;
            (behaviour.sign_ins, behaviour.delay, behaviour.sign_in_answer.clone())
        };
        std::thread::sleep(delay);
        other.unwrap_or_else(|| ok(&format!(r#"{{"token":"t{count}"}}"#)))
    } else {
        let mut behaviour = behaviour.lock().unwrap();
        let call = format!("{head}\r\n{}", String::from_utf8_lossy(&body));
        behaviour.calls.push(call.clone());
        match behaviour.refused.iter().any(|token| head.contains(token)) {
            true => "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno".to_owned(),
            false => behaviour.answer.clone().unwrap_or_else(|| ok(&call)),
        }
    };
    // Who asked may be gone.
    let _ = stream.write_all(answer.as_bytes());
}

fn ok(body: &str) -> String {
    let length = body.len();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";
    format!("{head}Content-Length: {length}\r\n\r\n{body}")
}
