//! An installation in a temporary folder, its commands, and a server on a free port with a client for it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

const JETON: &str = env!("CARGO_BIN_EXE_jeton");

/// What `jeton init` makes, in a folder that goes away with this.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        let init = place.command(&["init", place.folder.path().to_str().unwrap()]).output().unwrap();
        assert!(init.status.success(), "{init:?}");
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces a piece of a file that is there.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{name} has no {from}");
        std::fs::write(self.path(name), text.replacen(from, to, 1)).unwrap();
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(JETON);
        command.args(args).env("JETON_CONFIG", self.path("jeton.toml")).stdin(Stdio::null());
        command
    }

    /// Runs a command, with this on its standard input.
    pub(crate) fn output(&self, args: &[&str], input: &str) -> Output {
        let mut command = self.command(args);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that reads nothing may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Runs a command that must succeed, and returns what it printed.
    pub(crate) fn run(&self, args: &[&str], input: &str) -> String {
        let output = self.output(args, input);
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must succeed with `--json`, and returns what it printed.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let printed = self.run(&[args, &["--json"]].concat(), "");
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{args:?}: {error}: {printed}"))
    }

    /// Runs a command that must fail, and returns what it said.
    pub(crate) fn fail(&self, args: &[&str], input: &str) -> String {
        let output = self.output(args, input);
        assert!(!output.status.success(), "{args:?} succeeded: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Starts `jeton serve` on a free port.
    pub(crate) fn serve(&self) -> Server {
        let args = ["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
        let mut child = self.command(&args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (address, log) = started(&mut child);
        Server { child, address, log }
    }

    /// Every byte below the folder, for a search.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut all = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { all.extend(std::fs::read(path).unwrap()) }
            }
        }
        all
    }
}

/// Writes a file that a command shall read.
pub(crate) fn write(path: &Path, text: &str) -> String {
    std::fs::write(path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Whether `needle` stands somewhere in `hay`.
pub(crate) fn contains(hay: &[u8], needle: &str) -> bool {
    hay.windows(needle.len()).any(|window| window == needle.as_bytes())
}

/// A member of an object that must be there and be text.
pub(crate) fn text(value: &Value, pointer: &str) -> String {
    let member = value.pointer(pointer).and_then(Value::as_str);
    member.unwrap_or_else(|| panic!("no {pointer} in {value}")).to_owned()
}

/// A running server. Ends with this.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    log: Arc<Mutex<String>>,
}

impl Server {
    /// Sends a request. An empty body is sent as none.
    pub(crate) fn request(&self, request: &Request) -> Response {
        send(self.address, request)
    }

    /// The process, for a signal.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether a token is good, as the realm tells its resource server.
    pub(crate) fn is_active(&self, realm: &str, (id, secret): &(String, String), token: &str) -> bool {
        let form = format!("client_id={id}&client_secret={secret}&token={token}");
        let target = format!("/realms/{realm}/protocol/openid-connect/token/introspect");
        let response = self.request(&post(&target, FORM, &form));
        assert_eq!(response.status, 200, "{}", response.body);
        response.json()["active"].as_bool().unwrap()
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

/// Sends a request to whoever listens there. An empty body is sent as none.
pub(crate) fn send(address: SocketAddr, request: &Request) -> Response {
    let Request { method, target, headers, body } = request;
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.unwrap_or_else(|| panic!("no status: {head}"));
    Response { status, head: head.to_owned(), body: body.to_owned() }
}

/// Reads the lines of a process until one names the address it listens on; the rest is kept in the log.
pub(crate) fn started(child: &mut Child) -> (SocketAddr, Arc<Mutex<String>>) {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let log = Arc::new(Mutex::new(String::new()));
    let address = loop {
        let line = lines.next().unwrap_or_else(|| panic!("no start: {}", log.lock().unwrap())).unwrap();
        log.lock().unwrap().push_str(&line);
        let listen = line.split_whitespace().find_map(|word| word.strip_prefix("listen="));
        if let Some(address) = listen.and_then(|address| address.parse().ok()) {
            break address;
        }
    };
    let kept = Arc::clone(&log);
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            kept.lock().unwrap().push_str(&line);
        }
    });
    (address, log)
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
pub(crate) const JSON: &str = "application/json";

#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

/// A request with a body.
pub(crate) fn post(target: &str, content_type: &str, body: &str) -> Request {
    Request {
        method: "POST",
        target: target.to_owned(),
        headers: vec![("Content-Type", content_type.to_owned()), ("Accept", JSON.to_owned())],
        body: body.to_owned(),
    }
}

pub(crate) struct Response {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Response {
    /// The value of a header; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}
