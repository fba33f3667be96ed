//! What an API behind a gate of its own says of itself (RFC 9728), and how a client gets from there to the realm.

use serde_json::json;

use super::{Gate, api};
use crate::harness::{Place, Request, send, text};

const PATH: &str = "/.well-known/oauth-protected-resource/things";

#[test]
fn a_challenge_leads_to_the_realm() {
    let place = Place::new();
    place.run(&["realm", "add", "shop", "--issuer", "https://auth.example/shop"], "");
    let server = place.serve();
    let (upstream, calls) = api();
    let (resource, metadata) = ("https://api.example:8443/things", format!("https://api.example:8443{PATH}"));
    let gate = Gate::of_shop(&place, &server, upstream, &["--rule", "* /things/*", "--resource", resource]);

    let no_token = gate.get("/things/1", Vec::new());
    let challenge = format!(r#"Bearer realm="shop", resource_metadata="{metadata}""#);
    assert_eq!((no_token.status, no_token.header("www-authenticate")), (401, challenge.as_str()));
    let made_up = gate.get("/things/1", vec![("Authorization", "Bearer made-up".to_owned())]);
    assert!(made_up.header("www-authenticate").starts_with(&format!(r#"{challenge}, error="invalid_token""#)));

    let document = gate.get(PATH, Vec::new());
    assert_eq!((document.status, document.header("content-type")), (200, "application/json"));
    assert_eq!(document.header("access-control-allow-origin"), "*");
    let expected = json!({
        "resource": resource,
        // The realm's own word, and not where the gate reaches it.
        "authorization_servers": ["https://auth.example/shop"],
        "bearer_methods_supported": ["header"],
    });
    assert_eq!(document.json(), expected);
    place.run(&["realm", "set", "shop", "--clear", "issuer"], "");
    let issuer = text(&gate.get(PATH, Vec::new()).json(), "/authorization_servers/0");
    assert!(issuer.ends_with("/realms/shop"), "{issuer}");

    for (method, target) in [("POST", PATH), ("GET", "/.well-known/oauth-protected-resource"), ("GET", &PATH[..9])] {
        let request = Request { method, target: target.to_owned(), headers: Vec::new(), body: String::new() };
        assert_eq!(send(gate.address, &request).status, 404, "{method} {target}: no rule");
    }
    assert!(calls.lock().unwrap().is_empty(), "the API knows nothing of it");
    drop(server);
    let nobody = gate.get(PATH, Vec::new());
    assert_eq!((nobody.status, nobody.header("retry-after")), (503, "1"));
}

#[test]
fn nothing_is_said_of_an_api_without_a_name_and_no_name_is_taken_that_is_none() {
    let place = Place::new();
    place.run(&["realm", "add", "shop"], "");
    let server = place.serve();
    let (upstream, _) = api();
    let gate = Gate::of_shop(&place, &server, upstream, &["--rule", "GET /things/*"]);
    assert_eq!(gate.get(PATH, Vec::new()).status, 404);
    assert_eq!(gate.get("/things/1", Vec::new()).header("www-authenticate"), r#"Bearer realm="shop""#);

    let secret = place.path("gate.secret").to_str().unwrap().to_owned();
    let realm = ["--realm", "https://auth.example/realms/shop", "--upstream", "http://127.0.0.1:1"];
    let client = ["--client-id", "gate", "--client-secret-file", &secret, "--rule", "* /*"];
    for (more, expected) in [
        (&["--resource", "api.example"][..], "give an http:// or https:// address"),
        (&["--resource", "https:///things"], "is no identifier of an API"),
        (&["--resource", "https://api.example", "--dialect", "zro"], "cannot be used with"),
    ] {
        let said = place.fail(&[&["gate"], &realm[..], &client, more].concat(), "");
        assert!(said.contains(expected), "{more:?} said: {said}");
    }
}
