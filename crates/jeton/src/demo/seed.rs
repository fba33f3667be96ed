//! The demo's realms, people, targets and keys. At a later start on the same store they are found again and
//! given new secrets; what was issued before ends.

use anyhow::{Context, bail};
use jeton_core::change::Audit;
use jeton_core::domain::client::{ClientSettings, StoredSecret};
use jeton_core::domain::grant::GrantType;
use jeton_core::domain::id::Id;
use jeton_core::domain::policy::{Alg, Format};
use jeton_core::domain::principal::{Kind, PersonProfile, Principal};
use jeton_core::domain::realm::{Mount, Profile, Realm, Settings};
use jeton_core::domain::target::{Membership, Target};
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;
use jeton_core::token::opaque;
use jeton_core::token::pepper::Purpose;
use jeton_server::app::App;
use jeton_server::random::SystemRng;
use jeton_store::{NewApiKey, NewClient, NewPrincipal, Owner, Service};
use rand_core::Rng;

use super::credentials::{Credentials, EventCredentials, KeyCredentials, PersonCredentials};

/// InEvent's realm.
pub(super) const EVENTS: &str = "inevent";
/// Pitchpoint's realm.
pub(super) const ORDERS: &str = "pitchpoint";
/// ION's realm, by the name that stands in its path.
pub(super) const RUNS: &str = "api-keys";
/// Zro's realm.
pub(super) const WALLETS: &str = "zro";

const EVENT: i64 = 2026;

/// Makes or finds everything, with new secrets.
pub(super) async fn seed(app: &App) -> anyhow::Result<Credentials> {
    let seed = Seed { app, now: app.clock.now() };
    Ok(Credentials {
        events: seed.events().await.context(EVENTS)?,
        orders: seed.orders().await.context(ORDERS)?,
        runs: seed.runs().await.context(RUNS)?,
        wallets: seed.wallets().await.context(WALLETS)?,
    })
}

/// Makes sure that a database that others may use too is the demo's own: empty and now marked as such, or marked before.
/// The demo gives new secrets to what it finds, and ends what was issued.
pub(super) async fn claim(app: &App) -> anyhow::Result<()> {
    const MARK: &str = "demo";
    if app.store.meta(MARK).await?.is_some() {
        return Ok(());
    }
    let realms = app.store.realms().await?;
    if !realms.is_empty() {
        let names: Vec<_> = realms.into_iter().map(|realm| realm.name).collect();
        bail!("it holds realms that no demo made ({}); give the demo a database of its own", names.join(", "));
    }
    let record = Audit {
        at: app.clock.now(),
        realm_id: None,
        event: "demo.began",
        principal_id: None,
        session_id: None,
        source: "local".to_owned(),
        detail: String::new(),
    };
    // Sealed like everything there, so that a change of the master key finds nothing else.
    app.store.put_meta_if_absent(MARK, &app.master.seal(MARK, MARK.as_bytes())?, record).await?;
    Ok(())
}

struct Seed<'a> {
    app: &'a App,
    now: Timestamp,
}

