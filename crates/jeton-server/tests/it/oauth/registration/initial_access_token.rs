//! Who may register a client.

use jeton_core::domain::registration::RegistrationMode;

use super::super::{REALM, no};
use super::{ENDPOINT, desk, desk_for, post};
use crate::harness::{DAY, MINUTE, PUBLIC_URL, SECOND};

#[tokio::test]
async fn c11_registration_is_off_until_it_is_switched_on() {
    let desk = desk().await;
    let made = desk.register(&post()).await;
    let metadata = "/realms/shop/.well-known/openid-configuration";
    let named = desk.shop.server.get(metadata).await.json();
    assert_eq!(named["registration_endpoint"], format!("{PUBLIC_URL}{ENDPOINT}"));
    // As in every new realm.
    desk.shop.server.configure(REALM, |settings| settings.registration = RegistrationMode::default()).await;
    let named = desk.shop.server.get(metadata).await.json();
    assert_eq!(named.get("registration_endpoint"), None);
    assert_eq!(desk.ask(&post()).await.status, 404);
    for method in ["GET", "PUT", "DELETE"] {
        assert_eq!(desk.about(method, &made).json(post().to_string()).await.status, 404, "{method}");
    }
    assert_eq!(desk.token(&made, &[]).await.status, 200, "the client stays");
}

#[tokio::test]
async fn c11_g12_nobody_registers_without_an_initial_access_token() {
    let desk = desk_for(2).await;
    let made = desk.register(&post()).await;
    let own = desk.token(&made, &[]).await.text("/access_token");
    let registration = made.text("/registration_access_token");
    let server = &desk.shop.server;
    let (plain, basic) = (format!("Bearer realm=\"{REALM}\""), format!("Basic {}", desk.token));
    let asked = post().to_string();
    let [spaces, tab, two] = ["Bearer  {}", "Bearer\t{}", "Bearer {}, x"].map(|form| form.replace("{}", &desk.token));
    let shown = [None, Some(basic.as_str()), Some("Bearer "), Some(&spaces), Some(&tab), Some(&two)];
    for (authorization, body) in shown.into_iter().flat_map(|shown| [(shown, asked.as_str()), (shown, "{")]) {
        let call = server.post(ENDPOINT).json(body);
        let answer = authorization.into_iter().fold(call, |call, value| call.header("Authorization", value)).await;
        assert_eq!(no(&answer), (401, "invalid_token".to_owned()), "{authorization:?}");
        assert_eq!(answer.header("www-authenticate"), Some(plain.as_str()), "{authorization:?}");
    }
    // What is wrong with the rest is told to nobody who has no token.
    for token in ["x", &own, &registration, &desk.token[1..], &made.text("/client_secret")] {
        for body in [asked.as_str(), "{"] {
            let answer = server.post(ENDPOINT).bearer(token).json(body).await;
            assert_eq!(no(&answer), (401, "invalid_token".to_owned()), "{token}");
            let challenge = answer.header("www-authenticate").unwrap();
            assert!(challenge.starts_with(&plain) && challenge.contains("error=\"invalid_token\""), "{challenge}");
            server.clock.advance(MINUTE * 2);
        }
    }
    let twice = server.post(ENDPOINT).bearer(&desk.token).bearer(&desk.token).json(asked.as_str()).await;
    assert_eq!(twice.status, 401, "two tokens");
    desk.register(&post()).await;
    assert_eq!(no(&desk.ask(&post()).await), (401, "invalid_token".to_owned()), "used up");
    assert_eq!(desk.events().await.len(), 2);
}

#[tokio::test]
async fn c11_an_initial_access_token_ends() {
    let desk = desk().await;
    desk.shop.server.clock.advance(DAY - SECOND);
    desk.register(&post()).await;
    desk.shop.server.clock.advance(SECOND);
    assert_eq!(no(&desk.ask(&post()).await), (401, "invalid_token".to_owned()));
}

#[tokio::test]
async fn wrong_tokens_are_counted_where_they_come_from() {
    let desk = desk().await;
    let wrong = async || desk.shop.server.post(ENDPOINT).bearer("jti_wrong").json("{}").await.status;
    for _ in 0..10 {
        assert_eq!(wrong().await, 401);
    }
    let waiting = desk.ask(&post()).await;
    assert_eq!((waiting.status, waiting.header("retry-after")), (429, Some("1")), "{waiting:?}");
    desk.shop.server.clock.advance(SECOND * 2);
    desk.register(&post()).await;
    assert_eq!(wrong().await, 401, "the count began anew");
    desk.register(&post()).await;
}

#[tokio::test]
async fn a_browser_may_register_where_its_origin_may_ask() {
    let desk = desk().await;
    desk.shop.server.configure(REALM, |settings| settings.cors_origins = vec!["https://app.example".to_owned()]).await;
    for (origin, allowed) in [("https://app.example", Some("https://app.example")), ("https://evil.example", None)] {
        let answer = desk.ask(&post()).header("Origin", origin).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (201, allowed));
    }
}
