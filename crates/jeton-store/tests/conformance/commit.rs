use jeton_core::change::Change;
use jeton_core::domain::session::{Session, Token, TokenKind};
use jeton_core::domain::throttle::{Failures, Throttle};
use jeton_core::facts::Query;
use jeton_store::Error;

use crate::world::{DAY, World, at, audit, digest, end_token, id, keys, token, worlds};

#[tokio::test]
async fn guards_of_a_session() {
    type Make = fn(i64) -> Change;
    let changes: [(&str, Make); 2] = [
        ("use", |generation| Change::UseSession { id: id(40), generation, at: at(5) }),
        ("renew", |generation| Change::RenewSession { id: id(40), generation, at: at(5) }),
    ];
    for (name, change) in changes {
        for world in worlds().await {
            let commit = |change| world.store.commit(vec![change]);
            assert_eq!(commit(change(0)).await, Err(Error::Conflict), "{name}: no such session");
            world.start(world.session(40, 0)).await;
            assert_eq!(commit(change(1)).await, Err(Error::Conflict), "{name}: a generation to come");
            commit(change(0)).await.expect(name);
            let session = world.store.session(id(40)).await.expect("a read").expect("the session");
            let expected = match name {
                "use" => Session { last_used_at: at(5), ..world.session(40, 0) },
                _ => Session { last_used_at: at(5), generation: 1, renewed_at: Some(at(5)), ..world.session(40, 0) },
            };
            assert_eq!(session, expected, "{name}");
            let again = if name == "use" { Ok(()) } else { Err(Error::Conflict) };
            assert_eq!(commit(change(0)).await, again, "{name}: a second time");
            commit(Change::EndSession { id: id(40), at: at(6) }).await.expect("an end");
            assert_eq!(commit(change(session.generation)).await, Err(Error::Conflict), "{name}: ended");
            commit(Change::EndSession { id: id(40), at: at(7) }).await.expect("ending twice is no conflict");
            let session = world.store.session(id(40)).await.expect("a read").expect("the session");
            assert_eq!(session.ended_at, Some(at(6)), "{name}: the first end counts");
        }
    }
}

/// The first use of a successor is written once, and never over what came after it.
#[tokio::test]
async fn a_renewal_is_confirmed_once() {
    let renewed = |generation, renewed_at, last_used_at| (generation, renewed_at, at(last_used_at), None);
    for world in worlds().await {
        world.start(world.session(40, 0)).await;
        let confirm = |generation, secs| Change::ConfirmRenewal { id: id(40), generation, at: at(secs) };
        let renew = |generation, secs| Change::RenewSession { id: id(40), generation, at: at(secs) };
        let rows = [
            ("nothing to confirm", confirm(0, 1), renewed(0, None, 0)),
            ("renewed", renew(0, 5), renewed(1, Some(at(5)), 5)),
            ("of the generation before", confirm(0, 6), renewed(1, Some(at(5)), 5)),
            ("of one to come", confirm(2, 6), renewed(1, Some(at(5)), 5)),
            ("confirmed", confirm(1, 7), renewed(1, None, 7)),
            ("a second time", confirm(1, 8), renewed(1, None, 7)),
            ("renewed again", renew(1, 9), renewed(2, Some(at(9)), 9)),
            ("late, of the generation before", confirm(1, 10), renewed(2, Some(at(9)), 9)),
            ("by a clock that is behind", confirm(2, 8), renewed(2, None, 9)),
            ("renewed a third time", renew(2, 11), renewed(3, Some(at(11)), 11)),
            ("ended", Change::EndSession { id: id(40), at: at(12) }, (3, Some(at(11)), at(11), Some(at(12)))),
            ("after the end", confirm(3, 13), (3, Some(at(11)), at(11), Some(at(12)))),
        ];
        for (what, change, expected) in rows {
            assert_eq!(world.store.commit(vec![change]).await, Ok(()), "{what}");
            let session = world.store.session(id(40)).await.expect("a read").expect("the session");
            let found = (session.generation, session.renewed_at, session.last_used_at, session.ended_at);
            assert_eq!(found, expected, "{what}");
        }
    }
}

