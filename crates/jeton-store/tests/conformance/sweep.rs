use jeton_core::change::{Audit, Change};
use jeton_core::domain::client::StoredSecret;
use jeton_core::facts::Query;
use jeton_store::Owner;

use crate::world::{DAY, World, at, audit, digest, end_token, id, initial_access_token, keys, secret, token, worlds};

#[tokio::test]
async fn each_row_goes_when_it_is_of_no_more_use_and_not_before() {
    // From this second on it goes, and how to tell that it is there.
    for (gone_at, what) in [
        (3600, What::Token),
        (2 * DAY, What::Session),
        (60, What::EndedToken),
        (60, What::Nonce),
        (DAY, What::Failures),
        (30 * DAY + 1, What::KnownSource),
        (30 * DAY + 5, What::Secret),
        (30 * DAY + 60, What::InitialAccessToken),
        (90 * DAY, What::Audit),
    ] {
        for world in worlds().await {
            fill(&world).await;
            sweep_all(&world, gone_at - 1).await;
            assert!(is_there(&world, what).await, "{what:?} a second before {gone_at}");
            sweep_all(&world, gone_at).await;
            assert!(!is_there(&world, what).await, "{what:?} at {gone_at}");
            assert_eq!(*world.load(Query::default()).await.realm, world.realm);
        }
    }
}

#[tokio::test]
async fn an_ended_session_stays_as_long_as_a_token_of_it_could_be_shown() {
    for world in worlds().await {
        let session = world.session(40, 0);
        let mut long = token(1, &session, 0, 0);
        long.forget_at = at(9 * DAY);
        let end = Change::EndSession { id: session.id, at: at(1) };
        world.store.commit(vec![Change::StartSession(session), Change::PutToken(long), end]).await.expect("a session");
        sweep_all(&world, 9 * DAY - 1).await;
        assert_eq!(world.token(1).await.expect("the token").session.ended_at, Some(at(1)));
        sweep_all(&world, 9 * DAY).await;
        assert_eq!(world.store.session(id(40)).await, Ok(None));
    }
}

#[tokio::test]
async fn in_bites() {
    for world in worlds().await {
        let nonces = (0..25).map(|n| Change::UseNonce { digest: digest(n), expires_at: at(0) }).collect();
        world.store.commit(nonces).await.expect("nonces");
        let mut bites = Vec::new();
        for _ in 0..4 {
            bites.push(world.store.sweep(at(1), 10).await.expect("a bite"));
        }
        assert_eq!(bites, [10, 10, 5, 0]);
    }
}

#[derive(Clone, Copy, Debug)]
enum What {
    Token,
    Session,
    EndedToken,
    Nonce,
    Failures,
    KnownSource,
    Secret,
    InitialAccessToken,
    Audit,
}

async fn fill(world: &World) {
    let session = world.session(40, 0);
    let changes = vec![
        Change::StartSession(session.clone()),
        Change::PutToken(token(1, &session, 0, 0)),
        end_token(2, 60),
        Change::UseNonce { digest: digest(3), expires_at: at(60) },
        Change::Fail { keys: keys(4, 5, 6), at: at(0) },
        Change::Succeed { keys: keys(7, 8, 9), at: at(1) },
        Change::Audit(Audit { detail: "old".to_owned(), ..audit("x") }),
    ];
    world.store.commit(changes).await.expect("rows");
    let short = StoredSecret { expires_at: Some(at(5)), ..secret(30) };
    world.store.add_secret(Owner::Client(world.client.id), &short, None, audit("x")).await.expect("a secret");
    let initial = initial_access_token(&world.realm, 31, 1);
    world.store.add_initial_access_token(&initial, audit("x")).await.expect("a token");
}

async fn sweep_all(world: &World, secs: i64) {
    while world.store.sweep(at(secs), 3).await.expect("a bite") > 0 {}
}

async fn is_there(world: &World, what: What) -> bool {
    let query = |throttle| Query {
        ended: Some(digest(2)),
        once: vec![digest(3)],
        client_id: Some("web"),
        throttle: Some(throttle),
        ..Query::default()
    };
    let facts = world.load(query(keys(4, 5, 6))).await;
    match what {
        What::Token => world.token(1).await.is_some(),
        What::Session => world.store.session(id(40)).await.expect("a read").is_some(),
        What::EndedToken => facts.ended,
        What::Nonce => !facts.used.is_empty(),
        What::Failures => facts.throttle.source.count == 1,
        What::KnownSource => world.load(query(keys(7, 8, 9))).await.throttle.pair.succeeded_at.is_some(),
        What::Secret => {
            let client = world.store.client(world.realm.id, "web").await.expect("a read").expect("the client");
            client.secrets.len() == 2
        }
        What::InitialAccessToken => {
            !world.store.initial_access_tokens(world.realm.id).await.expect("a read").is_empty()
        }
        What::Audit => !world.store.newest_audit(1).await.expect("the trail").is_empty(),
    }
}
