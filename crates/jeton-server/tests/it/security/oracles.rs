//! What an answer and its cost tell of an account: nothing (H6, I3).

use jeton_core::change::Audit;
use jeton_core::domain::principal::{Kind, PersonProfile};
use jeton_store::NewPrincipal;

use super::checks;
use crate::harness::{ADA, Answer, BOB, Call, EVENT, GRACE, Person, Server};

const NOBODY: Person = Person { username: "nobody", password: "" };
const OFF: Person = Person { username: "off", password: "off's own password" };
const BARE: Person = Person { username: "bare", password: "" };
const DAMAGED: Person = Person { username: "damaged", password: "damaged" };
const COSTLY: Person = Person { username: "costly", password: "costly" };
const SERVICE: Person = Person { username: "robot", password: "robot" };

/// People of every sort that cannot sign in.
async fn populate(server: &Server, realm: &str) {
    let seed = server.seed();
    seed.person(realm, OFF, 9001, &[], &[]).await;
    seed.enable_principal(realm, OFF.username, false).await;
    let realm_id = seed.find_realm(realm).await.id;
    let records: [(Person, i64, Kind, Option<&str>); 4] = [
        (BARE, 9002, Kind::Person, None),
        (DAMAGED, 9003, Kind::Person, Some("$argon2id$v=19$m=19456,t=2,p=1$not base64$")),
        (COSTLY, 9004, Kind::Person, Some("$argon2id$v=19$m=4194304,t=1000,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAA")),
        (SERVICE, 9005, Kind::Service, None),
    ];
    for (person, number, kind, phc) in records {
        let new = NewPrincipal {
            kind,
            number: Some(number),
            profile: PersonProfile::default(),
            password: phc.map(str::to_owned),
            ..seed.service(realm_id, person.username)
        };
        let record: Audit = seed.record();
        server.app.store.add_principal(&new, record).await.unwrap();
    }
}

/// The answer to `call`, and how many passwords were checked for it.
async fn cost(server: &Server, call: Call) -> (Answer, u64) {
    let before = checks(server);
    let answer = call.await.without_date();
    (answer, checks(server) - before)
}

#[tokio::test]
async fn h6_i3_whoever_cannot_sign_in_is_told_the_same_at_the_same_cost() {
    let server = Server::start().await;
    populate(&server, "inevent").await;
    populate(&server, "pitchpoint").await;
    server.seed().target("inevent", 2027, "Where Ada is not").await;
    server.seed().target("inevent", 2028, "Where Ada has no password").await;
    server.seed().member("inevent", 2028, ADA.username, "User", None).await;
    let nobodies = [NOBODY, OFF, BARE, DAMAGED, COSTLY, SERVICE];
    let with = |event| vec![("eventID", event)];
    let wrong = "wrong password";

    let plain: Vec<(String, Call)> = nobodies
        .iter()
        .map(|person| (person.username.to_owned(), server.inevent(*person, wrong, &[])))
        .chain([
            ("wrong".to_owned(), server.inevent(ADA, wrong, &[])),
            ("disabled, right password".to_owned(), server.inevent(OFF, OFF.password, &[])),
            ("another realm's person".to_owned(), server.inevent(GRACE, GRACE.password, &[])),
        ])
        .collect();
    let event: Vec<(String, Call)> = nobodies
        .iter()
        .map(|person| (person.username.to_owned(), server.inevent(*person, wrong, &with(EVENT))))
        .chain([
            ("wrong".to_owned(), server.inevent(ADA, wrong, &with(EVENT))),
            ("unknown event".to_owned(), server.inevent(ADA, wrong, &with("9999999"))),
            ("no member".to_owned(), server.inevent(ADA, wrong, &with("2027"))),
            ("no password there".to_owned(), server.inevent(ADA, wrong, &with("2028"))),
        ])
        .collect();
    let as_bob = |username: &str, password: &str, alias: &str| {
        server
            .post(crate::harness::SIGN_IN)
            .json(serde_json::json!({ "username": username, "password": password, "useralias": alias }).to_string())
    };
    let orders: Vec<(String, Call)> = nobodies
        .iter()
        .map(|person| (person.username.to_owned(), server.pitchpoint(person.username, wrong)))
        .chain([
            ("wrong".to_owned(), server.pitchpoint(GRACE.username, wrong)),
            ("disabled, right password".to_owned(), server.pitchpoint(OFF.username, OFF.password)),
            ("another realm's person".to_owned(), server.pitchpoint(ADA.username, ADA.password)),
            ("unknown alias".to_owned(), as_bob(GRACE.username, GRACE.password, "nobody")),
            ("disabled alias".to_owned(), as_bob(GRACE.username, GRACE.password, OFF.username)),
            ("forbidden alias".to_owned(), as_bob(BOB.username, BOB.password, GRACE.username)),
        ])
        .collect();

    for (what, calls, expected) in [("without event", plain, 1), ("with event", event, 2), ("orders", orders, 1)] {
        let mut first = None;
        for (name, call) in calls {
            let (answer, cost) = cost(&server, call).await;
            assert_eq!(cost, expected, "{what}, {name}: {answer:?}");
            let first = first.get_or_insert_with(|| answer.clone());
            assert_eq!(answer, *first, "{what}, {name}");
            assert!(matches!(answer.status, 401 | 403), "{what}, {name}: {answer:?}");
        }
    }
}

