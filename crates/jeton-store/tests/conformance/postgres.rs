//! What only a store that many nodes share can go through: connections that break, nodes that start together, and
//! transactions that commit in another order than they began.

use std::time::Duration;

use jeton_core::change::Change;
use jeton_core::facts::Query;
use jeton_store::{Database, Error, RevocationReader, Store};
use tokio_postgres::{Client, NoTls};

use crate::world::{World, at, audit, digest, end_token, id, postgres_url, realm, schema_named, token, worlds};

/// A store on PostgreSQL with the realm `acme`, and a connection of the test's own to the same schema.
async fn shared() -> Option<(World, Client)> {
    let world = worlds().await.into_iter().find(|world| matches!(world.fresh.database, Database::Postgres(_)))?;
    let url = postgres_url().expect("a URL");
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("a database");
    tokio::spawn(connection);
    let name = world.fresh.schema.clone().expect("a schema");
    // What the test itself does is not what may be undone for another's sake.
    let own = format!("SET search_path = {name}; SET default_transaction_isolation = 'read committed'");
    client.batch_execute(&own).await.expect("the schema");
    Some((world, client))
}

/// Asks for `acme` until it is as `enabled` says; whether that was within two seconds.
async fn becomes(store: &Store, enabled: bool) -> bool {
    for _ in 0..100 {
        let facts = store.load(&Query { realm: "acme", ..Query::default() }).await.expect("a read").expect("acme");
        if facts.realm.enabled == enabled {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

const DISABLE: &str = "UPDATE realm SET enabled = 0 WHERE name = 'acme'; \
    UPDATE config SET version = version + 1 WHERE id = 1";
const TELL: &str = "INSERT INTO event (at, kind) VALUES (0, 'configured')";

#[tokio::test]
async fn an_event_that_commits_after_a_younger_one_was_read_is_not_missed() {
    let Some((world, slow)) = shared().await else { return };
    slow.batch_execute(&format!("BEGIN; {TELL}")).await.expect("a low number, not yet visible");
    // It gets a higher number and is visible at once.
    world.fresh.again().await.set_realm_enabled(world.realm.id, true, audit("x")).await.expect("a change");
    assert!(becomes(&world.store, true).await);
    // By now the higher number was read: memory answers.
    tokio::time::sleep(Duration::from_millis(600)).await;
    slow.batch_execute(&format!("{DISABLE}; COMMIT")).await.expect("the low number, visible late");
    assert!(becomes(&world.store, false).await, "a change that was told late is never seen");
}

/// The control of the test above: a change that nobody tells is answered from memory for far longer.
#[tokio::test]
async fn without_its_event_a_change_is_not_seen() {
    let Some((world, silent)) = shared().await else { return };
    assert!(becomes(&world.store, true).await);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(becomes(&world.store, true).await, "memory knows");
    silent.batch_execute(&format!("BEGIN; {DISABLE}; COMMIT")).await.expect("a change");
    assert!(!becomes(&world.store, false).await, "who told?");
}

/// A revocation that gets the lower number and is committed after the higher one was read.
#[tokio::test]
async fn a_revocation_that_commits_late_is_told_all_the_same() {
    let Some((world, slow)) = shared().await else { return };
    let mut reader = RevocationReader::open(&world.store, at(0)).await.expect("a reader");
    let tell = format!(
        "BEGIN; INSERT INTO revocation (realm_id, at, kind, name, expires_at) VALUES ('{}', 0, 'token', 'slow', 1)",
        world.realm.id
    );
    slow.batch_execute(&tell).await.expect("a low number, not yet visible");
    world.store.commit(vec![end_token(2, 60)]).await.expect("a higher number, visible at once");
    assert_eq!(reader.read().await.expect("a read").len(), 1);
    assert_eq!(reader.settled(), 0, "a follower that goes on from here is told of both");
    slow.batch_execute("COMMIT").await.expect("the low number, visible late");
    assert_eq!(reader.read().await.expect("a read").len(), 1);
    assert_eq!(reader.settled(), 2);
}

/// Ends every connection that uses the schema $1, as a restart of the server would.
const END_ALL: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
    WHERE pid <> pg_backend_pid() AND application_name = 'jeton-' || $1";

#[tokio::test]
async fn connections_that_break_are_replaced() {
    let Some((world, other)) = shared().await else { return };
    let schema = world.fresh.schema.clone().expect("a schema");
    for n in 0..20 {
        other.execute(END_ALL, &[&schema]).await.expect("an end");
        let session = world.session(100 + n, 0);
        world.store.commit(vec![Change::StartSession(session)]).await.expect("a session");
        assert!(world.store.session(id(100 + n)).await.expect("a read").is_some(), "{n}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_start_together_make_the_tables_once() {
    let Some(url) = postgres_url() else { return };
    let (database, _) = schema_named(&url).await;
    let pending = Store::pending_migrations(&database).await.expect("a look");
    assert_eq!(
        pending,
        [
            "schema 1",
            "expansion 1 of schema 1",
            "expansion 2 of schema 1",
            "expansion 3 of schema 1",
            "expansion 4 of schema 1",
            "expansion 5 of schema 1",
            "expansion 6 of schema 1"
        ]
    );
    let nodes: Vec<_> = (0..6)
        .map(|_| {
            let database = database.clone();
            tokio::spawn(async move { Store::open(&database).await })
        })
        .collect();
    let mut stores = Vec::new();
    for node in nodes {
        stores.push(node.await.expect("a task").expect("a store"));
    }
    assert_eq!(Store::pending_migrations(&database).await, Ok(Vec::new()));
    stores[0].add_realm(&realm(1, "acme"), audit("x")).await.expect("a realm");
    for store in &stores {
        assert!(store.realm("acme").await.expect("a read").is_some());
    }
}

#[tokio::test]
async fn a_schema_of_another_program_is_left_alone() {
    let Some(url) = postgres_url() else { return };
    let (database, name) = schema_named(&url).await;
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("a database");
    tokio::spawn(connection);
    client.batch_execute(&format!("CREATE TABLE {name}.songs (title TEXT)")).await.expect("a table");
    let refused = Store::open(&database).await.err().expect("a refusal");
    assert!(matches!(&refused, Error::Open(text) if text.contains("tables of another program")), "{refused}");
}

/// A role that may connect and owns its schema is enough.
#[tokio::test]
async fn n7_a_role_without_privileges_is_enough() {
    let Some(url) = postgres_url() else { return };
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("a database");
    tokio::spawn(connection);
    let (_, name) = schema_named(&url).await;
    let role = format!("CREATE ROLE {name} LOGIN PASSWORD 'n7'; ALTER SCHEMA {name} OWNER TO {name}");
    client.batch_execute(&role).await.expect("a role");
    let (_, place) = url.split_once('@').expect("a user");
    let url = format!("postgres://{name}@{place}?options=-c%20search_path%3D{name}");
    let database = Database::postgres(&url, Some("n7".to_owned().into()), 2).expect("a URL");
    let store = Store::open(&database).await.expect("a store");
    store.add_realm(&realm(1, "acme"), audit("x")).await.expect("a realm");
    assert_eq!(store.sweep(at(0), 10).await, Ok(0));
    store.close().await;
}

/// A reading that was cut off leaves no old state behind for whoever gets its connection next.
#[tokio::test]
async fn a_reading_that_is_given_up_is_over() {
    let Some((world, _)) = shared().await else { return };
    let other = world.fresh.again().await;
    let session = world.session(40, 0);
    let put = Change::PutToken(token(1, &session, 0, 0));
    world.store.commit(vec![Change::StartSession(session), put]).await.expect("a session");
    let query = Query { realm: "acme", token: Some(digest(1)), ..Query::default() };
    // On every connection the statements are prepared first, then a reading is cut off as soon as it waits.
    let moment = || tokio::time::sleep(Duration::from_millis(20));
    for _ in 0..8 {
        assert!(world.store.load(&query).await.is_ok());
        moment().await;
    }
    for _ in 0..8 {
        tokio::select! {
            biased;
            _ = world.store.load(&query) => panic!("it waits for the database"),
            () = std::future::ready(()) => {}
        }
        moment().await;
    }
    other.commit(vec![Change::EndSession { id: id(40), at: at(1) }]).await.expect("an end");
    // Every connection in turn, and more.
    for _ in 0..12 {
        assert_eq!(world.token(1).await.expect("the token").session.ended_at, Some(at(1)));
    }
}

#[tokio::test]
async fn what_its_caller_gave_up_is_done_all_the_same_and_harms_nobody() {
    let Some((world, _)) = shared().await else { return };
    for n in 0..40 {
        let session = world.session(100 + n, 0);
        let write = world.store.commit(vec![Change::StartSession(session)]);
        let query = Query { realm: "acme", token: Some(digest(n)), ..Query::default() };
        let read = world.store.load(&query);
        // Cut off somewhere on the way, sometimes not at all.
        let patience = Duration::from_micros(n * 150);
        let _either = tokio::time::timeout(patience, write).await;
        let _either = tokio::time::timeout(patience, async { read.await.map(|_| ()) }).await;
    }
    for n in 0..40 {
        // Its task may still be at it.
        let mut found = None;
        for _ in 0..100 {
            found = world.store.session(id(100 + n)).await.expect("a read");
            if found.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(found.map(|session| session.started_at), Some(at(0)), "{n}");
    }
}