impl Seed<'_> {
    async fn events(&self) -> anyhow::Result<EventCredentials> {
        let realm = self
            .realm(
                EVENTS,
                Settings {
                    dialects: vec![mount("inevent")],
                    gate: rules(&[
                        "GET,POST / ?action=api.describe",
                        "GET,POST / ?action=person.get",
                        "GET,POST /api/describe",
                        "GET,POST /person/get",
                        "GET,POST /api ?action=api.describe",
                        "GET,POST /api ?action=person.get",
                        "GET,POST /api/ ?action=api.describe",
                        "GET,POST /api/ ?action=person.get",
                        "GET,POST /api/api/describe",
                        "GET,POST /api/person/get",
                    ]),
                    ..Settings::default()
                },
            )
            .await?;
        let username = "ada@example.org";
        let attributes =
            [("given_name", "Ada"), ("family_name", "Example"), ("name", "Ada Example"), ("email", username)];
        let ada = self.person(&realm, username, 4711, &attributes, &[]).await?;
        let password = self.password(&ada, None).await?;

        let event = match self.app.store.target(realm.id, EVENT).await? {
            Some(event) => event,
            None => {
                let name = "Summer Gathering".to_owned();
                let event = Target { id: self.id(), number: EVENT, name, enabled: true, created_at: self.now };
                self.app.store.add_target(realm.id, &event, self.record(realm.id, "target.added")).await?;
                event
            }
        };
        let admin = Membership { level: "Admin".to_owned(), password: None };
        self.app.store.put_membership(event.id, ada.id, &admin, self.record(realm.id, "member.set")).await?;
        let event_password = self.password(&ada, Some(event.id)).await?;
        Ok(EventCredentials { username: username.to_owned(), password, event_id: EVENT.to_string(), event_password })
    }

    async fn orders(&self) -> anyhow::Result<PersonCredentials> {
        let realm = self
            .realm(
                ORDERS,
                Settings {
                    dialects: vec![mount("pitchpoint")],
                    gate: rules(&["POST /riskinsight-services-ws/resources/v1/orders/query"]),
                    ..Settings::default()
                },
            )
            .await?;
        let colleague = [("email", "bob@example.org"), ("name", "Bob Example")];
        self.person(&realm, "bob", 1224, &colleague, &[]).await?;
        let username = "grace";
        let attributes = [("email", "grace@example.org"), ("name", "Grace Example"), ("email_verified", "true")];
        let grace = self.person(&realm, username, 1223, &attributes, &["bob"]).await?;
        let password = self.password(&grace, None).await?;
        Ok(PersonCredentials { username: username.to_owned(), password })
    }

    async fn runs(&self) -> anyhow::Result<KeyCredentials> {
        let realm = self
            .realm(
                RUNS,
                Settings {
                    dialects: vec![mount("ion")],
                    alg: Alg::RS256,
                    profile: Profile::Keycloak,
                    gate: rules(&["POST /graphql"]),
                    // Off in a new realm; here to be tried.
                    grants: [Settings::default().grants, vec![GrantType::JwtBearer, GrantType::TokenExchange]].concat(),
                    ..Settings::default()
                },
            )
            .await?;
        let (secret, stored) = self.secret();
        let client_id = match self.app.store.clients(realm.id).await?.into_iter().next() {
            Some(client) => {
                self.replace_secret(Owner::Client(client.id), &stored, realm.id).await?;
                client.client_id
            }
            None => {
                let client_id = format!("ion-{}", Id::random(&mut SystemRng::new()));
                let settings = ClientSettings {
                    grants: vec![GrantType::ClientCredentials],
                    scopes: vec!["profile".to_owned(), "email".to_owned()],
                    ..ClientSettings::default()
                };
                let new = NewClient {
                    id: self.id(),
                    realm_id: realm.id,
                    client_id: client_id.clone(),
                    settings,
                    service: Service::New(self.service(&realm, &client_id)),
                    secrets: vec![stored],
                    registration: None,
                    created_at: self.now,
                };
                self.app.store.add_client(&new, self.record(realm.id, "client.added")).await?;
                client_id
            }
        };
        Ok(KeyCredentials { id: client_id, secret })
    }

    async fn wallets(&self) -> anyhow::Result<KeyCredentials> {
        let realm = self
            .realm(
                WALLETS,
                Settings {
                    dialects: vec![mount("zro")],
                    gate: rules(&["GET /operations/*", "GET /health anonymous"]),
                    ..Settings::default()
                },
            )
            .await?;
        let (secret, stored) = self.secret();
        let key_id = match self.app.store.api_keys(realm.id).await?.into_iter().next() {
            Some(key) => {
                self.replace_secret(Owner::ApiKey(key.id), &stored, realm.id).await?;
                key.key_id
            }
            None => {
                let key_id = Id::random(&mut SystemRng::new()).to_string();
                let new = NewApiKey {
                    id: self.id(),
                    realm_id: realm.id,
                    key_id: key_id.clone(),
                    expires_at: None,
                    service: Service::New(self.service(&realm, &key_id)),
                    secrets: vec![stored],
                    created_at: self.now,
                };
                self.app.store.add_api_key(&new, self.record(realm.id, "api_key.added")).await?;
                key_id
            }
        };
        Ok(KeyCredentials { id: key_id, secret })
    }

    /// The realm of this name with its signing keys. One that was there before forgets what it issued.
    async fn realm(&self, name: &str, settings: Settings) -> anyhow::Result<Realm> {
        let store = &self.app.store;
        let realm = match store.realm(name).await? {
            Some(realm) => {
                // To the second: what a client is given within this second counts.
                let cut_off = self.now.whole_secs();
                store.set_realm_not_before(realm.id, cut_off, self.record(realm.id, "realm.revoked")).await?;
                store.end_realm_sessions(realm.id, cut_off, self.record(realm.id, "sessions.ended")).await?;
                store.set_realm_settings(realm.id, &settings, self.record(realm.id, "realm.set")).await?;
                Realm { settings, ..realm }
            }
            None => {
                let realm = Realm {
                    id: self.id(),
                    name: name.to_owned(),
                    enabled: true,
                    not_before: Timestamp::EPOCH,
                    created_at: self.now,
                    settings,
                };
                store.add_realm(&realm, self.record(realm.id, "realm.added")).await?;
                realm
            }
        };
        let mounted = realm.settings.dialects.iter().filter_map(|mount| self.app.dialects.get(&mount.dialect));
        let algs = mounted.filter_map(|dialect| match dialect.policy.format {
            Format::Jwt(alg) if !dialect.exchanges.is_empty() => Some(alg),
            _ => None,
        });
        for alg in std::iter::once(realm.settings.alg).chain(algs) {
            self.app.signer(realm.id, alg).await?;
        }
        Ok(realm)
    }

    async fn person(
        &self,
        realm: &Realm,
        username: &str,
        number: i64,
        attributes: &[(&str, &str)],
        may_act_as: &[&str],
    ) -> anyhow::Result<Principal> {
        let store = &self.app.store;
        if let Some(person) = store.principal_named(realm.id, username).await? {
            return Ok(person);
        }
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let may_act_as = may_act_as.iter().map(|name| (*name).to_owned()).collect();
        let new = NewPrincipal {
            id: self.id(),
            realm_id: realm.id,
            kind: Kind::Person,
            number: Some(number),
            username: username.to_owned(),
            profile: PersonProfile { attributes, may_act_as },
            password: None,
            created_at: self.now,
        };
        Ok(store.add_principal(&new, self.record(realm.id, "person.added")).await?)
    }

    /// A new random password for the realm, or for one target.
    async fn password(&self, person: &Principal, target: Option<Id>) -> anyhow::Result<String> {
        let mut rng = SystemRng::new();
        let password = opaque::base62(24, &mut rng);
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        let hashed = self.app.hashing.hash(Secret::from(password.as_str()), salt).await;
        let phc = hashed.map_err(|_| anyhow::anyhow!("password hashing is busy"))?;
        let record = self.record(person.realm_id, "password.set");
        self.app.store.set_password(person.id, target, &phc, false, self.now, record).await?;
        Ok(password)
    }

    fn secret(&self) -> (String, StoredSecret) {
        let secret = opaque::new_secret(&mut SystemRng::new());
        let digest = self.app.pepper.digest(Purpose::Secret, &[secret.expose().as_bytes()]);
        let stored = StoredSecret { id: self.id(), digest, created_at: self.now, expires_at: None };
        (secret.expose().clone(), stored)
    }

    async fn replace_secret(&self, owner: Owner, stored: &StoredSecret, realm_id: Id) -> anyhow::Result<()> {
        self.app.store.remove_secrets(owner, self.record(realm_id, "secret.removed")).await?;
        self.app.store.add_secret(owner, stored, None, self.record(realm_id, "secret.added")).await?;
        Ok(())
    }

    fn service(&self, realm: &Realm, name: &str) -> NewPrincipal {
        NewPrincipal {
            id: self.id(),
            realm_id: realm.id,
            kind: Kind::Service,
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

    fn record(&self, realm_id: Id, event: &'static str) -> Audit {
        Audit {
            at: self.now,
            realm_id: Some(realm_id),
            event,
            principal_id: None,
            session_id: None,
            source: "local".to_owned(),
            detail: "demo".to_owned(),
        }
    }
}

fn mount(dialect: &str) -> Mount {
    Mount { dialect: dialect.to_owned(), host: None, prefix: String::new() }
}

fn rules(rules: &[&str]) -> Vec<String> {
    rules.iter().map(|rule| (*rule).to_owned()).collect()
}
