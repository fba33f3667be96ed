//! `jeton login`, and what other commands say before it.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::machine::Machine;

/// An issuer whose people need a moment: the first question about a device is answered with `authorization_pending`.
fn issuer() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let issuer = url.clone();
    std::thread::spawn(move || {
        let mut asked = 0;
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut bytes = [0; 8192];
            let length = stream.read(&mut bytes).unwrap();
            let request = String::from_utf8_lossy(&bytes[..length]).into_owned();
            let (status, body) = match request.split(' ').nth(1).unwrap_or_default() {
                "/device" => (
                    "200 OK",
                    format!(
                        r#"{{"device_code":"dc-secret","user_code":"WDJB-MJHT","verification_uri":"{issuer}/type","expires_in":600,"interval":1}}"#
                    ),
                ),
                "/token" => {
                    asked += 1;
                    match asked {
                        1 => ("400 Bad Request", r#"{"error":"authorization_pending"}"#.to_owned()),
                        _ => {
                            ("200 OK", r#"{"access_token":"at-1","token_type":"Bearer","expires_in":3600}"#.to_owned())
                        }
                    }
                }
                _ => (
                    "200 OK",
                    format!(
                        r#"{{"issuer":"{issuer}","token_endpoint":"{issuer}/token","device_authorization_endpoint":"{issuer}/device"}}"#
                    ),
                ),
            };
            let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n");
            let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len());
        }
    });
    url
}

#[test]
fn a_person_types_a_code_and_the_token_is_there() {
    let (machine, issuer) = (Machine::new(), issuer());
    let grant = ["--grant", "device_code", "--value", "client_id=cli"];
    let add =
        machine.output(&[&["profile", "add", "mail", "--issuer", &issuer, "--url", &issuer], &grant[..]].concat(), "");
    assert!(String::from_utf8(add.stderr).unwrap().contains("sign in with: jeton login mail"));
    let said = machine.fail(&["token", "mail"], 3);
    assert!(said.contains("jeton login mail"), "{said}");
    let login = machine.output(&["login", "mail"], "");
    let said = String::from_utf8(login.stderr).unwrap();
    assert!(login.status.success() && login.stdout.is_empty(), "{said}");
    assert!(said.contains(&format!("open {issuer}/type on any device and type WDJB-MJHT")), "{said}");
    assert!(!said.contains("at-1") && !said.contains("dc-secret"), "{said}");
    assert_eq!(machine.run(&["token", "mail"]), "at-1");
    let said = machine.fail(&["login", "nobody"], 1);
    assert!(said.contains("known: mail"), "{said}");
}
