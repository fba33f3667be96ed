//! The world of the matrix: proofs that are as good as can be, and every way to spoil them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jeton_core::domain::client::AuthMethod;
use jeton_core::domain::policy::Alg;
use jeton_core::domain::registration::RegistrationMode;
use jeton_core::rules::rotate_keys::KeyChange;
use jeton_core::time::Timestamp;
use serde_json::json;

use super::rows::{Kind, Party, Proof, Row};
use super::{bound, by_file, oauth};
use crate::harness::{ADA, BOB, DAY, EVENT, EVENT_PASSWORD, GRACE, HOUR, Key, SECOND, SIGN_IN, Server};
use crate::security::{behind_proxy, resource_server};

/// A reason to say no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    RealmDisabled,
    /// Disabled or taken away.
    Without(Party),
    Removed(Party),
    PasswordChanged(Party),
    /// The key that signed a JWT was revoked.
    SigningKeyRevoked,
    KeyExpired,
    Wrong,
    Foreign,
    Expired,
    Ended,
    RealmCutOff,
    PartyCutOff(Party),
}

/// The world of the matrix: one server for all cells, since what a cell breaks it mends.
pub(super) struct World {
    pub(super) server: Server,
    /// The secret of the client `api` in each realm.
    apis: Vec<(&'static str, String)>,
}

impl World {
    pub(super) async fn new() -> Self {
        let server = behind_proxy().await;
        // Signed alike everywhere, so that nothing but the realm tells keys apart.
        server.configure("api-keys", |settings| settings.alg = Alg::ES256).await;
        let mut apis = Vec::new();
        for realm in ["inevent", "pitchpoint", "api-keys", "zro", "plain"] {
            apis.push((realm, server.seed().client(realm, "api", resource_server()).await.secret));
        }
        by_file::seed(&server).await;
        oauth::seed(&server).await;
        Self { server, apis }
    }

    fn api(&self, realm: &str) -> String {
        self.apis.iter().find(|(name, _)| *name == realm).unwrap().1.clone()
    }

    /// What a row's request is proven with: fresh, and as good as can be.
    pub(super) async fn proof(&self, row: &Row) -> Key {
        let server = &self.server;
        let key = |id: &str, secret: &str| Key { id: id.to_owned(), secret: secret.to_owned() };
        if let Some(dialect) = by_file::dialect(row.realm) {
            return by_file::proof(server, dialect, row).await;
        }
        if row.realm == oauth::REALM {
            return oauth::proof(server, row).await;
        }
        match (row.proof, row.realm, row.kind) {
            (Proof::Client, realm, Kind::Api) => key("api", &self.api(realm)),
            (Proof::Client, "plain", _) => server.plain.clone(),
            (Proof::Client, ..) => server.ion.clone(),
            (Proof::ApiKey, ..) => server.zro.clone(),
            (Proof::Password, "inevent", Kind::Event) => key(ADA.username, EVENT_PASSWORD),
            (Proof::Password, "inevent", _) => key(ADA.username, ADA.password),
            (Proof::Password, ..) => key(GRACE.username, GRACE.password),
            (Proof::Token(_) | Proof::Code(_) | Proof::Registration, realm, kind) => {
                key(&self.api(realm), &self.token(row, realm, kind).await)
            }
        }
    }

    async fn token(&self, row: &Row, realm: &str, kind: Kind) -> String {
        let server = &self.server;
        let member = if row.way == "pitchpoint/refresh" { "/refresh_token" } else { "/access_token" };
        match (realm, kind) {
            ("inevent", Kind::Event) => {
                server.inevent(ADA, EVENT_PASSWORD, &[("eventID", EVENT)]).await.text("/data/0/tokenID")
            }
            ("inevent", _) => server.inevent_token().await,
            ("pitchpoint", Kind::Actor) => {
                let body = json!({ "username": GRACE.username, "password": GRACE.password, "useralias": BOB.username });
                server.post(SIGN_IN).json(body.to_string()).await.text(member)
            }
            ("pitchpoint", _) => server.pitchpoint(GRACE.username, GRACE.password).await.text(member),
            ("zro", _) => server.zro_token().await,
            ("plain", _) => server.client_token("plain", &server.plain).await,
            _ => server.ion_token().await,
        }
    }

