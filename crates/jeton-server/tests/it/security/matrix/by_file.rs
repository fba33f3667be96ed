//! The rows of dialects that nobody wrote rows for: their own files write the requests. Each has a realm of its name
//! at a host of its name, with one person and one program in it.

use std::sync::LazyLock;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName};
use jeton_core::dialect::{self, AnswerParts, Dialect, GrantName, Origin, Slot, Values};
use jeton_core::domain::client::ClientSettings;
use jeton_core::domain::policy::Refresh;
use jeton_core::domain::realm::{Mount, Settings};
use jeton_core::secret::Secret;

use super::rows::{Kind, Party, Proof, Row};
use crate::harness::{Call, GRACE, Key, Server};

/// The program, and its secret.
const PROGRAM: (&str, &str) = ("program", "a secret between two programs");

/// Dialects with rows by hand.
const BY_HAND: [&str; 4] = ["inevent", "pitchpoint", "ion", "zro"];

/// The value of every setting that has none by itself.
const SETTING: &str = "example.org";

static DIALECTS: LazyLock<Vec<Dialect>> = LazyLock::new(|| {
    let others = Dialect::built_in().iter().filter(|(name, _)| !BY_HAND.contains(name));
    others.map(|(_, text)| Dialect::parse(text).unwrap()).collect()
});

/// The dialect of a realm that [`seed`] made.
pub(super) fn dialect(realm: &str) -> Option<&'static Dialect> {
    DIALECTS.iter().find(|dialect| dialect.name == realm)
}

/// A realm for each of these dialects.
pub(super) async fn seed(server: &Server) {
    let seed = server.seed();
    for dialect in DIALECTS.iter() {
        let name = dialect.name.as_str();
        let mount = Mount { dialect: name.to_owned(), host: Some(host(name)), prefix: String::new() };
        let needed = dialect.fields.iter().filter(|field| field.origin == Origin::Setting && field.default.is_none());
        let values = needed.map(|field| (field.name.clone(), SETTING.to_owned())).collect();
        seed.realm(name, Settings { dialects: vec![mount], values, ..Settings::default() }).await;
        let own = dialect.fields.iter().filter(|field| field.origin == Origin::Person);
        let attributes: Vec<_> = own.map(|field| (field.name.as_str(), "x")).collect();
        seed.person(name, GRACE, 1000, &attributes, &[]).await;
        let settings = ClientSettings {
            grants: vec![jeton_core::domain::grant::GrantType::ClientCredentials],
            ..ClientSettings::default()
        };
        seed.client_with(name, PROGRAM.0, settings, seed.stored(PROGRAM.1), None).await;
    }
}

/// A row for each exchange that yields or confirms a token, and the names of those that do not.
pub(super) fn rows() -> (Vec<Row>, Vec<String>) {
    let (mut rows, mut nothing) = (Vec::new(), Vec::new());
    for dialect in DIALECTS.iter() {
        for (index, exchange) in dialect.exchanges.iter().enumerate().filter(|(_, exchange)| exchange.only.is_none()) {
            let way = format!("{}/{}", dialect.name, exchange.grant.name());
            let mut parties = vec![Party::Person(GRACE.username)];
            let proof = match exchange.grant {
                GrantName::Password => {
                    let program = exchange.request_slots().iter().any(|slot| slot.name == "client_secret");
                    parties.extend(program.then_some(Party::Client(PROGRAM.0)));
                    Proof::Password
                }
                GrantName::Refresh | GrantName::Renew => Proof::Token(refreshable(dialect)),
                GrantName::UserInfo => Proof::Token(dialect.policy.lifetime),
                GrantName::End | GrantName::Step => {
                    nothing.push(way);
                    continue;
                }
                GrantName::ClientCredentials => {
                    parties = vec![Party::Client(PROGRAM.0), Party::Service(PROGRAM.0)];
                    Proof::Client
                }
                GrantName::ApiKey => continue,
            };
            rows.push(Row {
                way,
                realm: &dialect.name,
                kind: Kind::Realm,
                proof,
                parties,
                ask: Box::new(move |server, _, proof| ask(server, dialect, index, proof)),
                yes: |answer| answer.status == 200,
            });
        }
    }
    (rows, nothing)
}

