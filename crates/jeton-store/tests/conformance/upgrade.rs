//! The version before this one and this one on the same store: what it left is understood, and what this version makes
//! of the tables leaves it at work. `fixtures/n-1` says where its store and its statements come from.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use jeton_core::domain::realm::Settings;
use jeton_store::{Database, Store};
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::world::{audit, postgres_url, realm, schema_named};

const STORE: &[u8] = include_bytes!("../fixtures/n-1/store.sqlite3");
const STATEMENTS: &str = include_str!("../fixtures/n-1/statements.sql");
/// The one level that the version before knows, by its checksum.
const LEVEL: (i64, i64) = (1, 1_324_318_923);

#[tokio::test]
async fn its_store_is_brought_up_to_date_once_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("jeton.db");
    put(&path, STORE);
    let database = Database::file(&path);
    let before = rows(&path);
    let steps = Store::pending_migrations(&database).await.expect("a store");
    assert_eq!(steps.first().map(String::as_str), Some("expansion 1 of schema 1"));
    assert!(steps.iter().all(|step| step.starts_with("expansion ")), "the version before refuses a level: {steps:?}");
    assert_eq!(rows(&path), before, "asking changes nothing");

    let mut noted = Vec::new();
    for time in ["first", "second"] {
        drop(Store::open(&database).await.expect("the store"));
        assert_eq!(Store::pending_migrations(&database).await, Ok(Vec::new()), "the {time} time");
        let mut after = rows(&path);
        noted.push(after.remove("schema_expansion").expect("the steps that were taken"));
        // Columns that were added stand behind those that were there.
        after.retain(|table, _| before.contains_key(table));
        for (table, rows) in &mut after {
            let width = before[table].first().map_or(0, Vec::len);
            rows.iter_mut().for_each(|row| row.truncate(width));
        }
        assert_eq!(after, before, "the {time} time");
    }
    assert_eq!(noted[0].len(), steps.len());
    assert_eq!(noted[0], noted[1], "nothing is left to do the second time");
}

#[tokio::test]
async fn every_noun_that_it_wrote_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("jeton.db");
    put(&path, STORE);
    let store = Store::open(&Database::file(&path)).await.expect("the store");
    let mut found = BTreeMap::new();
    let mut count = |noun, more: usize| *found.entry(noun).or_insert(0) += more;
    for realm in store.realms().await.expect("realms") {
        let targets = store.targets(realm.id).await.expect("targets");
        for target in &targets {
            count("membership", store.memberships(target.id).await.expect("memberships").len());
        }
        count("realm", 1);
        count("target", targets.len());
        count("principal", store.principals(realm.id, 0, 99).await.expect("people and services").len());
        count("client", store.clients(realm.id).await.expect("clients").len());
        count("api_key", store.api_keys(realm.id).await.expect("API keys").len());
        count("signing_key", store.keys(realm.id).await.expect("keys").len());
    }
    count("audit", store.newest_audit(999).await.expect("the trail").len());
    let stored = rows(&path);
    let wanted: BTreeMap<&str, usize> = found.keys().map(|noun| (*noun, stored[*noun].len())).collect();
    assert_eq!(found, wanted);
    assert!(found.values().all(|rows| *rows > 0), "{found:?}");
}

#[tokio::test]
async fn it_opens_what_this_version_made_until_there_is_another_level() {
    for (what, left, more, welcome) in [
        ("a new store", None, "", true),
        ("its own store, brought up to date", Some(STORE), "", true),
        ("the next level", None, "INSERT INTO schema_version (version, checksum) VALUES (2, 1)", false),
        ("another first level", None, "UPDATE schema_version SET checksum = 1", false),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("jeton.db");
        if let Some(left) = left {
            put(&path, left);
        }
        drop(Store::open(&Database::file(&path)).await.expect("the store"));
        let db = Connection::open(&path).expect("a connection");
        db.execute_batch(more).expect("a statement");
        assert_eq!(version_before_opens(&db), welcome, "{what}");
    }
}

/// A row that the version before cannot read would be damage to it.
#[tokio::test]
async fn what_this_version_writes_for_a_plain_realm_has_no_word_that_it_does_not_know() {
    let folder = tempfile::tempdir().expect("a folder");
    let (old, new) = (folder.path().join("old.db"), folder.path().join("new.db"));
    put(&old, STORE);
    let store = Store::open(&Database::file(&new)).await.expect("a new store");
    let mut plain = realm(1, "acme");
    plain.settings = Settings::default();
    store.add_realm(&plain, audit("realm.added")).await.expect("a realm");
    let known: BTreeSet<String> = words(&old, "SELECT settings FROM realm");
    let written = words(&new, "SELECT settings FROM realm");
    assert!(!written.is_empty() && written.is_subset(&known), "{written:?} of {known:?}");
}

#[tokio::test]
async fn its_statements_prepare_on_the_tables_of_this_version() {
    let made = tables().await;
    let statements = statements();
    assert_eq!(statements.len(), 105);
    for (name, sql) in &statements {
        made.sqlite.prepare(sql).unwrap_or_else(|error| panic!("{name}: {error}"));
        if let Some(postgres) = &made.postgres {
            let _statement = postgres.prepare(sql).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        }
    }
}

/// A column that its statements do not know must do without them.
#[tokio::test]
async fn its_inserts_fill_every_column_that_has_to_be_filled() {
    let made = tables().await;
    let inserts: Vec<_> = statements().into_iter().filter_map(|(name, sql)| Some((name, insert(sql)?))).collect();
    assert_eq!(inserts.len(), 19, "{inserts:?}");
    for (name, (table, columns)) in inserts {
        let missing: Vec<String> =
            made.needed(table).await.into_iter().filter(|column| !columns.contains(&column.as_str())).collect();
        assert!(missing.is_empty(), "{name} of the version before leaves out {missing:?} of {table}");
    }
}

