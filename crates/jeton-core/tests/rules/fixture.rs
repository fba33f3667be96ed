//! A small world to decide in.

use std::sync::{Arc, OnceLock};

use jeton_core::change::Change;
use jeton_core::dialect::{Dialect, Values};
use jeton_core::domain::client::{ApiKey, Client, ClientSettings, StoredSecret};
use jeton_core::domain::id::Digest;
use jeton_core::domain::id::Id;
use jeton_core::domain::principal::{Kind, PersonProfile, Principal};
use jeton_core::domain::realm::{Realm, Settings};
use jeton_core::domain::session::{Session, Token};
use jeton_core::domain::target::{Membership, Target};
use jeton_core::domain::throttle::{Throttle, ThrottleKeys};
use jeton_core::facts::{Facts, Person, TokenFacts};
use jeton_core::rules::{ClientProof, Decision, Grant, Issue, Known, PasswordCheck, Request, Shape, exchange};
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;
use jeton_core::token::pepper::{Pepper, Purpose};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

/// An instant by its RFC 3339 text.
pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

/// The usual now.
pub(crate) fn now() -> Timestamp {
    at("2026-06-01T12:00:00Z")
}

/// A built-in dialect.
pub(crate) fn dialect(name: &str) -> &'static Dialect {
    static ALL: OnceLock<Vec<Dialect>> = OnceLock::new();
    let all = ALL.get_or_init(|| Dialect::built_in().iter().map(|(_, text)| Dialect::parse(text).unwrap()).collect());
    all.iter().find(|dialect| dialect.name == name).unwrap()
}

pub(crate) fn pepper() -> Pepper {
    Pepper::new(&[7; 32])
}

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub(crate) fn id(number: u64) -> Id {
    Id::random(&mut rng(number))
}

pub(crate) fn principal(number: i64, kind: Kind) -> Principal {
    Principal {
        id: id(number.unsigned_abs()),
        realm_id: id(1),
        kind,
        number,
        username: format!("user{number}"),
        enabled: true,
        not_before: Timestamp::EPOCH,
        created_at: Timestamp::EPOCH,
        profile: PersonProfile::default(),
        version: 3,
    }
}

pub(crate) const SECRET: &str = "the right secret";

fn secrets() -> Vec<StoredSecret> {
    let digest = pepper().digest(Purpose::Secret, &[SECRET.as_bytes()]);
    vec![StoredSecret { id: id(50), digest, created_at: Timestamp::EPOCH, expires_at: None }]
}

/// A realm where everything that can be named exists and is enabled.
pub(crate) fn facts() -> Facts {
    let service = principal(300, Kind::Service);
    Facts {
        config_version: 1,
        realm: Arc::new(Realm {
            id: id(1),
            name: "realm".to_owned(),
            enabled: true,
            not_before: Timestamp::EPOCH,
            created_at: Timestamp::EPOCH,
            settings: Settings::default(),
        }),
        client: Some(Arc::new(Client {
            id: id(40),
            client_id: "client".to_owned(),
            enabled: true,
            not_before: Timestamp::EPOCH,
            created_at: Timestamp::EPOCH,
            settings: ClientSettings {
                grants: vec![jeton_core::domain::grant::GrantType::ClientCredentials],
                scopes: vec!["read".to_owned(), "write".to_owned()],
                ..ClientSettings::default()
            },
            service: service.clone(),
            secrets: secrets(),
            registration: None,
        })),
        api_key: Some(Arc::new(ApiKey {
            id: id(41),
            key_id: "b6bf15b4-e00f-4d03-8e2b-7ed8829c8ff6".to_owned(),
            enabled: true,
            not_before: Timestamp::EPOCH,
            expires_at: None,
            created_at: Timestamp::EPOCH,
            service,
            secrets: secrets(),
        })),
        person: Some(Person { principal: principal(100, Kind::Person), password: None }),
        act_as: None,
        target: Some(Arc::new(Target {
            id: id(60),
            number: 7,
            name: "event".to_owned(),
            enabled: true,
            created_at: Timestamp::EPOCH,
        })),
        membership: Some(Membership { level: "Admin".to_owned(), password: None }),
        token: None,
        issued_to: None,
        ended: false,
        used: Vec::new(),
        device: None,
        throttle: Throttle::default(),
    }
}

/// A part of the world that is there, to be changed.
pub(crate) fn the<T: Clone>(part: &mut Option<Arc<T>>) -> &mut T {
    Arc::make_mut(part.as_mut().unwrap())
}

pub(crate) fn throttle_keys() -> ThrottleKeys {
    ThrottleKeys { pair: Digest([1; 32]), account: Digest([2; 32]), source: Digest([3; 32]) }
}

/// A request of `grant` in a dialect, or in OAuth.
pub(crate) fn request(grant: Grant, shape: Shape<'static>) -> Request<'static> {
    Request {
        grant,
        client: ClientProof::None,
        repeated: false,
        scope: None,
        resources: Vec::new(),
        cnf: None,
        certificate: None,
        shape,
        nonce: None,
        throttle: Some(throttle_keys()),
        source: "192.0.2.1".to_owned(),
    }
}

pub(crate) fn password(target: bool, act_as: bool) -> Request<'static> {
    request(Grant::Password { target, act_as }, Shape::Dialect(dialect("inevent")))
}

pub(crate) fn api_key(secret: &str) -> Request<'static> {
    request(Grant::ApiKey { secret: Secret::from(secret) }, Shape::Dialect(dialect("zro")))
}

pub(crate) fn client(secret: &str) -> Request<'static> {
    let client = ClientProof::Secret { secret: Secret::from(secret), method: None };
    Request { client, ..request(Grant::ClientCredentials, Shape::OAuth) }
}

/// Decides, with the password's checks as given.
pub(crate) fn decide(
    facts: &Facts,
    request: &Request<'_>,
    password: PasswordCheck,
    now: Timestamp,
    seed: u64,
) -> Decision<Issue> {
    let known = Known {
        facts,
        pepper: &pepper(),
        issuer: "https://issuer.example/realms/realm",
        kid: "kid",
        password,
        limited: None,
        settings: &Values::new(),
    };
    exchange(&known, request, now, &mut rng(seed))
}

/// The world after `changes`, for the one session that they are about.
pub(crate) fn apply(changes: &[Change], principal: &Principal, facts: &Facts) -> Option<TokenFacts> {
    let session = changes.iter().find_map(|change| match change {
        Change::StartSession(session) => Some(session.clone()),
        _ => None,
    })?;
    let token = changes.iter().find_map(|change| match change {
        Change::PutToken(token) => Some(token.clone()),
        _ => None,
    })?;
    Some(token_facts(token, session, principal, facts))
}

pub(crate) fn token_facts(token: Token, session: Session, principal: &Principal, facts: &Facts) -> TokenFacts {
    let target = session.target_id.map(|_| (facts.target.clone().unwrap(), facts.membership.clone().map(Arc::new)));
    TokenFacts {
        token,
        api_key: session.api_key_id.and(facts.api_key.clone()),
        client: session.client_id.and(facts.client.clone()),
        session,
        principal: Arc::new(principal.clone()),
        actor: None,
        target,
        exchanged: Vec::new(),
        successor: None,
    }
}