    /// What would be as good in another realm.
    async fn foreign(&self, row: &Row) -> Key {
        let server = &self.server;
        let key = |id: &str, secret: &str| Key { id: id.to_owned(), secret: secret.to_owned() };
        match (row.proof, row.realm) {
            (Proof::Client, "plain") if row.kind == Kind::Api => key("api", &self.api("zro")),
            (Proof::Client, "plain") => server.ion.clone(),
            (Proof::Client, _) => server.plain.clone(),
            (Proof::ApiKey, _) => server.seed().api_key("plain").await,
            (Proof::Password, "inevent") => key(GRACE.username, GRACE.password),
            (Proof::Password, _) => key(ADA.username, ADA.password),
            (Proof::Token(_), realm) if by_file::dialect(realm).is_some() => {
                key(GRACE.username, &server.client_token("plain", &server.plain).await)
            }
            (Proof::Token(_) | Proof::Code(_) | Proof::Registration, oauth::REALM) => {
                key("plain", &server.client_token("plain", &server.plain).await)
            }
            (Proof::Token(_), "plain") => key(&self.api("plain"), &server.ion_token().await),
            (Proof::Token(_) | Proof::Code(_) | Proof::Registration, realm) => {
                key(&self.api(realm), &server.client_token("plain", &server.plain).await)
            }
        }
    }

    /// The reasons that a row can have to say no.
    pub(super) fn reasons(row: &Row) -> Vec<Reason> {
        let mut reasons = vec![Reason::RealmDisabled, Reason::Wrong, Reason::Foreign];
        reasons.extend(row.parties.iter().map(|party| Reason::Without(*party)));
        if row.parties.contains(&Party::ApiKey) {
            reasons.push(Reason::KeyExpired);
        }
        if let Proof::Token(_) | Proof::Code(_) = row.proof {
            reasons.extend([Reason::Expired, Reason::RealmCutOff]);
            // Nothing was issued to the API that asks.
            let cut = |party: &&Party| match party {
                Party::Client(name) => *name != "api",
                party => matches!(party, Party::Service(_) | Party::Person(_)),
            };
            reasons.extend(row.parties.iter().filter(cut).map(|party| Reason::PartyCutOff(*party)));
        }
        if row.proof == Proof::Registration {
            reasons.extend([Reason::RealmCutOff, Reason::Ended]);
            let cut = |party: &&Party| matches!(party, Party::Client(_) | Party::Service(_));
            reasons.extend(row.parties.iter().filter(cut).map(|party| Reason::PartyCutOff(*party)));
        }
        // What is good once is ended by its use.
        if let Proof::Token(_) = row.proof {
            reasons.push(Reason::Ended);
        }
        if row.realm == oauth::REALM {
            let removable = |party: &&Party| matches!(party, Party::Client(_) | Party::Person(_));
            reasons.extend(row.parties.iter().filter(removable).map(|party| Reason::Removed(*party)));
        }
        if row.shows_jwt() {
            reasons.push(Reason::SigningKeyRevoked);
        }
        // Whoever acts as another signs in by a password of his own.
        let people = row.parties.iter().filter(|party| matches!(party, Party::Person(_)));
        let signs_in = if row.proof == Proof::Password { 1 } else { usize::MAX };
        reasons.extend(people.take(signs_in).map(|party| Reason::PasswordChanged(*party)));
        reasons
    }

