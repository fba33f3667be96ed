//! `jeton proxy` between a program and an API.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::channel;

use super::machine::{Api, DIALECT, Machine};
use crate::harness::{Request, Response, send};

fn call(proxy: &super::machine::Proxy, target: &str, headers: &[(&'static str, &str)], body: &str) -> Response {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let request = Request { method: "POST", target: target.to_owned(), headers, body: body.to_owned() };
    send(proxy.address(), &request)
}

#[test]
fn every_call_gets_the_token_and_no_other() {
    let (machine, api) = (Machine::new(), Api::start());
    machine.add("meadow", &api, &[]);
    let mut proxy = machine.proxy("meadow");
    let mine = [("Authorization", "Token mine"), ("authorization", "Basic eDp5"), ("X-Mine", "1"), ("TE", "trailers")];
    let answer = call(&proxy, "/a/b?c=d&c=e", &mine, "body");
    assert_eq!(answer.status, 200);
    let seen = api.calls().remove(0);
    assert!(seen.starts_with("POST /a/b?c=d&c=e HTTP/1.1\r\n") && seen.ends_with("\r\nbody"), "{seen}");
    assert!(seen.contains("authorization: Token t1\r\n") && seen.contains("x-mine: 1\r\n"), "{seen}");
    assert!(!seen.contains("mine\r\n") && !seen.contains("eDp5") && !seen.contains("te: "), "{seen}");
    assert!(seen.contains(&format!("host: {}\r\n", api.url.strip_prefix("http://").unwrap())), "{seen}");

    // A redirect within the API leads through the proxy, another leads where it leads.
    for (location, seen) in
        [(format!("{}/x?y=z", api.url), "/x?y=z"), ("https://other.example/".to_owned(), "https://other.example/")]
    {
        api.answer(&format!(
            "HTTP/1.1 303 See Other\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ));
        let mut curl = Command::new("curl");
        let shown =
            curl.args(["-sS", "-o", "/dev/null", "-w", "%header{location}", &proxy.url]).output().unwrap().stdout;
        assert_eq!(String::from_utf8(shown).unwrap(), seen);
    }
    let kill = Command::new("kill").args(["-TERM", &proxy.child.id().to_string()]).status().unwrap();
    assert!(kill.success() && proxy.child.wait().unwrap().success());
}

#[test]
fn a_refused_token_is_replaced_once() {
    let (machine, api) = (Machine::new(), Api::start());
    machine.add("meadow", &api, &[]);
    let proxy = machine.proxy("meadow");
    api.refuse("t1");
    assert_eq!((call(&proxy, "/x", &[], "body").status, api.sign_ins()), (401, 1), "too young to be too old");
    api.calls();
    std::thread::sleep(std::time::Duration::from_secs(10));
    let answer = call(&proxy, "/x", &[], "body");
    assert_eq!((answer.status, api.sign_ins()), (200, 2));
    let seen = api.calls();
    assert!(seen.len() == 2 && seen.iter().all(|call| call.ends_with("\r\nbody")), "{seen:?}");
    assert_eq!(machine.run(&["token", "meadow"]), "t2", "other programs get the new one");
    // Now the API has another reason, and no number of tokens helps.
    api.refuse("t2");
    for _ in 0..3 {
        assert_eq!(call(&proxy, "/x", &[], "").status, 401);
    }
    assert_eq!(api.sign_ins(), 2);
}

#[test]
fn the_next_token_is_taken_from_any_answer() {
    let (machine, api) = (Machine::new(), Api::start());
    machine.add("meadow", &api, &[]);
    let proxy = machine.proxy("meadow");
    api.answer("HTTP/1.1 200 OK\r\nX-Next: t9\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let mut curl = Command::new("curl");
    let shown =
        curl.args(["-sS", "-o", "/dev/null", "-w", "%{http_code} %header{x-next}", &proxy.url]).output().unwrap();
    assert_eq!(String::from_utf8(shown.stdout).unwrap(), "200 ", "the program behind sees no token");
    assert_eq!((machine.run(&["token", "meadow"]), api.sign_ins()), ("t9".to_owned(), 1));
}

#[test]
fn bodies_stream_both_ways() {
    let machine = Machine::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (seen, arrives) = channel();
    let (go_on, wait) = channel::<()>();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut stream = stream;
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.extend(byte);
            }
            let head = String::from_utf8(head).unwrap();
            if head.starts_with("POST /sign-in ") {
                // What is left unread at the end is answered with a reset, which may overtake the answer.
                let mut asked = [0; br#"{"user":"a","password":"p"}"#.len()];
                stream.read_exact(&mut asked).unwrap();
                let body = r#"{"token":"t1"}"#;
                let length = body.len();
                let answer =
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ";
                write!(stream, "{answer}{length}\r\n\r\n{body}").unwrap();
                continue;
            }
            let mut chunk = [0; 8];
            stream.read_exact(&mut chunk).unwrap();
            seen.send(chunk).unwrap();
            let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n";
            stream.write_all(answer).unwrap();
            wait.recv().unwrap();
            stream.write_all(b"4\r\nlast\r\n0\r\n\r\n").unwrap();
        }
    });
    let dialect = machine.file("meadow.toml", DIALECT);
    let own = ["--dialect", &dialect, "--url", &url, "--value", "username=a", "--secret", "password=command:echo p"];
    machine.run(&[&["profile", "add", "meadow"], &own[..]].concat());
    let proxy = machine.proxy("meadow");
    let mut stream = TcpStream::connect(proxy.address()).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
    write!(stream, "POST /x HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", proxy.address())
        .unwrap();
    assert_eq!(&arrives.recv_timeout(std::time::Duration::from_secs(30)).unwrap(), b"3\r\nabc\r\n");
    let mut answer = Vec::new();
    while !answer.ends_with(b"first\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    go_on.send(()).unwrap();
    stream.write_all(b"0\r\n\r\n").unwrap();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.ends_with(b"last\r\n0\r\n\r\n"));
}

#[test]
fn neither_pages_nor_other_machines_get_in() {
    let (machine, api) = (Machine::new(), Api::start());
    machine.add("meadow", &api, &[]);
    let said = machine.fail(&["proxy", "meadow", "--listen", "0.0.0.0:0"], 1);
    assert!(said.contains("--allow-remote"), "{said}");
    let proxy = machine.proxy("meadow");
    for headers in [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")] {
        assert_eq!(call(&proxy, "/", &[headers], "").status, 403, "{headers:?}");
    }
    let mut stream = TcpStream::connect(proxy.address()).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert_eq!(api.calls(), [""; 0]);
}

#[test]
fn without_a_token_there_is_a_reason() {
    let (machine, api) = (Machine::new(), Api::start());
    machine.add("meadow", &api, &[]);
    let proxy = machine.proxy("meadow");
    api.refuse("t1");
    api.answer_sign_ins("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    assert_eq!(call(&proxy, "/x", &[], "").status, 401, "the API's own answer");
    machine.run(&["logout", "meadow"]);
    let answer = call(&proxy, "/x", &[], "");
    assert!(
        answer.status == 503 && answer.body.contains("jeton proxy: the API refuses: unavailable"),
        "{}",
        answer.body
    );
}
