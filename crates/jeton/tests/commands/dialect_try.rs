//! `jeton dialect try` against the demo's APIs: everything is shown but the secrets.

use crate::demo::Demo;
use crate::harness::{Place, write};

#[test]
fn messages_are_shown_and_secrets_are_not() {
    let place = Place::new();
    let demo = Demo::start(&place.path("demo"));
    let url = demo.of("/url");
    for (dialect, value, secret, steps) in [
        ("inevent", ("username", "/realms/inevent/username"), ("password", "/realms/inevent/password"), 2),
        ("pitchpoint", ("username", "/realms/pitchpoint/username"), ("password", "/realms/pitchpoint/password"), 2),
        ("zro", ("key_id", "/realms/zro/api_id"), ("key_secret", "/realms/zro/api_key"), 2),
    ] {
        let value = format!("{}={}", value.0, demo.of(value.1));
        let from = format!("{}=stdin", secret.0);
        let args = ["dialect", "try", dialect, "--url", &url, "--value", &value, "--secret", &from];
        let told = place.output(&args, &demo.of(secret.1));
        let (shown, error) = (String::from_utf8(told.stdout).unwrap(), String::from_utf8(told.stderr).unwrap());
        assert!(told.status.success(), "{shown}{error}");
        for arrow in ["  → ", "  ← "] {
            assert_eq!(shown.matches(arrow).count(), steps, "{shown}");
        }
        let length = demo.of(secret.1).chars().count();
        assert!(shown.contains(&format!("masked-{}-{length}", secret.0)), "{shown}");
        assert!(shown.contains("masked-access_token-") && shown.contains("✓ access_token: "), "{shown}");
        assert!(!shown.contains(&demo.of(secret.1)), "{shown}");
        // A piece of a token would be a long word without one of these.
        let words = shown.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
        for word in words.filter(|word| word.len() > 40) {
            assert!(word.starts_with("masked-"), "{word} in {shown}");
        }
    }
}

#[test]
fn what_cannot_be_tried_is_told() {
    let place = Place::new();
    let wrong = place.path("wrong.toml");
    std::fs::write(&wrong, "jeton = 1\nname = 7\n").unwrap();
    let given = ["--value", "username=ada", "--secret", "password=stdin"];
    for (dialect, url, given, expected) in [
        ("zrro", "http://127.0.0.1:1", &given[..], "no dialect `zrro`"),
        (wrong.to_str().unwrap(), "http://127.0.0.1:1", &given, "wrong.toml:2:8: "),
        ("ion", "http://127.0.0.1:1", &given, "no sign-in of its own"),
        ("inevent", "http://api.example.com", &given, "https"),
        ("inevent", "http://127.0.0.1:1", &["--value", "password=hunter2"], "--secret password=file:PATH"),
        ("inevent", "http://127.0.0.1:1", &given, "cannot reach 127.0.0.1:1"),
    ] {
        let told = place.fail(&[&["dialect", "try", dialect, "--url", url], given].concat(), "hunter2");
        assert!(told.contains(expected) && !told.contains("hunter2"), "{dialect} at {url}: {told}");
    }
}

/// A sign-in of three requests: each is shown, and what the first two give opens nothing for whoever reads it.
#[test]
fn steps_are_shown_too() {
    let place = Place::new();
    let file = write(&place.path("ferry.toml"), include_str!("chain.toml"));
    place.edit("jeton.toml", "dialects = []", "dialects = [\"ferry.toml\"]");
    place.run(&["realm", "add", "ferry", "--dialect", "ferry"], "");
    place.run(&["person", "add", "ferry", "ada", "--password-stdin"], "correct horse battery\n");
    let server = place.serve();
    let url = format!("http://{}", server.address());
    let args = ["dialect", "try", &file, "--url", &url, "--value", "username=ada", "--secret", "password=stdin"];
    let shown = place.run(&args, "correct horse battery");
    assert_eq!((shown.matches("  → ").count(), shown.matches("  ← 200").count()), (3, 3), "{shown}");
    for masked in ["masked-challenge-", "masked-ticket-", "masked-password-21", "masked-access_token-"] {
        assert!(shown.contains(masked), "{masked}: {shown}");
    }
    let words = shown.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
    assert!(words.filter(|word| word.len() > 40).all(|word| word.starts_with("masked-")), "{shown}");
    let told = place.fail(&args, "wrong");
    assert!(told.contains("wrong_credentials"), "{told}");
}
