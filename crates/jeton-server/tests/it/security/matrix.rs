//! Every way to a yes times every reason for a no (D8, E8, G4, G11, I8; conclusion 1 of the threat model).
//!
//! The ways are taken from the router, from the dialects' files and from the realms' gates: one without a row
//! fails the test. In each cell the same request is accepted first, then the one reason is given, and it is not.

use std::collections::BTreeSet;
use std::time::Duration;

use jeton_core::dialect::{Dialect, GrantName};
use jeton_core::domain::policy::Alg;
use jeton_server::http::Route;
use serde_json::json;

use super::{behind_proxy, resource_server};
use crate::harness::{
    ADA, Answer, BOB, Call, DAY, EVENT, EVENT_PASSWORD, GRACE, HOUR, Key, MINUTE, ORDERS, REFRESH, SECOND, SIGN_IN,
    Server, form,
};

/// What a request proves itself with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// A client's id and secret.
    Client,
    /// An API key's id and secret.
    ApiKey,
    /// A person's name and password.
    Password,
    /// A token, good for this long.
    Token(Duration),
}

/// What a realm's credentials and tokens hang on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Party {
    Client(&'static str),
    Service(&'static str),
    ApiKey,
    Person(&'static str),
    Target,
    Member,
}

/// A reason to say no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    RealmDisabled,
    Disabled(Party),
    KeyExpired,
    Wrong,
    Foreign,
    Expired,
    Ended,
    RealmCutOff,
    PartyCutOff(Party),
}

/// One way to a yes.
struct Row {
    /// The route, exchange or gate that it stands for.
    way: String,
    realm: &'static str,
    /// What its proof is: `as itself`, `for an event`, `acting as another`.
    kind: Kind,
    proof: Proof,
    parties: Vec<Party>,
    ask: fn(&Server, &Row, &Key) -> Call,
    yes: fn(&Answer) -> bool,
}

/// The kinds of sessions and clients there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Realm,
    Event,
    Actor,
    Api,
}

const REALMS: [(&str, Kind); 7] = [
    ("inevent", Kind::Realm),
    ("inevent", Kind::Event),
    ("pitchpoint", Kind::Realm),
    ("pitchpoint", Kind::Actor),
    ("api-keys", Kind::Realm),
    ("zro", Kind::Realm),
    ("plain", Kind::Realm),
];

fn parties(realm: &str, kind: Kind) -> Vec<Party> {
    match (realm, kind) {
        (_, Kind::Api) => vec![Party::Client("api")],
        ("inevent", Kind::Event) => vec![Party::Person(ADA.username), Party::Target, Party::Member],
        ("inevent", _) => vec![Party::Person(ADA.username)],
        ("pitchpoint", Kind::Actor) => vec![Party::Person(GRACE.username), Party::Person(BOB.username)],
        ("pitchpoint", _) => vec![Party::Person(GRACE.username)],
        ("api-keys", _) => vec![Party::Client("ion-key-1"), Party::Service("ion-key-1")],
        ("zro", _) => vec![Party::ApiKey, Party::Service("zro")],
        (_, _) => vec![Party::Client("service"), Party::Service("service")],
    }
}

fn lifetime(realm: &str) -> Duration {
    match realm {
        "inevent" => DAY * 30,
        "pitchpoint" | "zro" => HOUR,
        _ => MINUTE * 5,
    }
}

fn ok(answer: &Answer) -> bool {
    answer.status == 200
}

