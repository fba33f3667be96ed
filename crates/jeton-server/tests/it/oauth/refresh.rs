//! The rows of security.md about refresh tokens, by HTTP (docs/adr/0007).

use std::time::Duration;

use crate::harness::{ADA, BOB, DAY, HOUR, Key, SECOND};

use super::{REALM, Shop, access, claims, invalid_grant, no, refresh_of, shop};

#[tokio::test]
async fn e6_a_session_is_begun_refreshed_and_ended() {
    let shop = shop().await;
    for (client, jwt, same) in [(&shop.web, true, false), (&shop.keep, true, true), (&shop.opaque, false, false)] {
        let begun = shop.sign_in(client, ADA).await;
        let body = begun.json();
        assert_eq!((begun.status, body["token_type"].as_str()), (200, Some("Bearer")), "{} {body}", client.id);
        assert_eq!(body["scope"], "read write admin");
        assert_eq!(begun.header("cache-control"), Some("no-store"));
        assert_eq!(access(&begun).starts_with("eyJ"), jwt);
        assert_eq!(body["refresh_expires_in"], DAY.as_secs(), "{}", client.id);

        let seen = shop.introspect(&access(&begun)).await;
        assert_eq!(seen["active"], true, "{}", client.id);
        assert_eq!((&seen["client_id"], &seen["username"]), (&client.id.as_str().into(), &ADA.username.into()));
        assert_eq!(seen["aud"], serde_json::json!(["https://orders.example", "https://bills.example"]));
        if jwt {
            let claims = claims(&access(&begun));
            assert_eq!((&claims["sid"], &claims["sub"]), (&seen["sid"], &seen["sub"]), "{}", client.id);
        }

        let next = shop.refresh(client, &refresh_of(&begun), &[]).await;
        assert_eq!(next.status, 200, "{} {}", client.id, next.json());
        assert_eq!(refresh_of(&next) == refresh_of(&begun), same, "{}", client.id);
        assert_ne!(access(&next), access(&begun));
        // The session is the same, and calls that are under way go on.
        assert_eq!(shop.introspect(&access(&next)).await["sid"], seen["sid"]);
        assert!(shop.lives(&access(&begun)).await);

        let token = [("token", refresh_of(&next))];
        let fields: Vec<(&str, &str)> = token.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(shop.server.oauth(REALM, "revoke", client, &fields).await.status, 200);
        for token in [access(&begun), access(&next)] {
            assert!(!shop.lives(&token).await, "{}", client.id);
        }
        assert_eq!(no(&shop.refresh(client, &refresh_of(&next), &[]).await), invalid_grant());
    }
    assert!(shop.reuses().await.is_empty());
}

#[tokio::test]
async fn e1_a_refresh_token_is_its_clients_alone_and_a_strangers_try_ends_nothing() {
    let shop = shop().await;
    let begun = shop.sign_in(&shop.web, ADA).await;
    for other in [&shop.keep, &shop.opaque, &shop.app] {
        assert_eq!(no(&shop.refresh(other, &refresh_of(&begun), &[]).await), invalid_grant(), "{}", other.id);
    }
    // An access token is no refresh token, and the other way round.
    assert_eq!(no(&shop.refresh(&shop.web, &access(&begun), &[]).await), invalid_grant());
    assert!(!shop.lives(&refresh_of(&begun)).await);
    assert_eq!(shop.refresh(&shop.web, &refresh_of(&begun), &[]).await.status, 200);
    assert!(shop.reuses().await.is_empty());
}

