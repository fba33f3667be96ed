//! A store that moves to another place: between files, and where there is a PostgreSQL, to it and back.

use std::time::Duration;

use jeton_core::change::{Audit, Change};
use jeton_core::domain::client::StoredSecret;
use jeton_core::domain::key::{KeyState, SealedKey, SigningKey};
use jeton_core::domain::policy::Alg;
use jeton_core::domain::registration::Registration;
use jeton_core::domain::session::{Session, Token, TokenKind};
use jeton_core::facts::{Query, TokenFacts};
use jeton_core::rules::rotate_keys::KeyChange;
use jeton_store::{Copied, Database, Error, NewClient, Owner, Store, copy};

use crate::world::{
    DAY, World, at, audit, device, digest, end_token, id, initial_access_token, keys, load, postgres_url, schema_named,
    token, worlds,
};

#[tokio::test]
async fn every_row_goes_there_and_back() {
    for world in worlds().await {
        fill(&world).await;
        let before = world.token(1).await.expect("a token");
        let folder = tempfile::tempdir().expect("a folder");
        let [first, last] = ["first.db", "deep/last.db"].map(|name| Database::file(folder.path().join(name)));
        let copied = copy(&world.fresh.database, &first).await.expect("a copy");
        assert!(copied.iter().all(|copied| copied.rows > 0), "something of everything: {copied:?}");
        assert_eq!(rows(&copied, "audit"), 15);

        let mut places = vec![first.clone()];
        places.extend(postgres().await);
        places.push(last.clone());
        for pair in places.windows(2) {
            assert_eq!(copy(&pair[0], &pair[1]).await.as_ref(), Ok(&copied), "{pair:?}");
        }
        assert_eq!(dump(&last), dump(&first), "byte by byte");
        if let Database::File(_) = &world.fresh.database {
            assert_eq!(dump(&last), dump(&world.fresh.database));
        }
        for place in &places {
            assert_eq!(Store::pending_migrations(place).await, Ok(Vec::new()));
            serves(place, &before).await;
        }
    }
}

/// A token comes with all it hangs on, and what is changed from now on is told to other nodes.
async fn serves(place: &Database, before: &TokenFacts) {
    let store = Store::open(place).await.expect("a store");
    let query = Query { token: Some(digest(1)), ended: Some(digest(2)), once: vec![digest(3)], ..Query::default() };
    let facts = load(&store, query).await;
    assert_eq!((facts.token.as_ref(), facts.ended, facts.used), (Some(before), true, vec![digest(3)]), "{place}");
    let told = async || store.revocations(id(1), 0, at(0), 100).await.expect("a read");
    let numbers: Vec<i64> = told().await.iter().map(|told| told.seq).collect();
    store.commit(vec![end_token(90, 60)]).await.expect("a number that is free");
    assert!(told().await.last().map(|told| told.seq) > numbers.last().copied(), "{place}: {numbers:?}");
    let version = store.config_version().await.expect("a version");
    store.set_realm_enabled(facts.realm.id, true, audit("x")).await.expect("a change");
    let other = Store::open(place).await.expect("the store as another node sees it");
    assert_eq!(other.config_version().await, Ok(version + 1), "{place}");
}

#[tokio::test]
async fn a_place_that_is_taken_and_a_source_that_is_none_are_refused() {
    for world in worlds().await {
        let folder = tempfile::tempdir().expect("a folder");
        let [nowhere, new, empty] =
            ["nowhere.db", "new.db", "empty.db"].map(|name| Database::file(folder.path().join(name)));
        Store::open(&empty).await.expect("an empty store").close().await;
        let taken = &world.fresh.database;
        for (from, to, said) in [
            (&empty, taken, "there is a store at"),
            (taken, taken, "there is a store at"),
            (&nowhere, &new, "there is no store at"),
            (&nowhere, taken, "there is no store at"),
        ] {
            let error = copy(from, to).await.expect_err(said);
            assert!(matches!(error, Error::Open(_)) && error.to_string().contains(said), "{error}");
        }
        for name in ["nowhere.db", "new.db"] {
            assert!(!folder.path().join(name).exists(), "nothing was made");
        }
        let again = world.fresh.again().await;
        assert!(again.realm("acme").await.expect("a read").is_some(), "it is as it was");
        let copied = copy(&empty, &new).await.expect("a copy of nothing");
        assert_eq!(copied.iter().map(|copied| copied.rows).sum::<u64>(), 1, "the version of the configuration");
    }
}

