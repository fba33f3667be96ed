//! What stops the start, and what it says then.

use std::os::unix::fs::PermissionsExt;

use crate::harness::Place;

#[test]
fn init_overwrites_nothing() {
    let place = Place::new();
    let before = place.bytes();
    let folder = place.path("").to_str().unwrap().to_owned();
    for missing in ["", "jeton.toml", "master.key"] {
        if !missing.is_empty() {
            std::fs::rename(place.path(missing), place.path("kept")).unwrap();
        }
        let said = place.fail(&["init", &folder], "");
        assert!(said.contains("overwrites nothing"), "{said}");
        if !missing.is_empty() {
            assert!(!place.path(missing).exists(), "{missing}");
            std::fs::rename(place.path("kept"), place.path(missing)).unwrap();
        }
    }
    assert_eq!(place.bytes(), before);
    let mode = std::fs::metadata(place.path("master.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// The server and the commands read the same file, so both must stop at the same mistakes.
#[test]
fn a_mistake_in_the_configuration_is_told_with_its_place() {
    for (from, to, expected) in [
        ("listen = ", "lisen = ", "jeton.toml:4:1: unknown field `lisen`"),
        ("trusted_proxies = []", "trusted_proxies = [1]", "jeton.toml:23:20: "),
        ("[log]", "[logs]", ": unknown field `logs`"),
        ("data = \"data\"", "data = \"data", "jeton.toml:13:"),
        ("dialects = []", "dialects = [\"nowhere.toml\"]", "nowhere.toml"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080", "public_url"),
    ] {
        let place = Place::new();
        place.edit("jeton.toml", from, to);
        for args in [&["serve"][..], &["realm", "list"]] {
            let said = place.fail(args, "");
            assert!(said.contains(expected), "{args:?} said: {said}");
            assert!(!place.path("data/jeton.db").exists() || expected == "nowhere.toml", "{args:?} opened the store");
        }
    }
}

#[test]
fn a_master_key_that_does_not_fit_stops_the_start() {
    let place = Place::new();
    place.run(&["realm", "add", "shop"], "");
    let other = Place::new();
    let key = place.path("master.key");
    let own = std::fs::read(&key).unwrap();
    for (what, spoil, expected) in [
        (
            "another",
            &(|| std::fs::copy(other.path("master.key"), &key).map(drop)) as &dyn Fn() -> std::io::Result<()>,
            "which the master key file lacks",
        ),
        ("an empty", &|| std::fs::write(&key, ""), "there is no key in it"),
        ("an open", &|| std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)), "chmod 600"),
        ("no", &|| std::fs::remove_file(&key), "master.key"),
    ] {
        spoil().unwrap();
        for args in [&["serve", "--listen", "127.0.0.1:0"][..], &["realm", "list"]] {
            let said = place.fail(args, "");
            assert!(said.contains(expected), "{what} key: {args:?} said: {said}");
        }
        std::fs::write(&key, &own).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        place.run(&["realm", "show", "shop"], "");
    }
}
