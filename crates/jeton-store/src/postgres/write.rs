//! Writing: one transaction for a set of steps. They go out together and the commit follows once every guard held:
//! two turns, however many steps.

use std::time::Duration;

use deadpool_postgres::Object;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use super::bind::is_foreign;
use super::error::{Failure, constraint, met_another};
use super::pool::{PATIENCE, Pool};
use super::read::{bound, within};
use crate::error::Error;
use crate::event;
use crate::step::{Reply, Step};

/// A set that keeps meeting others is given up after this: the peer shall come back.
const GIVE_UP: Duration = Duration::from_secs(3);

/// The pause before the second try; it doubles from try to try.
const PAUSE: Duration = Duration::from_millis(2);

/// Writes `steps`, all or none. Goes on to its end even if nobody waits for it any more.
pub(super) async fn write(pool: &Pool, steps: Vec<Step>) -> Reply {
    if steps.iter().flat_map(|step| &step.values).any(is_foreign) {
        return Err(Error::Invalid("a text holds a zero byte, which the database does not take".to_owned()));
    }
    let pool = pool.clone();
    match tokio::spawn(async move { write_until_done(&pool, &steps).await }).await {
        Ok(reply) => reply,
        Err(ended) => Err(Error::Unavailable(format!("the write was given up: {ended}"))),
    }
}

async fn write_until_done(pool: &Pool, steps: &[Step]) -> Reply {
    let give_up = Instant::now() + GIVE_UP;
    let mut pause = PAUSE;
    loop {
        match write_once(pool, steps).await {
            Ok(counts) => {
                if steps.iter().any(event::is_told_by) {
                    wake(pool).await;
                }
                return Ok(counts);
            }
            Err(failure) if failure.may_pass() && Instant::now() + pause < give_up => {
                sleep(pause).await;
                pause *= 2;
            }
            Err(failure) => return Err(failure.into()),
        }
    }
}

/// Wakes the nodes that listen. Those that do not hear it ask by themselves soon.
async fn wake(pool: &Pool) {
    let woken = async { Ok(pool.get().await?.batch_execute(concat!("NOTIFY ", event::channel!())).await?) };
    let _heard = within(woken).await;
}

async fn write_once(pool: &Pool, steps: &[Step]) -> Result<Vec<usize>, Failure> {
    let client = pool.get().await?;
    match within(run(&client, steps)).await {
        Ok(counts) => match commit(&client).await {
            Ok(()) => Ok(counts),
            Err(failure) => {
                // Whatever it still has to say is of no use to the next.
                let _gone = Object::take(client);
                Err(failure)
            }
        },
        Err(failure) => {
            let lost = matches!(failure, Failure::Lost(_));
            if lost || within(async { Ok(client.batch_execute("ROLLBACK").await?) }).await.is_err() {
                let _gone = Object::take(client);
            }
            Err(failure)
        }
    }
}

/// Every step in a transaction that stays open: how many rows each changed.
async fn run(client: &Object, steps: &[Step]) -> Result<Vec<usize>, Failure> {
    let mut statements = Vec::with_capacity(steps.len());
    for step in steps {
        statements.push(client.prepare_cached(step.sql.for_postgres()).await?);
    }
    let executed = steps.iter().zip(&statements).map(|(step, statement)| {
        let values = bound(&step.values);
        async move { client.execute(statement, &values).await }
    });
    let (begun, outcomes) = tokio::join!(client.batch_execute("BEGIN"), join_all(executed));
    begun?;
    // The first that failed tells why; those behind it only that the transaction is no more.
    steps.iter().zip(outcomes).map(|(step, outcome)| count(step, outcome)).collect()
}

fn count(step: &Step, outcome: Result<u64, tokio_postgres::Error>) -> Result<usize, Failure> {
    match outcome {
        Ok(count) => Ok(step.needs.met_by(usize::try_from(count).unwrap_or(usize::MAX))?),
        Err(error) => match constraint(&error).and_then(|constraint| step.needs.broken_by(constraint)) {
            Some(broken) => Err(Failure::Final(broken)),
            None => Err(error.into()),
        },
    }
}

/// Commits. Only where the database itself says that the transaction met another was nothing written for sure;
/// after any other failure nobody knows, and doing it again might do it twice.
async fn commit(client: &Object) -> Result<(), Failure> {
    let done = timeout(PATIENCE, client.batch_execute("COMMIT")).await;
    match done {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) if met_another(&error) => Err(Failure::Met(error.into())),
        Ok(Err(error)) => Err(Failure::Final(error.into())),
        Err(_) => Err(Failure::Final(Error::Unavailable("the database did not confirm a commit in time".to_owned()))),
    }
}
