//! A server of its own for one check: on loopback, over a store that goes when it ends, its clock set by the check.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use jeton_client::flow::{Request, Response};
use jeton_client::transport::Transport;
use jeton_core::change::Audit;
use jeton_core::dialect::{Dialect, Kind, Origin, OwnedRequest, Slot, Value, Values};
use jeton_core::domain::client::{ClientSettings, StoredSecret};
use jeton_core::domain::grant::GrantType;
use jeton_core::domain::id::Id;
use jeton_core::domain::policy::Format;
use jeton_core::domain::principal::{self, PersonProfile, Principal};
use jeton_core::domain::realm::{Mount, Realm, Settings};
use jeton_core::domain::target::{Membership, Target};
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;
use jeton_core::token::opaque;
use jeton_core::token::pepper::Purpose;
use jeton_gate::Upstream;
use jeton_server::app::{App, Site};
use jeton_server::clock::Clock;
use jeton_server::dialects::Dialects;
use jeton_server::gates::Gates;
use jeton_server::http::{Http, router};
use jeton_server::listen::Listener;
use jeton_server::random::SystemRng;
use jeton_server::sealing::MasterKeys;
use jeton_store::{Database, NewApiKey, NewClient, NewPrincipal, Service, Store};
use rand_core::Rng;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::dialect::file::DialectFile;

/// The realm that speaks the dialect.
pub(super) const REALM: &str = "check";
/// Where the API behind the gate is: it answers every call that is let in.
pub(super) const API: &str = "/.jeton/check";
const USERNAME: &str = "ada@example.org";
const TARGET: i64 = 2026;

/// A running server, and what is right to sign in with.
pub(super) struct World {
    pub(super) app: App,
    pub(super) clock: Clock,
    pub(super) url: String,
    /// The right values of a sign-in: names, ids and secrets.
    pub(super) right: Values,
    /// Everybody in the realm: the person, the API key's service and the client's.
    pub(super) principals: Vec<Id>,
    pub(super) settings: Values,
    pub(super) folder: TempDir,
    transport: Transport,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl World {
    /// Starts a server whose realm speaks the dialect, and makes somebody for each way to sign in.
    pub(super) async fn begin(dialect: &Dialect, file: &DialectFile) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("jeton-check-").tempdir().context("no temporary folder")?;
        // A copy: what is checked is what was read.
        let copy = folder.path().join("dialect.toml");
        std::fs::write(&copy, &file.text)?;
        let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let url = format!("http://{}", listener.local_addr());
        let master = MasterKeys::generate(&folder.path().join("master.key"))?;
        let store = Store::open(&Database::file(folder.path().join("jeton.db"))).await?;
        let clock = Clock::standing_at(Clock::system().now().whole_secs());
        let app = App::new(store, master, Dialects::load(vec![copy])?, clock.clone(), Site::at(&url)).await?;
        let texts = settings(dialect);
        let borrowed = texts.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let settings = dialect.settings(borrowed).map_err(anyhow::Error::msg)?;
        let (right, principals) = Seed { app: &app, now: clock.now() }.all(dialect, texts).await?;

        let upstream = Upstream::service(Router::new().fallback(|| async { "let in" }));
        let gates = Gates::new(app.clone(), vec![(REALM.to_owned(), upstream)]);
        let http = Http { app: app.clone(), gates: Arc::new(gates) };
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(listener.serve(router(http), async {
            let _ = stopped.await;
        }));
        let transport = Transport::new(None)?;
        Ok(Self { app, clock, url, right, principals, settings, folder, transport, stop, serving })
    }

    /// Stops the server.
    pub(super) async fn end(self) {
        drop(self.stop);
        // It ends by itself; what it might have to say of that is nobody's business here.
        let _ = self.serving.await;
        self.app.store.close().await;
    }

    /// The answer to a request.
    pub(super) async fn send(&self, request: OwnedRequest) -> Result<Response, String> {
        let OwnedRequest { method, target, mut headers, body } = request;
        // A server that refuses a long body closes, and the next request shall not meet that.
        headers.push(("Connection".to_owned(), "close".to_owned()));
        let (url, body) = (format!("{}{target}", self.url), Secret::new(body));
        let request = Request { method, url, headers, body, asked: Values::new() };
        self.transport.send(request).await.map_err(|error| error.to_string())
    }

