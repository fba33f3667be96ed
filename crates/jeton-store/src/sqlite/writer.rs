//! Writing: one thread that commits whatever waits together, because an fsync costs more than all the rest.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;

use rusqlite::{Connection, params_from_iter};
use tokio::sync::oneshot;

use super::error::constraint;
use super::open::connect;
use crate::db::Sql;
use crate::error::Error;
use crate::step::{Reply, Step};

const BEGIN: Sql = Sql::new("BEGIN IMMEDIATE");
const SAVE: Sql = Sql::new("SAVEPOINT one_set");
const KEEP: Sql = Sql::new("RELEASE one_set");
const UNDO: Sql = Sql::new("ROLLBACK TO one_set");
const COMMIT: Sql = Sql::new("COMMIT");
const ROLLBACK: Sql = Sql::new("ROLLBACK");

/// This many sets share one commit at most, so that the first does not wait long for the last.
const BATCH: usize = 64;

/// This many sets wait at most: some tens of milliseconds of work. Beyond it, waiting only makes things worse.
const QUEUE: usize = 1024;

/// The way to the thread that writes.
pub(crate) struct Writer {
    jobs: SyncSender<Job>,
}

enum Job {
    Write(Set),
    Close(oneshot::Sender<()>),
}

/// The steps of one request: all or none.
struct Set {
    steps: Vec<Step>,
    reply: oneshot::Sender<Reply>,
}

impl Writer {
    /// Starts the thread. It ends with [`close`](Self::close), or when the writer is dropped.
    pub(crate) fn start(path: &Path, db: Connection) -> Result<Self, Error> {
        let (jobs, waiting) = sync_channel(QUEUE);
        let path = path.to_owned();
        thread::Builder::new().name("store-writer".to_owned()).spawn(move || run(&path, db, &waiting)).map_err(
            |error| Error::Open(format!("cannot start the thread that writes: {error}; raise the limit of threads")),
        )?;
        Ok(Self { jobs })
    }

    /// Writes `steps`, all or none. The answer comes after the commit.
    pub(crate) async fn write(&self, steps: Vec<Step>) -> Reply {
        let (reply, answer) = oneshot::channel();
        match self.jobs.try_send(Job::Write(Set { steps, reply })) {
            Ok(()) => answer.await.unwrap_or_else(|_| Err(closed())),
            Err(TrySendError::Full(_)) => {
                Err(Error::Unavailable(format!("{QUEUE} writes are waiting already: try again later")))
            }
            Err(TrySendError::Disconnected(_)) => Err(closed()),
        }
    }

    /// Writes what waits and ends the thread.
    pub(crate) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        let mut job = Job::Close(done);
        loop {
            match self.jobs.try_send(job) {
                // An error here says that the thread has ended, which is what was asked.
                Ok(()) => return closed.await.unwrap_or(()),
                Err(TrySendError::Disconnected(_)) => return,
                Err(TrySendError::Full(back)) => job = back,
            }
            tokio::task::yield_now().await;
        }
    }
}

fn closed() -> Error {
    Error::Unavailable("it was closed".to_owned())
}

/// The thread: commits batch after batch until it is told to end or nobody can tell it anything any more.
fn run(path: &Path, db: Connection, waiting: &Receiver<Job>) {
    let mut db = Some(db);
    while let Ok(job) = waiting.recv() {
        let (sets, end) = collect(job, waiting);
        let (steps, replies): (Vec<_>, Vec<_>) = sets.into_iter().map(|set| (set.steps, set.reply)).unzip();
        let outcomes = commit_together(path, &mut db, &steps);
        for (reply, outcome) in replies.into_iter().zip(outcomes) {
            // Whoever asked may have gone away; what was written stays written.
            let _gone = reply.send(outcome);
        }
        if let Some(done) = end {
            drop(db);
            let _gone = done.send(());
            return;
        }
    }
}

/// `job` and those behind it, up to a batch or to the one that ends the thread.
fn collect(job: Job, waiting: &Receiver<Job>) -> (Vec<Set>, Option<oneshot::Sender<()>>) {
    let mut sets = Vec::new();
    let mut next = Some(job);
    while let Some(job) = next {
        match job {
            Job::Write(set) => sets.push(set),
            Job::Close(done) => return (sets, Some(done)),
        }
        next = if sets.len() < BATCH { waiting.try_recv().ok() } else { None };
    }
    (sets, None)
}

