use jeton_core::change::Change;
use jeton_core::domain::session::{Bounds, Exchanged, ExchangedToken, Session, Token, TokenKind};
use jeton_store::{Error, Sessions, Store};

use crate::world::{DAY, at, audit, digest, id, person, service, worlds};

#[tokio::test]
async fn listed_newest_first_and_only_what_is_live_if_asked() {
    for world in worlds().await {
        let (store, realm, ann) =
            (&world.store, Sessions::OfRealm(world.realm.id), Sessions::OfPrincipal(world.ann.id));
        let bob = store.add_principal(&person(&world.realm, 20, "Bob"), audit("x")).await.expect("bob");
        world.start(world.session(40, 0)).await;
        world.start(Session { idle_secs: Some(60), ..world.session(41, 10) }).await;
        world.start(Session { principal_id: bob.id, ..world.session(42, 20) }).await;
        for (which, live_at, at_most, outcome) in [
            (realm, None, 9, vec![42, 41, 40]),
            (realm, None, 2, vec![42, 41]),
            (ann, None, 9, vec![41, 40]),
            (ann, Some(at(69)), 9, vec![41, 40]),
            (ann, Some(at(70)), 9, vec![40]),
            (realm, Some(at(DAY)), 9, vec![42]),
            (realm, Some(at(DAY + 20)), 9, vec![]),
        ] {
            assert_eq!(listed(store, which, live_at, at_most).await, outcome.into_iter().map(id).collect::<Vec<_>>());
        }
        let line = &store.sessions(realm, None, 1).await.expect("a list")[0];
        assert_eq!((line.username.as_str(), line.session.id), ("Bob", id(42)));
    }
}

#[tokio::test]
async fn ended_one_by_one_by_principal_and_by_realm() {
    for world in worlds().await {
        let (store, realm) = (&world.store, Sessions::OfRealm(world.realm.id));
        let bob = store.add_principal(&person(&world.realm, 20, "Bob"), audit("x")).await.expect("bob");
        let robot = store.add_principal(&service(&world.realm, 21, "robot"), audit("x")).await.expect("a service");
        world.start(world.session(40, 0)).await;
        world.start(world.session(41, 1)).await;
        world.start(Session { principal_id: bob.id, actor_id: Some(world.ann.id), ..world.session(42, 2) }).await;
        world.start(Session { principal_id: bob.id, ..world.session(43, 3) }).await;
        world.start(Session { principal_id: robot.id, ..world.session(44, 4) }).await;
        let now = Some(at(10));

        store.end_session(id(40), at(5), audit("session.ended")).await.expect("ended");
        let again = store.end_session(id(40), at(6), audit("x")).await;
        assert!(matches!(again, Err(Error::Missing(_))), "only once, and the first time stays");
        assert_eq!(store.session(id(40)).await.expect("a read").expect("a session").ended_at, Some(at(5)));
        assert_eq!(listed(store, realm, now, 9).await, [44, 43, 42, 41].map(id));

        store.end_principal_sessions(world.ann.id, at(6), audit("x")).await.expect("ended");
        assert_eq!(listed(store, realm, now, 9).await, [44, 43].map(id), "also where she acts as Bob");
        assert_eq!(store.principal(world.ann.id).await.expect("a read").expect("ann").not_before, at(6));
        assert_eq!(store.principal(bob.id).await.expect("a read").expect("bob").not_before.as_micros(), 0);

        store.end_realm_sessions(world.realm.id, at(7), audit("x")).await.expect("ended");
        assert_eq!(listed(store, realm, now, 9).await, []);
        assert_eq!(store.realm("acme").await.expect("a read").expect("the realm").not_before, at(7));
        store.end_principal_sessions(world.ann.id, at(1), audit("x")).await.expect("ended");
        let ann = store.principal(world.ann.id).await.expect("a read").expect("ann");
        assert_eq!(ann.not_before, at(6), "a clock that steps back brings nothing back");
    }
}

