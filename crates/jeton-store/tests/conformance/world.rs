//! Fresh stores, and a small realm to begin with. Ids and times are made of small numbers, so that a test reads well.

use jeton_core::change::{Audit, Change};
use jeton_core::domain::client::{ApiKey, Client, ClientSettings, StoredSecret};
use jeton_core::domain::device::DeviceAuthorization;
use jeton_core::domain::id::{Digest, Id};
use jeton_core::domain::principal::{Kind, PersonProfile, Principal};
use jeton_core::domain::realm::{Realm, Settings};
use jeton_core::domain::registration::{InitialAccessToken, RegistrationBounds};
use jeton_core::domain::session::{Bounds, Session, Token, TokenKind};
use jeton_core::domain::target::{Membership, Target};
use jeton_core::domain::throttle::ThrottleKeys;
use jeton_core::facts::{Facts, Query, TokenFacts};
use jeton_core::time::Timestamp;
use jeton_store::{Database, NewApiKey, NewClient, NewPrincipal, Service, Store};

/// An empty store of each engine: of SQLite, and of PostgreSQL where `JETON_TEST_POSTGRES` has the URL of one.
pub(crate) async fn stores() -> Vec<Fresh> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = Database::file(folder.path().join("jeton.db"));
    let mut stores = vec![Fresh::open(file, Some(folder), None).await];
    if let Some(url) = postgres_url() {
        let (database, name) = schema_named(&url).await;
        stores.push(Fresh::open(database, None, Some(name)).await);
    }
    stores
}

/// Where the tests find a PostgreSQL, if they do.
#[expect(clippy::disallowed_methods, reason = "that is said in the environment alone")]
pub(crate) fn postgres_url() -> Option<String> {
    let url = std::env::var("JETON_TEST_POSTGRES").ok();
    if url.is_none() {
        eprintln!("left out: PostgreSQL, since JETON_TEST_POSTGRES names none");
    }
    url
}

/// A new schema in the database at `url`, and its name.
pub(crate) async fn schema_named(url: &str) -> (Database, String) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("a database");
    tokio::spawn(connection);
    let name = format!("t_{}", uuid::Uuid::now_v7().simple());
    client.batch_execute(&format!("CREATE SCHEMA {name}")).await.expect("a schema");
    let sign = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{sign}options=-c%20search_path%3D{name}&application_name=jeton-{name}");
    (Database::postgres(&url, None, 4).expect("a URL"), name)
}

/// An empty store, gone with this value.
pub(crate) struct Fresh {
    pub(crate) store: Store,
    pub(crate) database: Database,
    /// On PostgreSQL, the schema it is in.
    pub(crate) schema: Option<String>,
    _folder: Option<tempfile::TempDir>,
}

impl Fresh {
    async fn open(database: Database, folder: Option<tempfile::TempDir>, schema: Option<String>) -> Self {
        Self { store: Store::open(&database).await.expect("a new store"), database, schema, _folder: folder }
    }

    /// The same store as another process sees it.
    pub(crate) async fn again(&self) -> Store {
        Store::open(&self.database).await.expect("the store again")
    }
}

/// A store with a realm `acme` and one of each noun in it.
pub(crate) struct World {
    pub(crate) fresh: Fresh,
    pub(crate) store: Store,
    pub(crate) realm: Realm,
    pub(crate) ann: Principal,
    pub(crate) client: Client,
    pub(crate) key: ApiKey,
    pub(crate) target: Target,
}

pub(crate) async fn worlds() -> Vec<World> {
    let mut worlds = Vec::new();
    for fresh in stores().await {
        let store = fresh.store.clone();
        let realm = realm(1, "acme");
        store.add_realm(&realm, audit("realm.added")).await.expect("a realm");
        let ann = store.add_principal(&person(&realm, 2, "Ann"), audit("principal.added")).await.expect("a person");
        let client = store.add_client(&client(&realm, 3, "web"), audit("client.added")).await.expect("a client");
        let key = store.add_api_key(&api_key(&realm, 6, "k-1"), audit("api_key.added")).await.expect("an API key");
        let target = Target { id: id(9), number: 77, name: "Expo".to_owned(), enabled: true, created_at: at(0) };
        store.add_target(realm.id, &target, audit("target.added")).await.expect("a target");
        let membership = Membership { level: "Admin".to_owned(), password: Some("phc-expo".to_owned()) };
        store.put_membership(target.id, ann.id, &membership, audit("membership.put")).await.expect("a membership");
        let ann = store.principal(ann.id).await.expect("a read").expect("ann");
        worlds.push(World { fresh, store, realm, ann, client, key, target });
    }
    worlds
}

impl World {
    pub(crate) async fn load(&self, query: Query<'_>) -> Facts {
        load(&self.store, query).await
    }

    pub(crate) async fn token(&self, digest: u64) -> Option<TokenFacts> {
        self.load(Query { token: Some(self::digest(digest)), ..Query::default() }).await.token
    }

