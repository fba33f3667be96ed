//! SIGHUP: a dialect file that changed or is new is spoken from then on; a broken one is told with its line, and changes
//! nothing.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::harness::{JSON, Place, Server, post, write};

/// A dialect whose answer to wrong credentials says this.
fn dialect(name: &str, says: &str) -> String {
    format!(
        r#"jeton = 1
name = "{name}"
[token]
format = "opaque"
lifetime = "1h"
text = "{{{{random:60}}}}"
[[exchange]]
grant = "password"
request = '''
POST /{name}
Content-Type: application/json

{{"user":"{{{{username}}}}","password":"{{{{password}}}}"}}'''
answer = '''
200
Content-Type: application/json

{{"token":"{{{{access_token}}}}"}}'''
[refusal]
answer = '''
{{{{status}}}}
Content-Type: application/json

{{"error":"{{{{code}}}}"}}'''
wrong_credentials = {{ status = 401, code = "{says}" }}
"#
    )
}

fn hang_up(server: &Server) {
    assert!(Command::new("kill").args(["-HUP", &server.pid().to_string()]).status().unwrap().success());
}

/// Waits until it is so: what a signal does is done a moment later.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_running_server_speaks_what_its_files_say() {
    let place = Place::new();
    let file = place.path("meadow.toml");
    write(&file, &dialect("meadow", "first"));
    place.edit("jeton.toml", "dialects = []", "dialects = [\"meadow.toml\"]");
    place.run(&["realm", "add", "meadow", "--dialect", "meadow"], "");
    let server = place.serve();
    let says = |name: &str| {
        let body = r#"{"user":"nobody","password":"not-this-one"}"#;
        server.request(&post(&format!("/{name}"), JSON, body)).body
    };
    assert_eq!(says("meadow"), r#"{"error":"first"}"#);

    write(&file, &dialect("meadow", "second"));
    assert_eq!(says("meadow"), r#"{"error":"first"}"#, "nobody told the server");
    hang_up(&server);
    until("the changed file", || says("meadow") == r#"{"error":"second"}"#);

    let broken = dialect("meadow", "third").replace("{{password}}", "{{pasword}}");
    write(&file, &broken);
    hang_up(&server);
    until("the mistake in the log", || server.log().contains("meadow.toml:13:"));
    assert!(server.log().contains("those in use stay") && server.log().contains("pasword"), "{}", server.log());
    assert_eq!(says("meadow"), r#"{"error":"second"}"#);
    // With the mistake a server does not start: it would answer nobody of this realm.
    let told = place.fail(&["serve", "--listen", "127.0.0.1:0"], "");
    assert!(told.contains("meadow.toml:13:"), "{told}");

    // A file that the configuration names only now.
    write(&file, &dialect("meadow", "fourth"));
    write(&place.path("brook.toml"), &dialect("brook", "fifth"));
    place.edit("jeton.toml", "[\"meadow.toml\"]", "[\"meadow.toml\", \"brook.toml\"]");
    place.run(&["realm", "add", "brook", "--dialect", "brook"], "");
    hang_up(&server);
    until("the new file", || says("brook") == r#"{"error":"fifth"}"#);
    assert_eq!(says("meadow"), r#"{"error":"fourth"}"#);

    // What cannot be read at all changes nothing either.
    place.edit("jeton.toml", "[\"meadow.toml\", \"brook.toml\"]", "[\"meadow.toml\", \"ditch.toml\"]");
    hang_up(&server);
    until("the missing file in the log", || server.log().contains("ditch.toml"));
    assert_eq!(says("brook"), r#"{"error":"fifth"}"#);
}

#[test]
fn dialects_of_the_configuration_are_listed_and_shown() {
    let place = Place::new();
    let (good, bad) = (dialect("meadow", "good"), dialect("brook", "bad").replace("\"1h\"", "\"1 hour\""));
    write(&place.path("meadow.toml"), &good);
    write(&place.path("brook.toml"), &bad);
    place.edit("jeton.toml", "dialects = []", "dialects = [\"meadow.toml\", \"brook.toml\"]");
    let listed = place.json(&["dialect", "list"]);
    let row = |from: &str| {
        let rows = listed.as_array().unwrap();
        rows.iter().find(|row| row["from"].as_str().unwrap().ends_with(from)).unwrap_or_else(|| panic!("{listed}"))
    };
    assert_eq!((&row("meadow.toml")["name"], &row("meadow.toml")["mistakes"]), (&"meadow".into(), &0.into()));
    assert_eq!(row("meadow.toml")["exchanges"], serde_json::json!(["password"]));
    assert_eq!(row("brook.toml")["mistakes"], 1);
    assert_eq!(place.run(&["dialect", "show", "meadow"], ""), good);
    assert!(place.fail(&["dialect", "show", "medow"], "").contains("no dialect `medow`"));
}
