//! The realms of every test server, and what an operator does to them.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use jeton_core::change::Audit;
use jeton_core::domain::client::{ClientSettings, StoredSecret};
use jeton_core::domain::id::Id;
use jeton_core::domain::policy::Alg;
use jeton_core::domain::principal::{Kind, PersonProfile, Principal};
use jeton_core::domain::realm::{Mount, Profile, Realm, Settings};
use jeton_core::domain::registration::Registration;
use jeton_core::domain::target::{Membership, Target};
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;
use jeton_core::token::opaque;
use jeton_core::token::pepper::Purpose;
use jeton_server::app::App;
use jeton_server::random::SystemRng;
use jeton_store::{NewApiKey, NewClient, NewPrincipal, Owner, Service};

/// A person's sign-in name and password.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    pub(crate) username: &'static str,
    pub(crate) password: &'static str,
}

/// In the realm `inevent`: number 4711, Admin of the event [`EVENT`].
pub(crate) const ADA: Person =
    Person { username: "ada+x&y=%@example.org", password: "correct horse +&%=@/\u{fc} battery" };
/// In the realm `pitchpoint`: number 1223, may act as [`BOB`].
pub(crate) const GRACE: Person = Person { username: "grace", password: "g%2B race & \"co\" \\ \u{1f600}" };
/// In the realm `pitchpoint`: number 1224, may act as nobody.
pub(crate) const BOB: Person = Person { username: "bob", password: "bob's builder 2026" };
/// The number of the event in the realm `inevent`.
pub(crate) const EVENT: &str = "2026";
/// Ada's password for the event.
pub(crate) const EVENT_PASSWORD: &str = "event +&%= pass";

/// A program's id and secret.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// What the seeded realms' programs prove themselves with.
pub(super) struct Seeded {
    pub(super) ion: Key,
    pub(super) zro: Key,
    pub(super) plain: Key,
}

/// What an operator does, over the store. Every change is seen at the next request.
pub(crate) struct Seed<'a> {
    pub(super) app: &'a App,
}