    /// A value for each of these slots: the right ones, and any of the right type for the rest that is required.
    pub(super) fn values(&self, dialect: &Dialect, slots: &[Slot]) -> Values {
        let mut values = Values::new();
        for slot in slots {
            let made = dialect.fields.iter().any(|field| field.name == slot.name && field.made);
            match self.right.get(&slot.name) {
                Some(right) => values.set(slot.name.as_str(), right.clone()),
                None if slot.required || made => values.set(slot.name.as_str(), any_value(slot.kind)),
                None => {}
            }
        }
        values
    }

    /// Enables or disables everybody in the realm.
    pub(super) async fn set_enabled(&self, enabled: bool) -> anyhow::Result<()> {
        let seed = Seed { app: &self.app, now: self.clock.now() };
        for id in &self.principals {
            self.app.store.set_principal_enabled(*id, enabled, seed.record(None)).await?;
        }
        Ok(())
    }
}

/// A value of this type that says nothing.
fn any_value(kind: Kind) -> Value {
    match kind {
        Kind::Number => Value::Number(7),
        Kind::Bool => Value::Bool(true),
        Kind::Time => Value::Time(Timestamp::from_secs(1_768_489_200)),
        Kind::Uuid | Kind::Uuid4 => Value::from(Id::random(&mut SystemRng::new()).to_string()),
        Kind::Dotted => Value::from("check.this"),
        Kind::Secret => Value::Secret(Secret::new(opaque::base62(24, &mut SystemRng::new()))),
        Kind::Text => Value::from("check"),
    }
}

fn text_of(value: Value) -> String {
    match value {
        Value::Text(text) => text,
        Value::Secret(secret) => secret.expose().clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Time(time) => time.as_secs().to_string(),
    }
}

/// Something for every setting without a default.
fn settings(dialect: &Dialect) -> BTreeMap<String, String> {
    let fields = dialect.fields.iter();
    let bare = fields.filter(|field| field.origin == Origin::Setting && field.default.is_none());
    bare.map(|field| (field.name.clone(), text_of(any_value(field.kind)))).collect()
}

/// Makes everybody who can sign in.
struct Seed<'a> {
    app: &'a App,
    now: Timestamp,
}

