//! `jeton client registration-token`, and a client that registers itself at a running server.

use serde_json::{Value, json};

use crate::harness::{JSON, Place, Request, Response, Server, contains, post, text};

const ENDPOINT: &str = "/realms/shop/clients-registrations/openid-connect";

fn ask(server: &Server, method: &'static str, target: &str, token: &str, body: &Value) -> Response {
    let request = post(target, JSON, &body.to_string());
    let bearer = [("Authorization", format!("Bearer {token}"))];
    server.request(&Request { method, headers: [request.headers, bearer.to_vec()].concat(), ..request })
}

#[test]
fn a_client_registers_itself_until_the_token_is_removed() {
    let place = Place::new();
    place.run(&["realm", "add", "shop"], "");
    let add = ["client", "registration-token", "add", "shop", "--scope", "read", "--uses", "3"];
    let early = place.output(&add, "");
    assert!(String::from_utf8(early.stderr).unwrap().contains("jeton realm set shop --registration token"));
    let made = place.json(&add);
    let (token, id) = (text(&made, "/initial_access_token"), text(&made, "/id"));
    assert!(!contains(&place.bytes(), &token), "it is not stored");

    let server = place.serve();
    assert_eq!(ask(&server, "POST", ENDPOINT, &token, &json!({})).status, 404, "off in a new realm");
    let realm = place.json(&["realm", "set", "shop", "--registration", "token"]);
    assert_eq!(realm["registration"], "token");
    let registered = ask(&server, "POST", ENDPOINT, &token, &json!({ "client_name": "Nightly \u{202e}run" }));
    assert_eq!(registered.status, 201, "{}", registered.body);
    let (client, name) = (text(&registered.json(), "/client_id"), "Nightly \u{202e}run");
    let listed = place.json(&["client", "list", "shop"]);
    assert_eq!((&listed[0]["client_id"], &listed[0]["registered_itself"]), (&json!(client), &json!(true)));
    let shown = place.json(&["client", "show", "shop", &client]);
    assert_eq!((&shown["name"], &shown["manages_itself"]), (&json!(name), &json!(true)));
    assert_eq!((&shown["may_have_scopes"], &shown["scopes"]), (&json!(["read"]), &json!(["read"])));
    let tokens = place.json(&["client", "registration-token", "list", "shop"]);
    let left: Vec<_> = tokens.as_array().unwrap().iter().map(|token| token["uses_left"].as_i64()).collect();
    assert_eq!(left, [Some(3), Some(2)]);

    // An operator who sets something takes the client over, and is told so.
    let another = ask(&server, "POST", ENDPOINT, &token, &json!({}));
    for (registered, command) in [
        (&registered, &["set", "shop", "CLIENT", "--access-token-secs", "60"][..]),
        (&another, &["trust", "add", "shop", "CLIENT", "--github", "org/repo"]),
    ] {
        let client = text(&registered.json(), "/client_id");
        let own = text(&registered.json(), "/registration_access_token");
        let target = format!("{ENDPOINT}/{client}");
        assert_eq!(ask(&server, "GET", &target, &own, &json!({})).status, 200);
        let command = command.iter().map(|word| if *word == "CLIENT" { client.as_str() } else { word });
        let said = place.output(&["client"].into_iter().chain(command).collect::<Vec<_>>(), "");
        assert!(said.status.success() && String::from_utf8(said.stderr).unwrap().contains("manages itself no more"));
        assert_eq!(ask(&server, "GET", &target, &own, &json!({})).status, 401);
        assert_eq!(place.json(&["client", "show", "shop", &client])["manages_itself"], false);
    }

    let remove = ["client", "registration-token", "remove", "shop", &id];
    place.run(&remove, "");
    assert!(place.fail(&remove, "").contains("jeton client registration-token list shop"));
    assert_eq!(ask(&server, "POST", ENDPOINT, &token, &json!({})).status, 401);
    place.run(&["realm", "set", "shop", "--clear", "registration"], "");
    assert_eq!(ask(&server, "POST", ENDPOINT, &token, &json!({})).status, 404);
}

#[test]
fn a_token_cannot_give_what_no_client_may_register_for() {
    let place = Place::new();
    place.run(&["realm", "add", "shop", "--grant", "password", "--grant", "client_credentials"], "");
    let device = "urn:ietf:params:oauth:grant-type:device_code";
    for (grant, said) in
        [("password", "cannot register itself for the grant password"), (device, "jeton realm set shop")]
    {
        let refused = place.fail(&["client", "registration-token", "add", "shop", "--grant", grant], "");
        assert!(refused.contains(said), "{refused}");
    }
}
