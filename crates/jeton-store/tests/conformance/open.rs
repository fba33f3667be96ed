//! The file itself: this part is about SQLite alone.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use jeton_store::{Database, Error, Store};

use crate::world::{audit, realm};

#[tokio::test]
async fn made_for_its_owner_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("deep/down/jeton.db");
    let store = Store::open(&Database::file(&path)).await.expect("a new store");
    store.add_realm(&realm(1, "acme"), audit("x")).await.expect("a realm");
    for (name, expected) in
        [("deep", 0o700), ("deep/down", 0o700), ("deep/down/jeton.db", 0o600), ("deep/down/jeton.db-wal", 0o600)]
    {
        assert_eq!(mode(&folder.path().join(name)), expected, "{name}");
    }
}

#[tokio::test]
async fn refused_while_others_can_open_it() {
    for (mode, welcome) in
        [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o660, false), (0o666, false), (0o610, false)]
    {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("jeton.db");
        drop(Store::open(&Database::file(&path)).await.expect("a new store"));
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("a mode");
        match Store::open(&Database::file(&path)).await {
            // Whether an owner that may not write can is up to who runs the test; it is not our refusal.
            Ok(_) => assert!(welcome, "{mode:o} was taken"),
            Err(error) => {
                let text = error.to_string();
                assert_eq!(text.contains(&format!("chmod 600 '{}'", path.display())), !welcome, "{mode:o}: {text}");
            }
        }
    }
}

#[tokio::test]
async fn refused_when_it_is_no_store_of_ours() {
    type Make = fn(&Path);
    let rows: [(&str, Make, &str); 4] = [
        ("a folder", |path| fs::create_dir(path).expect("a folder"), "is not a file"),
        (
            "a text",
            |path| fs::write(path, "not a database, but long enough to be looked at".repeat(99)).expect("a file"),
            "not a database",
        ),
        ("another program's", |path| sql(path, "CREATE TABLE songs (title TEXT)"), "tables of another program"),
        (
            "a newer one's",
            |path| {
                sql(
                    path,
                    "CREATE TABLE schema_version (version BIGINT NOT NULL PRIMARY KEY, checksum BIGINT NOT NULL)",
                );
                sql(path, "INSERT INTO schema_version (version, checksum) VALUES (1, 1)");
                sql(path, "INSERT INTO schema_version (version, checksum) VALUES (99, 1)");
            },
            "run the newer program",
        ),
    ];
    for (name, make, says) in rows {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("jeton.db");
        make(&path);
        if path.is_file() {
            fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("a mode");
        }
        let error = Store::open(&Database::file(&path)).await.err().expect("a refusal");
        assert!(matches!(error, Error::Open(_)), "{name}: {error:?}");
        assert!(error.to_string().contains(says), "{name}: {error}");
        assert!(error.to_string().contains("jeton.db"), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_damaged_row_is_said_to_be_damaged() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("jeton.db");
    let store = Store::open(&Database::file(&path)).await.expect("a new store");
    store.add_realm(&realm(1, "acme"), audit("x")).await.expect("a realm");
    for damage in ["settings = '{\"no_such\": 1}'", "settings = 'x'", "id = 'x'", "enabled = 2", "not_before = 'soon'"]
    {
        let path = folder.path().join("copy.db");
        sql(&folder.path().join("jeton.db"), &format!("VACUUM INTO '{}'", path.display()));
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("a mode");
        sql(&path, &format!("UPDATE realm SET {damage}"));
        let store = Store::open(&Database::file(&path)).await.expect("the copy");
        let found = store.realm("acme").await;
        assert!(matches!(&found, Err(Error::Corrupt(_))), "{damage}: {found:?}");
        drop(store);
        for left in ["copy.db", "copy.db-wal", "copy.db-shm"] {
            let _missing = fs::remove_file(folder.path().join(left));
        }
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().expect("the file").permissions().mode() & 0o777
}

fn sql(path: &Path, text: &str) {
    rusqlite::Connection::open(path).expect("a connection").execute_batch(text).expect("a statement");
}