/// The contracts tell a locked account from a wrong password; they do not tell whether there is such an account.
#[tokio::test]
async fn h6_a_locked_account_is_told_the_same_whether_it_exists() {
    let server = Server::start().await;
    populate(&server, "inevent").await;
    let mut first = None;
    for person in [ADA, NOBODY, OFF, BARE, SERVICE] {
        for _ in 0..10 {
            assert_eq!(server.inevent(person, "wrong", &[]).await.status, 401);
        }
        for password in ["wrong", person.password] {
            // A password must not be empty, whose ever it is.
            let password = if password.is_empty() { "also wrong" } else { password };
            let (answer, cost) = cost(&server, server.inevent(person, password, &[])).await;
            assert_eq!((answer.status, cost), (403, 0), "{}", person.username);
            let first = first.get_or_insert_with(|| answer.clone());
            assert_eq!(answer, *first, "{}", person.username);
        }
    }
}

#[tokio::test]
async fn h6_unknown_disabled_and_wrong_are_one_for_programs_too() {
    let server = Server::start().await;
    let (off, key) = (server.seed().api_key("zro").await, server.seed().api_key("zro").await);
    server.seed().enable_api_key("zro", &off.id, false).await;
    let sign_in =
        |id: &str, secret: &str| server.zro_sign_in(&crate::harness::Key { id: id.into(), secret: secret.into() });
    let unknown = "00000000-0000-4000-8000-000000000000";
    let wrong = sign_in(&key.id, "jts_wrong").await.without_date();
    assert_eq!(wrong.status, 401);
    for (what, id, secret) in [
        ("unknown", unknown, "jts_wrong"),
        ("disabled", &off.id, &off.secret),
        ("another's secret", &key.id, &off.secret),
    ] {
        assert_eq!(sign_in(id, secret).await.without_date(), wrong, "{what}");
    }

    let off = server.seed().client("plain", "off", super::service()).await;
    server.seed().enable_client("plain", "off", false).await;
    let ask = |id: &str, secret: &str| {
        let client = crate::harness::Key { id: id.into(), secret: secret.into() };
        server.oauth("plain", "token", &client, &[("grant_type", "client_credentials")])
    };
    let wrong = ask(&server.plain.id, "wrong").await.without_date();
    assert_eq!(wrong.status, 401);
    for (what, id, secret) in [
        ("unknown", "unknown", "wrong"),
        ("disabled", &off.id, &off.secret),
        ("another realm's", &server.ion.id, &server.ion.secret),
    ] {
        assert_eq!(ask(id, secret).await.without_date(), wrong, "{what}");
    }
}