#[tokio::test]
async fn e2_e3_e5_one_successor_repeated_for_ten_seconds_and_then_reuse() {
    let shop = shop().await;
    // Answered again, until ten seconds are over; a public client's tokens rotate whatever its settings say.
    for client in [&shop.web, &shop.app, &shop.opaque] {
        let begun = shop.sign_in(client, ADA).await;
        let first = shop.refresh(client, &refresh_of(&begun), &[]).await;
        shop.server.clock.advance(SECOND * 9);
        let again = shop.refresh(client, &refresh_of(&begun), &[("scope", "read")]).await;
        assert_eq!(refresh_of(&again), refresh_of(&first), "{}", client.id);
        assert_eq!(again.json()["scope"], "read write admin", "what was granted is granted once");
        assert!(shop.lives(&access(&again)).await);
        shop.server.clock.advance(SECOND * 2);
        assert_eq!(no(&shop.refresh(client, &refresh_of(&begun), &[]).await), invalid_grant());
        for dead in [&begun, &first, &again] {
            assert!(!shop.lives(&access(dead)).await, "{}", client.id);
            assert_eq!(no(&shop.refresh(client, &refresh_of(dead), &[]).await), invalid_grant());
        }
    }
    let why = shop.reuses().await;
    assert_eq!(why.len(), 3, "{why:?}");
    assert!(why.iter().all(|why| !why.is_empty()));
}

#[tokio::test]
async fn e5_a_predecessor_after_the_successor_was_refreshed_is_reuse_at_once() {
    let shop = shop().await;
    let begun = shop.sign_in(&shop.web, ADA).await;
    let first = shop.refresh(&shop.web, &refresh_of(&begun), &[]).await;
    let second = shop.refresh(&shop.web, &refresh_of(&first), &[]).await;
    assert_eq!(second.status, 200);
    assert_eq!(no(&shop.refresh(&shop.web, &refresh_of(&begun), &[]).await), invalid_grant());
    assert!(!shop.lives(&access(&second)).await);
    assert_eq!(shop.reuses().await, ["presented again after its successor was renewed"]);
}

#[tokio::test]
async fn e7_idle_and_absolute_ends() {
    let shop = shop().await;
    // Where they rotate, each is good for a day; where one stays, it is used at least once a day.
    for client in [&shop.web, &shop.keep] {
        let begun = shop.sign_in(client, ADA).await;
        let end = shop.server.clock.now() + DAY * 30;
        let mut last = begun;
        while shop.server.clock.now() + HOUR * 23 < end {
            shop.server.clock.advance(HOUR * 23);
            let next = shop.refresh(client, &refresh_of(&last), &[]).await;
            assert_eq!(next.status, 200, "{} {}", client.id, next.json());
            let left = u64::try_from(end.as_secs() - shop.server.clock.now().as_secs()).unwrap();
            assert_eq!(next.json()["refresh_expires_in"], left.min(DAY.as_secs()), "{}", client.id);
            assert!(next.json()["expires_in"].as_u64().unwrap() <= left);
            last = next;
        }
        let rest = end.as_secs() - shop.server.clock.now().as_secs();
        shop.server.clock.advance(Duration::from_secs(u64::try_from(rest).unwrap()));
        assert_eq!(no(&shop.refresh(client, &refresh_of(&last), &[]).await), invalid_grant());

        let unused = shop.sign_in(client, ADA).await;
        shop.server.clock.advance(DAY + SECOND);
        assert_eq!(no(&shop.refresh(client, &refresh_of(&unused), &[]).await), invalid_grant(), "{}", client.id);
    }
    assert!(shop.reuses().await.is_empty());
}

#[tokio::test]
async fn a_session_ends_at_a_midnight() {
    let shop = shop().await;
    let ends = |settings: &mut jeton_core::domain::client::ClientSettings| {
        settings.refresh.session_secs = 24 * 3600;
        settings.refresh.idle_secs = 7 * 24 * 3600;
        settings.refresh.midnight_in = Some("America/New_York".to_owned());
    };
    shop.server.seed().configure_client(REALM, "web", ends).await;
    let begun = shop.sign_in(&shop.web, ADA).await;
    let end = shop.server.clock.now().as_secs() + begun.json()["refresh_expires_in"].as_i64().unwrap();
    let zone = jiff::tz::TimeZone::get("America/New_York").unwrap();
    let end = jiff::Timestamp::from_second(end).unwrap().to_zoned(zone);
    assert_eq!((end.hour(), end.minute(), end.second()), (0, 0, 0), "{end}");
    assert!(begun.json()["refresh_expires_in"].as_u64().unwrap() >= DAY.as_secs());
}

type Do = fn(&Shop) -> std::pin::Pin<Box<dyn Future<Output = ()> + '_>>;

