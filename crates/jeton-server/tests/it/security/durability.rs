//! A yes that ends something is on the disk, and a store that cannot write makes no yes (G7, G8).

use std::time::Duration;

use rusqlite::Connection;

use crate::harness::{ADA, Call, GRACE, Server};

#[tokio::test]
async fn g7_what_was_ended_is_ended_for_every_other_process_at_once() {
    let server = Server::start().await;
    let other = server.beside().await;
    let revoked = server.client_token("plain", &server.plain).await;
    let signed_out = server.inevent_token().await;
    let used = server.zro_token().await;
    let grace = server.pitchpoint_tokens().await;
    // The other has seen them all, so that whatever it remembers is of when they lived.
    assert_eq!(other.get("/plain/x").bearer(&revoked).await.status, 200);
    assert_eq!(other.person_get(&signed_out).await.status, 200);
    assert_eq!(other.wallets(&used).await.status, 200);
    assert_eq!(other.orders(&grace.access).await.status, 200);

    assert_eq!(server.oauth("plain", "revoke", &server.plain, &[("token", &revoked)]).await.status, 200);
    assert_eq!(other.get("/plain/x").bearer(&revoked).await.status, 401);
    assert_eq!(server.post("/person/signOut").bearer(&signed_out).await.status, 200);
    assert_eq!(other.person_get(&signed_out).await.status, 401);
    assert_eq!(server.renew(&used).await.status, 200);
    assert_eq!(other.wallets(&used).await.status, 401);
    server.seed().enable_principal("pitchpoint", GRACE.username, false).await;
    assert_eq!(other.orders(&grace.access).await.status, 401);
    assert_eq!(other.refresh(&grace.refresh).await.status, 403);
    server.seed().enable_realm("plain", false).await;
    assert_eq!(other.oauth("plain", "token", &server.plain, &[("grant_type", "client_credentials")]).await.status, 403);
}

/// The revocations are in the log file that a crash leaves behind: a copy of the files, taken while the server
/// runs, is what another process finds after a power cut.
#[tokio::test]
async fn g7_a_copy_of_the_files_taken_after_the_answer_has_it() {
    let server = Server::start().await;
    let revoked = server.client_token("plain", &server.plain).await;
    assert_eq!(server.oauth("plain", "revoke", &server.plain, &[("token", &revoked)]).await.status, 200);
    let copy = tempfile::tempdir().unwrap();
    for name in ["jeton.db", "jeton.db-wal"] {
        std::fs::copy(server.folder().join(name), copy.path().join(name)).unwrap();
    }
    let db = Connection::open(copy.path().join("jeton.db")).unwrap();
    let ended: i64 = db.query_row("SELECT COUNT(*) FROM ended_token", [], |row| row.get(0)).unwrap();
    assert_eq!(ended, 1);
}

/// Everything that must write before it may say yes.
async fn writes(server: &Server) -> Vec<(&'static str, Call)> {
    let token = server.client_token("plain", &server.plain).await;
    let (ada, zro) = (server.inevent_token().await, server.zro_token().await);
    let grace = server.pitchpoint_tokens().await;
    vec![
        ("revoke", server.oauth("plain", "revoke", &server.plain, &[("token", &token)])),
        ("sign out", server.post("/person/signOut").bearer(&ada)),
        ("sign in", server.inevent(ADA, ADA.password, &[])),
        ("a wrong password", server.inevent(ADA, "wrong", &[])),
        ("sign in", server.pitchpoint(GRACE.username, GRACE.password)),
        ("refresh", server.refresh(&grace.refresh)),
        ("an API key", server.zro_sign_in(&server.zro)),
        ("renew", server.renew(&zro)),
    ]
}

#[track_caller]
fn assert_unavailable(what: &str, answer: &crate::harness::Answer) {
    assert_eq!(answer.status, 503, "{what}: {answer:?}");
    let wait: u64 = answer.header("retry-after").unwrap_or_else(|| panic!("{what}: {answer:?}")).parse().unwrap();
    assert!(wait > 0, "{what}");
}

#[tokio::test]
async fn g8_a_store_that_cannot_write_says_no_to_everything_that_must_be_written() {
    let server = Server::start().await;
    let token = server.client_token("plain", &server.plain).await;
    let ada = server.inevent_token().await;
    let calls = writes(&server).await;
    server.app.store.close().await;
    for (what, call) in calls {
        assert_unavailable(what, &call.await);
    }
    let wrong = crate::harness::Key { secret: "wrong".to_owned(), ..server.plain.clone() };
    let ask = [("token", token.as_str()), ("grant_type", "client_credentials")];
    assert_unavailable("a wrong secret", &server.oauth("plain", "token/introspect", &wrong, &ask).await);
    assert_unavailable("a wrong secret", &server.oauth("plain", "token", &wrong, &ask).await);

    // What only reads goes on, and nothing was ended by halves.
    assert_eq!(server.get("/plain/x").bearer(&token).await.status, 200);
    assert_eq!(server.oauth("plain", "token", &server.plain, &ask).await.status, 200);
    let server = server.restart().await;
    assert_eq!(server.get("/plain/x").bearer(&token).await.status, 200);
    assert_eq!(server.person_get(&ada).await.status, 200);
}

/// Another process holds the file for longer than a writer waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g8_a_store_that_others_hold_is_a_503_and_works_again_afterwards() {
    let server = Server::start().await;
    let token = server.client_token("plain", &server.plain).await;
    let db = Connection::open(server.folder().join("jeton.db")).unwrap();
    db.busy_timeout(Duration::from_secs(5)).unwrap();
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    let revoke = || server.oauth("plain", "revoke", &server.plain, &[("token", &token)]);
    assert_unavailable("revoke", &revoke().await);
    assert_eq!(server.get("/plain/x").bearer(&token).await.status, 200);
    db.execute_batch("ROLLBACK").unwrap();
    assert_eq!(revoke().await.status, 200);
    assert_eq!(server.get("/plain/x").bearer(&token).await.status, 401);
}
