//! The rows of OAuth: every grant type, every way of a client to prove itself, and every endpoint that confirms what it
//! got, for each format of token. They have a realm of their own, which knows every grant; each request asks for the one
//! scope and the one audience that its client may have, so that both can be taken away.

mod proofs;
mod requests;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jeton_core::domain::certificate::MutualTls;
use jeton_core::domain::client::{AuthMethod, ClientSettings, RefreshSettings, TokenFormat};
use jeton_core::domain::grant::GrantType;
use jeton_core::domain::realm::Settings;
use jeton_core::domain::registration::RegistrationMode;
use jeton_core::domain::trust::{KeySource, Trust};
use jeton_server::http::Route;

pub(super) use self::proofs::{MACHINE, proof, revoke};
use self::requests::{
    at_gate, by_assertion, by_client_credentials, by_device_code, by_foreign_token, by_own_token, by_password,
    device_authorization, forward_auth, introspected, path, shown_by, token,
};
pub(super) use self::requests::{by_refresh_token, token_address};
use super::rows::{Kind, Party, Proof, Row};
use super::{bound, registration};
use crate::harness::{Answer, Call, DAY, GRACE, Key, MINUTE, Server, rules};
use crate::security::resource_server;
use crate::trust::public;

/// The realm, which has an API behind the gate.
pub(super) const REALM: &str = "custom";
/// The secret of each of its clients.
pub(super) const SECRET: &str = "a secret between two programs";
/// What its clients may ask for.
const SCOPE: &str = "read";
/// A foreign issuer that they trust.
const ISSUER: &str = "https://ci.example";
/// Whom their tokens are for.
const AUDIENCE: &str = "https://api.example";
/// Introspection of a refresh token.
const INTROSPECTED_REFRESH: &str = "introspect/refresh_token";
/// A call that the gate lets through with the scope.
pub(super) const CALL: &str = "/custom/x";

/// The clients: one for each format, each way of refreshing and each way of having a token again.
const CLIENTS: [&str; 5] = ["jwt", "fresh", "opaque", "keep", "public"];

/// What a client may do.
pub(super) fn settings(client_id: &str) -> ClientSettings {
    if client_id == "api" {
        return ClientSettings { audiences: vec![AUDIENCE.to_owned()], ..resource_server() };
    }
    ClientSettings {
        grants: GrantType::ALL.to_vec(),
        auth: AuthMethod::ALL
            .into_iter()
            .find(|method| method.name() == client_id || client_id.ends_with("public") && *method == AuthMethod::None),
        trusts: vec![trust()],
        keys: if client_id == AuthMethod::PrivateKeyJwt.name() { vec![MACHINE.jwk.clone()] } else { Vec::new() },
        scopes: vec![SCOPE.to_owned()],
        audiences: vec![AUDIENCE.to_owned()],
        access_token: if gets_jwt(client_id) { TokenFormat::Jwt } else { TokenFormat::Opaque },
        reuse: client_id == "fresh",
        refresh: RefreshSettings { rotate: client_id != "keep", ..RefreshSettings::default() },
        ..ClientSettings::default()
    }
}

/// Whoever the foreign issuer calls by the secret's name speaks for a client.
fn trust() -> Trust {
    Trust {
        issuer: ISSUER.to_owned(),
        keys: KeySource::Inline(vec![public(1)]),
        audience: Some(REALM.to_owned()),
        claims: [("sub".to_owned(), SECRET.to_owned())].into(),
        max_secs: 3600,
        reusable: false,
    }
}

/// Whether a client's access tokens are JWTs.
pub(super) fn gets_jwt(client_id: &str) -> bool {
    matches!(client_id, "jwt" | "fresh" | "bound")
}

/// What the realm may do.
pub(super) fn realm_settings() -> Settings {
    Settings {
        grants: GrantType::ALL.to_vec(),
        gate: rules(&["GET /custom/* scope=read"]),
        registration: RegistrationMode::Token,
        ..Settings::default()
    }
}

pub(super) async fn seed(server: &Server) {
    let seed = server.seed();
    seed.realm(REALM, realm_settings()).await;
    add(server, Party::Person(GRACE.username)).await;
    let methods = AuthMethod::ALL.map(AuthMethod::name);
    for name in CLIENTS.into_iter().chain(bound::CLIENTS).chain(methods).chain(["api", "another"]) {
        add(server, Party::Client(name)).await;
    }
}

