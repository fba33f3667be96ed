//! What the store costs on each engine: loading what a decision needs, and committing a sign-in.
//!
//! `engines FILE-OR-URL…` makes a realm of its own in each store, so that nothing that is there is touched, and prints
//! for each engine the time of one operation when they come one after the other, and when 32 are under way.
#![expect(clippy::print_stdout, reason = "figures are what it prints")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use jeton_core::change::{Audit, Change};
use jeton_core::domain::id::{Digest, Id};
use jeton_core::domain::principal::{Kind, PersonProfile, Principal};
use jeton_core::domain::realm::{Realm, Settings};
use jeton_core::domain::session::{Bounds, Session, Token, TokenKind};
use jeton_core::facts::Query;
use jeton_core::time::Timestamp;
use jeton_store::{Database, NewPrincipal, Store};

/// Measures stores side by side.
#[derive(Parser)]
struct Args {
    /// Files, or postgres:// URLs
    #[arg(required = true)]
    stores: Vec<String>,
    /// How long each figure is measured, in seconds
    #[arg(long, default_value_t = 3)]
    seconds: u64,
}

/// How many operations are under way at once in the second figure.
const AT_ONCE: usize = 32;

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let time = Duration::from_secs(args.seconds);
    println!("{:<12} {:<28} {:>12} {:>16}", "engine", "operation", "alone, µs", "32 at once, µs");
    for place in &args.stores {
        let bench = Arc::new(Bench::new(place).await.with_context(|| place.clone())?);
        for (name, operation) in OPERATIONS {
            let alone = measure(&bench, *operation, 1, time).await?;
            let together = measure(&bench, *operation, AT_ONCE, time).await?;
            println!("{:<12} {name:<28} {alone:>12.1} {together:>16.1}", bench.engine);
        }
    }
    Ok(())
}

/// What is measured.
#[derive(Clone, Copy)]
enum Operation {
    LoadRealm,
    LoadToken,
    LoadPerson,
    CommitSignIn,
    CommitRenewal,
}

const OPERATIONS: &[(&str, Operation)] = &[
    ("load a realm (from memory)", Operation::LoadRealm),
    ("load a token and its session", Operation::LoadToken),
    ("load a person", Operation::LoadPerson),
    ("commit a sign-in", Operation::CommitSignIn),
    ("commit a renewal", Operation::CommitRenewal),
];

struct Bench {
    engine: &'static str,
    store: Store,
    realm: Realm,
    ann: Principal,
    token: Digest,
    next: AtomicU64,
}

impl Bench {
    async fn new(place: &str) -> Result<Self> {
        let (engine, database) = match place.starts_with("postgres") {
            true => ("PostgreSQL", Database::postgres(place, None, Database::DEFAULT_CONNECTIONS)?),
            false => ("SQLite", Database::file(place)),
        };
        let store = Store::open(&database).await?;
        let realm = Realm {
            id: random_id()?,
            name: format!("bench-{}", random_id()?),
            enabled: true,
            not_before: Timestamp::EPOCH,
            created_at: now(),
            settings: Settings::default(),
        };
        store.add_realm(&realm, audit("realm.added")).await?;
        let ann = NewPrincipal {
            id: random_id()?,
            realm_id: realm.id,
            kind: Kind::Person,
            number: None,
            username: "ann".to_owned(),
            profile: PersonProfile::default(),
            password: None,
            created_at: now(),
        };
        let ann = store.add_principal(&ann, audit("principal.added")).await?;
        let bench = Self { engine, store, realm, ann, token: Digest([0; 32]), next: AtomicU64::new(0) };
        let (token, changes) = bench.sign_in()?;
        bench.store.commit(changes).await?;
        Ok(Self { token, ..bench })
    }

