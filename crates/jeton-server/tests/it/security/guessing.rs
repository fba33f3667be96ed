//! Guessing passwords: counted by account however it is written and wherever it comes from (H7 to H12).

use tokio::task::JoinSet;

use super::{behind_proxy, checks, source};
use crate::harness::{ADA, Answer, BOB, GRACE, Options, Person, Server, form, mount};
use jeton_core::domain::realm::{Mount, Settings};
use jeton_core::facts::Query;

/// The statuses by which Pitchpoint's sign-in says: wrong, and not even looked at.
const WRONG: &str = "Invalid username / password combination";
const LOCKED: &str = "Too many attempts, try later";

#[track_caller]
fn said(answer: &Answer) -> String {
    assert_eq!(answer.status, 403, "{answer:?}");
    answer.text("/error_description")
}

#[tokio::test]
async fn h7_an_account_is_one_however_it_is_written() {
    let server = Server::start().await;
    let spellings = ["grace", "GRACE", " Grace ", "\u{ff47}\u{ff52}\u{ff41}\u{ff43}\u{ff45}", "gra\u{ff23}E"];
    for spelling in spellings {
        assert_eq!(server.pitchpoint(spelling, GRACE.password).await.status, 200, "{spelling:?}");
    }
    // That success made the source a known one, which may fail thirty times.
    for guess in 0..30 {
        let spelling = spellings[guess % spellings.len()];
        assert_eq!(said(&server.pitchpoint(spelling, "wrong").await), WRONG, "{guess} {spelling:?}");
    }
    let before = checks(&server);
    for spelling in spellings {
        assert_eq!(said(&server.pitchpoint(spelling, GRACE.password).await), LOCKED, "{spelling:?}");
    }
    assert_eq!(checks(&server), before, "a locked account costs no check");
    assert_eq!(said(&server.pitchpoint(BOB.username, "wrong").await), WRONG, "another account is not concerned");
}

#[tokio::test]
async fn h7_dialects_of_a_realm_share_the_count() {
    let server = Server::start().await;
    let below = |dialect: &str, prefix: &str| Mount { prefix: prefix.to_owned(), ..mount(dialect) };
    let dialects = vec![below("inevent", "/i"), below("pitchpoint", "/p")];
    server.seed().realm("custom", Settings { dialects, ..Settings::default() }).await;
    let eve = Person { username: "Eve", password: "eve's own password" };
    server.seed().person("custom", eve, 1, &[], &[]).await;
    let inevent = async |password: &str| {
        let target = format!("/i/?{}", form(&[("action", "person.signIn"), ("username", "eve")]));
        server.post(&target).form(&[("password", password)]).await
    };
    let pitchpoint = async |password: &str| {
        let body = serde_json::json!({ "username": "EVE", "password": password }).to_string();
        server.post(&format!("/p{}", crate::harness::SIGN_IN)).json(body).await
    };
    for _ in 0..5 {
        assert_eq!(inevent("wrong").await.status, 401);
        assert_eq!(said(&pitchpoint("wrong").await), WRONG);
    }
    assert_eq!(inevent(eve.password).await.status, 403);
    assert_eq!(said(&pitchpoint(eve.password).await), LOCKED);
    server.clock.advance(crate::harness::MINUTE * 10);
    assert_eq!(inevent(eve.password).await.status, 200);
    assert_eq!(pitchpoint(eve.password).await.status, 200);
}

#[tokio::test]
async fn h8_at_most_a_hundred_guesses_reach_the_password_from_wherever_they_come() {
    let server = behind_proxy().await;
    let guess = async |number: usize, password: &str| {
        let call = server.pitchpoint(GRACE.username, password).header("X-Forwarded-For", &source(number));
        said(&call.await)
    };
    let before = checks(&server);
    for number in 0..100 {
        assert_eq!(guess(number, "wrong").await, WRONG, "{number}");
    }
    assert_eq!(checks(&server) - before, 100);
    for number in 100..140 {
        assert_eq!(guess(number, "wrong").await, LOCKED, "{number}");
    }
    assert_eq!(guess(0, GRACE.password).await, LOCKED, "nor with the right one, from a source nobody knows");
    server.clock.advance(crate::harness::HOUR * 24 - crate::harness::SECOND);
    assert_eq!(guess(200, GRACE.password).await, LOCKED, "a day later, less a second");
    assert_eq!(checks(&server) - before, 100);
}

#[tokio::test]
async fn h9_parallel_guesses_exceed_the_limit_by_no_more_than_the_nodes() {
    let server = behind_proxy().await;
    let beside = server.beside().await;
    let storm = async |from: Sources, account: &'static str| {
        let before = checks(&server) + checks(&beside);
        let mut guesses = JoinSet::new();
        for number in 0..200 {
            let node = if number % 2 == 0 { &server } else { &beside };
            guesses.spawn(node.pitchpoint(account, "wrong").header("X-Forwarded-For", &from(number)).into_future());
        }
        for answer in guesses.join_all().await {
            said(&answer);
        }
        checks(&server) + checks(&beside) - before
    };
    let one = storm(|_| "203.0.113.9".to_owned(), GRACE.username).await;
    assert!((10..=11).contains(&one), "from one source: {one}");
    let many = storm(source, BOB.username).await;
    assert!((100..=101).contains(&many), "from two hundred: {many}");
}