/// The rows, and the names of ways that neither yield nor confirm a token.
fn rows() -> (Vec<Row>, Vec<String>) {
    let mut rows = Vec::new();
    let mut nothing = Vec::new();
    let mut add = |way: &str, realm, kind, proof, ask, yes| {
        rows.push(Row { way: way.to_owned(), realm, kind, proof, parties: parties(realm, kind), ask, yes });
    };
    for route in Route::ALL {
        let way = route.path();
        match route {
            Route::Token => {
                for realm in ["plain", "api-keys"] {
                    add(way, realm, Kind::Realm, Proof::Client, oauth_token, ok);
                    add("/auth…/token", realm, Kind::Realm, Proof::Client, auth_token, ok);
                }
            }
            Route::Introspect => {
                add(way, "plain", Kind::Api, Proof::Client, asks_about_nothing, ok);
                for (realm, kind) in REALMS {
                    add(way, realm, kind, Proof::Token(lifetime(realm)), asks_about, |answer| {
                        answer.status == 200 && answer.json()["active"] == true
                    });
                }
            }
            Route::Revoke => add(way, "plain", Kind::Api, Proof::Client, revokes_nothing, ok),
            Route::ForwardAuth => {
                for (realm, kind) in REALMS {
                    add(way, realm, kind, Proof::Token(lifetime(realm)), forward_auth, ok);
                }
            }
            Route::Certs | Route::Jwks | Route::OpenIdConfiguration | Route::AuthorizationServer => {
                nothing.push(way.to_owned());
            }
        }
    }
    add("inevent/password", "inevent", Kind::Realm, Proof::Password, person_sign_in, ok);
    add("inevent/password", "inevent", Kind::Event, Proof::Password, event_sign_in, ok);
    add("pitchpoint/password", "pitchpoint", Kind::Realm, Proof::Password, orders_sign_in, ok);
    add("pitchpoint/password", "pitchpoint", Kind::Actor, Proof::Password, actor_sign_in, ok);
    // Signed in at 10:00 in New York: a day later is rounded up to the midnight after.
    let refreshes = DAY + HOUR * 14;
    add("pitchpoint/refresh", "pitchpoint", Kind::Realm, Proof::Token(refreshes), refresh, ok);
    add("pitchpoint/refresh", "pitchpoint", Kind::Actor, Proof::Token(refreshes), refresh, ok);
    add("zro/api_key", "zro", Kind::Realm, Proof::ApiKey, key_sign_in, ok);
    add("zro/renew", "zro", Kind::Realm, Proof::Token(DAY * 7), renew, ok);
    for (realm, kind) in REALMS {
        add(&format!("gate/{realm}"), realm, kind, Proof::Token(lifetime(realm)), gate, ok);
    }
    // Signing out is said yes to whatever is shown; what is shown is then dead.
    nothing.push("inevent/end".to_owned());
    (rows, nothing)
}

fn oauth_token(server: &Server, row: &Row, proof: &Key) -> Call {
    server.oauth(row.realm, "token", proof, &[("grant_type", "client_credentials")])
}

fn auth_token(server: &Server, row: &Row, proof: &Key) -> Call {
    let fields = [("grant_type", "client_credentials"), ("client_id", &proof.id), ("client_secret", &proof.secret)];
    server.post(&format!("/auth/realms/{}/protocol/openid-connect/token", row.realm)).form(&fields)
}

fn asks_about_nothing(server: &Server, row: &Row, proof: &Key) -> Call {
    server.oauth(row.realm, "token/introspect", proof, &[("token", "x")])
}

fn revokes_nothing(server: &Server, row: &Row, proof: &Key) -> Call {
    server.oauth(row.realm, "revoke", proof, &[("token", "x")])
}

/// `proof.id` is the asking API's secret here: what is proven is the token.
fn asks_about(server: &Server, row: &Row, proof: &Key) -> Call {
    let api = Key { id: "api".to_owned(), secret: proof.id.clone() };
    server.oauth(row.realm, "token/introspect", &api, &[("token", &proof.secret)])
}

fn person_sign_in(server: &Server, _: &Row, proof: &Key) -> Call {
    let query = form(&[("action", "person.signIn"), ("username", &proof.id)]);
    server.post(&format!("/?{query}")).form(&[("password", &proof.secret)])
}

fn event_sign_in(server: &Server, _: &Row, proof: &Key) -> Call {
    let query = form(&[("action", "person.signIn"), ("username", &proof.id), ("eventID", EVENT)]);
    server.post(&format!("/?{query}")).form(&[("password", &proof.secret)])
}

fn orders_sign_in(server: &Server, _: &Row, proof: &Key) -> Call {
    server.pitchpoint(&proof.id, &proof.secret)
}

fn actor_sign_in(server: &Server, _: &Row, proof: &Key) -> Call {
    let body = json!({ "username": proof.id, "password": proof.secret, "useralias": BOB.username });
    server.post(SIGN_IN).json(body.to_string())
}

fn refresh(server: &Server, _: &Row, proof: &Key) -> Call {
    server.post(REFRESH).json(json!({ "refresh_token": proof.secret }).to_string())
}

