use std::collections::BTreeSet;

use jeton_core::change::Change;
use jeton_store::{Error, Store};

use crate::world::{World, at, audit, digest, id, person, token, worlds};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_commits_under_one_guard_one_wins() {
    type Make = fn(u64, &World) -> Change;
    let changes: [(&str, Make); 3] = [
        ("renew", |n, _| Change::RenewSession { id: id(100 + n), generation: 0, at: at(1) }),
        ("nonce", |n, _| Change::UseNonce { digest: digest(n), expires_at: at(60) }),
        ("start", |n, world| Change::StartSession(world.session(500 + n, 0))),
    ];
    for (name, change) in changes {
        for world in worlds().await {
            let other = world.fresh.again().await;
            for n in 0..50 {
                world.start(world.session(100 + n, 0)).await;
                let outcomes = at_once([&world.store, &world.store, &other, &other], || vec![change(n, &world)]).await;
                let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
                assert_eq!(won, 1, "{name}: {outcomes:?}");
                assert!(
                    outcomes.iter().flat_map(|outcome| outcome.as_ref().err()).all(|error| *error == Error::Conflict)
                );
            }
        }
    }
}

/// The control of the test above: without a guard they all win, and the count says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_a_guard_every_commit_wins() {
    for world in worlds().await {
        let other = world.fresh.again().await;
        let session = world.session(100, 0);
        world.start(session.clone()).await;
        let unguarded = || vec![Change::PutToken(token(1, &session, 1, 1))];
        let outcomes = at_once([&world.store, &world.store, &other, &other], unguarded).await;
        assert_eq!(outcomes, [const { Ok(()) }; 4]);
    }
}

/// The control of the tests below: what assumes nothing is written after a session's end, and after a new password.
#[tokio::test]
async fn without_a_guard_a_decision_that_is_overtaken_is_carried_out() {
    for world in worlds().await {
        let session = world.session(100, 0);
        world.start(session.clone()).await;
        world.store.commit(vec![Change::EndSession { id: session.id, at: at(1) }]).await.expect("an end");
        let renew = Change::RenewSession { id: session.id, generation: 0, at: at(1) };
        let put = Change::PutToken(token(1, &session, 1, 1));
        assert_eq!(world.store.commit(vec![renew, put.clone()]).await, Err(Error::Conflict));
        assert_eq!(world.store.commit(vec![put]).await, Ok(()), "the guard is what refuses it");

        let hold = Change::HoldPrincipal { id: world.ann.id, version: world.ann.version };
        world.store.set_password(world.ann.id, None, "phc-new", false, at(1), audit("x")).await.expect("a password");
        let start = Change::StartSession(world.session(101, 0));
        assert_eq!(world.store.commit(vec![hold, start.clone()]).await, Err(Error::Conflict));
        assert_eq!(world.store.commit(vec![start]).await, Ok(()), "the guard is what refuses it");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_renewal_and_an_end_never_leave_a_live_session() {
    for world in worlds().await {
        let other = world.fresh.again().await;
        for n in 0..50 {
            let session = world.session(100 + n, 0);
            world.start(session.clone()).await;
            let renew = vec![
                Change::RenewSession { id: session.id, generation: 0, at: at(1) },
                Change::PutToken(token(n, &session, 1, 1)),
            ];
            let (store, end) = (world.store.clone(), vec![Change::EndSession { id: session.id, at: at(1) }]);
            let renewed = tokio::spawn(async move { store.commit(renew).await });
            other.commit(end).await.expect("ending always succeeds");
            let renewed = renewed.await.expect("a task");
            let found = world.store.session(session.id).await.expect("a read").expect("the session");
            assert_eq!(found.ended_at, Some(at(1)));
            assert_eq!((found.generation == 1, world.token(n).await.is_some()), (renewed.is_ok(), renewed.is_ok()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_new_password_and_a_sign_in_with_the_old_one() {
    for world in worlds().await {
        let other = world.fresh.again().await;
        for n in 0..30 {
            let ann = world.store.principal(world.ann.id).await.expect("a read").expect("ann");
            let sign_in = vec![
                Change::HoldPrincipal { id: ann.id, version: ann.version },
                Change::StartSession(world.session(100 + n, 0)),
            ];
            let store = world.store.clone();
            let signed_in = tokio::spawn(async move { store.commit(sign_in).await });
            other.set_password(ann.id, None, "phc", true, at(1), audit("x")).await.expect("a password");
            let signed_in = signed_in.await.expect("a task");
            let found = world.store.session(id(100 + n)).await.expect("a read");
            match signed_in {
                Ok(()) => assert_eq!(found.expect("the session").ended_at, Some(at(1)), "it came first and was ended"),
                Err(error) => assert_eq!((error, found), (Error::Conflict, None), "it came too late"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_at_once_are_all_there_after_reopening_and_one_conflict_fails_alone() {
    for world in worlds().await {
        let tasks: Vec<_> = (0..100)
            .map(|n| {
                let (store, session) = (world.store.clone(), world.session(100 + n, 0));
                let guard = (n == 50).then_some(Change::HoldPrincipal { id: world.ann.id, version: -1 });
                let changes = vec![Change::PutToken(token(n, &session, 0, 0))];
                let changes = [Change::StartSession(session)].into_iter().chain(changes).chain(guard).collect();
                tokio::spawn(async move { store.commit(changes).await })
            })
            .collect();
        for (n, task) in (0..).zip(tasks) {
            let expected = if n == 50 { Err(Error::Conflict) } else { Ok(()) };
            assert_eq!(task.await.expect("a task"), expected, "{n}");
        }
        world.store.close().await;
        let late = world.store.append_audit(audit("x")).await;
        assert!(matches!(late, Err(Error::Unavailable(_))), "a closed store takes no more: {late:?}");
        let again = world.fresh.again().await;
        for n in 0..100 {
            let found = again.session(id(100 + n)).await.expect("a read");
            assert_eq!(found.is_some(), n != 50, "{n}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn people_added_at_once_have_numbers_of_their_own() {
    for world in worlds().await {
        let other = world.fresh.again().await;
        let tasks: Vec<_> = (0..40)
            .map(|n| {
                let store = if n % 2 == 0 { world.store.clone() } else { other.clone() };
                let new = person(&world.realm, 100 + n, &format!("p{n}"));
                tokio::spawn(async move { store.add_principal(&new, audit("x")).await.expect("a person").number })
            })
            .collect();
        let mut numbers = BTreeSet::new();
        for task in tasks {
            numbers.insert(task.await.expect("a task"));
        }
        assert_eq!(numbers, (1003..1043).collect());
    }
}

async fn at_once<const N: usize>(stores: [&Store; N], changes: impl Fn() -> Vec<Change>) -> Vec<Result<(), Error>> {
    let tasks = stores.map(|store| {
        let (store, changes) = (store.clone(), changes());
        tokio::spawn(async move { store.commit(changes).await })
    });
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.expect("a task"));
    }
    outcomes
}
