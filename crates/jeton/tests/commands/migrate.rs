//! `jeton migrate`: what it says beforehand, and by which exit status.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Place, text};

/// A store that the version before this one made.
const BEFORE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../jeton-store/tests/fixtures/n-1/store.sqlite3");

#[test]
fn a_check_says_what_would_be_done_and_changes_nothing() {
    let place = Place::new();
    for (store, first) in [(None, "schema 1"), (Some(BEFORE), "expansion 1 of schema 1")] {
        let file = place.path("data/jeton.db");
        if let Some(store) = store {
            put(&file, &fs::read(store).unwrap());
        }
        for _ in 0..2 {
            let (status, said) = check(&place);
            assert_eq!((status, said["pending"][0].as_str()), (Some(1), Some(first)), "{said}");
            assert!(text(&said, "/database").ends_with("/data/jeton.db"), "{said}");
        }
        assert_eq!(file.exists(), store.is_some(), "a check makes no store");

        let pending = check(&place).1["pending"].clone();
        assert_eq!(place.json(&["migrate"])["done"], pending);
        assert_eq!(check(&place), (Some(0), json!({ "database": file.to_str(), "pending": [] })));
        assert_eq!(place.json(&["migrate"])["done"], json!([]), "nothing is done twice");
        fs::remove_dir_all(place.path("data")).unwrap();
    }
}

#[test]
fn what_cannot_be_said_has_a_status_of_its_own() {
    let place = Place::new();
    put(&place.path("data/jeton.db"), "another program's file".repeat(99).as_bytes());
    for args in [&["migrate", "--check"][..], &["migrate", "--check", "--database", "postgres://127.0.0.1:1/none"]] {
        let output = place.output(args, "");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with("error: ") && output.stdout.is_empty(), "{said}");
    }
    assert!(place.fail(&["migrate"], "").contains("not a database"));
}

fn check(place: &Place) -> (Option<i32>, Value) {
    let output = place.output(&["migrate", "--check", "--json"], "");
    let said = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output.status.code(), said)
}

fn put(file: &Path, bytes: &[u8]) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, bytes).unwrap();
    fs::set_permissions(file, PermissionsExt::from_mode(0o600)).unwrap();
}