/// The outcome of each set, after the commit. If that fails, none of them was written and each is told so.
fn commit_together(path: &Path, slot: &mut Option<Connection>, sets: &[Vec<Step>]) -> Vec<Reply> {
    if sets.is_empty() {
        return Vec::new();
    }
    let open = slot.take().map_or_else(|| connect(path), Ok);
    let outcome = open.and_then(|db| {
        let outcomes = commit_on(&db, sets)?;
        *slot = Some(db);
        Ok(outcomes)
    });
    outcome.unwrap_or_else(|error| {
        // The connection is not put back: after a failed fsync nothing it remembers can be relied on.
        tracing::error!(%error, sets = sets.len(), "nothing was written");
        let told = match error {
            Error::Unavailable(_) => error,
            other => Error::Unavailable(other.to_string()),
        };
        sets.iter().map(|_| Err(told.clone())).collect()
    })
}

/// One transaction with a savepoint for each set, so that a conflict undoes that set alone.
fn commit_on(db: &Connection, sets: &[Vec<Step>]) -> Result<Vec<Reply>, Error> {
    let run = |sql: Sql| db.prepare_cached(sql.for_sqlite())?.execute([]).map_err(Error::from);
    run(BEGIN)?;
    let outcomes: Result<Vec<Reply>, Error> = sets
        .iter()
        .map(|steps| {
            run(SAVE)?;
            let outcome: Reply = steps.iter().map(|step| take(db, step)).collect();
            if let Err(error) = &outcome {
                if db.is_autocommit() {
                    // The engine gave up the whole transaction, the sets before this one included.
                    return Err(error.clone());
                }
                run(UNDO)?;
            }
            run(KEEP)?;
            Ok(outcome)
        })
        .collect();
    let outcomes = outcomes.and_then(|outcomes| run(COMMIT).map(|_| outcomes));
    if outcomes.is_err() && !db.is_autocommit() {
        run(ROLLBACK)?;
    }
    outcomes
}

/// How many rows `step` changed.
fn take(db: &Connection, step: &Step) -> Result<usize, Error> {
    match db.prepare_cached(step.sql.for_sqlite())?.execute(params_from_iter(&step.values)) {
        Ok(count) => step.needs.met_by(count),
        Err(error) => {
            let broken = constraint(&error).and_then(|constraint| step.needs.broken_by(constraint));
            Err(broken.unwrap_or_else(|| error.into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::super::open::{connect, prepare_file};
    use super::commit_together;
    use crate::db::{Sql, Value};
    use crate::error::Error;
    use crate::step::{Needs, Step};

    const PUT: Sql = Sql::new("INSERT INTO t (id, text) VALUES ($1, $2)");

    fn put(id: i64, size: usize) -> Vec<Step> {
        vec![Step::new(PUT, vec![Value::Int(id), Value::Bytes(vec![7; size])], Needs::Guard)]
    }

    fn rows(db: &Connection) -> Vec<i64> {
        let mut query = db.prepare("SELECT id FROM t ORDER BY id").expect("a query");
        query.query_map([], |row| row.get(0)).expect("rows").collect::<Result<_, _>>().expect("ids")
    }

    #[test]
    fn a_conflict_undoes_one_set_and_a_full_disk_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        prepare_file(&path).expect("a file");
        let db = connect(&path).expect("a connection");
        db.execute_batch("CREATE TABLE t (id BIGINT PRIMARY KEY, text BLOB)").expect("a table");
        let other = connect(&path).expect("another connection");
        let mut slot = Some(db);

        let mut twice = put(2, 1);
        twice.extend(put(1, 1));
        let outcomes = commit_together(&path, &mut slot, &[put(1, 1), twice, put(3, 1)]);
        assert_eq!(outcomes, [Ok(vec![1]), Err(Error::Conflict), Ok(vec![1])]);
        assert_eq!(rows(&other), [1, 3], "the set in the middle left nothing, not even its first row");

        let small = slot.as_ref().expect("a connection");
        small.pragma_update(None, "max_page_count", 8).expect("a small disk");
        let outcomes = commit_together(&path, &mut slot, &[put(4, 1), put(5, 1 << 20), put(6, 1)]);
        for outcome in &outcomes {
            assert!(matches!(outcome, Err(Error::Unavailable(text)) if text.contains("full")), "{outcome:?}");
        }
        assert_eq!((outcomes.len(), rows(&other)), (3, vec![1, 3]), "nothing of a failed batch is there");

        let outcomes = commit_together(&path, &mut slot, &[put(4, 1)]);
        assert_eq!(outcomes, [Ok(vec![1])], "once there is room, without a restart");
    }
}