    async fn run(&self, operation: Operation) -> Result<()> {
        let query = Query { realm: &self.realm.name, ..Query::default() };
        match operation {
            Operation::LoadRealm => self.load(&query).await,
            Operation::LoadToken => self.load(&Query { token: Some(self.token), ..query }).await,
            Operation::LoadPerson => self.load(&Query { username: Some("ann"), ..query }).await,
            Operation::CommitSignIn => Ok(self.store.commit(self.sign_in()?.1).await?),
            Operation::CommitRenewal => {
                // A session of its own each time, since one generation can be renewed only once.
                let (_, changes) = self.sign_in()?;
                let renewal = changes.iter().find_map(renewal_of).context("a session")?;
                let started = Instant::now();
                self.store.commit(changes).await?;
                self.next.fetch_add(u64::try_from(started.elapsed().as_nanos())?, Ordering::Relaxed);
                Ok(self.store.commit(vec![renewal]).await?)
            }
        }
    }

    async fn load(&self, query: &Query<'_>) -> Result<()> {
        ensure!(self.store.load(query).await?.is_some(), "the realm is gone");
        Ok(())
    }

    /// The changes of a sign-in, as the server makes them, and the token's digest.
    fn sign_in(&self) -> Result<(Digest, Vec<Change>)> {
        let (at, digest) = (now(), Digest(random()?));
        let end = at + Duration::from_secs(3600);
        let session = Session {
            id: random_id()?,
            realm_id: self.realm.id,
            principal_id: self.ann.id,
            actor_id: None,
            api_key_id: None,
            client_id: None,
            target_id: None,
            dialect: "bench".to_owned(),
            scope: String::new(),
            started_at: at,
            expires_at: end,
            last_used_at: at,
            idle_secs: None,
            generation: 0,
            renewed_at: None,
            ended_at: None,
            bounds: Bounds::default(),
        };
        let token = Token {
            digest,
            kind: TokenKind::Access,
            session_id: session.id,
            generation: 0,
            issued_at: at,
            expires_at: end,
            forget_at: end,
            bounds: Bounds::default(),
        };
        let hold = Change::HoldPrincipal { id: self.ann.id, version: self.ann.version };
        let changes =
            vec![hold, Change::StartSession(session), Change::PutToken(token), Change::Audit(audit("session.started"))];
        Ok((digest, changes))
    }
}

fn renewal_of(change: &Change) -> Option<Change> {
    let Change::StartSession(session) = change else { return None };
    Some(Change::RenewSession { id: session.id, generation: 0, at: session.started_at })
}

/// The mean time of one operation in microseconds, `at_once` being under way; the preparation of a renewal is not
/// counted.
async fn measure(bench: &Arc<Bench>, operation: Operation, at_once: usize, time: Duration) -> Result<f64> {
    bench.run(operation).await?;
    bench.next.store(0, Ordering::Relaxed);
    let started = Instant::now();
    let tasks: Vec<_> = (0..at_once)
        .map(|_| {
            let bench = bench.clone();
            tokio::spawn(async move {
                let mut done = 0u32;
                while started.elapsed() < time {
                    bench.run(operation).await?;
                    done += 1;
                    // What comes from memory never waits; others must get their turn all the same.
                    tokio::task::consume_budget().await;
                }
                Ok::<_, anyhow::Error>(done)
            })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task.await??;
    }
    let all = started.elapsed().as_secs_f64() * 1e6;
    let prepared = Duration::from_nanos(bench.next.load(Ordering::Relaxed)).as_secs_f64() * 1e6 / at_once as f64;
    Ok((all - prepared) / f64::from(done))
}

fn audit(event: &'static str) -> Audit {
    Audit {
        at: now(),
        realm_id: None,
        event,
        principal_id: None,
        session_id: None,
        source: "local".to_owned(),
        detail: String::new(),
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// An id that begins with the time, as ids of rows do.
fn random_id() -> Result<Id> {
    let mut id = random::<16>()?;
    let millis = u64::try_from(now().as_micros() / 1000)?.to_be_bytes();
    id[..6].copy_from_slice(&millis[2..]);
    Ok(Id::derived(id))
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    ensure!(aws_lc_rs::rand::fill(&mut bytes).is_ok(), "the system gives no random bytes");
    Ok(bytes)
}