#[tokio::test]
async fn gone_with_what_they_hang_on() {
    for world in worlds().await {
        let store = &world.store;
        let (client, key, target) = (world.client.id, world.key.id, world.target.id);
        for (n, session) in [
            (40, Session { client_id: Some(client), ..world.session(40, 0) }),
            (41, Session { api_key_id: Some(key), ..world.session(41, 0) }),
            (42, Session { target_id: Some(target), ..world.session(42, 0) }),
            (43, Session { actor_id: Some(world.key.service.id), ..world.session(43, 0) }),
        ] {
            world.start(session.clone()).await;
            assert_eq!(store.session(id(n)).await, Ok(Some(session)));
        }
        store.remove_client(client, audit("x")).await.expect("removed");
        assert_eq!(listed(store, Sessions::OfRealm(world.realm.id), None, 9).await, [43, 42, 41].map(id));
        store.remove_api_key(key, audit("x")).await.expect("removed");
        store.remove_target(target, audit("x")).await.expect("removed");
        assert_eq!(listed(store, Sessions::OfRealm(world.realm.id), None, 9).await, [43].map(id));
        store.remove_principal(world.key.service.id, audit("x")).await.expect("removed");
        assert_eq!(listed(store, Sessions::OfRealm(world.realm.id), None, 9).await, []);
        let late = Change::StartSession(Session { client_id: Some(client), ..world.session(44, 1) });
        assert_eq!(store.commit(vec![late]).await, Err(Error::Conflict), "nothing begins for what is gone");
    }
}

async fn listed(
    store: &Store,
    which: Sessions,
    live_at: Option<jeton_core::time::Timestamp>,
    at_most: u32,
) -> Vec<jeton_core::domain::id::Id> {
    let list = store.sessions(which, live_at, at_most).await.expect("a list");
    list.into_iter().map(|line| line.session.id).collect()
}

/// What a token was exchanged for: a row is ended when it, or its session, is; a `jti` once it is written down.
#[tokio::test]
async fn what_became_of_an_exchanged_token_is_told() {
    for world in worlds().await {
        let token = |n: u64, session: u64| Token {
            digest: digest(n),
            kind: TokenKind::Access,
            session_id: id(session),
            generation: 0,
            bounds: Bounds::default(),
            issued_at: at(0),
            expires_at: at(DAY),
            forget_at: at(DAY),
        };
        let of = |token, client_id| Exchanged { token, client_id, actor_id: Some(world.ann.id), since: 1 };
        let web = world.client.id;
        let exchanged = vec![
            of(ExchangedToken::Row(digest(1)), web),
            of(ExchangedToken::Row(digest(2)), web),
            of(ExchangedToken::Jti(digest(3)), web),
            of(ExchangedToken::Jti(digest(4)), id(99)),
        ];
        let bounds = Bounds { exchanged, ..Bounds::default() };
        for session in [world.session(40, 0), world.session(41, 0), Session { bounds, ..world.session(42, 0) }] {
            world.start(session).await;
        }
        let put = [token(1, 40), token(2, 41), token(5, 42)].map(Change::PutToken);
        world.store.commit(put.to_vec()).await.expect("tokens");
        let told = async || {
            let facts = world.token(5).await.expect("the token").exchanged;
            facts.into_iter().map(|token| (token.client.is_some(), token.ended)).collect::<Vec<_>>()
        };
        assert_eq!(told().await, [(true, false), (true, false), (true, false), (false, false)]);
        let end = |n, jti: &str| Change::EndToken {
            digest: digest(n),
            realm_id: world.realm.id,
            jti: jti.to_owned(),
            at: at(1),
            expires_at: at(DAY),
        };
        let forget = Change::ForgetToken { digest: digest(1), session_id: id(40) };
        world.store.commit(vec![forget, end(3, "three")]).await.expect("ends");
        world.store.end_session(id(41), at(1), audit("x")).await.expect("an end");
        assert_eq!(told().await, [(true, true), (true, true), (true, true), (false, false)]);
    }
}