#[tokio::test]
async fn a_conflict_undoes_everything_of_its_request() {
    for world in worlds().await {
        let session = world.session(40, 0);
        let changes = vec![
            Change::StartSession(session.clone()),
            Change::PutToken(token(1, &session, 0, 0)),
            Change::Fail { keys: keys(1, 2, 3), at: at(0) },
            end_token(5, 9),
            Change::Audit(audit("session.started")),
            Change::HoldPrincipal { id: world.ann.id, version: world.ann.version + 1 },
        ];
        let trail = world.store.newest_audit(99).await.expect("the trail");
        assert_eq!(world.store.commit(changes).await, Err(Error::Conflict));
        let query =
            Query { token: Some(digest(1)), throttle: Some(keys(1, 2, 3)), ended: Some(digest(5)), ..Query::default() };
        let facts = world.load(query).await;
        assert_eq!((facts.token, facts.throttle, facts.ended), (None, Throttle::default(), false));
        assert_eq!(world.store.session(session.id).await, Ok(None));
        assert_eq!(world.store.newest_audit(99).await, Ok(trail));
        assert_eq!(world.store.commit(Vec::new()).await, Ok(()), "nothing to do is no fault");
    }
}

#[tokio::test]
async fn the_same_token_twice_is_one_token() {
    for world in worlds().await {
        let (one, two) = (world.session(40, 0), world.session(41, 10));
        for session in [&one, &two] {
            world.start(session.clone()).await;
            for _ in 0..2 {
                world.store.commit(vec![Change::PutToken(token(1, session, 0, 0))]).await.expect("a token");
            }
        }
        assert_eq!(world.token(1).await.expect("the token").session, two, "the newer session");
        let ended = Change::EndSession { id: two.id, at: at(11) };
        world.store.commit(vec![ended]).await.expect("an end");
        assert_eq!(world.token(1).await.expect("the token").session, one, "the live session");
        world.store.commit(vec![Change::EndSession { id: one.id, at: at(12) }]).await.expect("an end");
        let facts = world.token(1).await.expect("the token");
        assert_eq!((facts.session.id, facts.session.ended_at), (two.id, Some(at(11))), "none is live");
        let orphan = Token { session_id: id(99), ..token(2, &one, 0, 0) };
        assert_eq!(world.store.commit(vec![Change::PutToken(orphan)]).await, Err(Error::Conflict), "no such session");
    }
}

#[tokio::test]
async fn the_oldest_sessions_go_where_there_are_too_many() {
    for (keep, left) in [(0, vec![]), (1, vec![44]), (2, vec![42, 44]), (9, vec![40, 42, 44])] {
        for world in worlds().await {
            world.start(world.session(40, 0)).await;
            // Neither an expired, an idle nor an ended session takes a place.
            world.start(Session { expires_at: at(50), ..world.session(41, 5) }).await;
            world.start(world.session(42, 2)).await;
            world.start(Session { idle_secs: Some(10), ..world.session(43, 3) }).await;
            world.start(world.session(44, 4)).await;
            world.start(Session { ended_at: Some(at(6)), ..world.session(45, 5) }).await;
            let cap = Change::CapSessions { principal_id: world.ann.id, keep, at: at(100) };
            world.store.commit(vec![cap]).await.expect("a cap");
            let mut live = Vec::new();
            for n in [40, 42, 44] {
                if world.store.session(id(n)).await.expect("a read").expect("a session").ended_at.is_none() {
                    live.push(n);
                }
            }
            assert_eq!(live, left, "{keep} stay");
            let expired = world.store.session(id(41)).await.expect("a read").expect("a session");
            assert_eq!(expired.ended_at, None, "what had its time was not revoked");
        }
    }
}

