//! Prepares every statement there is on a store as the migrations make it.

use rusqlite::{Connection, StatementStatus};

use crate::db::Sql;
use crate::migrate::{BOOK, EXPANSIONS, LEVELS};
use crate::sqlite::migrate::migrate;
use crate::sqlite::open::{connect, prepare_file};

/// A file that is missing here makes the compiler say that its list is never used.
const ALL: &[(&str, &[(&str, Sql)])] = &[
    ("api_key", crate::api_key::STATEMENTS),
    ("audit", crate::audit::STATEMENTS),
    ("backup/epoch", crate::backup::epoch::STATEMENTS),
    ("client", crate::client::STATEMENTS),
    ("commit", crate::commit::STATEMENTS),
    ("commit", &[("SHARE_PRINCIPAL", crate::commit::SHARE_PRINCIPAL)]),
    ("config", crate::config::STATEMENTS),
    ("copy", crate::copy::STATEMENTS),
    ("copy", &[("GO_ON_COUNTING", crate::copy::GO_ON_COUNTING)]),
    ("device", crate::device::STATEMENTS),
    ("event", crate::event::STATEMENTS),
    ("facts", crate::facts::STATEMENTS),
    ("key", crate::key::STATEMENTS),
    ("meta", crate::meta::STATEMENTS),
    ("principal", crate::principal::STATEMENTS),
    ("realm", crate::realm::STATEMENTS),
    ("registration", crate::registration::STATEMENTS),
    ("revocation", crate::revocation::STATEMENTS),
    ("revocation/reader", crate::revocation::reader::STATEMENTS),
    ("secret", crate::secret::STATEMENTS),
    ("session", crate::session::STATEMENTS),
    ("stats", crate::stats::STATEMENTS),
    ("sweep", crate::sweep::STATEMENTS),
    ("target", crate::target::STATEMENTS),
    ("throttle", crate::throttle::STATEMENTS),
];

#[test]
fn every_statement_prepares_and_numbers_its_parameters_as_written() {
    let db = Connection::open_in_memory().expect("a database");
    migrate(&db).expect("the tables");
    for (file, name, sql) in statements() {
        let statement = db.prepare(sql.for_sqlite()).unwrap_or_else(|error| panic!("{file}.rs, {name}: {error}"));
        for at in 1..=statement.parameter_count() {
            assert_eq!(statement.parameter_name(at), Some(format!("${at}").as_str()), "{file}.rs, {name}");
        }
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "where tests find a PostgreSQL is said in the environment alone")]
async fn every_statement_prepares_on_postgresql() {
    let Ok(url) = std::env::var("JETON_TEST_POSTGRES") else {
        return eprintln!("left out: PostgreSQL, since JETON_TEST_POSTGRES names none");
    };
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.expect("a database");
    tokio::spawn(connection);
    // Gone with the connection: nothing of this stays.
    client.batch_execute("SET search_path = pg_temp").await.expect("a schema");
    for step in BOOK.iter().chain(LEVELS).chain(EXPANSIONS) {
        client.batch_execute(&step.for_postgres()).await.expect("the tables");
    }
    for (file, name, sql) in statements() {
        let statement = client.prepare(sql.for_postgres()).await;
        let parameters = statement.unwrap_or_else(|error| panic!("{file}.rs, {name}: {error:?}")).params().len();
        let numbered = (1..=99).take_while(|number| sql.for_postgres().contains(&format!("${number}"))).count();
        assert_eq!(parameters, numbered, "{file}.rs, {name}");
    }
}

#[test]
fn every_statement_is_in_words_that_both_engines_know() {
    const FOREIGN: &[&str] =
        &["rowid", "now(", "unixepoch", "datetime", "ifnull", "insert or", "true", "false", "->", "?"];
    for (file, name, sql) in statements() {
        let text = sql.for_sqlite().to_lowercase();
        for word in FOREIGN {
            assert!(!text.contains(word), "{file}.rs, {name}: {word}");
        }
    }
}

#[test]
fn no_statement_of_a_request_reads_a_whole_table_or_sorts() {
    // These list for an administrator, or choose where there is a choice.
    const WHOLE: &[(&str, &str)] = &[("realm", "LIST"), ("key", "LIST_ALL"), ("key", "SEALED_ALL"), ("meta", "LIST")];
    const SORTED: &[(&str, &str)] = &[
        ("api_key", "LIST"),
        ("key", "LIST"),
        ("key", "LIST_ALL"),
        ("key", "SEALED"),
        ("key", "SEALED_ALL"),
        ("session", "OF_SHARED_TOKEN"),
    ];
    let db = Connection::open_in_memory().expect("a database");
    migrate(&db).expect("the tables");
    for (file, name, sql) in statements() {
        for line in plan(&db, sql) {
            let whole = line.starts_with("SCAN ") && !line.contains("CONSTANT ROW") && !bounded(sql);
            let told = ["stats", "backup/epoch"].contains(&file) || WHOLE.contains(&(file, name));
            assert!(!whole || told, "{file}.rs, {name}: {line}");
            let sorted = line.contains("TEMP B-TREE");
            assert!(!sorted || SORTED.contains(&(file, name)), "{file}.rs, {name}: {line}");
        }
    }
}

#[test]
fn every_statement_is_planned_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    prepare_file(&path).expect("a file");
    let db = connect(&path).expect("a connection");
    migrate(&db).expect("the tables");
    for (file, name, sql) in statements().filter(|(_, _, sql)| sql.for_sqlite().starts_with("SELECT")) {
        let mut statement = db.prepare(sql.for_sqlite()).expect("a statement");
        for bound in ["a", "b", "c"] {
            let values = vec![bound; statement.parameter_count()];
            // LIMIT takes no text: then it is planned all the same.
            let _answer =
                statement.query(rusqlite::params_from_iter(values)).and_then(|mut rows| rows.next().map(|_| ()));
            statement.clear_bindings();
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{file}.rs, {name}");
    }
}

#[test]
fn a_token_is_found_by_its_digest_first() {
    let db = Connection::open_in_memory().expect("a database");
    migrate(&db).expect("the tables");
    for (_, name, sql) in statements().filter(|(file, name, _)| *file == "session" && name.ends_with("TOKEN")) {
        let plan = plan(&db, sql);
        assert!(plan[0].starts_with("SEARCH t USING PRIMARY KEY (digest=?)"), "{name}: {plan:?}");
        assert!(plan[1].starts_with("SEARCH s USING PRIMARY KEY (id=?)"), "{name}: {plan:?}");
    }
}

/// It stops after a number of rows, which come in the order of an index.
fn bounded(sql: Sql) -> bool {
    sql.for_sqlite().contains(" LIMIT ")
}

fn plan(db: &Connection, sql: Sql) -> Vec<String> {
    let mut explain = db.prepare(&format!("EXPLAIN QUERY PLAN {}", sql.for_sqlite())).expect("a plan");
    let zeros = vec![0; explain.parameter_count()];
    let lines = explain.query_map(rusqlite::params_from_iter(zeros), |row| row.get(3)).expect("a plan");
    lines.collect::<Result<_, _>>().expect("its lines")
}

fn statements() -> impl Iterator<Item = (&'static str, &'static str, Sql)> {
    let lists = ALL.iter().chain(crate::copy::TABLE_STATEMENTS);
    lists.flat_map(|(file, list)| list.iter().map(|(name, sql)| (*file, *name, *sql)))
}