#[tokio::test]
async fn e8_e10_what_ends_a_session_ends_its_refresh_token() {
    let causes: [(&str, Do); 8] = [
        ("a disabled person", |shop| {
            Box::pin(async { shop.server.seed().enable_principal(REALM, ADA.username, false).await })
        }),
        ("a disabled client", |shop| Box::pin(async { shop.server.seed().enable_client(REALM, "web", false).await })),
        ("a new password", |shop| {
            Box::pin(async { shop.server.seed().set_password(REALM, ADA.username, None, "another password").await })
        }),
        ("sign out everywhere", |shop| Box::pin(async { sign_out_everywhere(shop).await })),
        ("the client's tokens revoked", |shop| Box::pin(async { revoke_client(shop).await })),
        ("the realm's sessions ended", |shop| Box::pin(async { end_realm(shop).await })),
        ("the grant taken from the client", |shop| {
            Box::pin(async {
                let no_refresh = |settings: &mut jeton_core::domain::client::ClientSettings| settings.grants.clear();
                shop.server.seed().configure_client(REALM, "web", no_refresh).await;
            })
        }),
        ("the grant taken from the realm", |shop| {
            Box::pin(async { shop.server.configure(REALM, |settings| settings.grants.clear()).await })
        }),
    ];
    for (cause, bring_about) in causes {
        let shop = shop().await;
        let begun = shop.sign_in(&shop.web, ADA).await;
        let other = shop.sign_in(&shop.keep, BOB).await;
        assert_eq!((begun.status, other.status), (200, 200));
        // Without the cause the same request is granted.
        let next = shop.refresh(&shop.web, &refresh_of(&begun), &[]).await;
        assert_eq!(next.status, 200, "{cause}");
        shop.server.clock.advance(SECOND);
        bring_about(&shop).await;
        let refused = shop.refresh(&shop.web, &refresh_of(&next), &[]).await;
        assert!(matches!(refused.status, 400 | 401), "{cause}: {}", refused.json());
        assert_eq!(refused.json().get("access_token"), None, "{cause}");
        // What was another's to end is not ended.
        if !cause.contains("realm") {
            assert_eq!(shop.refresh(&shop.keep, &refresh_of(&other), &[]).await.status, 200, "{cause}");
        }
    }
}

async fn sign_out_everywhere(shop: &Shop) {
    let ada = shop.server.seed().find_principal(REALM, ADA.username).await;
    let (now, record) = (shop.server.clock.now(), shop.server.seed().record());
    shop.server.app.store.end_principal_sessions(ada.id, now, record).await.unwrap();
}

async fn revoke_client(shop: &Shop) {
    let realm = shop.server.seed().find_realm(REALM).await;
    let client = shop.server.app.store.client(realm.id, "web").await.unwrap().unwrap();
    let (now, record) = (shop.server.clock.now(), shop.server.seed().record());
    shop.server.app.store.set_client_not_before(client.id, now, record).await.unwrap();
}

async fn end_realm(shop: &Shop) {
    let realm = shop.server.seed().find_realm(REALM).await;
    let (now, record) = (shop.server.clock.now(), shop.server.seed().record());
    shop.server.app.store.end_realm_sessions(realm.id, now, record).await.unwrap();
}

#[tokio::test]
async fn e9_a_refresh_can_narrow_and_never_widen() {
    let shop = shop().await;
    let begun = shop.sign_in_for(&shop.web, ADA, &[("scope", "read write")]).await;
    assert_eq!(begun.json()["scope"], "read write");
    let mut token = refresh_of(&begun);
    let rows = [
        ("read", Ok("read")),
        ("", Ok("read write")),
        ("read admin", Err("invalid_scope")),
        ("admin", Err("invalid_scope")),
        ("write read", Ok("write read")),
        ("", Ok("read write")),
    ];
    for (asked, expected) in rows {
        let answer = shop.refresh(&shop.web, &token, &[("scope", asked)]).await;
        match expected {
            Ok(scope) => {
                assert_eq!(answer.json()["scope"], scope, "{asked}");
                assert_eq!(shop.introspect(&access(&answer)).await["scope"], scope, "{asked}");
                assert_eq!(claims(&access(&answer))["scope"], scope, "{asked}");
                token = refresh_of(&answer);
            }
            // The token was not spent by it.
            Err(code) => assert_eq!(no(&answer), (400, code.to_owned()), "{asked}"),
        }
    }
    // What is taken from the client is gone from its tokens, old and new.
    let take =
        |settings: &mut jeton_core::domain::client::ClientSettings| settings.scopes.retain(|word| word != "write");
    shop.server.seed().configure_client(REALM, "web", take).await;
    assert_eq!(shop.introspect(&access(&begun)).await["scope"], "read");
    let answer = shop.refresh(&shop.web, &token, &[]).await;
    assert_eq!(answer.json()["scope"], "read");
}