#[tokio::test]
async fn a_column_that_it_would_leave_out_is_found() {
    let made = tables().await;
    let table = "CREATE TABLE more (a BIGINT NOT NULL, b BIGINT, c BIGINT NOT NULL DEFAULT 1, d BIGINT NOT NULL)";
    made.sqlite.execute_batch(table).expect("a table");
    if let Some(postgres) = &made.postgres {
        postgres.batch_execute(table).await.expect("a table");
    }
    assert_eq!(made.needed("more").await, BTreeSet::from(["a".to_owned(), "d".to_owned()]));
    assert_eq!(insert("INSERT INTO more (a, b) VALUES ($1, $2)"), Some(("more", vec!["a", "b"])));
}

// --- the version before ----------------------------------------------------------------------------

/// As it decides: the levels that were taken are those that it knows.
fn version_before_opens(db: &Connection) -> bool {
    let mut query = db.prepare("SELECT version, checksum FROM schema_version ORDER BY version").expect("its query");
    let taken = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("its rows");
    taken.collect::<Result<Vec<(i64, i64)>, _>>() == Ok(vec![LEVEL])
}

/// With the names by which it has them.
fn statements() -> Vec<(&'static str, &'static str)> {
    let mut name = "";
    let mut found = Vec::new();
    for line in STATEMENTS.lines().filter(|line| !line.is_empty()) {
        match (line.strip_prefix("-- "), line.strip_suffix(';')) {
            (Some(comment), _) => name = comment,
            (None, Some(sql)) => found.push((name, sql)),
            (None, None) => panic!("not a statement: {line}"),
        }
    }
    found
}

/// The table that a statement adds to, and the columns that it fills.
fn insert(sql: &'static str) -> Option<(&'static str, Vec<&'static str>)> {
    let (table, rest) = sql.strip_prefix("INSERT INTO ")?.split_once(" (")?;
    let (columns, _) = rest.split_once(')')?;
    Some((table, columns.split(", ").collect()))
}

// --- the tables of this version --------------------------------------------------------------------

/// New stores of both engines, with a connection beside the store's own.
struct Tables {
    sqlite: Connection,
    postgres: Option<tokio_postgres::Client>,
    _folder: tempfile::TempDir,
}

async fn tables() -> Tables {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("jeton.db");
    drop(Store::open(&Database::file(&path)).await.expect("a new store"));
    let sqlite = Connection::open(&path).expect("a connection");
    let postgres = match postgres_url() {
        Some(url) => Some(postgres(&url).await),
        None => None,
    };
    Tables { sqlite, postgres, _folder: folder }
}

async fn postgres(url: &str) -> tokio_postgres::Client {
    let (database, schema) = schema_named(url).await;
    drop(Store::open(&database).await.expect("a new store"));
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("a database");
    tokio::spawn(connection);
    client.batch_execute(&format!("SET search_path = {schema}")).await.expect("the schema");
    client
}

impl Tables {
    /// The columns of a table that are never empty and have nothing by themselves, in either engine.
    async fn needed(&self, table: &str) -> BTreeSet<String> {
        let text = "SELECT name FROM pragma_table_info($1) WHERE \"notnull\" = 1 AND dflt_value IS NULL";
        let mut query = self.sqlite.prepare(text).expect("a query");
        let mut found: BTreeSet<String> =
            query.query_map([table], |row| row.get(0)).expect("columns").collect::<Result<_, _>>().expect("columns");
        if let Some(postgres) = &self.postgres {
            let text = "SELECT column_name::TEXT FROM information_schema.columns WHERE table_schema = current_schema() \
                AND table_name = $1 AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'";
            let rows = postgres.query(text, &[&table]).await.expect("columns");
            found.extend(rows.iter().map(|row| row.get::<_, String>(0)));
        }
        assert!(!found.is_empty(), "no table {table}");
        found
    }
}

// --- files -----------------------------------------------------------------------------------------

/// A store, for its owner alone.
fn put(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).expect("a file");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("a mode");
}

/// Every row of every table.
fn rows(path: &Path) -> BTreeMap<String, Vec<Vec<Value>>> {
    let db = Connection::open(path).expect("a connection");
    let names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let mut names = db.prepare(names).expect("a query");
    let names: Vec<String> =
        names.query_map([], |row| row.get(0)).expect("names").collect::<Result<_, _>>().expect("names");
    let all = |name: &str| {
        let mut query = db.prepare(&format!("SELECT * FROM {name} ORDER BY 1, 2")).expect("a query");
        let width = query.column_count();
        let rows = query.query_map([], |row| (0..width).map(|at| row.get(at)).collect()).expect("rows");
        rows.collect::<Result<_, _>>().expect("rows")
    };
    names.into_iter().map(|name| (name.clone(), all(&name))).collect()
}

/// The names of members of the JSON objects that a query finds.
fn words(path: &Path, query: &str) -> BTreeSet<String> {
    let db = Connection::open(path).expect("a connection");
    let mut query = db.prepare(query).expect("a query");
    let texts: Vec<String> =
        query.query_map([], |row| row.get(0)).expect("texts").collect::<Result<_, _>>().expect("texts");
    let object = |text: String| serde_json::from_str::<serde_json::Map<_, _>>(&text).expect("an object");
    texts.into_iter().flat_map(object).map(|(name, _)| name).collect()
}
