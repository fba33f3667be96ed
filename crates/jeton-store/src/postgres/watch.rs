//! Reading along what other nodes configured, so that memory may answer without asking.
//!
//! A sequence's numbers are not committed in their order: 6 may become visible after 7 was read. So whatever is
//! younger than the longest transaction is read again each time, by the reader's own clock.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::{AsyncMessage, Client};

use super::connect::{LONGEST_TRANSACTION, Postgres};
use super::pool::PATIENCE;
use super::read::bound;
use crate::cache::Head;
use crate::db::Value;
use crate::error::Error;
use crate::event;

/// How often is asked, if nothing wakes it earlier.
const EVERY: Duration = Duration::from_millis(250);

/// Memory answers for this long after the last time that was asked, and no longer.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// An event is visible this long after it got its number, or never. A commit that waits for a standby may take
/// longer than a transaction is allowed to, so it is counted three times.
const LONGEST: Duration = LONGEST_TRANSACTION.saturating_mul(3);

/// The task that reads along, and what it knows.
pub(super) struct Watch {
    began: Instant,
    known: Arc<Mutex<Option<Known>>>,
    task: JoinHandle<()>,
}

/// What was known at the last time that was asked.
#[derive(Clone, Copy)]
struct Known {
    /// How often there was something new.
    events: u64,
    /// When the last question went out.
    at: Instant,
}

impl Watch {
    pub(super) fn start(place: &Postgres) -> Self {
        let (began, known) = (Instant::now(), Arc::new(Mutex::new(None)));
        let task = tokio::spawn(follow(place.clone(), known.clone()));
        Self { began, known, task }
    }

    /// What is known, if it is not too old.
    pub(super) fn head(&self) -> Option<Head> {
        let known = *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Known { events, at } = known.filter(|known| known.at.elapsed() < GOOD_FOR)?;
        Some(Head::Watched { events, at: at.duration_since(self.began).as_secs() })
    }

    pub(super) fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Reads along for ever; connects anew where the connection is lost.
async fn follow(place: Postgres, known: Arc<Mutex<Option<Known>>>) {
    let mut window = Window::default();
    loop {
        if let Err(error) = read_along(&place, &mut window, &known).await {
            tracing::warn!(%error, "what other nodes configure cannot be read; every request asks the database");
        }
        sleep(EVERY).await;
    }
}

async fn read_along(place: &Postgres, window: &mut Window, known: &Mutex<Option<Known>>) -> Result<(), Error> {
    let woken = Arc::new(Notify::new());
    let (client, _connection) = connect(place, woken.clone()).await?;
    // A relative without LISTEN says no; then asking again and again is all there is.
    let _wakes = client.batch_execute(concat!("LISTEN ", event::channel!())).await;
    loop {
        let at = Instant::now();
        let horizon = [Value::Int(window.horizon)];
        let horizon = bound(&horizon);
        let rows =
            timeout(PATIENCE, client.query(event::SINCE.for_postgres(), &horizon)).await.map_err(|_| silent())??;
        let seqs: Vec<i64> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        let news = window.note(&seqs, at, LONGEST);
        {
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            let events = known.map_or(0, |known| known.events);
            *known = Some(Known { events: events + u64::from(news), at });
        }
        let _either = timeout(EVERY, woken.notified()).await;
    }
}

fn silent() -> Error {
    Error::Unavailable("the database did not answer".to_owned())
}

/// A connection of its own, whose messages wake whoever waits.
async fn connect(place: &Postgres, woken: Arc<Notify>) -> Result<(Client, Ended), Error> {
    let (client, mut connection) = place.connect().await?;
    let task = tokio::spawn(async move {
        while let Some(Ok(message)) = std::future::poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(_) = message {
                woken.notify_one();
            }
        }
    });
    Ok((client, Ended(task)))
}

/// Ends the connection's task together with whoever uses it.
struct Ended(JoinHandle<()>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Which events were seen, as far as others could still come in between.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// Up to here nothing new can come.
    horizon: i64,
    /// What lies beyond, and when it was first seen.
    seen: BTreeMap<i64, Instant>,
}

impl Window {
    /// Notes the events beyond the horizon as they were asked for at `now`; whether one of them is new.
    /// Whoever took a number had taken it before the next number was seen: after `longest` it is there or gone.
    fn note(&mut self, seqs: &[i64], now: Instant, longest: Duration) -> bool {
        let mut news = false;
        for seq in seqs.iter().filter(|seq| **seq > self.horizon) {
            self.seen.entry(*seq).or_insert_with(|| {
                news = true;
                now
            });
        }
        while let Some(entry) = self.seen.first_entry().filter(|entry| now.duration_since(*entry.get()) >= longest) {
            self.horizon = *entry.key();
            entry.remove();
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{LONGEST, Window};

    /// What a reader sees who asks at these seconds, when these events are visible; whether each time brought news.
    fn told(longest: Duration, asked: &[(u64, &[i64])]) -> Vec<bool> {
        let start = Instant::now();
        let mut window = Window::default();
        let visible =
            |horizon: i64, seqs: &[i64]| seqs.iter().copied().filter(|seq| *seq > horizon).collect::<Vec<_>>();
        asked
            .iter()
            .map(|(secs, seqs)| {
                let seqs = visible(window.horizon, seqs);
                window.note(&seqs, start + Duration::from_secs(*secs), longest)
            })
            .collect()
    }

    /// 6 becomes visible after 7 was read.
    const LATE: &[(u64, &[i64])] = &[(0, &[5]), (1, &[5, 7]), (2, &[5, 7]), (3, &[5, 6, 7]), (4, &[5, 6, 7])];

    #[test]
    fn an_event_that_is_committed_late_is_news() {
        assert_eq!(told(LONGEST, LATE), [true, true, false, true, false]);
    }

    #[test]
    fn a_reader_that_only_looks_ahead_would_miss_it() {
        assert_eq!(told(Duration::ZERO, LATE), [true, true, false, false, false]);
    }

    #[test]
    fn what_is_old_is_not_read_again() {
        let rows: &[(u64, &[i64])] = &[(0, &[1, 2]), (31, &[1, 2]), (32, &[3]), (33, &[3])];
        assert_eq!(told(LONGEST, rows), [true, false, true, false]);
    }
}
