//! What the clients were told, on disk before they go on: the only witness after a fault.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use tokio::sync::{mpsc, oneshot};

use crate::history::History;
use crate::record::Record;

/// A journal and the history in it, shared by all clients.
#[derive(Clone)]
pub(crate) struct Journal {
    lines: mpsc::UnboundedSender<Lines>,
    history: Arc<Mutex<History>>,
}

struct Lines {
    text: String,
    on_disk: oneshot::Sender<()>,
}

impl Journal {
    /// Opens a journal to go on with it, or begins one. It holds tokens: only the owner can read it.
    ///
    /// # Errors
    /// It cannot be read or written, or a line of it is none of ours.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path);
        let file = file.with_context(|| format!("{shown} cannot be opened"))?;
        let mut history = History::default();
        for (number, line) in BufReader::new(&file).lines().enumerate() {
            let record: Record =
                serde_json::from_str(&line?).with_context(|| format!("{shown}:{}: not a record", number + 1))?;
            history.note(&record);
        }
        let (lines, receiver) = mpsc::unbounded_channel();
        std::thread::Builder::new().name("journal".to_owned()).spawn(move || write_on(file, receiver))?;
        Ok(Self { lines, history: Arc::new(Mutex::new(history)) })
    }

    /// Writes a record down and waits until it is on disk.
    ///
    /// # Errors
    /// As [`Journal::add_all`].
    pub(crate) async fn add(&self, record: &Record) -> anyhow::Result<()> {
        self.add_all(std::slice::from_ref(record)).await
    }

    /// Writes records down, in this order, and waits until they are on disk; violations are told on standard error.
    ///
    /// # Errors
    /// The journal cannot be written any more: the run is worth nothing.
    pub(crate) async fn add_all(&self, records: &[Record]) -> anyhow::Result<()> {
        let (on_disk, done) = oneshot::channel();
        let mut text = String::new();
        for record in records {
            text.push_str(&serde_json::to_string(record)?);
            text.push('\n');
        }
        {
            // Under the lock, so that the history follows the order of the file.
            let mut history = self.history();
            self.lines.send(Lines { text, on_disk }).ok().context("the journal is closed")?;
            for record in records {
                let violation = history.note(record);
                if let Some(violation) = violation.filter(|_| history.violations().len() <= TOLD) {
                    eprintln!("{violation}");
                }
            }
        }
        done.await.context("the journal could not be written: see above")
    }

    /// What the journal says.
    pub(crate) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// So many violations are told one by one; the journal and the summary have them all.
const TOLD: usize = 10;

/// Writes what has gathered, syncs once, and lets all who wait go on.
fn write_on(mut file: File, mut lines: mpsc::UnboundedReceiver<Lines>) {
    while let Some(first) = lines.blocking_recv() {
        let mut batch = vec![first];
        while let Ok(more) = lines.try_recv() {
            batch.push(more);
        }
        let text: String = batch.iter().map(|lines| lines.text.as_str()).collect();
        if let Err(error) = file.write_all(text.as_bytes()).and_then(|()| file.sync_data()) {
            eprintln!("faults: the journal cannot be written: {error}");
            return;
        }
        for lines in batch {
            // Whoever does not wait any more has ended.
            let _ = lines.on_disk.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Act, Answer};

    #[tokio::test]
    async fn a_journal_is_gone_on_with() {
        let path = std::env::temp_dir().join(format!("faults-journal-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let record = |act, shown: &str, answer| Record {
            begun: 1,
            ended: 2,
            node: 0,
            family: 1,
            act,
            shown: shown.to_owned(),
            answer,
        };
        let journal = Journal::open(&path).unwrap();
        journal.add(&record(Act::Issue, "n", Answer::Token("A".to_owned()))).await.unwrap();
        journal.add(&record(Act::Revoke, "A", Answer::Done)).await.unwrap();
        drop(journal);
        let again = Journal::open(&path).unwrap();
        again.add(&record(Act::Introspect, "A", Answer::Active)).await.unwrap();
        assert_eq!(again.history().violations().len(), 0, "it began before the end was acknowledged");
        again.add(&Record { begun: 3, ..record(Act::Introspect, "A", Answer::Active) }).await.unwrap();
        assert_eq!(again.history().violations().len(), 1);
        std::fs::write(&path, "{}\n").unwrap();
        assert!(Journal::open(&path).is_err());
        std::fs::remove_file(&path).unwrap();
    }
}
