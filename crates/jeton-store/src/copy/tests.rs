//! What no copy of a sound store shows: tables that were forgotten, rows that became others.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::Connection;

use super::tables::TABLES;
use super::{Copy, copy};
use crate::database::Database;
use crate::error::Error;
use crate::sqlite::migrate::migrate;
use crate::store::Store;

/// Rows of every kind that differ from one another, as the tables take them.
const ROWS: &str = "
    INSERT INTO meta (name, value) VALUES ('a', x'00'), ('B', x''), ('b', x'ff');
    INSERT INTO realm VALUES ('r', 'shop', 1, 0, 0, '{}', 3);
    INSERT INTO principal VALUES ('p', 'r', 'person', 1, 'Ann', 'ann', 1, 0, 0, '{}', NULL, 1);
    INSERT INTO session (id, realm_id, principal_id, dialect, scope, started_at, expires_at, last_used_at, generation)
        VALUES ('s', 'r', 'p', 'oauth', '', 0, 1, 0, 0);
    INSERT INTO token (digest, session_id, kind, generation, issued_at, expires_at, forget_at)
        VALUES (x'01', 's', 'access', 0, 0, 1, 1), (x'02', 's', 'refresh', 0, 0, 1, 1);
    INSERT INTO revocation VALUES (7, 'r', 1, 'token', 'jti', NULL, 2);
    INSERT INTO audit VALUES (1, 0, NULL, 'same', NULL, NULL, 'local', ''), (1, 0, NULL, 'same', NULL, NULL, 'local', '');
";

#[test]
fn no_table_and_no_column_is_forgotten() {
    // What tells running nodes something, and the tables' own history.
    const LEFT_OUT: [&str; 4] = ["event", "schema_version", "schema_expansion", "sqlite_sequence"];
    let db = Connection::open_in_memory().expect("a database");
    migrate(&db).expect("the tables");
    let names = |sql: &str| -> BTreeSet<String> {
        let mut query = db.prepare(sql).expect("a query");
        query.query_map([], |row| row.get(0)).expect("names").collect::<Result<_, _>>().expect("names")
    };
    let copied = TABLES.iter().map(|table| table.name).chain(LEFT_OUT).map(str::to_owned).collect();
    assert_eq!(names("SELECT name FROM sqlite_schema WHERE type = 'table'"), copied);
    for table in TABLES {
        let columns: BTreeSet<_> = table.columns.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(names(&format!("SELECT name FROM pragma_table_info('{}')", table.name)), columns, "{}", table.name);
    }
}