fn key_sign_in(server: &Server, _: &Row, proof: &Key) -> Call {
    server.zro_sign_in(proof)
}

fn renew(server: &Server, _: &Row, proof: &Key) -> Call {
    server.renew(&proof.secret)
}

/// A protected call of the realm: method, target and body.
fn protected(realm: &str, kind: Kind) -> (&'static str, String, &'static str) {
    match (realm, kind) {
        ("inevent", Kind::Event) => ("GET", format!("/?action=event.get&eventID={EVENT}"), ""),
        ("inevent", _) => ("GET", "/?action=person.get".to_owned(), ""),
        ("pitchpoint", _) => ("POST", ORDERS.to_owned(), "{}"),
        ("api-keys", _) => ("POST", "/graphql".to_owned(), r#"{"query":"{ me { id } }"}"#),
        ("zro", _) => ("GET", "/operations/wallets".to_owned(), ""),
        (_, _) => ("GET", "/plain/x".to_owned(), ""),
    }
}

const NONCE: (&str, &str) = ("nonce", "0f8fad5b-d9cb-469f-a165-70867728950e");

fn gate(server: &Server, row: &Row, proof: &Key) -> Call {
    // The sample API behind the gate knows no `event.get`.
    let kind = if row.kind == Kind::Event { Kind::Realm } else { row.kind };
    let (method, target, body) = protected(row.realm, kind);
    let call = server.call(method, &target).bearer(&proof.secret).header(NONCE.0, NONCE.1);
    if body.is_empty() { call } else { call.json(body) }
}

fn forward_auth(server: &Server, row: &Row, proof: &Key) -> Call {
    let (method, target, _) = protected(row.realm, row.kind);
    let call = server.get(&format!("/realms/{}/forward-auth", row.realm)).bearer(&proof.secret);
    let call = call.header(NONCE.0, NONCE.1).header("X-Original-Host", "jeton.test");
    call.header("X-Original-Method", method).header("X-Original-URI", &target)
}

/// The world of the matrix: one server for all cells, since what a cell breaks it mends.
struct World {
    server: Server,
    /// The secret of the client `api` in each realm.
    apis: Vec<(&'static str, String)>,
}

impl World {
    async fn new() -> Self {
        let server = behind_proxy().await;
        // Signed alike everywhere, so that nothing but the realm tells keys apart.
        server.configure("api-keys", |settings| settings.alg = Alg::ES256).await;
        let mut apis = Vec::new();
        for realm in ["inevent", "pitchpoint", "api-keys", "zro", "plain"] {
            apis.push((realm, server.seed().client(realm, "api", resource_server()).await.secret));
        }
        Self { server, apis }
    }

    fn api(&self, realm: &str) -> String {
        self.apis.iter().find(|(name, _)| *name == realm).unwrap().1.clone()
    }

    /// What a row's request is proven with: fresh, and as good as can be.
    async fn proof(&self, row: &Row) -> Key {
        let server = &self.server;
        let key = |id: &str, secret: &str| Key { id: id.to_owned(), secret: secret.to_owned() };
        match (row.proof, row.realm, row.kind) {
            (Proof::Client, realm, Kind::Api) => key("api", &self.api(realm)),
            (Proof::Client, "plain", _) => server.plain.clone(),
            (Proof::Client, ..) => server.ion.clone(),
            (Proof::ApiKey, ..) => server.zro.clone(),
            (Proof::Password, "inevent", Kind::Event) => key(ADA.username, EVENT_PASSWORD),
            (Proof::Password, "inevent", _) => key(ADA.username, ADA.password),
            (Proof::Password, ..) => key(GRACE.username, GRACE.password),
            (Proof::Token(_), realm, kind) => key(&self.api(realm), &self.token(row, realm, kind).await),
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
            (Proof::Token(_), "plain") => key(&self.api("plain"), &server.ion_token().await),
            (Proof::Token(_), realm) => key(&self.api(realm), &server.client_token("plain", &server.plain).await),
        }
    }

    /// The reasons that a row can have to say no.
    fn reasons(row: &Row) -> Vec<Reason> {
        let mut reasons = vec![Reason::RealmDisabled, Reason::Wrong, Reason::Foreign];
        reasons.extend(row.parties.iter().map(|party| Reason::Disabled(*party)));
        if row.parties.contains(&Party::ApiKey) {
            reasons.push(Reason::KeyExpired);
        }
        if let Proof::Token(_) = row.proof {
            reasons.extend([Reason::Expired, Reason::Ended, Reason::RealmCutOff]);
            let cut = |party: &&Party| matches!(party, Party::Client(_) | Party::Service(_) | Party::Person(_));
            reasons.extend(row.parties.iter().filter(cut).map(|party| Reason::PartyCutOff(*party)));
        }
        reasons
    }

    /// Gives the reason.
    async fn spoil(&self, row: &Row, reason: Reason, proof: &mut Key) {
        let (server, seed, store) = (&self.server, self.server.seed(), &self.server.app.store);
        let realm = seed.find_realm(row.realm).await.id;
        server.clock.advance(SECOND);
        let now = server.clock.now();
        match reason {
            Reason::RealmDisabled => seed.enable_realm(row.realm, false).await,
            Reason::Disabled(party) => self.enable(row.realm, party, false).await,
            Reason::KeyExpired => self.end_key(Some(now)).await,
            Reason::Wrong => {
                // The last character of a signature, a checksum or a password.
                let last = proof.secret.pop().unwrap();
                proof.secret.push(if last == 'A' { 'B' } else { 'A' });
            }
            Reason::Foreign => *proof = self.foreign(row).await,
            Reason::Expired => match row.proof {
                Proof::Token(lifetime) => server.clock.advance(lifetime),
                _ => unreachable!("a secret that expires is tested as C3"),
            },
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
    async fn mend(&self, row: &Row, reason: Reason) {
        match reason {
            Reason::RealmDisabled => self.server.seed().enable_realm(row.realm, true).await,
            Reason::Disabled(party) => self.enable(row.realm, party, true).await,
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
            Party::Member => {
                let person = seed.find_principal(realm, ADA.username).await.id;
                server.app.store.remove_membership(target().await, person, seed.record()).await.unwrap();
            }
        }
    }

    async fn end_key(&self, at: Option<jeton_core::time::Timestamp>) {
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

/// Every way there is: from the router, from the dialects' files, from the realms that have an API behind a gate.
async fn ways(server: &Server) -> BTreeSet<String> {
    let mut ways: BTreeSet<String> = Route::ALL.iter().map(|route| route.path().to_owned()).collect();
    for (name, text) in Dialect::built_in() {
        let dialect = Dialect::parse(text).unwrap();
        let exchanges = dialect.exchanges.iter();
        ways.extend(exchanges.map(|exchange| match exchange.grant {
            GrantName::End => format!("{name}/end"),
            grant => format!("{name}/{}", grant.name()),
        }));
    }
    for realm in server.app.store.realms().await.unwrap() {
        ways.insert(format!("gate/{}", realm.name));
    }
    ways
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d8_e8_g4_g11_every_way_to_a_yes_knows_every_reason_for_a_no() {
    let world = World::new().await;
    let (rows, nothing) = rows();
    let mut covered: BTreeSet<String> = rows.iter().map(|row| row.way.clone()).collect();
    covered.extend(nothing);
    let missing: Vec<String> = ways(&world.server).await.difference(&covered).cloned().collect();
    assert_eq!(missing, Vec::<String>::new(), "ways without a row");

    let (mut cells, mut wrong) = (0, Vec::new());
    for row in &rows {
        for reason in World::reasons(row) {
            cells += 1;
            let what = format!("{} in {} as {:?}, {reason:?}", row.way, row.realm, row.kind);
            let proof = world.proof(row).await;
            let accepted = (row.ask)(&world.server, row, &proof).await;
            if !(row.yes)(&accepted) {
                wrong.push(format!("{what}: refused although nothing is wrong: {accepted:?}"));
            }
            world.server.clock.advance(MINUTE * 2);
            let mut proof = world.proof(row).await;
            world.spoil(row, reason, &mut proof).await;
            let refused = (row.ask)(&world.server, row, &proof).await;
            if (row.yes)(&refused) || refused.status >= 500 {
                wrong.push(format!("{what}: {refused:?}"));
            }
            world.mend(row, reason).await;
        }
    }
    assert!(wrong.is_empty(), "{} of {cells} cells:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cells > 200, "only {cells} cells");
}
