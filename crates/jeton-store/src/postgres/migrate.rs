//! Takes the steps on a database: one node at a time, under a lease that ends by itself if its holder does.

use std::time::Duration;

use deadpool_postgres::Object;
use tokio::time::{Instant, sleep};
use tokio_postgres::error::SqlState;

use super::error::Failure;
use super::pool::Pool;
use crate::error::Error;
use crate::migrate::{BOOK, EXPANSIONS, LEVELS, Next, Taken, foreign, next};

const TABLES: &str = "SELECT table_name::TEXT FROM information_schema.tables WHERE table_schema = current_schema()";
const LEASES: &str = "CREATE TABLE IF NOT EXISTS lease \
    (name TEXT NOT NULL PRIMARY KEY, holder TEXT NOT NULL, ends_at BIGINT NOT NULL)";
// The database's clock counts, not a node's.
const TAKE: &str = "INSERT INTO lease (name, holder, ends_at) \
    VALUES ('migration', $1, CAST(EXTRACT(EPOCH FROM now()) AS BIGINT) + 60) \
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, ends_at = excluded.ends_at \
    WHERE lease.holder = excluded.holder OR lease.ends_at < CAST(EXTRACT(EPOCH FROM now()) AS BIGINT)";
const GIVE_BACK: &str = "DELETE FROM lease WHERE name = 'migration' AND holder = $1";

/// How long a node waits for another that migrates.
const WAIT: Duration = Duration::from_secs(180);

/// How often it looks whether the other is done.
const PAUSE: Duration = Duration::from_millis(100);

/// Brings the tables to the newest version.
///
/// # Errors
/// [`Error::Open`] if a newer Jeton, another build or another program made the tables.
pub(super) async fn migrate(pool: &Pool) -> Result<(), Error> {
    let mut client = pool.get().await?;
    if next(&taken(&client).await?, LEVELS, EXPANSIONS)?.is_none() {
        return Ok(());
    }
    make(&client, LEASES).await?;
    let holder: String = client.query_one("SELECT gen_random_uuid()::TEXT", &[]).await?.try_get(0)?;
    let give_up = Instant::now() + WAIT;
    loop {
        match advance(&mut client, &holder).await {
            Ok(Turn::Done) => break,
            Ok(Turn::Taken) => {}
            Ok(Turn::Others) | Err(Failure::Met(_)) if Instant::now() < give_up => sleep(PAUSE).await,
            Ok(Turn::Others) => {
                return Err(Error::Open(
                    "another node has been changing the database's tables for three minutes: see what holds it up"
                        .to_owned(),
                ));
            }
            Err(failure) => return Err(failure.into()),
        }
    }
    // It ends by itself besides, so it is no matter if this fails.
    let _given_back = client.execute(GIVE_BACK, &[&holder]).await;
    Ok(())
}

/// What came of an attempt.
enum Turn {
    /// Every step has been taken.
    Done,
    /// One was taken now.
    Taken,
    /// Another node is at it.
    Others,
}

/// Takes the next step, if it is this node's turn.
async fn advance(client: &mut Object, holder: &str) -> Result<Turn, Failure> {
    let Some(step) = next(&taken(client).await?, LEVELS, EXPANSIONS)? else { return Ok(Turn::Done) };
    if client.execute(TAKE, &[&holder]).await? == 0 {
        return Ok(Turn::Others);
    }
    for table in BOOK {
        make(client, &table.for_postgres()).await?;
    }
    take_step(client, holder, step).await
}

/// Makes a table that others may be making at this moment.
async fn make(client: &Object, table: &str) -> Result<(), Failure> {
    match client.batch_execute(table).await {
        // IF NOT EXISTS looks first and makes then: between the two another was faster.
        Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => Ok(()),
        Err(error) if error.code() == Some(&SqlState::DUPLICATE_TABLE) => Ok(()),
        outcome => Ok(outcome?),
    }
}

/// Takes one step together with its note, if the lease is still held.
async fn take_step(client: &mut Object, holder: &str, next: Next) -> Result<Turn, Failure> {
    let step = client.transaction().await?;
    if step.execute(TAKE, &[&holder]).await? == 0 {
        return Ok(Turn::Others);
    }
    match next {
        Next::Level { number, step: text } => {
            step.batch_execute(&text.for_postgres()).await?;
            let note = "INSERT INTO schema_version (version, checksum) VALUES ($1, $2)";
            step.execute(note, &[&number, &text.checksum()]).await?;
        }
        Next::Expansion { level, number, step: text } => {
            step.batch_execute(&text.for_postgres()).await?;
            let note = "INSERT INTO schema_expansion (level, number, checksum) VALUES ($1, $2, $3)";
            step.execute(note, &[&level, &number, &text.checksum()]).await?;
        }
    }
    step.commit().await?;
    Ok(Turn::Taken)
}

/// The steps that were taken. A schema that has none yet must be empty.
pub(super) async fn taken(client: &Object) -> Result<Taken, Failure> {
    let rows = client.query(TABLES, &[]).await?;
    let tables: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let is_there = |name: &str| tables.iter().any(|table| table == name);
    // The lease is there a moment before the rest.
    if tables.iter().any(|table| table != "lease") && !is_there("schema_version") {
        return Err(foreign("the database's schema").into());
    }
    let checksums = async |table: &str, text: &str| -> Result<Vec<i64>, Failure> {
        match is_there(table) {
            false => Ok(Vec::new()),
            true => {
                let rows = client.query(text, &[]).await?;
                Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
            }
        }
    };
    let levels = checksums("schema_version", "SELECT checksum FROM schema_version ORDER BY version").await?;
    let expansions = "SELECT checksum FROM schema_expansion \
        WHERE level = (SELECT MAX(version) FROM schema_version) ORDER BY number";
    Ok(Taken { levels, expansions: checksums("schema_expansion", expansions).await? })
}