#[tokio::test]
async fn half_a_copy_is_no_store() {
    let Some(between) = postgres().await else { return };
    let world = worlds().await.remove(0);
    let zero = Audit { detail: "a\0b".to_owned(), ..audit("x") };
    world.store.append_audit(zero).await.expect("SQLite holds it");
    let text = copy(&world.fresh.database, &between).await.expect_err("PostgreSQL does not").to_string();
    for part in ["the row of audit with at ", "zero byte", "remove it, then copy again"] {
        assert!(text.contains(part), "{text}");
    }
    let text = Store::open(&between).await.map(|_| ()).expect_err("half a store").to_string();
    assert!(text.contains("a copy that was not finished"), "{text}");
    let folder = tempfile::tempdir().expect("a folder");
    let other = Database::file(folder.path().join("other.db"));
    for (from, to) in [(&world.fresh.database, &between), (&between, &other)] {
        let text = copy(from, to).await.expect_err("it is not gone on with").to_string();
        assert!(text.contains("a copy that was not finished"), "{text}");
    }
}

/// The engines sort text differently, and so do two databases of one.
#[tokio::test]
async fn the_order_of_text_is_another_there() {
    let Some(sorted) = Sorted::new().await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let [first, last] = ["first.db", "last.db"].map(|name| Database::file(folder.path().join(name)));
    Store::open(&first).await.expect("a store").close().await;
    let names = (0..1300).map(|n| format!("('{}{n}', x'01')", ["a", "B", "-", "ä", "_C"][n % 5]));
    let names = names.collect::<Vec<_>>().join(", ");
    file(&first).execute_batch(&format!("INSERT INTO meta VALUES {names}")).expect("blobs");
    let copied = copy(&first, &sorted.database).await.expect("a copy");
    assert_eq!(rows(&copied, "meta"), 1300);
    copy(&sorted.database, &last).await.expect("a copy");
    assert_eq!(dump(&last), dump(&first));
    sorted.gone().await;
}

/// A database whose text is sorted as people do.
struct Sorted {
    database: Database,
    name: String,
    client: tokio_postgres::Client,
}

impl Sorted {
    async fn new() -> Option<Self> {
        let url = postgres_url()?;
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.expect("a database");
        tokio::spawn(connection);
        let name = format!("t_{}", uuid::Uuid::now_v7().simple());
        let make = format!("CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en' LOCALE 'C'");
        client.batch_execute(&make).await.expect("a database that sorts otherwise");
        let (before, query) = url.split_once('?').unwrap_or((&url, ""));
        let (server, _) = before.rsplit_once('/').expect("a URL with a database");
        let database = Database::postgres(&format!("{server}/{name}?{query}"), None, 4).expect("a URL");
        Some(Self { database, name, client })
    }

    async fn gone(self) {
        self.client.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await.expect("no database");
    }
}

/// A schema without tables, where there is a PostgreSQL.
async fn postgres() -> Option<Database> {
    Some(schema_named(&postgres_url()?).await.0)
}

