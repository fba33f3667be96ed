//! Device authorization (RFC 8628): asked for, decided on by one person, once, and exchanged once.

use std::net::IpAddr;

use jeton_core::domain::client::{AuthMethod, ClientSettings};
use jeton_core::domain::grant::GrantType::{self, DeviceCode};
use jeton_core::domain::refusal::Reason;
use jeton_core::domain::throttle::ThrottleKeys;
use jeton_core::token::pepper::Purpose;
use jeton_server::device::{Word, decide};
use jeton_server::exchange::Ended;

use super::{REALM, Shop, access, invalid_grant, no, refresh_of, shop_on};
use crate::harness::{ADA, Answer, BOB, DAY, Key, MINUTE, PUBLIC_URL, SECOND, Server};
use crate::security::behind_proxy;

/// The shop, whose realm knows the grant, and a television: a public client.
struct Living {
    shop: Shop,
    tv: Key,
}

async fn living_room() -> Living {
    living_room_on(Server::start().await).await
}

async fn living_room_on(server: Server) -> Living {
    let shop = shop_on(server).await;
    shop.server.configure(REALM, |settings| settings.grants.push(DeviceCode)).await;
    let settings = ClientSettings {
        grants: vec![DeviceCode, GrantType::RefreshToken],
        auth: Some(AuthMethod::None),
        scopes: vec!["read".to_owned(), "write".to_owned()],
        audiences: vec!["https://orders.example".to_owned(), "https://bills.example".to_owned()],
        ..ClientSettings::default()
    };
    let tv = Key { secret: String::new(), ..shop.server.seed().client(REALM, "tv", settings).await };
    Living { shop, tv }
}

impl Living {
    async fn begin(&self, more: &[(&str, &str)]) -> Answer {
        self.shop.server.oauth(REALM, "auth/device", &self.tv, more).await
    }

    async fn poll(&self, begun: &Answer) -> Answer {
        self.poll_as(&self.tv, begun).await
    }

    async fn poll_as(&self, client: &Key, begun: &Answer) -> Answer {
        let code = begun.text("/device_code");
        self.shop.token(client, &[("grant_type", DeviceCode.name()), ("device_code", &code)]).await
    }

    /// What a person says who signed in at this address.
    async fn say(&self, user_code: &str, username: &str, approve: bool, from: &str) -> Result<(), Reason> {
        let digest = |parts: &[&[u8]]| self.shop.server.app.pepper.digest(Purpose::Throttle, parts);
        let from_bytes = from.as_bytes();
        let keys = ThrottleKeys {
            pair: digest(&[b"user_code", from_bytes]),
            account: digest(&[b"user_code"]),
            source: digest(&[from_bytes]),
        };
        let _: IpAddr = from.parse().unwrap();
        let word = Word { realm: REALM, user_code, username, approve, throttle: Some(keys), source: from };
        match decide(&self.shop.server.app, &word).await {
            Ok(_) => Ok(()),
            Err(Ended::Refused(refusal)) => Err(refusal.reason),
            Err(Ended::Broken(fault)) => panic!("{fault}"),
        }
    }

    async fn approve(&self, begun: &Answer) -> Result<(), Reason> {
        self.say(&begun.text("/user_code"), ADA.username, true, "192.0.2.1").await
    }
}

fn error(name: &str) -> (u16, String) {
    (400, name.to_owned())
}