/// A proof for a row: what the person signs in with, or a token that it got so.
pub(super) async fn proof(server: &Server, dialect: &Dialect, row: &Row) -> Key {
    let key = |(id, secret): (&str, &str)| Key { id: id.to_owned(), secret: secret.to_owned() };
    let person = key((GRACE.username, GRACE.password));
    match row.proof {
        Proof::Password => return person,
        Proof::Client => return key(PROGRAM),
        Proof::ApiKey | Proof::Token(_) | Proof::Code(_) | Proof::Registration => {}
    }
    let index = dialect.exchanges.iter().position(|exchange| exchange.grant == GrantName::Password).unwrap();
    let answer = ask(server, dialect, index, &person).await;
    let mut headers = HeaderMap::new();
    for (name, value) in &answer.headers {
        headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    let parts =
        AnswerParts { status: answer.status, reason_phrase: None, headers: &headers, body: answer.body.as_bytes() };
    let said = dialect.read_answer(index, &parts).unwrap();
    let token = if row.way.ends_with("/refresh") { "refresh_token" } else { "access_token" };
    let id = server.seed().find_principal(row.realm, GRACE.username).await.id.to_string();
    Key { id, secret: said.secret(token).unwrap().expose().clone() }
}

/// The request of an exchange, proven so.
fn ask(server: &Server, dialect: &Dialect, index: usize, proof: &Key) -> Call {
    let slots = dialect.exchanges[index].request_slots();
    let itself = dialect.exchanges[index].grant == GrantName::ClientCredentials;
    let (client_id, client_secret) = if itself { (proof.id.as_str(), proof.secret.as_str()) } else { PROGRAM };
    let mut values = Values::new();
    for Slot { name, required, kind } in &slots {
        match name.as_str() {
            "client_id" => values.set("client_id", client_id),
            "client_secret" => values.set("client_secret", Secret::from(client_secret)),
            "username" | "person.id" => values.set(name.as_str(), proof.id.as_str()),
            "password" | "access_token" | "refresh_token" => values.set(name.as_str(), secret(proof)),
            name if *required && *kind == dialect::Kind::Text => values.set(name, "x"),
            _ => {}
        }
    }
    let settings = dialect.fields.iter().filter(|field| field.origin == Origin::Setting && field.default.is_none());
    let settings = settings.fold(Values::new(), |settings, field| settings.with(field.name.as_str(), SETTING));
    let mut request = dialect.write_request(index, &values, &settings).unwrap();
    let own = |slot: &Slot| slot.name == "access_token" || slot.name == "refresh_token";
    if dialect.exchanges[index].grant.shows_token() && !slots.iter().any(own) {
        let placed = dialect.place_token(&request.method, &request.target, &secret(proof), &Values::new()).unwrap();
        request.headers.extend(placed.headers);
    }
    let mut call = server.call(request.method.as_str(), &request.target).host(&host(&dialect.name));
    for (name, value) in &request.headers {
        call = match name.eq_ignore_ascii_case(CONTENT_TYPE.as_str()) {
            true => call.body(value, request.body.as_str()),
            false => call.header(name, value),
        };
    }
    call
}

fn host(dialect: &str) -> String {
    format!("{dialect}.test")
}

fn secret(proof: &Key) -> Secret<String> {
    Secret::from(proof.secret.as_str())
}

/// How long after its issue the credential of a refresh is good.
fn refreshable(dialect: &Dialect) -> Duration {
    match &dialect.policy.refresh {
        Refresh::None => Duration::ZERO,
        Refresh::Keep { end } => end.after,
        Refresh::Rotate { within, .. } | Refresh::Renew { within, .. } => *within,
        Refresh::Extend => dialect.policy.lifetime,
    }
}