/// A client or the person as they are seeded: once more, where they were removed.
pub(super) async fn add(server: &Server, party: Party) {
    let (seed, store) = (server.seed(), &server.app.store);
    match party {
        Party::Client(name) => {
            // A client's service outlives it, and keeps its name.
            let realm = seed.find_realm(REALM).await.id;
            if let Some(left) = store.principal_named(realm, name).await.unwrap() {
                store.remove_principal(left.id, seed.record()).await.unwrap();
            }
            let registered = (name == registration::CLIENT).then(|| registration::of_client(server));
            seed.client_with(REALM, name, settings(name), seed.stored(SECRET), registered).await;
        }
        // A number is nobody else's, ever.
        _ => drop(seed.person(REALM, GRACE, server.clock.now().as_secs(), &[], &[]).await),
    }
}

/// The ways to a token that no route tells: a grant type, and a client's way of proving itself.
pub(super) fn ways() -> impl Iterator<Item = String> {
    let grants = GrantType::ALL.map(|grant| format!("grant/{}", grant.name()));
    let methods = AuthMethod::ALL.into_iter().filter(|method| method.is_possible(MutualTls::Off));
    let methods = methods.map(|method| format!("auth/{}", method.name()));
    grants.into_iter().chain(methods)
}

pub(super) fn rows() -> Vec<Row> {
    let grants = GrantType::ALL.into_iter().flat_map(|grant| {
        let itself = grant == GrantType::ClientCredentials;
        let clients =
            CLIENTS.into_iter().filter(move |client| if itself { has_own(client) } else { has_sessions(client) });
        clients.map(move |client| by_grant(grant, client))
    });
    let methods = AuthMethod::ALL.into_iter().filter_map(by_method);
    let confirming = [Route::Introspect.path(), Route::ForwardAuth.path(), "gate/custom"].into_iter().flat_map(|way| {
        let own = CLIENTS.into_iter().filter(|client| has_own(client)).map(Kind::Own);
        let sessions = CLIENTS.into_iter().filter(|client| has_sessions(client)).map(Kind::Session);
        own.chain(sessions).map(move |kind| confirmation(way, kind))
    });
    let introspected = CLIENTS.into_iter().filter(|client| has_own(client) && has_sessions(client));
    grants
        .chain(methods)
        .chain(confirming)
        .chain(introspected.map(refresh_confirmation))
        .chain([asking_for_a_device()])
        .chain(bound::rows())
        .chain(registration::rows())
        .collect()
}

/// Whether a client gets tokens for itself, in a way that no other client does.
fn has_own(client: &str) -> bool {
    !matches!(client, "public" | "keep")
}

/// Whether it gets them for people, in a way that no other client does.
fn has_sessions(client: &str) -> bool {
    client != "fresh"
}

pub(super) fn row(
    way: &str,
    kind: Kind,
    proof: Proof,
    parties: Vec<Party>,
    ask: fn(&Server, &Row, &Key) -> Call,
    yes: fn(&Answer) -> bool,
) -> Row {
    Row { way: way.to_owned(), realm: REALM, kind, proof, parties, ask: Box::new(ask), yes }
}

/// What every token request hangs on, by whichever grant.
pub(super) fn asking(grant: GrantType, client: &'static str) -> Vec<Party> {
    vec![
        Party::Client(client),
        Party::Grant(grant, client),
        Party::GrantOfRealm(grant),
        Party::Scope(client),
        Party::Audience(client),
    ]
}

fn by_grant(grant: GrantType, client: &'static str) -> Row {
    let way = format!("grant/{}", grant.name());
    let mut parties = asking(grant, client);
    if client != "public" {
        parties.push(Party::Secret(client));
    }
    match grant {
        GrantType::ClientCredentials => {
            parties.push(Party::Service(client));
            row(&way, Kind::Own(client), Proof::Client, parties, by_client_credentials, granted)
        }
        GrantType::JwtBearer => {
            parties.push(Party::Service(client));
            row(&way, Kind::Own(client), Proof::Client, parties, by_assertion, granted)
        }
        GrantType::Password => {
            parties.push(Party::Person(GRACE.username));
            row(&way, Kind::Session(client), Proof::Password, parties, by_password, granted)
        }
        GrantType::DeviceCode => {
            parties.push(Party::Person(GRACE.username));
            row(&way, Kind::Session(client), Proof::Code(MINUTE * 10), parties, by_device_code, granted)
        }
        // A public client has no token of the realm's to exchange, but an issuer's.
        GrantType::TokenExchange if client == "public" => {
            parties.push(Party::Service(client));
            row(&way, Kind::Own(client), Proof::Client, parties, by_foreign_token, granted)
        }
        GrantType::TokenExchange => {
            parties.extend([Party::Person(GRACE.username), Party::Holder]);
            row(&way, Kind::Session(client), Proof::Token(MINUTE * 5), parties, by_own_token, granted)
        }
        GrantType::RefreshToken => {
            parties.extend([Party::Person(GRACE.username), Party::Holder]);
            row(&way, Kind::Session(client), Proof::Token(DAY), parties, by_refresh_token, granted)
        }
    }
}