impl Seed<'_> {
    pub(super) async fn all(&self) -> Seeded {
        self.events().await;
        self.orders().await;
        let keycloak = Settings {
            dialects: vec![mount("ion")],
            alg: Alg::RS256,
            profile: Profile::Keycloak,
            gate: rules(&["POST /graphql"]),
            ..Settings::default()
        };
        self.realm("api-keys", keycloak).await;
        let wallets = Settings {
            dialects: vec![mount("zro")],
            gate: rules(&["GET /operations/wallets", "GET /health anonymous"]),
            ..Settings::default()
        };
        self.realm("zro", wallets).await;
        let plain = Settings {
            gate: rules(&["* /plain/*", "* /plain-email/* scope=email", "* /plain-open anonymous"]),
            ..Settings::default()
        };
        self.realm("plain", plain).await;
        let service = ClientSettings {
            grants: vec![jeton_core::domain::grant::GrantType::ClientCredentials],
            scopes: vec!["profile".to_owned(), "email".to_owned()],
            ..ClientSettings::default()
        };
        Seeded {
            ion: self.client("api-keys", "ion-key-1", service.clone()).await,
            zro: self.api_key("zro").await,
            plain: self.client("plain", "service", service).await,
        }
    }

    async fn events(&self) {
        let settings = Settings {
            dialects: vec![mount("inevent")],
            gate: rules(&[
                "GET,POST / ?action=api.describe",
                "GET,POST / ?action=person.get",
                "GET,POST / ?action=event.get target=eventID",
                "GET,POST /api/describe",
                "GET,POST /person/get",
                "GET,POST /api ?action=person.get",
                "GET,POST /api/person/get",
            ]),
            ..Settings::default()
        };
        self.realm("inevent", settings).await;
        let attributes =
            [("given_name", "Ada"), ("family_name", "Example"), ("name", "Ada Example"), ("email", "ada@example.org")];
        self.person("inevent", ADA, 4711, &attributes, &[]).await;
        self.target("inevent", 2026, "Summer Gathering").await;
        self.member("inevent", 2026, ADA.username, "Admin", Some(EVENT_PASSWORD)).await;
    }

    async fn orders(&self) {
        let settings = Settings {
            dialects: vec![mount("pitchpoint")],
            gate: rules(&["POST /riskinsight-services-ws/resources/v1/orders/query"]),
            ..Settings::default()
        };
        self.realm("pitchpoint", settings).await;
        let grace = [("email", "grace@example.org"), ("email_verified", "true")];
        self.person("pitchpoint", GRACE, 1223, &grace, &["bob"]).await;
        self.person("pitchpoint", BOB, 1224, &[("email", "bob@example.org")], &[]).await;
    }

    /// A new realm.
    pub(crate) async fn realm(&self, name: &str, settings: Settings) -> Realm {
        let realm = Realm {
            id: self.id(),
            name: name.to_owned(),
            enabled: true,
            not_before: Timestamp::EPOCH,
            created_at: self.now(),
            settings,
        };
        self.app.store.add_realm(&realm, self.record()).await.unwrap();
        realm
    }

    /// The realm of this name.
    pub(crate) async fn find_realm(&self, name: &str) -> Realm {
        self.app.store.realm(name).await.unwrap().unwrap_or_else(|| panic!("no realm {name}"))
    }

    /// Changes a realm's settings.
    pub(crate) async fn configure(&self, realm: &str, change: impl FnOnce(&mut Settings)) {
        let mut realm = self.find_realm(realm).await;
        change(&mut realm.settings);
        self.app.store.set_realm_settings(realm.id, &realm.settings, self.record()).await.unwrap();
    }

    /// Enables or disables a realm.
    pub(crate) async fn enable_realm(&self, realm: &str, enabled: bool) {
        let realm = self.find_realm(realm).await;
        self.app.store.set_realm_enabled(realm.id, enabled, self.record()).await.unwrap();
    }

    /// A new person with a realm-wide password.
    pub(crate) async fn person(
        &self,
        realm: &str,
        person: Person,
        number: i64,
        attributes: &[(&str, &str)],
        may_act_as: &[&str],
    ) -> Principal {
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let may_act_as = may_act_as.iter().map(|name| (*name).to_owned()).collect();
        let new = NewPrincipal {
            id: self.id(),
            realm_id: self.find_realm(realm).await.id,
            kind: Kind::Person,
            number: Some(number),
            username: person.username.to_owned(),
            profile: PersonProfile { attributes, may_act_as },
            password: Some(self.hash(person.password).await),
            created_at: self.now(),
        };
        self.app.store.add_principal(&new, self.record()).await.unwrap()
    }

    /// The person or service of this name.
    pub(crate) async fn find_principal(&self, realm: &str, username: &str) -> Principal {
        let realm = self.find_realm(realm).await;
        let found = self.app.store.principal_named(realm.id, username).await.unwrap();
        found.unwrap_or_else(|| panic!("nobody is named {username}"))
    }

    /// Enables or disables a person or service.
    pub(crate) async fn enable_principal(&self, realm: &str, username: &str, enabled: bool) {
        let found = self.find_principal(realm, username).await;
        self.app.store.set_principal_enabled(found.id, enabled, self.record()).await.unwrap();
    }

    /// Sets the password for the realm, or for a target. A person's new password ends all sessions.
    pub(crate) async fn set_password(&self, realm: &str, username: &str, target: Option<i64>, password: &str) {
        let found = self.find_principal(realm, username).await;
        let place = match target {
            Some(number) => Some(self.find_target(realm, number).await.id),
            None => None,
        };
        let phc = self.hash(password).await;
        let ends = target.is_none();
        self.app.store.set_password(found.id, place, &phc, ends, self.now(), self.record()).await.unwrap();
    }

    /// A new target.
    pub(crate) async fn target(&self, realm: &str, number: i64, name: &str) -> Target {
        let realm_id = self.find_realm(realm).await.id;
        let target = Target { id: self.id(), number, name: name.to_owned(), enabled: true, created_at: self.now() };
        self.app.store.add_target(realm_id, &target, self.record()).await.unwrap();
        target
    }

    /// The target of this number.
    pub(crate) async fn find_target(&self, realm: &str, number: i64) -> Target {
        let realm = self.find_realm(realm).await;
        let found = self.app.store.target(realm.id, number).await.unwrap();
        found.unwrap_or_else(|| panic!("no target {number}"))
    }

    /// Puts a person into a target.
    pub(crate) async fn member(&self, realm: &str, target: i64, username: &str, level: &str, password: Option<&str>) {
        let (target, person) = (self.find_target(realm, target).await, self.find_principal(realm, username).await);
        let password = match password {
            Some(password) => Some(self.hash(password).await),
            None => None,
        };
        let member = Membership { level: level.to_owned(), password };
        self.app.store.put_membership(target.id, person.id, &member, self.record()).await.unwrap();
    }

    /// A new client with one secret.
    pub(crate) async fn client(&self, realm: &str, client_id: &str, settings: ClientSettings) -> Key {
        let (secret, stored) = self.secret();
        self.client_with(realm, client_id, settings, stored, None).await;
        Key { id: client_id.to_owned(), secret }
    }

    /// A new client with this secret, and how it registered itself, if it did.
    pub(crate) async fn client_with(
        &self,
        realm: &str,
        client_id: &str,
        settings: ClientSettings,
        secret: StoredSecret,
        registration: Option<Registration>,
    ) {
        let realm_id = self.find_realm(realm).await.id;
        let new = NewClient {
            id: self.id(),
            realm_id,
            client_id: client_id.to_owned(),
            settings,
            service: Service::New(self.service(realm_id, client_id)),
            secrets: vec![secret],
            registration,
            created_at: self.now(),
        };
        self.app.store.add_client(&new, self.record()).await.unwrap();
    }

    /// Changes a client's settings.
    pub(crate) async fn configure_client(
        &self,
        realm: &str,
        client_id: &str,
        change: impl FnOnce(&mut ClientSettings),
    ) {
        let realm = self.find_realm(realm).await;
        let mut client = self.app.store.client(realm.id, client_id).await.unwrap().unwrap();
        change(&mut client.settings);
        self.app.store.set_client_settings(client.id, &client.settings, self.record()).await.unwrap();
    }

    /// Removes all secrets of a client.
    pub(crate) async fn remove_secrets(&self, realm: &str, client_id: &str) {
        let owner = self.owner(realm, client_id).await;
        self.app.store.remove_secrets(owner, self.record()).await.unwrap();
    }

    /// Gives a client this secret.
    pub(crate) async fn add_secret(&self, realm: &str, client_id: &str, secret: &str) {
        let owner = self.owner(realm, client_id).await;
        self.app.store.add_secret(owner, &self.stored(secret), None, self.record()).await.unwrap();
    }

    async fn owner(&self, realm: &str, client_id: &str) -> Owner {
        let realm = self.find_realm(realm).await;
        Owner::Client(self.app.store.client(realm.id, client_id).await.unwrap().unwrap().id)
    }

    /// Enables or disables a client.
    pub(crate) async fn enable_client(&self, realm: &str, client_id: &str, enabled: bool) {
        let realm = self.find_realm(realm).await;
        let client = self.app.store.client(realm.id, client_id).await.unwrap().unwrap();
        self.app.store.set_client_enabled(client.id, enabled, self.record()).await.unwrap();
    }

    /// A new API key for a new service.
    pub(crate) async fn api_key(&self, realm: &str) -> Key {
        let (secret, stored) = self.secret();
        let realm_id = self.find_realm(realm).await.id;
        let key_id = Id::random(&mut SystemRng::new()).to_string();
        let new = NewApiKey {
            id: self.id(),
            realm_id,
            key_id: key_id.clone(),
            expires_at: None,
            service: Service::New(self.service(realm_id, &key_id)),
            secrets: vec![stored],
            created_at: self.now(),
        };
        self.app.store.add_api_key(&new, self.record()).await.unwrap();
        Key { id: key_id, secret }
    }

    /// Enables or disables an API key.
    pub(crate) async fn enable_api_key(&self, realm: &str, key_id: &str, enabled: bool) {
        let realm = self.find_realm(realm).await;
        let key = self.app.store.api_key(realm.id, key_id).await.unwrap().unwrap();
        self.app.store.set_api_key_enabled(key.id, enabled, self.record()).await.unwrap();
    }

    /// A new secret, and what is stored of it.
    pub(crate) fn secret(&self) -> (String, StoredSecret) {
        let secret = opaque::new_secret(&mut SystemRng::new());
        (secret.expose().clone(), self.stored(secret.expose()))
    }

    /// What is stored of a secret.
    pub(crate) fn stored(&self, secret: &str) -> StoredSecret {
        let digest = self.app.pepper.digest(Purpose::Secret, &[secret.as_bytes()]);
        StoredSecret { id: self.id(), digest, created_at: self.now(), expires_at: None }
    }

    /// A new service, not yet added.
    pub(crate) fn service(&self, realm_id: Id, name: &str) -> NewPrincipal {
        NewPrincipal {
            id: self.id(),
            realm_id,
            kind: Kind::Service,
            number: None,
            username: name.to_owned(),
            profile: PersonProfile::default(),
            password: None,
            created_at: self.now(),
        }
    }

    /// Argon2id of a password. Made once per process: hashing is slow on purpose.
    async fn hash(&self, password: &str) -> String {
        static KNOWN: LazyLock<Mutex<HashMap<String, String>>> = LazyLock::new(Mutex::default);
        let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(phc) = known().get(password) {
            return phc.clone();
        }
        let phc = self.app.hashing.hash(Secret::from(password), [7; 16]).await.unwrap();
        known().insert(password.to_owned(), phc.clone());
        phc
    }

    fn now(&self) -> Timestamp {
        self.app.clock.now()
    }

    fn id(&self) -> Id {
        Id::new(self.now(), &mut SystemRng::new())
    }

    /// A line of the audit trail for a change over the store.
    pub(crate) fn record(&self) -> Audit {
        Audit {
            at: self.now(),
            realm_id: None,
            event: "test.change",
            principal_id: None,
            session_id: None,
            source: "local".to_owned(),
            detail: String::new(),
        }
    }
}

/// A dialect at the root.
pub(crate) fn mount(dialect: &str) -> Mount {
    Mount { dialect: dialect.to_owned(), host: None, prefix: String::new() }
}

/// Rules of the gate.
pub(crate) fn rules(rules: &[&str]) -> Vec<String> {
    rules.iter().map(|rule| (*rule).to_owned()).collect()
}
