//! The rows of dialects that nobody wrote rows for: their own files write the requests. Each has a realm of its name
//! at a host of its name, with one person in it.

use std::sync::LazyLock;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName};
use jeton_core::dialect::{AnswerParts, Dialect, GrantName, Origin, Slot, Values};
use jeton_core::domain::policy::Refresh;
use jeton_core::domain::realm::{Mount, Settings};
use jeton_core::secret::Secret;

use super::rows::{Kind, Party, Proof, Row};
use crate::harness::{Call, GRACE, Key, Server};

/// Dialects with rows by hand.
const BY_HAND: [&str; 4] = ["inevent", "pitchpoint", "ion", "zro"];

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
        seed.realm(name, Settings { dialects: vec![mount], ..Settings::default() }).await;
        let own = dialect.fields.iter().filter(|field| field.origin == Origin::Person);
        let attributes: Vec<_> = own.map(|field| (field.name.as_str(), "x")).collect();
        seed.person(name, GRACE, 1000, &attributes, &[]).await;
    }
}

/// A row for each exchange that yields or confirms a token, and the names of those that do not.
pub(super) fn rows() -> (Vec<Row>, Vec<String>) {
    let (mut rows, mut nothing) = (Vec::new(), Vec::new());
    for dialect in DIALECTS.iter() {
        for (index, exchange) in dialect.exchanges.iter().enumerate().filter(|(_, exchange)| exchange.only.is_none()) {
            let way = format!("{}/{}", dialect.name, exchange.grant.name());
            let proof = match exchange.grant {
                GrantName::Password => Proof::Password,
                GrantName::Refresh | GrantName::Renew => Proof::Token(refreshable(dialect)),
                GrantName::UserInfo => Proof::Token(dialect.policy.lifetime),
                GrantName::End | GrantName::Step => {
                    nothing.push(way);
                    continue;
                }
                GrantName::ApiKey | GrantName::ClientCredentials => continue,
            };
            rows.push(Row {
                way,
                realm: &dialect.name,
                kind: Kind::Realm,
                proof,
                parties: vec![Party::Person(GRACE.username)],
                ask: Box::new(move |server, _, proof| ask(server, dialect, index, proof)),
                yes: |answer| answer.status == 200,
            });
        }
    }
    (rows, nothing)
}

/// A proof for a row: what the person signs in with, or a token that it got so.
pub(super) async fn proof(server: &Server, dialect: &Dialect, row: &Row) -> Key {
    let person = Key { id: GRACE.username.to_owned(), secret: GRACE.password.to_owned() };
    if row.proof == Proof::Password {
        return person;
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
    let mut values = Values::new();
    for Slot { name, .. } in &slots {
        match name.as_str() {
            "username" | "person.id" => values.set(name.as_str(), proof.id.as_str()),
            "password" | "access_token" | "refresh_token" => values.set(name.as_str(), secret(proof)),
            _ => {}
        }
    }
    let mut request = dialect.write_request(index, &values, &Values::new()).unwrap();
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
    }
}