    /// Gives the reason.
    pub(super) async fn spoil(&self, row: &Row, reason: Reason, proof: &mut Key) {
        let (server, seed, store) = (&self.server, self.server.seed(), &self.server.app.store);
        let realm = seed.find_realm(row.realm).await.id;
        server.clock.advance(SECOND);
        let now = server.clock.now();
        match reason {
            Reason::RealmDisabled => seed.enable_realm(row.realm, false).await,
            Reason::Without(Party::Holder) => "another".clone_into(&mut proof.id),
            Reason::Without(Party::Key) => bound::THIEF.clone_into(&mut proof.id),
            Reason::Without(Party::Proof) => bound::NOBODY.clone_into(&mut proof.id),
            Reason::Without(party) => self.enable(row.realm, party, false).await,
            Reason::Removed(party) => self.remove(row.realm, party).await,
            Reason::PasswordChanged(party) => self.set_password(row, party, Some("another password")).await,
            Reason::SigningKeyRevoked => self.revoke_key(row.realm, &proof.secret).await,
            Reason::KeyExpired => self.end_key(Some(now)).await,
            Reason::Wrong => {
                // The last character of a signature, a checksum or a password.
                let last = proof.secret.pop().unwrap();
                proof.secret.push(if last == 'A' { 'B' } else { 'A' });
            }
            Reason::Foreign => *proof = self.foreign(row).await,
            Reason::Expired => match row.proof {
                Proof::Token(lifetime) | Proof::Code(lifetime) => server.clock.advance(lifetime),
                _ => unreachable!("a secret that expires is tested as C3"),
            },
            Reason::Ended if row.realm == oauth::REALM => oauth::revoke(server, row, proof).await,
            Reason::Ended => self.end(row.realm, &proof.secret).await,
            Reason::RealmCutOff => store.set_realm_not_before(realm, now, seed.record()).await.unwrap(),
            Reason::PartyCutOff(Party::Client(name)) => {
                let client = store.client(realm, name).await.unwrap().unwrap();
                store.set_client_not_before(client.id, now, seed.record()).await.unwrap();
            }
            Reason::PartyCutOff(party) => {
                let name = self.name(party);
                let principal = seed.find_principal(row.realm, name).await;
                store.end_principal_sessions(principal.id, now, seed.record()).await.unwrap();
            }
        }
    }

    /// Takes back what would stand in the next cell's way.
    pub(super) async fn mend(&self, row: &Row, reason: Reason) {
        match reason {
            Reason::RealmDisabled => self.server.seed().enable_realm(row.realm, true).await,
            Reason::Without(party) => self.enable(row.realm, party, true).await,
            Reason::Removed(party) => oauth::add(&self.server, party).await,
            Reason::PasswordChanged(party) => self.set_password(row, party, None).await,
            Reason::KeyExpired => self.end_key(None).await,
            _ => {}
        }
        // Whatever a rate or a count remembers is over.
        self.server.clock.advance(DAY + HOUR);
    }

    fn name(&self, party: Party) -> &str {
        match party {
            Party::Service("zro") => &self.server.zro.id,
            Party::Service(name) | Party::Person(name) | Party::Client(name) => name,
            Party::ApiKey => &self.server.zro.id,
            Party::Target | Party::Member => EVENT,
            Party::Secret(name) | Party::Method(name) | Party::Grant(_, name) => name,
            Party::Scope(name) | Party::Audience(name) => name,
            Party::GrantOfRealm(_) | Party::RegistrationOfRealm | Party::Holder | Party::Key | Party::Proof => {
                oauth::REALM
            }
        }
    }

    async fn enable(&self, realm: &str, party: Party, enabled: bool) {
        let (server, seed, name) = (&self.server, self.server.seed(), self.name(party));
        let target = async || seed.find_target("inevent", EVENT.parse().unwrap()).await.id;
        match party {
            Party::Client(_) => seed.enable_client(realm, name, enabled).await,
            Party::ApiKey => seed.enable_api_key(realm, name, enabled).await,
            Party::Service(_) | Party::Person(_) => seed.enable_principal(realm, name, enabled).await,
            Party::Target => {
                server.app.store.set_target_enabled(target().await, enabled, seed.record()).await.unwrap();
            }
            Party::Member if enabled => {
                seed.member(realm, EVENT.parse().unwrap(), ADA.username, "Admin", Some(EVENT_PASSWORD)).await;
            }
            // What a client or the realm may do is as it was, or without the one thing.
            Party::Secret(_) if enabled => seed.add_secret(realm, name, oauth::SECRET).await,
            Party::Secret(_) => seed.remove_secrets(realm, name).await,
            Party::Grant(..) | Party::Method(_) | Party::Scope(_) | Party::Audience(_) => {
                let mut settings = oauth::settings(name);
                match party {
                    _ if enabled => {}
                    Party::Grant(grant, _) => settings.grants.retain(|known| *known != grant),
                    Party::Method(_) => settings.auth = another(settings.auth),
                    Party::Scope(_) => settings.scopes = vec!["write".to_owned()],
                    _ => settings.audiences = vec!["https://another.example".to_owned()],
                }
                seed.configure_client(realm, name, |known| *known = settings).await;
            }
            Party::GrantOfRealm(grant) => {
                let mut settings = oauth::realm_settings();
                settings.grants.retain(|known| enabled || *known != grant);
                seed.configure(realm, |known| *known = settings).await;
            }
            Party::RegistrationOfRealm => {
                let mut settings = oauth::realm_settings();
                settings.registration = if enabled { settings.registration } else { RegistrationMode::Off };
                seed.configure(realm, |known| *known = settings).await;
            }
            Party::Holder | Party::Key | Party::Proof => {}
            Party::Member => {
                let person = seed.find_principal(realm, ADA.username).await.id;
                server.app.store.remove_membership(target().await, person, seed.record()).await.unwrap();
            }
        }
    }