#[tokio::test]
async fn h10_the_owner_signs_in_from_a_known_address_while_others_guess() {
    let server = behind_proxy().await;
    let home = "192.0.2.44";
    let sign_in =
        |from: &str, password: &str| server.pitchpoint(GRACE.username, password).header("X-Forwarded-For", from);
    assert_eq!(sign_in(home, GRACE.password).await.status, 200);
    let mut number = 0;
    let mut attack = async |guesses: usize| {
        let mut last = String::new();
        for _ in 0..guesses {
            number += 1;
            last = said(&sign_in(&source(number), "wrong").await);
        }
        last
    };
    assert_eq!(attack(101).await, LOCKED, "the account is closed to strangers");
    let mut signed_in = 0;
    for round in 0..20 {
        if round > 0 {
            attack(5).await;
        }
        signed_in += usize::from(sign_in(home, GRACE.password).await.status == 200);
    }
    assert_eq!(signed_in, 20);
}

#[tokio::test]
async fn h11_success_starts_the_count_anew() {
    let server = behind_proxy().await;
    let at = |password: &str, number: usize| {
        server.pitchpoint(GRACE.username, password).header("X-Forwarded-For", &source(number))
    };
    for round in 0..3 {
        for _ in 0..9 {
            assert_eq!(said(&at("wrong", 1).await), WRONG, "round {round}");
        }
        assert_eq!(at(GRACE.password, 1).await.status, 200, "round {round}");
    }
    // So does the account's own count, whoever moved it.
    for number in 100..199 {
        assert_eq!(said(&at("wrong", number).await), WRONG, "{number}");
    }
    assert_eq!(at(GRACE.password, 2).await.status, 200);
    assert_eq!(said(&at("wrong", 300).await), WRONG);
    assert_eq!(at(GRACE.password, 301).await.status, 200);
}

#[tokio::test]
async fn h11_fifty_right_passwords_at_once_all_sign_in() {
    let server = Server::start().await;
    let mut calls = JoinSet::new();
    for _ in 0..50 {
        calls.spawn(server.inevent(ADA, ADA.password, &[]).into_future());
    }
    let statuses: Vec<u16> = calls.join_all().await.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200; 50]);
}

/// Where the guess of this number comes from.
type Sources = fn(usize) -> String;

#[tokio::test]
async fn h12_a_source_is_an_ipv4_address_or_an_ipv6_64() {
    // Ten failures from the first each, then who is locked out with them.
    let rows: [(&str, Sources, &str, bool); 6] = [
        ("a /64", |n| format!("2001:db8:1:2::{n:x}"), "2001:db8:1:2:ffff:ffff:ffff:ffff", true),
        ("the next /64", |n| format!("2001:db8:2:2::{n:x}"), "2001:db8:2:3::1", false),
        ("an address", |_| "203.0.113.1".to_owned(), "203.0.113.1", true),
        ("its neighbour", |_| "203.0.113.3".to_owned(), "203.0.113.4", false),
        ("the same written as IPv6", |_| "::ffff:203.0.113.5".to_owned(), "203.0.113.5", true),
        ("the last of a list", |n| format!("203.0.114.{n}, 203.0.113.6"), "203.0.113.6", true),
    ];
    for (what, from, then, locked) in rows {
        let server = behind_proxy().await;
        for number in 1..=10 {
            let call = server.pitchpoint(GRACE.username, "wrong").header("X-Forwarded-For", &from(number));
            assert_eq!(said(&call.await), WRONG, "{what}");
        }
        let call = server.pitchpoint(GRACE.username, "wrong").header("X-Forwarded-For", then);
        assert_eq!(said(&call.await), if locked { LOCKED } else { WRONG }, "{what}");
    }
}

#[tokio::test]
async fn h12_who_is_no_trusted_proxy_cannot_choose_its_address() {
    let trusted_proxies = vec!["192.0.2.0/24".parse().unwrap()];
    let server = Server::start_with(Options { trusted_proxies, ..Options::default() }).await;
    for number in 0..10 {
        let call = server.pitchpoint(GRACE.username, "wrong");
        let call = call.header("X-Forwarded-For", &source(number)).header("Forwarded", "for=192.0.2.60");
        assert_eq!(said(&call.header("X-Real-IP", &source(number)).await), WRONG, "{number}");
    }
    let call = server.pitchpoint(GRACE.username, GRACE.password).header("X-Forwarded-For", &source(99));
    assert_eq!(said(&call.await), LOCKED);
}

/// A hash of `password` that costs less than today's.
fn cheap_hash(password: &str) -> String {
    use argon2::{Algorithm, Argon2, Params, Version};
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    let (salt, mut tag) = ([7; 16], [0; 32]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, None).unwrap());
    argon2.hash_password_into(password.as_bytes(), &salt, &mut tag).unwrap();
    let [salt, tag] = [&salt[..], &tag].map(|bytes| STANDARD_NO_PAD.encode(bytes));
    format!("$argon2id$v=19$m=64,t=1,p=1${salt}${tag}")
}

#[tokio::test]
async fn h5_a_cheap_hash_is_renewed_at_the_next_success() {
    let server = Server::start().await;
    let grace = server.seed().find_principal("pitchpoint", GRACE.username).await;
    let cheap = cheap_hash("an imported password");
    let record = server.seed().record();
    server.app.store.set_password(grace.id, None, &cheap, false, server.clock.now(), record).await.unwrap();
    let stored = async || {
        let query = Query { realm: "pitchpoint", username: Some(GRACE.username), ..Query::default() };
        server.app.store.load(&query).await.unwrap().unwrap().person.unwrap().password.unwrap()
    };
    assert_eq!(said(&server.pitchpoint(GRACE.username, "wrong").await), WRONG);
    assert_eq!(stored().await, cheap, "a failure renews nothing");
    assert_eq!(server.pitchpoint(GRACE.username, "an imported password").await.status, 200);
    let renewed = stored().await;
    assert!(renewed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{renewed}");
    assert_eq!(server.pitchpoint(GRACE.username, "an imported password").await.status, 200);
    assert_eq!(stored().await, renewed);
}
