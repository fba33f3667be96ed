//! A store that the version before made, under the commands of this one: asked what is to do, brought up to date, used.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::harness::{FORM, Place, Request, post, text};

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../jeton-store/tests/fixtures/n-1");

/// An installation with the store and the master key of the fixture.
fn place() -> Place {
    let place = Place::new();
    fs::create_dir_all(place.path("data")).unwrap();
    for (from, to) in [("store.sqlite3", "data/jeton.db"), ("master.key", "master.key")] {
        fs::copy(format!("{FIXTURE}/{from}"), place.path(to)).unwrap();
        fs::set_permissions(place.path(to), Permissions::from_mode(0o600)).unwrap();
    }
    place.edit("jeton.toml", "public_url = \"http://127.0.0.1:8080\"", "public_url = \"https://auth.example.test\"");
    place
}

/// What the version before was asked, and what it answered.
fn noted(what: &str) -> Value {
    let all = fs::read_to_string(format!("{FIXTURE}/answers.json")).unwrap();
    let all: Value = serde_json::from_str(&all).unwrap();
    let found = all["answers"].as_array().unwrap().iter().find(|answer| answer["what"] == what).cloned();
    found.unwrap_or_else(|| panic!("nothing noted of {what}"))
}

#[test]
fn the_store_is_asked_brought_up_to_date_and_then_up_to_date() {
    let place = place();
    let step = "expansion 1 of schema 1";
    for (args, status, member, first) in [
        (&["migrate", "--check", "--json"][..], 1, "pending", Some(step)),
        (&["migrate", "--check", "--json"], 1, "pending", Some(step)),
        (&["migrate", "--json"], 0, "done", Some(step)),
        (&["migrate", "--check", "--json"], 0, "pending", None),
        (&["migrate", "--json"], 0, "done", None),
    ] {
        let output = place.output(args, "");
        assert_eq!(output.status.code(), Some(status), "{args:?}: {output:?}");
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(told[member][0].as_str(), first, "{args:?}: {told}");
    }
}

/// Whatever is left of its secrets and keys opens with its master key, and what it issued for longest is good.
#[test]
fn a_server_goes_on_where_the_version_before_left_off() {
    let place = place();
    let server = place.serve();
    let certs = noted("plain: certs");
    let target = text(&certs, "/request/target");
    let get = Request { method: "GET", target, headers: Vec::new(), body: String::new() };
    assert_eq!(server.request(&get).json(), serde_json::from_str::<Value>(&text(&certs, "/body")).unwrap());
    for what in ["plain: a secret", "plain: the other secret", "api-keys: service"] {
        let noted = noted(what);
        let answer = server.request(&post(&text(&noted, "/request/target"), FORM, &text(&noted, "/request/body")));
        assert_eq!(answer.status, 200, "{what}: {}", answer.body);
        assert!(!text(&answer.json(), "/access_token").is_empty());
    }
    let shown = place.json(&["realm", "show", "plain"]);
    assert_eq!(shown["keys"].as_array().map(Vec::len), Some(1), "no key was made anew: {shown}");
    assert_eq!(place.json(&["migrate", "--check"])["pending"], json!([]), "a start brings it up to date");
}

#[test]
fn another_master_key_opens_nothing_of_it() {
    let place = place();
    let other = Place::new();
    fs::copy(other.path("master.key"), place.path("master.key")).unwrap();
    let said = place.fail(&["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"], "");
    assert!(said.contains("master key"), "{said}");
}