#[tokio::test]
async fn a_nonce_is_used_once_and_a_token_ended_any_number_of_times() {
    for world in worlds().await {
        let used = || Change::UseNonce { digest: digest(1), expires_at: at(60) };
        let query = Query { once: vec![digest(1)], ended: Some(digest(2)), ..Query::default() };
        let facts = world.load(query.clone()).await;
        assert_eq!((facts.used, facts.ended), (Vec::new(), false));
        world.store.commit(vec![used()]).await.expect("the first use");
        assert_eq!(world.store.commit(vec![used()]).await, Err(Error::Conflict));
        for _ in 0..2 {
            let end = end_token(2, 60);
            world.store.commit(vec![end]).await.expect("an end");
        }
        let facts = world.load(query).await;
        assert_eq!((facts.used, facts.ended), (vec![digest(1)], true));
    }
}

#[tokio::test]
async fn failures_are_counted_for_a_day_and_forgiven() {
    for world in worlds().await {
        let all = keys(1, 2, 3);
        let failures =
            |count, first, last| Failures { count, first_at: at(first), last_at: at(last), succeeded_at: None };
        for (secs, expected) in [
            (0, failures(1, 0, 0)),
            (10, failures(2, 0, 10)),
            (5, failures(3, 0, 10)),
            (10 + DAY, failures(4, 0, 10 + DAY)),
            (10 + 2 * DAY + 1, failures(1, 10 + 2 * DAY + 1, 10 + 2 * DAY + 1)),
        ] {
            fail(&world, secs).await;
            let throttle = counted(&world).await;
            assert_eq!(throttle, Throttle { pair: expected, account: expected, source: expected }, "at {secs}");
        }
        let now = 10 + 2 * DAY + 9;
        world.store.commit(vec![Change::Succeed { keys: all, at: at(now) }]).await.expect("a success");
        let throttle = counted(&world).await;
        assert_eq!(throttle.pair, Failures { succeeded_at: Some(at(now)), ..Failures::default() });
        assert_eq!(throttle.account, Failures::default(), "the account is forgiven");
        assert_eq!(throttle.source.count, 1, "the source is not");
        fail(&world, now + 1).await;
        let throttle = counted(&world).await;
        assert_eq!(throttle.pair, Failures { succeeded_at: Some(at(now)), ..failures(1, now + 1, now + 1) });
        assert_eq!((throttle.account.count, throttle.source.count), (1, 2));
    }
}

#[tokio::test]
async fn every_kind_of_row_is_read_as_it_was_written() {
    for world in worlds().await {
        let session = Session {
            actor_id: Some(world.client.service.id),
            api_key_id: Some(world.key.id),
            client_id: Some(world.client.id),
            target_id: Some(world.target.id),
            dialect: "inevent".to_owned(),
            scope: "system event".to_owned(),
            idle_secs: Some(7),
            generation: 3,
            renewed_at: Some(at(2)),
            ..world.session(40, 1)
        };
        let refresh = Token { kind: TokenKind::Refresh, forget_at: at(9999), ..token(2, &session, 3, 1) };
        let changes = vec![
            Change::StartSession(session.clone()),
            Change::PutToken(token(1, &session, 3, 1)),
            Change::PutToken(refresh.clone()),
        ];
        world.store.commit(changes).await.expect("a session");
        let facts = world.token(2).await.expect("the refresh token");
        assert_eq!((&facts.token, &facts.session, &facts.successor), (&refresh, &session, &None));
        assert_eq!(world.token(1).await.expect("the access token").token, token(1, &session, 3, 1));
    }
}

async fn fail(world: &World, secs: i64) {
    world.store.commit(vec![Change::Fail { keys: keys(1, 2, 3), at: at(secs) }]).await.expect("a failure");
}

async fn counted(world: &World) -> Throttle {
    world.load(Query { throttle: Some(keys(1, 2, 3)), ..Query::default() }).await.throttle
}
