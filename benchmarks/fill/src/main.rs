//! Fills a store with sessions and their tokens: what the sign-ins of a day leave behind, in a minute.
//!
//! The rows are written as the server writes them, through the store's own commits; only who asked for them is made up.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use clap::Parser;
use jeton_core::change::Change;
use jeton_core::domain::client::ApiKey;
use jeton_core::domain::id::{Digest, Id};
use jeton_core::domain::session::{Bounds, Session, Token, TokenKind};
use jeton_core::time::Timestamp;
use jeton_store::{Database, Store};

/// Adds sessions with a token each to a store that no server has open.
#[derive(Parser)]
struct Args {
    /// The database file
    #[arg(long, value_name = "FILE")]
    store: PathBuf,
    /// The realm
    #[arg(long)]
    realm: String,
    /// The API key that they all were begun with
    #[arg(long, value_name = "ID")]
    api_key: String,
    /// Rows to add: half of them sessions, half of them tokens
    #[arg(long)]
    rows: u64,
}

/// Sessions in one commit.
const BATCH: u64 = 500;

const DAY: i64 = 86_400_000_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let store = Store::open(&Database::File(args.store)).await?;
    let realm = store.realm(&args.realm).await?.with_context(|| format!("no realm {}", args.realm))?;
    let key = store.api_key(realm.id, &args.api_key).await?.with_context(|| format!("no API key {}", args.api_key))?;
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?;
    let sessions = args.rows / 2;
    let mut number = 0;
    while number < sessions {
        let mut changes = Vec::new();
        for number in number..sessions.min(number + BATCH) {
            // Spread over the day that ends now, in this order: so they would have come.
            let ago = DAY / i64::try_from(sessions)? * i64::try_from(sessions - number)?;
            let session = session(realm.id, &key, now - ago)?;
            let token = token(&session)?;
            changes.extend([Change::StartSession(session), Change::PutToken(token)]);
        }
        store.commit(changes).await?;
        number += BATCH;
    }
    store.close().await;
    Ok(())
}

/// A session that began at `started`, in microseconds, and goes on for longer than anybody measures.
fn session(realm_id: Id, key: &ApiKey, started: i64) -> anyhow::Result<Session> {
    let millis = u64::try_from(started / 1000)?.to_be_bytes();
    let mut id = random::<16>()?;
    // As ids of rows are: what begins together lies together.
    id[..6].copy_from_slice(&millis[2..]);
    let started_at = Timestamp::from_micros(started);
    Ok(Session {
        id: Id::derived(id),
        realm_id,
        principal_id: key.service.id,
        actor_id: None,
        api_key_id: Some(key.id),
        client_id: None,
        target_id: None,
        dialect: "keys".to_owned(),
        scope: String::new(),
        started_at,
        expires_at: Timestamp::from_micros(started + 30 * DAY),
        last_used_at: started_at,
        idle_secs: None,
        generation: 0,
        renewed_at: None,
        ended_at: None,
        bounds: Bounds::default(),
    })
}

fn token(session: &Session) -> anyhow::Result<Token> {
    Ok(Token {
        digest: Digest(random()?),
        kind: TokenKind::Access,
        session_id: session.id,
        generation: 0,
        issued_at: session.started_at,
        expires_at: session.expires_at,
        forget_at: session.expires_at,
        bounds: Bounds::default(),
    })
}

fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    ensure!(aws_lc_rs::rand::fill(&mut bytes).is_ok(), "the system gives no random bytes");
    Ok(bytes)
}
