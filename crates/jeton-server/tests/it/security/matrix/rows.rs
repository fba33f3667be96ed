//! The rows of the matrix: for each way to a yes, how it is asked and what its proof hangs on.

use std::time::Duration;

use jeton_core::domain::grant::GrantType;
use jeton_core::domain::policy::Format;
use jeton_server::http::Route;
use serde_json::json;

use super::{by_file, oauth};
use crate::harness::{ADA, Answer, BOB, Call, DAY, EVENT, GRACE, HOUR, Key, MINUTE, REFRESH, SIGN_IN, Server, form};
use crate::security::{forwarded, protected, protected_call};

/// What a request proves itself with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// A client's id and secret.
    Client,
    /// An API key's id and secret.
    ApiKey,
    /// A person's name and password.
    Password,
    /// A token, good for this long.
    Token(Duration),
    /// What a client manages its registration with, which does not end by itself.
    Registration,
    /// A device's code that a person said yes to, good for this long.
    Code(Duration),
}

/// What a realm's credentials, requests and tokens hang on. Each can be disabled or taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Party {
    Client(&'static str),
    Service(&'static str),
    ApiKey,
    Person(&'static str),
    Target,
    Member,
    /// A client's secret.
    Secret(&'static str),
    /// A client's way of proving itself.
    Method(&'static str),
    /// A client's grant type.
    Grant(GrantType, &'static str),
    GrantOfRealm(GrantType),
    /// That clients can register themselves in the realm.
    RegistrationOfRealm,
    /// A client's scope.
    Scope(&'static str),
    /// A client's audience: whom its tokens are for, or which tokens are for it.
    Audience(&'static str),
    /// Whoever shows a refresh token is the one that it was given to.
    Holder,
    /// Whoever shows a token that is bound to a key holds that key.
    Key,
    /// And proves it.
    Proof,
}

/// How a way is asked with a proof.
pub(super) type Ask = dyn Fn(&Server, &Row, &Key) -> Call + Send + Sync;

/// One way to a yes.
pub(super) struct Row {
    /// The route, exchange or gate that it stands for.
    pub(super) way: String,
    pub(super) realm: &'static str,
    /// What its proof is: `as itself`, `for an event`, `acting as another`.
    pub(super) kind: Kind,
    pub(super) proof: Proof,
    pub(super) parties: Vec<Party>,
    pub(super) ask: Box<Ask>,
    pub(super) yes: fn(&Answer) -> bool,
}

impl Row {
    /// Whether its proof is a JWT that we signed.
    pub(super) fn shows_jwt(&self) -> bool {
        let signed = match (self.realm, self.kind) {
            (_, Kind::Own(client) | Kind::Session(client)) => oauth::gets_jwt(client),
            ("pitchpoint" | "api-keys" | "zro" | "plain", _) => true,
            (realm, _) => {
                by_file::dialect(realm).is_some_and(|dialect| matches!(dialect.policy.format, Format::Jwt(_)))
            }
        };
        signed && matches!(self.proof, Proof::Token(_)) && !self.way.contains("/refresh")
    }
}

/// The kinds of sessions and clients there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Realm,
    Event,
    Actor,
    Api,
    /// OAuth: what this client gets for itself.
    Own(&'static str),
    /// OAuth: what this client gets for a person.
    Session(&'static str),
    /// OAuth: a client that does not exist yet.
    Newcomer,
    /// OAuth: a client that registered itself.
    Registered,
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
pub(super) fn rows() -> (Vec<Row>, Vec<String>) {
    let mut rows = Vec::new();
    let mut nothing = Vec::new();
    let mut add = |way: &str, realm, kind, proof, ask: fn(&Server, &Row, &Key) -> Call, yes| {
        let ask = Box::new(ask);
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
            // Among OAuth's rows.
            Route::DeviceAuthorization | Route::Registration | Route::RegisteredClient => {}
            Route::Revoke => add(way, "plain", Kind::Api, Proof::Client, revokes_nothing, ok),
            Route::Logout => add(way, "plain", Kind::Api, Proof::Client, ends_nothing, |answer| {
                answer.status == 400 && answer.text("/error") == "invalid_grant"
            }),
            Route::ForwardAuth => {
                for (realm, kind) in REALMS {
                    add(way, realm, kind, Proof::Token(lifetime(realm)), forward_auth, ok);
                }
            }
            Route::Revocations
            | Route::Certs
            | Route::Jwks
            | Route::OpenIdConfiguration
            | Route::AuthorizationServer
            | Route::ProtectedResource
            | Route::ProtectedResourcePath => {
                nothing.push(way.to_owned());
            }
        }
    }
    add("inevent/password", "inevent", Kind::Realm, Proof::Password, person_sign_in, ok);
    add("inevent/password", "inevent", Kind::Event, Proof::Password, event_sign_in, ok);
    add("pitchpoint/password", "pitchpoint", Kind::Realm, Proof::Password, orders_sign_in, ok);
    add("pitchpoint/password", "pitchpoint", Kind::Actor, Proof::Password, actor_sign_in, ok);
    // A day, rounded up to the midnight after in New York, whose longest day has 25 hours.
    let refreshes = DAY * 2 + HOUR;
    add("pitchpoint/refresh", "pitchpoint", Kind::Realm, Proof::Token(refreshes), refresh, ok);
    add("pitchpoint/refresh", "pitchpoint", Kind::Actor, Proof::Token(refreshes), refresh, ok);
    add("zro/api_key", "zro", Kind::Realm, Proof::ApiKey, key_sign_in, ok);
    add("zro/renew", "zro", Kind::Realm, Proof::Token(DAY * 7), renew, ok);
    for (realm, kind) in REALMS {
        add(&format!("gate/{realm}"), realm, kind, Proof::Token(lifetime(realm)), gate, ok);
    }
    // Signing out is said yes to whatever is shown; what is shown is then dead.
    nothing.push("inevent/end".to_owned());
    let (by_file, ends) = by_file::rows();
    rows.extend(by_file);
    rows.extend(oauth::rows());
    nothing.extend(ends);
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

fn ends_nothing(server: &Server, row: &Row, proof: &Key) -> Call {
    server.oauth(row.realm, "logout", proof, &[("refresh_token", "x")])
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

fn gate(server: &Server, row: &Row, proof: &Key) -> Call {
    protected(server, row.realm, &proof.secret)
}

fn forward_auth(server: &Server, row: &Row, proof: &Key) -> Call {
    let (method, target, _) = protected_call(row.realm);
    match row.kind {
        Kind::Event => {
            forwarded(server, row.realm, "GET", &format!("/?action=event.get&eventID={EVENT}"), &proof.secret)
        }
        _ => forwarded(server, row.realm, method, target, &proof.secret),
    }
}
