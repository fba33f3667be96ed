//! `jeton gate` between a caller and an API, with `jeton serve` beside it: three programs on one machine.

mod dpop;
mod resource;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::harness::{FORM, JSON, Place, Request, Response, Server, post, send, started, text, write};

/// An API that answers every call with 200 and keeps what it was sent.
fn api() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&calls);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(&stream);
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap() <= 2 {
                    break;
                }
                let lower = line.to_lowercase();
                length = lower.strip_prefix("content-length: ").map_or(length, |value| value.trim().parse().unwrap());
                head.push_str(&lower);
            }
            reader.take(length).read_to_end(&mut Vec::new()).unwrap();
            kept.lock().unwrap().push(head);
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nhere";
            (&stream).write_all(answer.as_bytes()).unwrap();
        }
    });
    (address, calls)
}

struct Gate {
    child: Child,
    address: SocketAddr,
}

impl Gate {
    fn start(place: &Place, args: &[&str]) -> Self {
        let all = [&["gate", "--listen", "127.0.0.1:0"], args].concat();
        let mut child = place.command(&all).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (address, _) = started(&mut child);
        Self { child, address }
    }

    /// In front of this API, for the realm `shop` of that server, with these options more.
    fn of_shop(place: &Place, server: &Server, upstream: SocketAddr, more: &[&str]) -> Self {
        let watcher = place.json(&["client", "add", "shop", "gate", "--resource-server"]);
        let secret_file = write(&place.path("gate.secret"), &text(&watcher, "/client_secret"));
        let (realm, upstream) = (format!("http://{}/realms/shop", server.address()), format!("http://{upstream}"));
        let args = ["--realm", &realm, "--upstream", &upstream, "--client-id", "gate"];
        Self::start(place, &[&args[..], &["--client-secret-file", &secret_file], more].concat())
    }

    fn call(&self, target: &str, authorization: &str) -> (u16, String) {
        let headers = vec![("Authorization", authorization.to_owned()), ("X-Jeton-Subject", "forged".to_owned())];
        let answer = self.get(target, headers);
        (answer.status, answer.body)
    }

    fn get(&self, target: &str, headers: Vec<(&'static str, String)>) -> Response {
        send(self.address, &Request { method: "GET", target: target.to_owned(), headers, body: String::new() })
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_token_opens_the_gate_until_it_is_ended() {
    let place = Place::new();
    let server = place.serve();
    place.run(&["realm", "add", "shop", "--dialect", "zro"], "");
    let key = place.json(&["api-key", "add", "shop"]);
    let (key_id, key_secret) = (text(&key, "/key_id"), text(&key, "/key_secret"));
    let (upstream, calls) = api();
    let gate = Gate::of_shop(&place, &server, upstream, &["--rule", "GET /things/*"]);

    let body = format!(r#"{{"api_id":"{key_id}","api_key":"{key_secret}"}}"#);
    let token = text(&server.request(&post("/auth/signin", JSON, &body)).json(), "/access_token");
    let bearer = format!("Bearer {token}");
    assert_eq!(gate.call("/things/1?a=b", &bearer), (200, "here".to_owned()));
    let seen = calls.lock().unwrap().pop().unwrap();
    assert!(seen.starts_with("get /things/1?a=b http/1.1\r\n"), "{seen}");
    assert!(seen.contains("x-jeton-realm: shop\r\n") && !seen.contains("forged"), "{seen}");
    assert!(!seen.contains("authorization") && !seen.contains(&token.to_lowercase()), "{seen}");

    let rows = [("/things/1", "Bearer nonsense", 401), ("/things/1", "", 401), ("/others", bearer.as_str(), 404)];
    for (target, authorization, status) in rows {
        assert_eq!(gate.call(target, authorization).0, status, "{target} {authorization}");
    }
    place.run(&["api-key", "disable", "shop", &key_id], "");
    assert_eq!(gate.call("/things/1", &bearer).0, 401, "disabled: refused at the next call");
    place.run(&["api-key", "enable", "shop", &key_id], "");
    assert_eq!(gate.call("/things/1", &bearer).0, 200);
    place.run(&["session", "revoke", "shop", "--all"], "");
    assert_eq!(gate.call("/things/1", &bearer).0, 401, "ended: refused at the next call");
    assert_eq!(calls.lock().unwrap().len(), 1, "nothing else reached the API");

    drop(server);
    assert_eq!(gate.call("/things/1", &bearer).0, 503, "nobody can tell: no");
}

/// Whatever is revoked by a command, a gate that follows the feed forgets it in time; it asks about what is in doubt.
#[test]
fn l8_an_offline_gate_forgets_what_a_command_revokes() {
    let place = Place::new();
    let server = place.serve();
    place.run(&["realm", "add", "shop"], "");
    let client = place.json(&["client", "add", "shop", "app"]);
    let (upstream, _) = api();
    let gate = Gate::of_shop(&place, &server, upstream, &["--offline", "--rule", "* /*"]);
    let form = format!("grant_type=client_credentials&client_id=app&client_secret={}", text(&client, "/client_secret"));
    let answer = server.request(&post("/realms/shop/protocol/openid-connect/token", FORM, &form));
    let bearer = format!("Bearer {}", text(&answer.json(), "/access_token"));
    assert_eq!(gate.call("/", &bearer).0, 200, "good, whoever says so");
    // By now the gate follows.
    std::thread::sleep(Duration::from_secs(1));
    place.run(&["client", "disable", "shop", "app"], "");
    let began = Instant::now();
    while gate.call("/", &bearer).0 != 401 {
        assert!(began.elapsed() < Duration::from_secs(2), "the bound");
    }
    drop(server);
    assert_eq!(gate.call("/", &bearer).0, 503, "nobody can tell: no");
}

#[test]
fn another_realms_token_opens_nothing() {
    let place = Place::new();
    let server = place.serve();
    for realm in ["shop", "two"] {
        place.run(&["realm", "add", realm], "");
    }
    let client = place.json(&["client", "add", "two", "app"]);
    let form = format!("grant_type=client_credentials&client_id=app&client_secret={}", text(&client, "/client_secret"));
    let answer = server.request(&post("/realms/two/protocol/openid-connect/token", FORM, &form));
    let token = text(&answer.json(), "/access_token");
    let (upstream, calls) = api();
    let gate = Gate::of_shop(&place, &server, upstream, &["--rule", "* /*"]);
    assert_eq!(gate.call("/", &format!("Bearer {token}")).0, 401);
    assert!(calls.lock().unwrap().is_empty());
}
