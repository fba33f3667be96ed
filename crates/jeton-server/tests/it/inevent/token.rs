//! The `tokenID`: where it is read, what it reaches, when it ends (contracts/inevent.md §4–§6, §8).

use super::assert_refused;
use crate::harness::{ADA, DAY, EVENT, EVENT_PASSWORD, HOUR, Server};

#[tokio::test]
async fn one_token_is_read_where_it_stands() {
    let server = Server::start().await;
    let (token, other) = (server.inevent_token().await, server.inevent_token().await);
    assert_ne!(token, other);
    let in_query = format!("&tokenID={token}");
    let invalid = Some((401, "tokenID is invalid"));
    let rows = [
        ("in the query", in_query.clone(), None, None),
        ("as Bearer", String::new(), Some(format!("Bearer {token}")), None),
        ("as bearer", String::new(), Some(format!("bearer {token}")), None),
        ("in both places", in_query.clone(), Some(format!("Bearer {token}")), None),
        (
            "another in the header",
            in_query.clone(),
            Some(format!("Bearer {other}")),
            Some((400, "tokenID must be given once")),
        ),
        ("twice in the query", format!("{in_query}&tokenID={other}"), None, Some((400, "tokenID must be given once"))),
        ("nowhere", String::new(), None, invalid),
        ("empty", "&tokenID=".to_owned(), None, invalid),
        ("made up", format!("&tokenID={}", "x".repeat(60)), None, invalid),
        ("with another scheme", String::new(), Some(format!("Basic {token}")), invalid),
        ("without a scheme", String::new(), Some(token.clone()), invalid),
        ("beside another scheme", in_query, Some("Basic YTpi".to_owned()), invalid),
    ];
    for (what, query, authorization, refused) in rows {
        for (method, target) in
            [("GET", format!("/?action=person.get{query}")), ("POST", format!("/person/get?x=1{query}"))]
        {
            let call = server.call(method, &target);
            let answer = match &authorization {
                Some(value) => call.header("Authorization", value).await,
                None => call.await,
            };
            match refused {
                None => assert_eq!(answer.status, 200, "{what}: {answer:?}"),
                Some((status, message)) => assert_refused(&answer, status, message, what),
            }
        }
    }
    let described = server.get(&format!("/?action=api.describe&tokenID={token}")).await;
    assert_eq!(described.status, 200, "{described:?}");
}

#[tokio::test]
async fn an_admin_acts_as_user_under_an_events_token() {
    let server = Server::start().await;
    let system = server.inevent_token().await;
    let event = server.inevent(ADA, EVENT_PASSWORD, &[("eventID", EVENT)]).await.text("/data/0/tokenID");
    for (token, level, scope, target) in [(&system, "", "system", "0"), (&event, "User", "event", EVENT)] {
        let answer = server.person_get(token).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.text("/data/0/level"), level);
        assert_eq!(answer.text("/data/0/scope"), scope);
        assert_eq!(answer.text("/data/0/targetID"), target);
        assert_eq!(answer.text("/data/0/username"), ADA.username);
    }
    // §8: an event's token reaches that event alone.
    for (token, query, status, reason) in [
        (&event, "&eventID=2027", 403, "scope is not allowed"),
        (&event, "", 403, "scope is not allowed"),
        (&event, "&eventID=2026", 404, "action is not implemented"),
        (&system, "&eventID=2027", 404, "action is not implemented"),
    ] {
        let answer = server.get(&format!("/?action=event.get&tokenID={token}{query}")).await;
        assert_refused(&answer, status, reason, query);
    }
}

#[tokio::test]
async fn signing_out_ends_one_session_and_can_be_repeated() {
    let server = Server::start().await;
    let (token, other) = (server.inevent_token().await, server.inevent_token().await);
    for call in [
        server.post(&format!("/?action=person.signOut&tokenID={token}")),
        server.post("/person/signOut").bearer(&token),
        server.post(&format!("/?action=person.signOut&tokenID={}", "x".repeat(60))),
    ] {
        let answer = call.await;
        assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"count":0,"data":[]}"#), "{answer:?}");
        assert_refused(&server.person_get(&token).await, 401, "tokenID is invalid", "signed out");
    }
    assert_eq!(server.person_get(&other).await.status, 200);
    assert_refused(&server.post("/?action=person.signOut").await, 401, "tokenID is invalid", "no token");
}

#[tokio::test]
async fn a_token_dies_of_disuse_and_of_age() {
    let server = Server::start().await;
    let (used, unused) = (server.inevent_token().await, server.inevent_token().await);
    for _ in 0..8 {
        server.clock.advance(20 * DAY);
        assert_eq!(server.person_get(&used).await.status, 200, "{:?}", server.clock.now());
    }
    assert_refused(&server.person_get(&unused).await, 401, "tokenID is invalid", "not used for 30 days");
    // The 180th day: however much it was used.
    server.clock.advance(20 * DAY - HOUR);
    assert_eq!(server.person_get(&used).await.status, 200);
    server.clock.advance(HOUR);
    assert_refused(&server.person_get(&used).await, 401, "tokenID is invalid", "180 days old");
}

#[tokio::test]
async fn thirty_days_without_a_call_are_counted_from_the_last_one() {
    let server = Server::start().await;
    let token = server.inevent_token().await;
    for (days, status) in [(29, 200), (29, 200), (30, 401)] {
        server.clock.advance(days * DAY);
        assert_eq!(server.person_get(&token).await.status, status, "after {days} days more");
    }
}

#[tokio::test]
async fn a_cap_ends_the_oldest_session() {
    let server = Server::start().await;
    server.configure("inevent", |settings| settings.session_cap = Some(2)).await;
    let mut tokens = Vec::new();
    for _ in 0..3 {
        tokens.push(server.inevent_token().await);
        server.clock.advance(HOUR);
    }
    let statuses =
        [server.person_get(&tokens[0]).await, server.person_get(&tokens[1]).await, server.person_get(&tokens[2]).await];
    assert_eq!(statuses.map(|answer| answer.status), [401, 200, 200]);
}

#[tokio::test]
async fn what_a_token_hangs_on_can_be_taken_away() {
    let server = Server::start().await;
    let seed = server.seed();
    let token = server.inevent_token().await;
    let event = server.inevent(ADA, EVENT_PASSWORD, &[("eventID", EVENT)]).await.text("/data/0/tokenID");
    let status = async |token: &str| server.person_get(token).await.status;
    assert_eq!((status(&token).await, status(&event).await), (200, 200));

    let target = seed.find_target("inevent", 2026).await;
    server.app.store.set_target_enabled(target.id, false, seed.record()).await.unwrap();
    assert_eq!((status(&token).await, status(&event).await), (200, 401));
    server.app.store.set_target_enabled(target.id, true, seed.record()).await.unwrap();

    seed.enable_principal("inevent", ADA.username, false).await;
    assert_eq!((status(&token).await, status(&event).await), (401, 401));
    seed.enable_principal("inevent", ADA.username, true).await;
    assert_eq!((status(&token).await, status(&event).await), (200, 200));

    server.clock.advance(HOUR);
    seed.set_password("inevent", ADA.username, None, "another long password").await;
    assert_eq!((status(&token).await, status(&event).await), (401, 401));
}
