//! The log: to standard error, as text or as JSON lines. Standard output belongs to what a command prints.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use serde::Deserialize;
use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For programs: an object a line.
    Json,
}

/// Starts the log.
pub(crate) fn start(format: LogFormat, level: &str) -> anyhow::Result<Log> {
    let filter = EnvFilter::try_new(level).with_context(|| format!("`{level}` is no log level or filter"))?;
    let log = Log::default();
    let gather = log.clone();
    std::thread::Builder::new().name("log".to_owned()).spawn(move || gather.write_on())?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(log.clone()).with_target(false);
    match format {
        LogFormat::Text => builder.with_ansi(false).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    Ok(log)
}

/// Lines on their way to standard error. A request does not wait for a terminal or a pipe: lines are gathered and
/// written together, at the latest after [`GATHER`]. Warnings and errors are written at once, and whoever
/// ends the program flushes what is left.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Shared>);

/// How long a line may wait for company.
const GATHER: Duration = Duration::from_millis(20);
/// More than this is written at once.
const MOST: usize = 64 * 1024;

#[derive(Default)]
struct Shared {
    lines: Mutex<Vec<u8>>,
    more: Condvar,
}

impl Shared {
    fn lines(&self) -> MutexGuard<'_, Vec<u8>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    /// Writes what has gathered. A closed standard error loses the log, not the server.
    pub(crate) fn flush(&self) {
        write_out(&mut self.0.lines());
    }

    /// Sleeps until there is a line, and a moment more for others.
    fn write_on(&self) {
        loop {
            let lines = self.0.lines();
            drop(self.0.more.wait_while(lines, |lines| lines.is_empty()));
            std::thread::sleep(GATHER);
            self.flush();
        }
    }
}

fn write_out(lines: &mut Vec<u8>) {
    let _ = io::stderr().lock().write_all(lines);
    lines.clear();
}

/// One line, in one piece.
pub(crate) struct Line<'l> {
    log: &'l Log,
    at_once: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = self.log.0.lines();
        let first = lines.is_empty();
        lines.extend_from_slice(line);
        if self.at_once || lines.len() > MOST {
            write_out(&mut lines);
        } else if first {
            self.log.0.more.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'l> MakeWriter<'l> for Log {
    type Writer = Line<'l>;

    fn make_writer(&'l self) -> Line<'l> {
        Line { log: self, at_once: false }
    }

    fn make_writer_for(&'l self, meta: &Metadata<'_>) -> Line<'l> {
        Line { log: self, at_once: *meta.level() <= Level::WARN }
    }
}
