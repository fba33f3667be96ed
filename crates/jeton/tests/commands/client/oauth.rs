//! OAuth by the commands: the ways a client proves itself to Jeton, and `jeton login` at an issuer that is played here.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use super::machine::Machine;
use crate::demo::Demo;

#[test]
fn clients_prove_themselves_as_the_profile_says() {
    let machine = Machine::new();
    let demo = Demo::start(&machine.path("demo"));
    let (url, issuer) = (demo.of("/url"), format!("{}/realms/api-keys", demo.of("/url")));
    let client = format!("client_id={}", demo.of("/realms/ion/client_id"));
    let right = machine.file("right", &demo.of("/realms/ion/client_secret"));
    let wrong = machine.file("wrong", "not the secret");
    for (name, auth, secret, status) in [
        ("by-default", &[][..], &right, 0),
        ("basic", &["--auth", "basic"], &right, 0),
        ("post", &["--auth", "post"], &right, 0),
        ("basic-wrong", &["--auth", "basic"], &wrong, 3),
        ("post-wrong", &["--auth", "post"], &wrong, 3),
    ] {
        let secret = format!("client_secret=file:{secret}");
        let add = ["profile", "add", name, "--url", &url, "--issuer", &issuer, "--value", &client, "--secret", &secret];
        machine.run(&[&add[..], auth].concat());
        match status {
            0 => assert!(!machine.run(&["token", name]).is_empty(), "{name}"),
            status => {
                let said = machine.fail(&["token", name], status);
                assert!(said.contains("invalid_client"), "{name}: {said}");
            }
        }
    }
}

/// Takes requests one by one, and answers each as `answer` says for its path.
fn serve(listener: &TcpListener, answer: impl Fn(&str) -> String) {
    for mut stream in listener.incoming().map_while(Result::ok) {
        let mut reader = BufReader::new(&stream);
        let (mut first, mut length) = (String::new(), 0);
        reader.read_line(&mut first).unwrap();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        reader.read_exact(&mut vec![0; length]).unwrap();
        let body = answer(first.split(' ').nth(1).unwrap());
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";
        write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    }
}

#[test]
fn login_shows_a_page_and_takes_its_answer() {
    let machine = Machine::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let own = url.clone();
    std::thread::spawn(move || {
        serve(&listener, |path| match path {
            "/token" => r#"{"access_token":"from-login","token_type":"Bearer","expires_in":3600}"#.to_owned(),
            _ => format!(
                r#"{{"issuer":"{own}","token_endpoint":"{own}/token","authorization_endpoint":"{own}/authorize"}}"#
            ),
        });
    });
    let add = ["profile", "add", "shop", "--url", &url, "--issuer", &url, "--grant", "authorization_code"];
    machine.run(&[&add[..], &["--value", "client_id=me"]].concat());
    let said = machine.fail(&["token", "shop"], 3);
    assert!(said.contains("jeton login shop"), "{said}");

    let mut login = machine.command(&["login", "shop"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(login.stderr.take().unwrap()).lines().map_while(Result::ok);
    let page = lines.find_map(|line| Some(line.split_once(&format!("{url}/authorize?"))?.1.to_owned())).unwrap();
    let field = |name: &str| {
        let field = page.split('&').find_map(|field| field.strip_prefix(&format!("{name}="))).unwrap();
        field.replace("%3A", ":").replace("%2F", "/")
    };
    let redirect = field("redirect_uri");
    let address = redirect.strip_prefix("http://").unwrap().strip_suffix("/callback").unwrap();
    let mut browser = TcpStream::connect(address).unwrap();
    write!(browser, "GET /callback?code=c&state={} HTTP/1.1\r\nHost: {address}\r\n\r\n", field("state")).unwrap();
    let mut shown = String::new();
    browser.read_to_string(&mut shown).unwrap();
    assert!(shown.contains("<h1>Signed in</h1>"), "{shown}");
    assert!(login.wait().unwrap().success());
    assert!(lines.any(|line| line.contains("is good until")));
    assert_eq!(machine.run(&["token", "shop"]), "from-login");
}

#[test]
fn an_odd_answer_is_taken_and_told() {
    let machine = Machine::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let own = url.clone();
    std::thread::spawn(move || {
        serve(&listener, |path| match path {
            "/token" => r#"{"access_token":"odd","token_type":"Bearer","expires_in":"3600"}"#.to_owned(),
            _ => format!(r#"{{"issuer":"{own}","token_endpoint":"{own}/token"}}"#),
        });
    });
    let secret = format!("client_secret=file:{}", machine.file("secret", "s"));
    let add = ["profile", "add", "shop", "--url", &url, "--issuer", &url, "--value", "client_id=me"];
    machine.run(&[&add[..], &["--secret", &secret]].concat());
    for told in [true, false] {
        let output = machine.command(&["token", "shop"]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.success(), output.stdout.as_slice()), (true, &b"odd\n"[..]), "{said}");
        assert_eq!(said.contains("expires_in_as_text"), told, "once, when it is issued: {said}");
    }
}