#[tokio::test]
async fn e13_a_damaged_refresh_token_is_nobodys() {
    let shop = shop().await;
    let begun = shop.sign_in(&shop.web, ADA).await;
    let token = refresh_of(&begun);
    let mut damaged: Vec<String> = (1..token.len()).step_by(7).map(|end| token[..end].to_owned()).collect();
    damaged.extend([format!("{token}0"), format!(" {token}"), token.to_uppercase(), token.replacen("jtr_", "jta_", 1)]);
    for text in damaged {
        assert_eq!(no(&shop.refresh(&shop.web, &text, &[]).await), invalid_grant(), "{text}");
    }
    assert_eq!(shop.refresh(&shop.web, &token, &[]).await.status, 200);
}

#[tokio::test]
async fn c1_c2_who_must_prove_itself_does() {
    let shop = shop().await;
    let begun = shop.sign_in(&shop.web, ADA).await;
    let nobody = Key { id: shop.web.id.clone(), secret: String::new() };
    let wrong = Key { id: shop.web.id.clone(), secret: shop.keep.secret.clone() };
    for client in [&nobody, &wrong] {
        let answer = shop.refresh(client, &refresh_of(&begun), &[]).await;
        assert_eq!(no(&answer), (401, "invalid_client".to_owned()));
        assert_eq!(no(&shop.sign_in(client, ADA).await), (401, "invalid_client".to_owned()));
    }
    // A public client gets nothing for itself, and asks about no token.
    let fields = [("grant_type", "client_credentials")];
    assert_eq!(no(&shop.token(&shop.app, &fields).await), (401, "unauthorized_client".to_owned()));
    let asked = shop.server.oauth(REALM, "token/introspect", &shop.app, &[("token", "x")]).await;
    assert_eq!(no(&asked), (401, "invalid_client".to_owned()));
    // The registered way, and no other.
    let basic = |settings: &mut jeton_core::domain::client::ClientSettings| {
        settings.auth = Some(jeton_core::domain::client::AuthMethod::ClientSecretBasic);
    };
    shop.server.seed().configure_client(REALM, "web", basic).await;
    assert_eq!(no(&shop.refresh(&shop.web, &refresh_of(&begun), &[]).await), (401, "invalid_client".to_owned()));
    use base64::Engine;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", shop.web.id, shop.web.secret));
    let fields = [("grant_type", "refresh_token"), ("refresh_token", &refresh_of(&begun))];
    let call = shop.server.post(&format!("/realms/{REALM}/protocol/openid-connect/token")).form(&fields);
    assert_eq!(call.header("Authorization", &format!("Basic {pair}")).await.status, 200);
}

#[tokio::test]
async fn h6_a_password_is_refused_alike_whatever_is_wrong() {
    let shop = shop().await;
    let before = shop.sign_in(&shop.web, BOB).await;
    shop.server.seed().enable_principal(REALM, BOB.username, false).await;
    let wrong = crate::harness::Person { password: "not her password", ..ADA };
    let unknown = crate::harness::Person { username: "nobody", ..ADA };
    let answers = [shop.sign_in(&shop.web, wrong).await, shop.sign_in(&shop.web, unknown).await];
    let disabled = shop.sign_in(&shop.web, BOB).await;
    for answer in answers {
        assert_eq!(no(&answer), invalid_grant());
        assert_eq!(answer.without_date(), disabled.clone().without_date());
    }
    assert_eq!(before.status, 200);
}