#[tokio::test]
async fn what_became_different_is_found() {
    for (change, said) in [
        ("", None),
        ("UPDATE config SET version = 7", Some("config with id 1 ")),
        ("UPDATE meta SET value = x'01' WHERE name = 'a'", Some("meta with name \"a\" ")),
        ("UPDATE meta SET name = 'c' WHERE name = 'a'", Some("\"a\", the row of meta with name \"c\" ")),
        ("UPDATE principal SET password = ''", Some("principal with id \"p\" ")),
        ("UPDATE session SET ended_at = 0", Some("session with id \"s\" ")),
        ("DELETE FROM token WHERE digest = x'02'", Some("token with digest 02, session_id \"s\" ")),
        ("INSERT INTO nonce VALUES (x'03', 1)", Some("nonce with digest 03 ")),
        ("INSERT INTO audit SELECT * FROM audit LIMIT 1", Some("audit with at 1 ")),
    ] {
        let place = Place::new();
        let outcome = place.copy_with_change(change).await;
        match said {
            None => assert_eq!(outcome, Ok(())),
            Some(said) => {
                let text = outcome.expect_err(change).to_string();
                assert!(text.contains(said) && text.contains("is not the same"), "{change}: {text}");
                let error = Store::open(&place.to).await.map(|_| ()).expect_err("half a copy");
                assert!(matches!(error, Error::Open(_)), "{change}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn what_was_written_to_the_source_meanwhile_is_missed() {
    let place = Place::new();
    let (source, target) = place.open().await;
    let copying = Copy { source: &source, target: &target, from: &place.from, to: &place.to };
    copying.begin().await.expect("an empty target");
    copying.fill().await.expect("the rows");
    sqlite(&place.from).execute_batch("INSERT INTO nonce VALUES (x'04', 1)").expect("a late row");
    let text = copying.verify().await.expect_err("a row is missing").to_string();
    assert!(text.contains("nonce with digest 04"), "{text}");
}

#[tokio::test]
async fn older_and_newer_stores_are_not_copied() {
    const OLDER: &str = "DELETE FROM schema_expansion; DROP TABLE event";
    const ADDED: &str = "INSERT INTO schema_expansion VALUES (1, 99, 5)";
    const NEWER: &str = "INSERT INTO schema_version VALUES (99, 5)";
    for (source, target, said) in [
        (OLDER, "", "run `jeton migrate`"),
        (ADDED, "", "copy with the newer one"),
        (NEWER, "", "newer Jeton"),
        ("", OLDER, "there is a store at"),
        ("", NEWER, "newer Jeton"),
    ] {
        let place = Place::new();
        let (one, other) = place.open().await;
        one.close().await;
        other.close().await;
        sqlite(&place.from).execute_batch(source).expect("a change");
        sqlite(&place.to).execute_batch(target).expect("a change");
        let before = dump(&place.to);
        let text = copy(&place.from, &place.to).await.expect_err("a refusal").to_string();
        assert!(text.contains(said), "{source} {target}: {text}");
        assert_eq!(dump(&place.to), before, "{source} {target}");
    }
}

#[tokio::test]
async fn more_rows_than_a_page() {
    let place = Place::new();
    let many = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1700)";
    for fill in [
        format!("INSERT INTO throttle {many} SELECT randomblob(32), i, 0, 0, NULL, 0 FROM n"),
        format!(
            "INSERT INTO signing_key {many} SELECT 'r', hex(randomblob(9)), 'a', 'retired', '', x'00', 0, 0, 1, 0 FROM n"
        ),
        // Of one instant, and of two.
        format!("INSERT INTO audit {many} SELECT 5, 0, NULL, 'one', NULL, NULL, '', '' FROM n"),
        format!("INSERT INTO audit {many} SELECT 6 + i / 2, i, NULL, 'two', NULL, NULL, '', '' FROM n"),
    ] {
        sqlite(&place.from).execute_batch(&fill).expect("rows");
    }
    let copied = copy(&place.from, &place.to).await.expect("a copy");
    let rows = |name: &str| copied.iter().find(|copied| copied.table == name).map(|copied| copied.rows);
    assert_eq!((rows("throttle"), rows("signing_key"), rows("audit")), (Some(1700), Some(1700), Some(3402)));
    assert_eq!(dump(&place.from), dump(&place.to));
}

/// A store with rows, and a place for its copy.
struct Place {
    from: Database,
    to: Database,
    _folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let [from, to] = ["from.db", "to.db"].map(|name| Database::file(folder.path().join(name)));
        let Database::File(path) = &from else { unreachable!("a file") };
        crate::sqlite::open::prepare_file(path).expect("a file");
        let db = sqlite(&from);
        migrate(&db).expect("the tables");
        db.execute_batch(ROWS).expect("rows");
        Self { from, to, _folder: folder }
    }

    async fn open(&self) -> (Store, Store) {
        let open = async |place| Store::open(place).await.expect("a store");
        (open(&self.from).await, open(&self.to).await)
    }

    /// Copies, changes what is there by then, and compares.
    async fn copy_with_change(&self, change: &str) -> Result<(), Error> {
        let (source, target) = self.open().await;
        let copying = Copy { source: &source, target: &target, from: &self.from, to: &self.to };
        copying.begin().await?;
        copying.fill().await?;
        sqlite(&self.to).execute_batch(change).expect("a change");
        copying.verify().await?;
        copying.finish().await
    }
}

fn sqlite(place: &Database) -> Connection {
    let Database::File(path) = place else { unreachable!("a file") };
    crate::sqlite::open::connect(Path::new(path)).expect("a connection")
}

/// Every row of the tables that are copied, with the schema's history.
fn dump(place: &Database) -> Vec<String> {
    let db = sqlite(place);
    let names = TABLES.iter().map(|table| table.name).chain(["schema_version", "schema_expansion"]);
    let mut rows = Vec::new();
    for name in names {
        let mut query = db.prepare(&format!("SELECT * FROM {name}")).expect("a query");
        let columns = query.column_count();
        let read = |row: &rusqlite::Row<'_>| {
            let values: Result<Vec<_>, _> =
                (0..columns).map(|at| row.get_ref(at).map(|value| format!("{value:?}"))).collect();
            Ok(format!("{name} {:?}", values?))
        };
        let found: Result<Vec<_>, _> = query.query_map([], read).expect("rows").collect();
        rows.extend(found.expect("rows"));
    }
    rows.sort_unstable();
    rows
}