/// It yields no token, but what becomes one.
fn asking_for_a_device() -> Row {
    let parties = [asking(GrantType::DeviceCode, "jwt"), vec![Party::Secret("jwt")]].concat();
    let way = Route::DeviceAuthorization.path();
    row(way, Kind::Own("jwt"), Proof::Client, parties, device_authorization, ok)
}

/// Nothing for a certificate: it takes TLS, and has its rows in `oauth/mtls.rs`.
fn by_method(method: AuthMethod) -> Option<Row> {
    let (way, name) = (format!("auth/{}", method.name()), method.name());
    let parties = vec![Party::Client(name), Party::Method(name)];
    let row = match method {
        AuthMethod::TlsClientAuth | AuthMethod::SelfSignedTlsClientAuth => return None,
        AuthMethod::ClientSecretBasic => {
            let ask = |server: &Server, _: &Row, proof: &Key| {
                let pair = STANDARD.encode(format!("{}:{}", proof.id, proof.secret.replace(' ', "+")));
                token(server, &[("grant_type", "client_credentials")]).header("Authorization", &format!("Basic {pair}"))
            };
            row(&way, Kind::Own(name), Proof::Client, [parties, vec![Party::Secret(name)]].concat(), ask, granted)
        }
        AuthMethod::ClientSecretPost => row(
            &way,
            Kind::Own(name),
            Proof::Client,
            [parties, vec![Party::Secret(name)]].concat(),
            by_client_credentials,
            granted,
        ),
        AuthMethod::PrivateKeyJwt => {
            let ask = |server: &Server, _: &Row, proof: &Key| {
                let fields = [
                    ("grant_type", "client_credentials"),
                    ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                    ("client_assertion", proof.secret.as_str()),
                ];
                token(server, &fields)
            };
            row(&way, Kind::Own(name), Proof::Client, parties, ask, granted)
        }
        // A public client has nothing but what a person gave it.
        AuthMethod::None => row(&way, Kind::Session(name), Proof::Token(DAY), parties, by_refresh_token, granted),
    };
    Some(row)
}

fn confirmation(way: &str, kind: Kind) -> Row {
    let (client, owner) = match kind {
        Kind::Own(client) => (client, Party::Service(client)),
        Kind::Session(client) => (client, Party::Person(GRACE.username)),
        other => unreachable!("{other:?} is none of OAuth's"),
    };
    let mut parties = vec![Party::Client(client), owner, Party::Scope(client)];
    let proof = Proof::Token(MINUTE * 5);
    match way {
        "gate/custom" => row(way, kind, proof, parties, at_gate, ok),
        way if way == Route::ForwardAuth.path() => row(way, kind, proof, parties, forward_auth, ok),
        way => {
            parties.extend([
                Party::Client("api"),
                Party::Secret("api"),
                Party::Audience("api"),
                Party::Audience(client),
            ]);
            row(way, kind, proof, parties, introspected, active)
        }
    }
}

/// Nobody but its client is told of a refresh token.
fn refresh_confirmation(client: &'static str) -> Row {
    let parties = vec![Party::Client(client), Party::Person(GRACE.username), Party::Secret(client), Party::Holder];
    let ask = |server: &Server, row: &Row, proof: &Key| {
        let fields = [&shown_by(row, proof)[..], &[("token", proof.secret.as_str())]].concat();
        server.post(&path(Route::Introspect)).form(&fields)
    };
    let yes = |answer: &Answer| answer.status == 200 && answer.json()["active"] == true;
    row(INTROSPECTED_REFRESH, Kind::Session(client), Proof::Token(DAY), parties, ask, yes)
}

pub(super) fn ok(answer: &Answer) -> bool {
    answer.status == 200
}

pub(super) fn granted(answer: &Answer) -> bool {
    answer.status == 200 && answer.json()["scope"] == SCOPE
}

fn active(answer: &Answer) -> bool {
    answer.status == 200 && answer.json()["active"] == true && answer.json()["scope"] == SCOPE
}