#[tokio::test]
async fn a_device_asks_waits_and_acts_for_whoever_said_yes() {
    let living = living_room().await;
    let begun = living.begin(&[("scope", "read"), ("resource", "https://orders.example")]).await;
    assert_eq!((begun.status, begun.header("cache-control")), (200, Some("no-store")), "{begun:?}");
    assert_eq!(begun.header("content-type"), Some("application/json"));
    let (page, user_code) = (format!("{PUBLIC_URL}/realms/{REALM}/device"), begun.text("/user_code"));
    assert_eq!(begun.text("/verification_uri"), page);
    assert_eq!(begun.text("/verification_uri_complete"), format!("{page}?user_code={user_code}"));
    assert_eq!((begun.json()["expires_in"].as_u64(), begun.json()["interval"].as_u64()), (Some(600), Some(5)));

    assert_eq!(no(&living.poll(&begun).await), error("authorization_pending"));
    living.shop.server.clock.advance(SECOND * 5);
    assert_eq!(no(&living.poll(&begun).await), error("authorization_pending"));
    // However it is typed.
    let typed = user_code.to_lowercase().replace('-', " ");
    assert_eq!(living.say(&typed, ADA.username, true, "192.0.2.1").await, Ok(()));
    let granted = living.poll(&begun).await;
    assert_eq!((granted.status, granted.json()["scope"].as_str()), (200, Some("read")), "{granted:?}");
    let seen = living.shop.introspect(&access(&granted)).await;
    assert_eq!((&seen["username"], &seen["client_id"]), (&ADA.username.into(), &"tv".into()));
    assert_eq!(seen["aud"], "https://orders.example");
    let next = living.shop.refresh(&living.tv, &refresh_of(&granted), &[]).await;
    assert_eq!((next.status, next.json()["scope"].as_str()), (200, Some("read")));
    let trail = living.shop.server.app.store.newest_audit(999).await.unwrap();
    assert!(trail.iter().any(|line| line.event == "device.approved" && line.detail == "tv"));
}

