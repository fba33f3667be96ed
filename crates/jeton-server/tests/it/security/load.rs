//! More passwords than can be checked (H13).

use std::time::Instant;

use jeton_server::hashing::QUEUE;
use tokio::task::JoinSet;

use super::{behind_proxy, source};
use crate::harness::Server;

/// Guesses at `count` accounts from as many sources, all at once. Each tells its status and how many jobs were
/// waiting when it was answered.
fn flood(server: &Server, count: usize) -> JoinSet<(crate::harness::Answer, usize)> {
    let mut flood = JoinSet::new();
    for number in 0..count {
        let call = server.pitchpoint(&format!("somebody{number}"), "wrong").header("X-Forwarded-For", &source(number));
        let app = server.app.clone();
        flood.spawn(async move {
            let answer = call.await;
            (answer, app.hashing.load().queued)
        });
    }
    flood
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h13_a_full_queue_says_come_back_at_once_and_stops_nobody_else() {
    let server = behind_proxy().await;
    let token = server.client_token("plain", &server.plain).await;
    let mut flood = flood(&server, 4 * QUEUE);

    while server.app.hashing.load().queued < QUEUE {
        tokio::task::yield_now().await;
    }
    let begun = Instant::now();
    assert_eq!(
        server.oauth("plain", "token", &server.plain, &[("grant_type", "client_credentials")]).await.status,
        200
    );
    assert_eq!(server.get("/plain/x").bearer(&token).await.status, 200);
    assert_eq!(server.get("/realms/plain/protocol/openid-connect/certs").await.status, 200);
    assert!(server.app.hashing.load().queued > 0, "the others were answered after {:?} only", begun.elapsed());

    let mut turned_away = 0;
    while let Some(done) = flood.join_next().await {
        let (answer, waiting) = done.unwrap();
        match answer.status {
            403 => {}
            503 => {
                turned_away += 1;
                assert_eq!(answer.header("retry-after"), Some("1"), "{answer:?}");
                assert!(waiting > 0, "it was told only when the queue was worked off");
            }
            _ => panic!("{answer:?}"),
        }
    }
    assert!(turned_away > 0);
    assert_eq!(server.pitchpoint("somebody else", "wrong").await.status, 403, "afterwards all is well");
}