    async fn remove(&self, realm: &str, party: Party) {
        let (store, seed, name) = (&self.server.app.store, self.server.seed(), self.name(party));
        match party {
            Party::Client(_) => {
                let realm = seed.find_realm(realm).await.id;
                let client = store.client(realm, name).await.unwrap().unwrap();
                store.remove_client(client.id, seed.record()).await.unwrap();
            }
            _ => {
                let person = seed.find_principal(realm, name).await.id;
                store.remove_principal(person, seed.record()).await.unwrap();
            }
        }
    }

    /// A person's new password, or the old one again.
    async fn set_password(&self, row: &Row, party: Party, new: Option<&str>) {
        // A sign-in at an event is by the event's own password.
        let at_event = (row.kind == Kind::Event && row.proof == Proof::Password).then_some(2026);
        let known = [ADA, GRACE, BOB].into_iter().find(|person| person.username == self.name(party)).unwrap();
        let old = if at_event.is_some() { EVENT_PASSWORD } else { known.password };
        self.server.seed().set_password(row.realm, known.username, at_event, new.unwrap_or(old)).await;
    }

    /// Revokes the key that signed a token, as after its theft.
    async fn revoke_key(&self, realm: &str, token: &str) {
        let (store, seed) = (&self.server.app.store, self.server.seed());
        let realm = seed.find_realm(realm).await.id;
        let header: serde_json::Value =
            serde_json::from_slice(&BASE64URL.decode(token.split('.').next().unwrap()).unwrap()).unwrap();
        let gone = [KeyChange::Remove { kid: header["kid"].as_str().unwrap().to_owned() }];
        store.change_keys(realm, &gone, &[], vec![seed.record()]).await.unwrap();
    }

    async fn end_key(&self, at: Option<Timestamp>) {
        let (server, seed) = (&self.server, self.server.seed());
        let realm = seed.find_realm("zro").await.id;
        let key = server.app.store.api_key(realm, &server.zro.id).await.unwrap().unwrap();
        server.app.store.set_api_key_expiry(key.id, at, seed.record()).await.unwrap();
    }

    /// Ends a token as its owner would.
    async fn end(&self, realm: &str, token: &str) {
        let server = &self.server;
        match realm {
            "inevent" => drop(server.post("/person/signOut").bearer(token).await),
            "plain" => drop(server.oauth("plain", "revoke", &server.plain, &[("token", token)]).await),
            "api-keys" => drop(server.oauth("api-keys", "revoke", &server.ion, &[("token", token)]).await),
            _ => {
                let realm = server.seed().find_realm(realm).await.id;
                let which = jeton_store::Sessions::OfRealm(realm);
                let newest = server.app.store.sessions(which, None, 1).await.unwrap().remove(0).session.id;
                server.app.store.end_session(newest, server.clock.now(), server.seed().record()).await.unwrap();
            }
        }
    }
}

/// Another way of proving oneself than this.
fn another(method: Option<AuthMethod>) -> Option<AuthMethod> {
    AuthMethod::ALL.into_iter().find(|other| Some(*other) != method)
}