#[tokio::test]
async fn d10_a_device_code_is_good_once_and_for_its_own_client() {
    let living = living_room().await;
    let begun = living.begin(&[]).await;
    living.approve(&begun).await.unwrap();
    living.shop.server.seed().configure_client(REALM, "app", |settings| settings.grants.push(DeviceCode)).await;
    assert_eq!(no(&living.poll_as(&living.shop.app, &begun).await), invalid_grant(), "another client");
    let user_code = begun.text("/user_code");
    let fields = [("grant_type", DeviceCode.name()), ("device_code", user_code.as_str())];
    assert_eq!(no(&living.shop.token(&living.tv, &fields).await), invalid_grant(), "the code that is shown to all");
    let granted = living.poll(&begun).await;
    assert_eq!(granted.status, 200);
    assert_eq!(no(&living.poll(&begun).await), invalid_grant(), "a second time");
    assert!(living.shop.lives(&access(&granted)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d10_of_simultaneous_exchanges_one_succeeds() {
    let living = living_room().await;
    let begun = living.begin(&[]).await;
    living.approve(&begun).await.unwrap();
    let [a, b, c, d] = [0; 4].map(|_| living.poll(&begun));
    let (a, b, c, d) = tokio::join!(a, b, c, d);
    let mut statuses = [a.status, b.status, c.status, d.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400, 400, 400]);
}

#[tokio::test]
async fn d10_a_person_decides_once_and_nobody_after() {
    let living = living_room().await;
    for (first, second) in [(true, true), (true, false), (false, true), (false, false)] {
        let begun = living.begin(&[]).await;
        let user_code = begun.text("/user_code");
        assert_eq!(living.say(&user_code, ADA.username, first, "192.0.2.1").await, Ok(()));
        assert_eq!(living.say(&user_code, BOB.username, second, "192.0.2.2").await, Err(Reason::InvalidToken));
        let answer = living.poll(&begun).await;
        match first {
            true => {
                assert_eq!(living.shop.introspect(&access(&answer)).await["username"], ADA.username);
            }
            false => assert_eq!(no(&answer), error("access_denied")),
        }
        living.shop.server.clock.advance(DAY);
    }
}

/// The yes is that of the person as it was.
#[tokio::test]
async fn d8_a_person_who_was_changed_meanwhile_has_to_say_it_again() {
    let living = living_room().await;
    let seed = living.shop.server.seed();
    for reason in ["nothing", "a new password", "disabled", "disabled and enabled"] {
        let begun = living.begin(&[]).await;
        living.approve(&begun).await.unwrap();
        match reason {
            "nothing" => {}
            "a new password" => seed.set_password(REALM, ADA.username, None, "another password").await,
            reason => {
                seed.enable_principal(REALM, ADA.username, false).await;
                seed.enable_principal(REALM, ADA.username, reason != "disabled").await;
            }
        }
        let answer = living.poll(&begun).await;
        match reason {
            "nothing" => assert_eq!(answer.status, 200),
            _ => assert_eq!(no(&answer), invalid_grant(), "{reason}"),
        }
        seed.enable_principal(REALM, ADA.username, true).await;
    }
}

#[tokio::test]
async fn who_asks_too_often_waits_longer_each_time() {
    let living = living_room().await;
    let begun = living.begin(&[]).await;
    // Seconds since the last question, and the answer; the interval grows from 5 by 5.
    for (row, (wait, expected)) in [
        (0, "authorization_pending"),
        (4, "slow_down"),
        (9, "slow_down"),
        (14, "slow_down"),
        (20, "authorization_pending"),
        (19, "slow_down"),
        (25, "authorization_pending"),
    ]
    .into_iter()
    .enumerate()
    {
        living.shop.server.clock.advance(SECOND * wait);
        assert_eq!(no(&living.poll(&begun).await), error(expected), "row {row}");
    }
    // A yes is told whenever it is asked for.
    living.approve(&begun).await.unwrap();
    assert_eq!(living.poll(&begun).await.status, 200);
}

#[tokio::test]
async fn after_ten_minutes_neither_code_is_good() {
    let living = living_room().await;
    let (begun, approved) = (living.begin(&[]).await, living.begin(&[]).await);
    living.approve(&approved).await.unwrap();
    living.shop.server.clock.advance(MINUTE * 10);
    assert_eq!(living.approve(&begun).await, Err(Reason::InvalidToken));
    assert_eq!(no(&living.poll(&begun).await), error("expired_token"));
    assert_eq!(no(&living.poll(&approved).await), error("expired_token"));
    living.shop.server.clock.advance(MINUTE * 10);
    living.shop.server.app.store.sweep(living.shop.server.clock.now(), 1000).await.unwrap();
    assert_eq!(no(&living.poll(&begun).await), invalid_grant(), "swept");
}

#[tokio::test]
async fn d10_wrong_user_codes_are_counted_where_they_come_from() {
    let living = living_room().await;
    let begun = living.begin(&[]).await;
    let user_code = begun.text("/user_code");
    for _ in 0..10 {
        let wrong = living.say("BBBB-BBBB", BOB.username, true, "198.51.100.7").await;
        assert_eq!(wrong, Err(Reason::InvalidToken));
    }
    // The right one is not looked at any more, whoever types it there; elsewhere it is.
    for username in [BOB.username, ADA.username] {
        assert_eq!(living.say(&user_code, username, true, "198.51.100.7").await, Err(Reason::Locked));
    }
    assert_eq!(no(&living.poll(&begun).await), error("authorization_pending"));
    assert_eq!(living.say(&user_code, ADA.username, true, "192.0.2.1").await, Ok(()));
    let again = living.begin(&[]).await.text("/user_code");
    assert_eq!(living.say(&again, BOB.username, true, "198.51.100.7").await, Err(Reason::Locked));
    living.shop.server.clock.advance(MINUTE * 10);
    let later = living.begin(&[]).await.text("/user_code");
    assert_eq!(living.say(&later, BOB.username, true, "198.51.100.7").await, Ok(()));
}

/// A client that proves nothing is anybody: how many devices it begins is counted where they ask from.
#[tokio::test]
async fn d10_devices_of_public_clients_are_counted_where_they_ask_from() {
    let living = living_room_on(behind_proxy().await).await;
    let server = &living.shop.server;
    server.seed().configure_client(REALM, "web", |settings| settings.grants.push(DeviceCode)).await;
    let begin = async |client: &Key, from: &str| {
        server.oauth(REALM, "auth/device", client, &[]).header("X-Forwarded-For", from).await
    };
    let (here, there) = ("2001:db8:1:2::7", "2001:db8:1:3::7");
    let first = begin(&living.tv, here).await;
    for count in 2..=60 {
        let from = format!("2001:db8:1:2::{count:x}");
        assert_eq!(begin(&living.tv, &from).await.status, 200, "{count}");
    }
    let beyond = begin(&living.tv, here).await;
    assert_eq!(no(&beyond), (429, "slow_down".to_owned()), "{beyond:?}");
    assert_eq!(beyond.header("retry-after"), Some("10"));
    assert_eq!(begin(&living.tv, there).await.status, 200, "elsewhere");
    assert_eq!(begin(&living.shop.web, here).await.status, 200, "a client that proves itself");
    assert_eq!(no(&living.poll(&first).await), error("authorization_pending"), "who has a code goes on");
    server.clock.advance(SECOND * 10);
    assert_eq!(begin(&living.tv, here).await.status, 200, "when it was told to");
    assert_eq!(begin(&living.tv, here).await.status, 429);
}

#[tokio::test]
async fn d4_d5_a_device_may_ask_for_what_its_client_may_have() {
    let living = living_room().await;
    for (field, value, expected) in [
        ("scope", "admin", (400, "invalid_scope")),
        ("resource", "https://evil.example", (400, "invalid_target")),
        ("scope", "write read", (200, "")),
    ] {
        let answer = living.begin(&[(field, value)]).await;
        let said = answer.json()["error"].as_str().unwrap_or_default().to_owned();
        assert_eq!((answer.status, said.as_str()), expected, "{field} {value}");
    }
    // The person was asked about this; a token request changes nothing of it.
    let begun = living.begin(&[("scope", "read")]).await;
    living.approve(&begun).await.unwrap();
    let code = begun.text("/device_code");
    let fields = [("grant_type", DeviceCode.name()), ("device_code", code.as_str()), ("scope", "read write")];
    assert_eq!(living.shop.token(&living.tv, &fields).await.json()["scope"], "read");
}

#[tokio::test]
async fn i1_what_is_switched_off_is_not_there() {
    let living = living_room().await;
    let target = format!("/realms/{REALM}/.well-known/openid-configuration");
    let named = async || living.shop.server.get(&target).await.json().get("device_authorization_endpoint").cloned();
    let expected = format!("{PUBLIC_URL}/realms/{REALM}/protocol/openid-connect/auth/device");
    assert_eq!(named().await, Some(expected.into()));
    let begun = living.begin(&[]).await;
    living.approve(&begun).await.unwrap();
    living.shop.server.configure(REALM, |settings| settings.grants.retain(|grant| *grant != DeviceCode)).await;
    assert_eq!(named().await, None);
    assert_eq!(living.begin(&[]).await.status, 404);
    assert_eq!(no(&living.poll(&begun).await), error("unsupported_grant_type"));
    assert_eq!(living.say("BBBB-BBBB", ADA.username, true, "192.0.2.1").await, Err(Reason::InvalidToken));
}

#[tokio::test]
async fn d1_d2_a_form_by_post_from_a_client_that_may() {
    let living = living_room().await;
    let server = &living.shop.server;
    let target = format!("/realms/{REALM}/protocol/openid-connect/auth/device");
    for (what, answer, status) in [
        ("GET", server.get(&target).await, 405),
        ("JSON", server.post(&target).json(r#"{"client_id":"tv"}"#).await, 415),
        ("the query", server.post(&format!("{target}?client_id=tv")).form(&[("scope", "read")]).await, 401),
        ("nobody", server.post(&target).form(&[("client_id", "nobody")]).await, 401),
        (
            "twice",
            server.post(&target).body("application/x-www-form-urlencoded", "client_id=tv&client_id=tv").await,
            400,
        ),
        ("not its grant", server.oauth(REALM, "auth/device", &living.shop.web, &[]).await, 400),
        (
            "a wrong secret",
            server.oauth(REALM, "auth/device", &Key { secret: "x".into(), ..living.shop.web.clone() }, &[]).await,
            401,
        ),
    ] {
        assert_eq!(answer.status, status, "{what}: {answer:?}");
    }
}

#[tokio::test]
async fn neither_code_stands_in_the_store() {
    let living = living_room().await;
    let begun = living.begin(&[]).await;
    living.shop.server.app.store.close().await;
    for name in ["jeton.db", "jeton.db-wal"] {
        let Ok(bytes) = std::fs::read(living.shop.server.folder().join(name)) else { continue };
        for code in ["/device_code", "/user_code"] {
            let code = begun.text(code);
            for text in [code.clone(), code.replace('-', "")] {
                assert!(!bytes.windows(text.len()).any(|window| window == text.as_bytes()), "{name}");
            }
        }
    }
}
