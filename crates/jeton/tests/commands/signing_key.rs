//! Signing keys by command, beside a running server and without one; what the doctor says of them.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{FORM, Place, Request, Server, post, text};

fn token(server: &Server, secret: &str) -> String {
    let form = format!("grant_type=client_credentials&client_id=app&client_secret={secret}");
    let answer = server.request(&post("/realms/shop/protocol/openid-connect/token", FORM, &form));
    assert_eq!(answer.status, 200, "{}", answer.body);
    text(&answer.json(), "/access_token")
}

/// `kid state`, in the order in which they are listed.
fn listed(keys: &Value) -> Vec<(String, String)> {
    keys.as_array().unwrap().iter().map(|key| (text(key, "/kid"), text(key, "/state"))).collect()
}

fn states(keys: &[(String, String)]) -> Vec<&str> {
    keys.iter().map(|(_, state)| state.as_str()).collect()
}

/// The keys as a verifier gets them.
fn published(server: &Server) -> Vec<String> {
    let target = "/realms/shop/protocol/openid-connect/certs".to_owned();
    let set = server.request(&Request { method: "GET", target, headers: Vec::new(), body: String::new() }).json();
    set["keys"].as_array().unwrap().iter().map(|key| text(key, "/kid")).collect()
}

/// Waits until the server has brought the keys into these states.
fn wait_for(place: &Place, wanted: &[&str]) -> Vec<(String, String)> {
    let began = Instant::now();
    loop {
        let keys = listed(&place.json(&["signing-key", "list", "shop"]));
        if states(&keys) == wanted {
            return keys;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{keys:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn n3_keys_are_rotated_and_taken_away_beside_a_running_server() {
    let place = Place::new();
    place.run(&["realm", "add", "shop", "--jwks-max-age-secs", "5"], "");
    let secret = text(&place.json(&["client", "add", "shop", "app"]), "/client_secret");
    let watcher = place.json(&["client", "add", "shop", "api", "--resource-server"]);
    let watcher = (text(&watcher, "/client_id"), text(&watcher, "/client_secret"));
    let server = place.serve();
    let first = token(&server, &secret);
    let keys = wait_for(&place, &["current", "next"]);
    assert_eq!(published(&server), [keys[0].0.clone(), keys[1].0.clone()]);

    // Asked for: nothing is different until verifiers can know the next key; then it signs.
    let asked = listed(&place.json(&["signing-key", "rotate", "shop"]));
    assert_eq!(asked, keys);
    let rotated = wait_for(&place, &["current", "next", "retired"]);
    assert_eq!((&rotated[0].0, &rotated[2].0), (&keys[1].0, &keys[0].0));
    assert!(server.is_active("shop", &watcher, &first), "what the old key signed");
    let second = token(&server, &secret);

    // Taken away: what it signed is refused, and nothing else.
    let said = place.fail(&["signing-key", "revoke", &rotated[0].0], "");
    assert!(said.contains("--now"), "{said}");
    let left = listed(&place.json(&["signing-key", "revoke", &rotated[0].0, "--now"]));
    assert_eq!((states(&left), &left[0].0), (vec!["current", "next", "retired"], &rotated[1].0));
    assert!(!server.is_active("shop", &watcher, &second) && server.is_active("shop", &watcher, &first));
    assert!(!published(&server).contains(&rotated[0].0));
    assert!(server.is_active("shop", &watcher, &token(&server, &secret)), "the next one signs at once");

    // In an emergency, without waiting, and without a next one.
    let now = listed(&place.json(&["signing-key", "rotate", "shop", "--now"]));
    assert_eq!((states(&now), &now[0].0), (vec!["current", "next", "retired", "retired"], &left[1].0));
    for (kid, _) in &now {
        place.run(&["signing-key", "revoke", kid, "--now"], "");
    }
    assert!(!server.is_active("shop", &watcher, &first));
    assert!(server.is_active("shop", &watcher, &token(&server, &secret)));
}

#[test]
fn what_signing_key_commands_say() {
    let place = Place::new();
    place.run(&["realm", "add", "shop"], "");
    let kid = listed(&place.json(&["signing-key", "list"]))[0].0.clone();
    for (args, wanted) in [
        (&["signing-key", "list", "nowhere"][..], "no realm `nowhere`"),
        (
            &["signing-key", "revoke", "nothing", "--now"],
            "no signing key `nothing`; see them with: jeton signing-key list",
        ),
        (&["signing-key", "rotate", "shop", "--alg", "PS256"], "jeton signing-key list shop"),
        (&["signing-key", "add", "shop", "ES256"], "jeton signing-key rotate shop"),
        (&["realm", "set", "shop", "--jwks-max-age-secs", "4"], "5..=86400"),
    ] {
        let said = place.fail(args, "");
        assert!(said.contains(wanted), "{args:?}: {said}");
    }
    let more = place.json(&["signing-key", "add", "shop", "PS256"]);
    assert_eq!(more.as_array().unwrap().len(), 2);
    // Nobody has seen the key that is made at once, and the command says so.
    let output = place.output(&["signing-key", "revoke", &kid, "--now"], "");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("refuses new tokens, for 300 s at most"), "{said}");
    let output = place.output(&["signing-key", "rotate", "shop", "--alg", "PS256"], "");
    let said = String::from_utf8(output.stderr).unwrap();
    let wait = said.split_once("a running server lets it sign in ").and_then(|(_, rest)| rest.split_once(" s"));
    let wait: u32 = wait.unwrap_or_else(|| panic!("{said}")).0.parse().unwrap();
    assert!((570..=600).contains(&wait), "{said}");
}

/// The state of the first line of this check.
fn found(report: &Value, check: &str) -> (String, String) {
    let line = report.as_array().unwrap().iter().find(|line| line["check"] == check);
    let line = line.unwrap_or_else(|| panic!("no {check} in {report}"));
    (text(line, "/state"), text(line, "/found"))
}

/// What the doctor says, whatever its exit status, which is 1 exactly if something is bad.
fn doctor(place: &Place, args: &[&str]) -> Value {
    let output = place.output(&[&["doctor", "--json"], args].concat(), "");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let bad = report.as_array().unwrap().iter().any(|line| line["state"] == "bad");
    assert_eq!(output.status.code(), Some(i32::from(bad)), "{output:?}");
    report
}

#[test]
fn n3_the_doctor_proves_which_verifiers_survive() {
    let place = Place::new();
    place.run(&["realm", "add", "shop"], "");
    // Since the key that comes next is published for a whole period, so may caches be kept.
    for (settings, caches, wanted) in [
        (&[][..], None, ("ok", "keeps the key set for 5 min")),
        (&[], Some("12h"), ("ok", "keeps the key set for 12 h")),
        (&[], Some("89d"), ("ok", "less than 89 d 23 h")),
        (&[], Some("91d"), ("bad", "published 89 d 23 h before")),
        (&["--key-rotation-secs", "3600"], Some("12h"), ("bad", "will not know the ES256 key")),
        (&["--key-rotation-secs", "3600"], Some("59m"), ("ok", "")),
        (&["--key-rotation-secs", "1", "--jwks-max-age-secs", "60"], None, ("ok", "less than 2 min")),
        (&["--key-rotation-secs", "0"], Some("12h"), ("ok", "no key will change")),
    ] {
        if !settings.is_empty() {
            place.run(&[&["realm", "set", "shop"], settings].concat(), "");
        }
        let report = match caches {
            Some(caches) => doctor(&place, &["--verifier-caches", caches]),
            None => doctor(&place, &[]),
        };
        let (state, said) = found(&report, "verifiers");
        assert!(state == wanted.0 && said.contains(wanted.1), "{settings:?} {caches:?}: {state} {said}");
    }
    let (state, said) = found(&doctor(&place, &["--verifier-caches", "12h"]), "rotation by hand");
    assert!(state == "note" && said.contains("wait until"), "{said}");
    let (state, _) = found(&doctor(&place, &["--verifier-caches", "9m"]), "rotation by hand");
    assert_eq!(state, "note", "the realm's max-age is a minute now, so a key signs after two");
    let (state, _) = found(&doctor(&place, &["--verifier-caches", "2m"]), "rotation by hand");
    assert_eq!(state, "ok");
}

#[test]
fn i9_the_doctor_tells_the_deviations_in_force() {
    let place = Place::new();
    place.run(&["realm", "add", "shop"], "");
    let told = |report: &Value| -> Vec<String> {
        let lines = report.as_array().unwrap().iter().filter(|line| line["check"] == "deviation");
        lines.map(|line| text(line, "/found")).collect()
    };
    assert_eq!(told(&doctor(&place, &[])), [""; 0]);
    let set =
        ["realm", "set", "shop", "--dialect", "pitchpoint", "--profile", "keycloak", "--client-errors", "keycloak"];
    place.run(&set, "");
    let lines = told(&doctor(&place, &[]));
    for wanted in ["`pitchpoint` exchanges people's passwords", "`typ` is `JWT`", "told apart", "2048 bits"] {
        assert!(lines.iter().any(|line| line.contains(wanted)), "{wanted}: {lines:?}");
    }
}

/// A key's id is a thumbprint, and one in sixty-four begins with a hyphen.
#[test]
fn n3_a_key_is_taken_away_whatever_its_id_begins_with() {
    let place = Place::new();
    place.run(&["realm", "add", "shop"], "");
    for args in [["signing-key", "revoke", "-Y_x", "--now"], ["signing-key", "revoke", "--now", "-Y_x"]] {
        let said = place.fail(&args, "");
        assert!(said.contains("no signing key `-Y_x`"), "{said}");
    }
}

#[test]
fn the_doctor_says_what_is_wrong_and_changes_nothing() {
    let place = Place::new();
    place.run(&["realm", "add", "shop"], "");
    assert_eq!(found(&doctor(&place, &[]), "master key").0, "ok");
    let right = std::fs::read(place.path("master.key")).unwrap();
    let before = place.json(&["realm", "show", "shop"]);
    let other = Place::new();
    std::fs::copy(other.path("master.key"), place.path("master.key")).unwrap();
    let said = place.fail(&["doctor"], "");
    assert!(said.contains("master.key") || said.contains("master key"), "{said}");
    std::fs::write(place.path("master.key"), right).unwrap();
    assert_eq!(place.json(&["realm", "show", "shop"]), before);
}
