//! Passwords: a bounded pool that hashes and checks them, away from every other request.
//!
//! A hash takes some 20 ms of a core and 19 MiB. So there are as many threads as cores, a short queue
//! before them, and whoever finds the queue full is told at once to come back.

mod argon2id;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use jeton_core::secret::Secret;
use tokio::sync::oneshot;

pub use self::argon2id::needs_rehash;
use self::argon2id::{Memory, hash, verify};

/// Jobs that wait before more are turned away.
pub const QUEUE: usize = 64;

/// A salt for [`Pool::hash`]; draw a new one for each password.
pub type Salt = [u8; 16];

/// The queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being checked; try again in {} s", retry_after.as_secs())]
pub struct Busy {
    /// When to try again.
    pub retry_after: Duration,
}

/// What the pool is doing at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Jobs that wait.
    pub queued: usize,
    /// Threads that compute.
    pub busy: usize,
    /// Jobs begun since the start.
    pub begun: u64,
}

/// Threads that hash. They end when the pool is dropped, after the job each is at.
pub struct Pool {
    shared: Arc<Shared>,
    queue: usize,
}

impl Pool {
    /// A pool of one thread per core, with [`QUEUE`] places to wait.
    ///
    /// # Errors
    /// The system gives no more threads.
    pub fn new() -> std::io::Result<Self> {
        Self::with_size(thread::available_parallelism().map_or(1, usize::from), QUEUE)
    }

    /// A pool of `threads` threads with `queue` places to wait.
    ///
    /// # Errors
    /// The system gives no more threads.
    pub fn with_size(threads: usize, queue: usize) -> std::io::Result<Self> {
        // Made first: if a thread cannot be started, dropping the pool ends those before it.
        let pool = Self { shared: Arc::default(), queue };
        for number in 0..threads.max(1) {
            let shared = Arc::clone(&pool.shared);
            thread::Builder::new().name(format!("hashing-{number}")).spawn(move || shared.work())?;
        }
        Ok(pool)
    }

    /// Whether `password` has this hash, an Argon2id string in PHC form.
    ///
    /// No hash, and one that is malformed or would cost too much, take the work of a default hash and give
    /// `false`: the time must not tell whether an account exists. If the returned future is dropped before a
    /// thread has begun, the work is skipped.
    pub async fn verify(&self, password: Secret<String>, hash: Option<String>) -> Result<bool, Busy> {
        self.run(move |memory| verify(&password, hash.as_deref(), memory)).await
    }

    /// The hash of `password` with today's parameters, in PHC form.
    pub async fn hash(&self, password: Secret<String>, salt: Salt) -> Result<String, Busy> {
        self.run(move |memory| hash(&password, &salt, memory)).await
    }

    /// What the pool is doing at the moment.
    pub fn load(&self) -> Load {
        let state = self.shared.lock();
        Load { queued: state.jobs.len(), busy: state.busy, begun: state.begun }
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&mut Memory) -> T + Send + 'static) -> Result<T, Busy> {
        // A full queue is worked off well within a second.
        const BUSY: Busy = Busy { retry_after: Duration::from_secs(1) };
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |memory| {
            if !sender.is_closed() {
                // The receiver may have left meanwhile; then nobody wants the result.
                let _ = sender.send(work(memory));
            }
        });
        {
            let mut state = self.shared.lock();
            if state.jobs.len() >= self.queue {
                return Err(BUSY);
            }
            state.jobs.push_back(job);
        }
        self.shared.wake.notify_one();
        receiver.await.map_err(|_| BUSY)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        state.jobs.clear();
        drop(state);
        self.shared.wake.notify_all();
    }
}

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    busy: usize,
    begun: u64,
    closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread's life.
    fn work(&self) {
        /// A thread without work for this long gives its memory back.
        const IDLE: Duration = Duration::from_secs(5);
        let mut memory = Memory::default();
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                state.busy += 1;
                state.begun += 1;
                drop(state);
                // A panic is reported where it happens and loses this job, not the thread.
                let _ = catch_unwind(AssertUnwindSafe(|| job(&mut memory)));
                state = self.lock();
                state.busy -= 1;
            } else if state.closed {
                return;
            } else if memory.is_empty() {
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else {
                let (woken, waited) = self.wake.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
                state = woken;
                if waited.timed_out() && state.jobs.is_empty() {
                    memory = Memory::default();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[tokio::test]
    async fn a_full_queue_is_busy_at_once_and_the_rest_is_answered() {
        let pool = Arc::new(Pool::with_size(1, 2).unwrap());
        let (begin, begun) = mpsc::channel::<()>();
        let blocking = Arc::clone(&pool);
        let blocker = tokio::spawn(async move { blocking.run(move |_| begun.recv().is_ok()).await });
        while pool.load() != (Load { queued: 0, busy: 1, begun: 1 }) {
            tokio::task::yield_now().await;
        }
        let waiting: Vec<_> = (0..2)
            .map(|_| {
                let pool = Arc::clone(&pool);
                tokio::spawn(async move { pool.verify("x".into(), None).await })
            })
            .collect();
        while pool.load().queued < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(pool.verify("x".into(), None).await, Err(Busy { retry_after: Duration::from_secs(1) }));
        begin.send(()).unwrap();
        assert_eq!(blocker.await.unwrap(), Ok(true));
        for job in waiting {
            assert_eq!(job.await.unwrap(), Ok(false));
        }
        assert_eq!(pool.load().queued, 0);
    }

    #[tokio::test]
    async fn work_nobody_waits_for_is_skipped() {
        let pool = Pool::with_size(1, 2).unwrap();
        let (begin, begun) = mpsc::channel::<()>();
        let mut blocker = Box::pin(pool.run(move |_| begun.recv().is_ok()));
        let done = Arc::new(AtomicBool::new(false));
        let work = Arc::clone(&done);
        let mut left = Box::pin(pool.run(move |_| work.store(true, Ordering::SeqCst)));
        assert!(poll_once(&mut blocker).is_pending());
        assert!(poll_once(&mut left).is_pending());
        drop(left);
        begin.send(()).unwrap();
        assert_eq!(blocker.await, Ok(true));
        assert_eq!(pool.verify("x".into(), None).await, Ok(false));
        assert!(!done.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_panic_loses_no_thread() {
        let pool = Pool::with_size(1, 2).unwrap();
        assert!(pool.run(|_| -> bool { panic!("on purpose") }).await.is_err());
        assert_eq!(pool.verify("x".into(), None).await, Ok(false));
        assert_eq!(pool.load().queued, 0);
    }

    #[tokio::test]
    async fn threads_end_with_the_pool() {
        let pool = Pool::with_size(3, 2).unwrap();
        pool.verify("x".into(), None).await.unwrap();
        let shared = Arc::downgrade(&pool.shared);
        assert!(shared.upgrade().is_some());
        drop(pool);
        for _ in 0..500 {
            if shared.strong_count() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("threads are still there");
    }

    fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
    }
}
