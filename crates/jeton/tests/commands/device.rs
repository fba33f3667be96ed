//! `jeton device`: an operator says yes or no in a person's name, and a running server's client hears it.

use serde_json::{Value, json};

use crate::harness::{FORM, Place, Server, post, text};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn ask(server: &Server, endpoint: &str, form: &str) -> Value {
    server.request(&post(&format!("/realms/shop/protocol/openid-connect/{endpoint}"), FORM, form)).json()
}

fn poll(server: &Server, begun: &Value) -> Value {
    let code = text(begun, "/device_code");
    ask(server, "token", &format!("client_id=tv&grant_type={GRANT}&device_code={code}"))
}

#[test]
fn a_device_is_listed_approved_and_denied() {
    let place = Place::new();
    place.run(&["realm", "add", "shop", "--grant", GRANT], "");
    place.run(&["client", "add", "shop", "tv", "--auth", "none", "--grant", GRANT, "--scope", "read"], "");
    place.run(&["person", "add", "shop", "ana", "--no-password"], "");
    let server = place.serve();
    let list = || place.json(&["device", "list", "shop"]);
    assert_eq!(list(), json!([]));

    for (verb, told, verdict) in [("approve", Ok("read"), "approved"), ("deny", Err("access_denied"), "denied")] {
        let begun = ask(&server, "auth/device", "client_id=tv");
        let user_code = text(&begun, "/user_code");
        let shown = list();
        assert_eq!((&shown[0]["client"], &shown[0]["verdict"]), (&json!("tv"), &json!("pending")), "{shown}");
        assert_eq!(poll(&server, &begun)["error"], "authorization_pending");
        let say = ["device", verb, "shop", &user_code, "--person", "ana"];
        place.run(&say, "");
        assert!(list().as_array().unwrap().iter().any(|row| row["verdict"] == verdict), "{}", list());
        let again = place.fail(&say, "");
        assert!(again.contains("jeton device list shop"), "{again}");
        let answer = poll(&server, &begun);
        match told {
            Ok(scope) => assert_eq!(answer["scope"], scope, "{answer}"),
            Err(error) => assert_eq!(answer["error"], error, "{answer}"),
        }
    }
    let wrong = place.fail(&["device", "approve", "shop", "BBBB-BBBB", "--person", "ana"], "");
    assert!(wrong.contains("no device of realm `shop` waits"), "{wrong}");
    place.run(&["person", "disable", "shop", "ana"], "");
    let begun = ask(&server, "auth/device", "client_id=tv");
    let disabled = place.fail(&["device", "approve", "shop", &text(&begun, "/user_code"), "--person", "ana"], "");
    assert!(disabled.contains("jeton person enable"), "{disabled}");
}
