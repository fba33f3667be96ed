//! What is told to those who judge tokens without asking: by which change, of what, and for how long.

use jeton_core::change::Change;
use jeton_core::domain::id::Id;
use jeton_core::domain::revocation::{LONGEST_LIFE, Named};
use jeton_core::domain::session::Session;
use jeton_core::time::Timestamp;
use jeton_store::RevocationReader;

use crate::world::{DAY, World, at, audit, end_token, id, token, worlds};

/// What tokens issued before an instant are told with: clocks differ a little.
const MARGIN: i64 = 10;

/// What is told now, but for its number and its end.
async fn told(world: &World) -> Vec<(Named, Option<Timestamp>)> {
    let told = world.store.revocations(world.realm.id, 0, at(0), 1000).await.expect("a read");
    told.into_iter().map(|told| (told.revocation.named, told.revocation.before)).collect()
}

/// A session of Ann's with an access token for an hour.
async fn begin(world: &World, n: u64, dialect: &str) -> Session {
    let session = Session { dialect: dialect.to_owned(), ..world.session(n, 0) };
    let token = token(n, &session, 0, 0);
    world.store.commit(vec![Change::StartSession(session.clone()), Change::PutToken(token)]).await.expect("a session");
    session
}

#[tokio::test]
async fn every_end_is_told_in_its_transaction() {
    for world in worlds().await {
        let (store, realm, ann, client) = (&world.store, world.realm.id, world.ann.id, world.client.id);
        for n in 40..43 {
            begin(&world, n, "oauth").await;
        }
        // A dialect's tokens are judged by nobody but their realm.
        let elsewhere = begin(&world, 43, "inevent").await;
        let session = |n: u64| (Named::Session(id(n).to_string()), None);
        let of_ann = |before: Option<i64>| (Named::Subject(ann.to_string()), before.map(|secs| at(secs + MARGIN)));
        let of_web = |before: Option<i64>| (Named::Client("web".to_owned()), before.map(|secs| at(secs + MARGIN)));
        let mut expected = Vec::new();

        store.commit(vec![end_token(2, 60)]).await.expect("an end");
        expected.push((Named::Token("jti-2".to_owned()), None));
        store.commit(vec![Change::EndSession { id: id(40), at: at(1) }]).await.expect("an end");
        expected.push(session(40));
        store.end_session(id(41), at(2), audit("x")).await.expect("an end");
        expected.push(session(41));
        store.end_session(elsewhere.id, at(2), audit("x")).await.expect("an end");
        let cap = Change::CapSessions { principal_id: ann, keep: 0, at: at(3) };
        store.commit(vec![cap]).await.expect("an end");
        expected.push(session(42));

        store.end_principal_sessions(ann, at(4), audit("x")).await.expect("an end");
        store.set_principal_not_before(ann, at(3), audit("x")).await.expect("an end");
        store.set_principal_enabled(ann, true, audit("x")).await.expect("a change");
        store.set_principal_enabled(ann, false, audit("x")).await.expect("a change");
        store.remove_principal(ann, audit("x")).await.expect("an end");
        expected.extend([of_ann(Some(4)), of_ann(Some(3)), of_ann(None), of_ann(None)]);

        store.set_client_not_before(client, at(5), audit("x")).await.expect("an end");
        store.set_client_settings(client, &world.client.settings, audit("x")).await.expect("a change");
        store.set_client_enabled(client, true, audit("x")).await.expect("a change");
        store.set_client_enabled(client, false, audit("x")).await.expect("a change");
        store.remove_client(client, audit("x")).await.expect("an end");
        expected.extend([of_web(Some(5)), of_web(Some(0)), of_web(None), of_web(None)]);

        store.set_realm_not_before(realm, at(6), audit("x")).await.expect("an end");
        store.end_realm_sessions(realm, at(7), audit("x")).await.expect("an end");
        store.mark_restored(at(8), audit("x")).await.expect("an end");
        expected.extend([6, 7, 8].map(|secs| (Named::Realm, Some(at(secs + MARGIN)))));
        assert_eq!(told(&world).await, expected);
    }
}

#[tokio::test]
async fn what_failed_is_not_told_and_nothing_is_told_of_another_realm() {
    for world in worlds().await {
        let session = begin(&world, 40, "oauth").await;
        let conflict = Change::UseSession { id: session.id, generation: 9, at: at(1) };
        let end = Change::EndSession { id: session.id, at: at(1) };
        world.store.commit(vec![end, conflict]).await.expect_err("another generation");
        assert_eq!(told(&world).await, []);
        world.store.end_session(session.id, at(1), audit("x")).await.expect("an end");
        assert_eq!(told(&world).await.len(), 1);
        let other: Id = id(77);
        assert_eq!(world.store.revocations(other, 0, at(0), 1000).await.expect("a read"), []);
    }
}

#[tokio::test]
async fn it_is_told_until_the_last_token_has_ended() {
    for world in worlds().await {
        let session = begin(&world, 40, "oauth").await;
        world.store.end_session(session.id, at(1), audit("x")).await.expect("an end");
        world.store.set_realm_not_before(world.realm.id, at(2), audit("x")).await.expect("an end");
        let all = i64::try_from(LONGEST_LIFE.as_secs()).expect("a day") + MARGIN;
        for (now, count) in [(3599, 2), (3600, 1), (all - 1, 1), (all, 0)] {
            let told = world.store.revocations(world.realm.id, 0, at(now), 1000).await.expect("a read");
            assert_eq!(told.len(), count, "{now}");
        }
        while world.store.sweep(at(DAY), 100).await.expect("a bite") > 0 {}
        assert_eq!(told(&world).await.len(), 1, "the session's has gone");
        while world.store.sweep(at(2 * DAY), 100).await.expect("a bite") > 0 {}
        assert_eq!(told(&world).await, []);
    }
}

#[tokio::test]
async fn a_reader_is_told_what_others_write_once() {
    for world in worlds().await {
        let other = world.fresh.again().await;
        other.commit(vec![end_token(1, 60)]).await.expect("an end");
        let mut reader = RevocationReader::open(&world.store, at(1)).await.expect("a reader");
        assert_eq!(reader.read().await.expect("a read").len(), 1, "told a second ago");
        assert_eq!(reader.read().await.expect("a read"), []);
        for n in 2..5 {
            other.commit(vec![end_token(n, 60)]).await.expect("an end");
        }
        let told = reader.read().await.expect("a read");
        assert_eq!((told.len(), told.last().map(|told| told.seq)), (3, Some(reader.settled())));
        let behind = world.store.revocations(world.realm.id, told[0].seq, at(0), 1000).await.expect("a read");
        assert_eq!(behind, told[1..], "a follower goes on behind a number");
        let late = RevocationReader::open(&world.store, at(1000)).await.expect("a reader");
        assert_eq!(late.settled(), reader.settled(), "all that was long ago");
    }
}
