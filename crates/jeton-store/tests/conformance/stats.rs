use jeton_core::change::Change;
use jeton_core::domain::registration::InitialAccessToken;
use jeton_core::domain::session::Session;
use jeton_store::{Begun, Passing, Stats};

use crate::world::{DAY, World, at, audit, device, digest, end_token, initial_access_token, keys, token, worlds};

/// Four sessions begin at these seconds, each with a token for an hour; all but the last are over at `NOW`.
const STARTS: [i64; 4] = [0, 8 * DAY, 9 * DAY - 1800, 9 * DAY];
const NOW: i64 = 9 * DAY + 60;

#[tokio::test]
async fn what_is_stored_is_counted_by_kind_and_time() {
    for world in worlds().await {
        fill(&world).await;
        let stats = world.store.stats(at(NOW)).await.expect("the counts");
        let lasting = &stats.lasting;
        assert_eq!((lasting.realms, lasting.people, lasting.services), (1, 1, 2), "{}", stats.engine);
        assert_eq!((lasting.clients, lasting.api_keys, lasting.secrets, lasting.targets), (1, 1, 2, 1));
        assert_eq!((stats.live_sessions, stats.ended_sessions, stats.expired_sessions()), (1, 1, 2));
        assert!(stats.schema > 0 && stats.size.used > 0, "{stats:?}");
        // Rows, due now, within an hour, within a day; begun in the last hour, day, week.
        for (kind, due, begun) in [
            ("sessions", [4, 1, 1, 2], Some([2, 2, 3])),
            ("tokens", [4, 2, 4, 4], Some([2, 2, 3])),
            ("ended tokens", [1, 1, 1, 1], None),
            ("revocations", [1, 1, 1, 1], Some([0, 0, 0])),
            ("nonces", [1, 0, 0, 1], None),
            ("devices", [1, 1, 1, 1], None),
            ("initial access tokens", [1, 0, 0, 1], None),
            ("counters", [3, 0, 0, 3], None),
        ] {
            let found = passing(&stats, kind);
            assert_eq!([found.rows, found.due_now, found.due_in_hour, found.due_in_day], due, "{kind}");
            assert_eq!(found.begun.as_ref().map(counts), begun, "{kind}");
        }
        let sessions = passing(&stats, "sessions");
        assert_eq!(sessions.last_due, Some(at(11 * DAY)));
        let begun = sessions.begun.as_ref().expect("when they began");
        assert_eq!((begun.oldest, begun.newest), (Some(at(0)), Some(at(9 * DAY))));
        assert_eq!(passing(&stats, "audit lines").rows, 8);
    }
}

#[tokio::test]
async fn what_is_due_now_is_what_a_sweep_removes() {
    for world in worlds().await {
        fill(&world).await;
        let due = |stats: &Stats| stats.passing.iter().map(|passing| passing.due_now).sum::<i64>();
        let before = world.store.stats(at(NOW)).await.expect("the counts");
        let removed = world.store.sweep(at(NOW), 1000).await.expect("a bite");
        assert_eq!(i64::try_from(removed), Ok(due(&before)), "{}", before.engine);
        let after = world.store.stats(at(NOW)).await.expect("the counts");
        assert_eq!(after.passing_rows(), before.passing_rows() - due(&before));
        assert_eq!(due(&after), 0);
    }
}

async fn fill(world: &World) {
    let mut changes = Vec::new();
    for (number, started) in (40..).zip(STARTS) {
        let ended_at = (started == STARTS[2]).then_some(at(started + 1));
        let session = Session { ended_at, ..world.session(number, started) };
        changes.push(Change::PutToken(token(number, &session, 0, started)));
        changes.insert(0, Change::StartSession(session));
    }
    changes.push(end_token(2, 60));
    changes.push(Change::UseNonce { digest: digest(3), expires_at: at(NOW + 7200) });
    changes.push(Change::Fail { keys: keys(4, 5, 6), at: at(NOW) });
    changes.push(Change::Audit(audit("x")));
    changes.push(Change::StartDevice(device(&world.client)));
    world.store.commit(changes).await.expect("rows");
    let initial = InitialAccessToken { expires_at: at(NOW + 7200), ..initial_access_token(&world.realm, 30, 1) };
    world.store.add_initial_access_token(&initial, audit("x")).await.expect("a token");
}

fn passing<'a>(stats: &'a Stats, kind: &str) -> &'a Passing {
    stats.passing.iter().find(|passing| passing.kind == kind).unwrap_or_else(|| panic!("no {kind}"))
}

fn counts(begun: &Begun) -> [i64; 3] {
    [begun.in_hour, begun.in_day, begun.in_week]
}