    /// A session of Ann's that begins at `started` and ends a day later.
    pub(crate) fn session(&self, n: u64, started: i64) -> Session {
        Session {
            id: id(n),
            realm_id: self.realm.id,
            principal_id: self.ann.id,
            actor_id: None,
            api_key_id: None,
            client_id: None,
            target_id: None,
            dialect: "oauth".to_owned(),
            scope: "read".to_owned(),
            bounds: Bounds::default(),
            started_at: at(started),
            expires_at: at(started + DAY),
            last_used_at: at(started),
            idle_secs: None,
            generation: 0,
            renewed_at: None,
            ended_at: None,
        }
    }

    pub(crate) async fn start(&self, session: Session) {
        self.store.commit(vec![Change::StartSession(session)]).await.expect("a session");
    }
}

/// Facts of the realm `acme`, which is there.
pub(crate) async fn load(store: &Store, query: Query<'_>) -> Facts {
    store.load(&Query { realm: "acme", ..query }).await.expect("a read").expect("the realm")
}

pub(crate) const DAY: i64 = 86_400;

/// This many seconds into the story.
pub(crate) fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_800_000_000 + secs)
}

pub(crate) fn id(n: u64) -> Id {
    Id::derived(u128::from(n).to_be_bytes())
}

pub(crate) fn digest(n: u64) -> Digest {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    Digest(bytes)
}

/// The end of a token without a session, of the realm `acme`.
pub(crate) fn end_token(n: u64, until: i64) -> Change {
    Change::EndToken { digest: digest(n), realm_id: id(1), jti: format!("jti-{n}"), at: at(0), expires_at: at(until) }
}

pub(crate) fn audit(event: &'static str) -> Audit {
    Audit {
        at: at(0),
        realm_id: None,
        event,
        principal_id: None,
        session_id: None,
        source: "local".to_owned(),
        detail: String::new(),
    }
}

pub(crate) fn realm(n: u64, name: &str) -> Realm {
    Realm {
        id: id(n),
        name: name.to_owned(),
        enabled: true,
        not_before: Timestamp::EPOCH,
        created_at: at(0),
        settings: Settings::default(),
    }
}

pub(crate) fn person(realm: &Realm, n: u64, username: &str) -> NewPrincipal {
    NewPrincipal {
        id: id(n),
        realm_id: realm.id,
        kind: Kind::Person,
        number: None,
        username: username.to_owned(),
        profile: PersonProfile::default(),
        password: Some("phc-realm".to_owned()),
        created_at: at(0),
    }
}

pub(crate) fn service(realm: &Realm, n: u64, username: &str) -> NewPrincipal {
    NewPrincipal { kind: Kind::Service, password: None, ..person(realm, n, username) }
}

/// A client in row `n`, its service in the next, its secret in the one after.
pub(crate) fn client(realm: &Realm, n: u64, client_id: &str) -> NewClient {
    NewClient {
        id: id(n),
        realm_id: realm.id,
        client_id: client_id.to_owned(),
        settings: ClientSettings { scopes: vec!["read".to_owned()], ..ClientSettings::default() },
        service: Service::New(service(realm, n + 1, &format!("client-{client_id}"))),
        secrets: vec![secret(n + 2)],
        registration: None,
        created_at: at(0),
    }
}

/// An initial access token that registers `uses` clients within a minute.
pub(crate) fn initial_access_token(realm: &Realm, n: u64, uses: i64) -> InitialAccessToken {
    InitialAccessToken {
        id: id(n),
        realm_id: realm.id,
        digest: digest(n),
        bounds: RegistrationBounds {
            scopes: vec!["read".to_owned(), "write".to_owned()],
            ..RegistrationBounds::default()
        },
        uses_left: uses,
        created_at: at(0),
        expires_at: at(60),
    }
}

/// A device of the client that waits for a minute.
pub(crate) fn device(client: &Client) -> DeviceAuthorization {
    DeviceAuthorization {
        device_code: digest(8),
        user_code: digest(9),
        realm_id: client.service.realm_id,
        client_id: client.id,
        scope: "read".to_owned(),
        bounds: Bounds { audience: Some(vec!["https://a.example".to_owned()]), ..Bounds::default() },
        created_at: at(0),
        expires_at: at(60),
        polled_at: None,
        interval_secs: 5,
        verdict: None,
    }
}

/// An API key in row `n`, its service in the next, its secret in the one after.
pub(crate) fn api_key(realm: &Realm, n: u64, key_id: &str) -> NewApiKey {
    NewApiKey {
        id: id(n),
        realm_id: realm.id,
        key_id: key_id.to_owned(),
        expires_at: None,
        service: Service::New(service(realm, n + 1, &format!("key-{key_id}"))),
        secrets: vec![secret(n + 2)],
        created_at: at(0),
    }
}

pub(crate) fn secret(n: u64) -> StoredSecret {
    StoredSecret { id: id(n), digest: digest(n), created_at: at(0), expires_at: None }
}

/// An access token of the `generation`-th of a session, good for an hour.
pub(crate) fn token(n: u64, session: &Session, generation: i64, issued: i64) -> Token {
    Token {
        digest: digest(n),
        kind: TokenKind::Access,
        session_id: session.id,
        generation,
        bounds: Bounds::default(),
        issued_at: at(issued),
        expires_at: at(issued + 3600),
        forget_at: at(issued + 3600),
    }
}

pub(crate) fn keys(pair: u64, account: u64, source: u64) -> ThrottleKeys {
    ThrottleKeys { pair: digest(pair), account: digest(account), source: digest(source) }
}