impl Seed<'_> {
    async fn all(&self, dialect: &Dialect, texts: BTreeMap<String, String>) -> anyhow::Result<(Values, Vec<Id>)> {
        let realm = self.realm(dialect, texts).await?;
        let person = self.person(&realm, dialect).await?;
        let password = self.password(&person, None).await?;
        let mut right = Values::new()
            .with("username", USERNAME)
            .with("password", password)
            .with("person.id", person.id.to_string())
            .with("person.number", person.number)
            .with("person.username", USERNAME);
        if let Some(policy) = &dialect.policy.target {
            let level = policy.levels.first().map(|(name, _)| name.clone()).unwrap_or_default();
            let target =
                Target { id: self.id(), number: TARGET, name: "Check".to_owned(), enabled: true, created_at: self.now };
            self.app.store.add_target(realm.id, &target, self.record(Some(realm.id))).await?;
            let member = Membership { level, password: None };
            self.app.store.put_membership(target.id, person.id, &member, self.record(Some(realm.id))).await?;
        }
        let (key_id, key_secret, key_service) = self.api_key(&realm).await?;
        let (client_id, client_secret, client_service) = self.client(&realm).await?;
        right.set("key_id", key_id);
        right.set("key_secret", key_secret);
        right.set("client_id", client_id);
        right.set("client_secret", client_secret);
        Ok((right, vec![person.id, key_service, client_service]))
    }

    async fn realm(&self, dialect: &Dialect, values: BTreeMap<String, String>) -> anyhow::Result<Realm> {
        let mount = Mount { dialect: dialect.name.clone(), host: None, prefix: String::new() };
        let settings =
            Settings { dialects: vec![mount], values, gate: vec![format!("GET {API}")], ..Settings::default() };
        let algs = match dialect.policy.format {
            Format::Jwt(alg) => vec![settings.alg, alg],
            Format::Opaque(_) => vec![settings.alg],
        };
        let realm = Realm {
            id: self.id(),
            name: REALM.to_owned(),
            enabled: true,
            not_before: Timestamp::EPOCH,
            created_at: self.now,
            settings,
        };
        self.app.store.add_realm(&realm, self.record(Some(realm.id))).await?;
        for alg in algs {
            self.app.signer(realm.id, alg).await?;
        }
        Ok(realm)
    }

    async fn person(&self, realm: &Realm, dialect: &Dialect) -> anyhow::Result<Principal> {
        let mut attributes: BTreeMap<String, String> =
            [("given_name", "Ada"), ("family_name", "Example"), ("name", "Ada Example"), ("email", USERNAME)]
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
        for field in dialect.fields.iter().filter(|field| field.origin == Origin::Person) {
            attributes.insert(field.name.clone(), text_of(any_value(field.kind)));
        }
        let profile = PersonProfile { attributes: attributes.into_iter().collect(), may_act_as: Vec::new() };
        let new = NewPrincipal { profile, ..self.principal(realm, principal::Kind::Person, USERNAME) };
        Ok(self.app.store.add_principal(&new, self.record(Some(realm.id))).await?)
    }

    async fn password(&self, person: &Principal, target: Option<Id>) -> anyhow::Result<Secret<String>> {
        let mut rng = SystemRng::new();
        let password = Secret::new(opaque::base62(24, &mut rng));
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        let hashed = self.app.hashing.hash(password.clone(), salt).await;
        let phc = hashed.map_err(|_| anyhow::anyhow!("password hashing is busy"))?;
        let record = self.record(Some(person.realm_id));
        self.app.store.set_password(person.id, target, &phc, false, self.now, record).await?;
        Ok(password)
    }

    async fn api_key(&self, realm: &Realm) -> anyhow::Result<(String, Secret<String>, Id)> {
        let (secret, stored) = self.secret();
        let key_id = Id::random(&mut SystemRng::new()).to_string();
        let service = self.principal(realm, principal::Kind::Service, &key_id);
        let speaks_for = service.id;
        let new = NewApiKey {
            id: self.id(),
            realm_id: realm.id,
            key_id: key_id.clone(),
            expires_at: None,
            service: Service::New(service),
            secrets: vec![stored],
            created_at: self.now,
        };
        self.app.store.add_api_key(&new, self.record(Some(realm.id))).await?;
        Ok((key_id, secret, speaks_for))
    }

    async fn client(&self, realm: &Realm) -> anyhow::Result<(String, Secret<String>, Id)> {
        let (secret, stored) = self.secret();
        let client_id = "check-client".to_owned();
        let service = self.principal(realm, principal::Kind::Service, &client_id);
        let speaks_for = service.id;
        let settings = ClientSettings {
            grants: vec![GrantType::ClientCredentials],
            scopes: vec!["check".to_owned()],
            ..ClientSettings::default()
        };
        let new = NewClient {
            id: self.id(),
            realm_id: realm.id,
            client_id: client_id.clone(),
            settings,
            service: Service::New(service),
            secrets: vec![stored],
            registration: None,
            created_at: self.now,
        };
        self.app.store.add_client(&new, self.record(Some(realm.id))).await?;
        Ok((client_id, secret, speaks_for))
    }

    fn secret(&self) -> (Secret<String>, StoredSecret) {
        let secret = opaque::new_secret(&mut SystemRng::new());
        let digest = self.app.pepper.digest(Purpose::Secret, &[secret.expose().as_bytes()]);
        (secret, StoredSecret { id: self.id(), digest, created_at: self.now, expires_at: None })
    }

    fn principal(&self, realm: &Realm, kind: principal::Kind, name: &str) -> NewPrincipal {
        NewPrincipal {
            id: self.id(),
            realm_id: realm.id,
            kind,
            number: None,
            username: name.to_owned(),
            profile: PersonProfile::default(),
            password: None,
            created_at: self.now,
        }
    }

    fn id(&self) -> Id {
        Id::new(self.now, &mut SystemRng::new())
    }

    fn record(&self, realm_id: Option<Id>) -> Audit {
        Audit {
            at: self.now,
            realm_id,
            event: "check.made",
            principal_id: None,
            session_id: None,
            source: "local".to_owned(),
            detail: String::new(),
        }
    }
}