/// A row of everything that the world has not yet.
async fn fill(world: &World) {
    let store = &world.store;
    for (name, value) in [("pepper", &[0, 255, 39, 92][..]), ("Empty", &[])] {
        store.put_meta(name, value, audit("meta.put")).await.expect("a blob");
    }
    let key = |kid: &str, state: KeyState| SealedKey {
        key: SigningKey {
            realm_id: world.realm.id,
            kid: kid.to_owned(),
            alg: Alg::ES256,
            state,
            created_at: at(0),
            signs_from: at(9),
            signs_until: None,
            token_life: Duration::from_secs(300),
        },
        public_jwk: "{\"kty\":\"EC\"}".to_owned(),
        sealed: vec![0, 1, 2],
    };
    store.put_key_if_none_current(&key("a-B_c", KeyState::Current), audit("key.added")).await.expect("a key");
    let make = |state| KeyChange::Make { alg: Alg::ES256, state, signs_from: at(9) };
    let changes =
        [KeyChange::Retire { kid: "a-B_c".to_owned(), at: at(9) }, make(KeyState::Current), make(KeyState::Next)];
    let made = [key("A-b_c", KeyState::Current), key("a-b_c", KeyState::Next)];
    store.change_keys(world.realm.id, &changes, &made, vec![audit("key.rotated")]).await.expect("others");
    let ends = StoredSecret { id: id(80), digest: digest(80), created_at: at(1), expires_at: Some(at(DAY)) };
    store.add_secret(Owner::Client(world.client.id), &ends, None, audit("secret.added")).await.expect("a secret");
    let initial = initial_access_token(&world.realm, 90, 2);
    store.add_initial_access_token(&initial, audit("x")).await.expect("a token");
    let registration = Registration { name: None, bounds: initial.bounds, token: Some(digest(91)) };
    let new = NewClient { registration: Some(registration), ..crate::world::client(&world.realm, 91, "itself") };
    store.register_client(&new, initial.id, at(1), audit("x")).await.expect("a client");
    let session = Session {
        actor_id: Some(world.key.service.id),
        api_key_id: Some(world.key.id),
        client_id: Some(world.client.id),
        target_id: Some(world.target.id),
        idle_secs: Some(60),
        ..world.session(40, 0)
    };
    let refresh = Token { kind: TokenKind::Refresh, ..token(7, &session, 0, 0) };
    let said = Audit { detail: "quoted ' \" \\ ü \u{1F511}\n".to_owned(), realm_id: Some(id(1)), ..audit("said") };
    let changes = vec![
        Change::StartSession(session.clone()),
        Change::PutToken(token(1, &session, 0, 0)),
        Change::PutToken(refresh),
        end_token(2, 60),
        Change::UseNonce { digest: digest(3), expires_at: at(60) },
        Change::StartDevice(device(&world.client)),
        Change::Fail { keys: keys(4, 5, 6), at: at(0) },
        Change::Audit(said.clone()),
        Change::Audit(said),
    ];
    store.commit(changes).await.expect("rows");
}

fn rows(copied: &[Copied], table: &str) -> u64 {
    copied.iter().find(|copied| copied.table == table).map_or(0, |copied| copied.rows)
}

/// Every value of every row, but of what tells running nodes something.
fn dump(place: &Database) -> Vec<String> {
    let db = file(place);
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('event', 'sqlite_sequence')";
    let mut all = Vec::new();
    for name in column(&db, names) {
        let mut query = db.prepare(&format!("SELECT * FROM {name}")).expect("a query");
        let columns = query.column_count();
        let mut rows = query.query([]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            let values: Vec<_> = (0..columns).map(|at| format!("{:?}", row.get_ref(at).expect("a value"))).collect();
            all.push(format!("{name} {values:?}"));
        }
    }
    all.sort_unstable();
    all
}

fn file(place: &Database) -> rusqlite::Connection {
    let Database::File(path) = place else { unreachable!("a file") };
    rusqlite::Connection::open(path).expect("a connection")
}

fn column(db: &rusqlite::Connection, sql: &str) -> Vec<String> {
    let mut query = db.prepare(sql).expect("a query");
    query.query_map([], |row| row.get(0)).expect("rows").collect::<Result<_, _>>().expect("values")
}
