//! A server process: started, found ready, killed.

use std::fs::OpenOptions;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::time::{Instant, sleep};

use crate::history::Kind;
use crate::journal::Journal;
use crate::prepare::Jeton;
use crate::record::{Act, Answer};
use crate::service::{Client, Service};

/// One node: where it listens and what starts it, whether it runs or not.
pub(crate) struct Server {
    jeton: Jeton,
    config: PathBuf,
    log: PathBuf,
    /// Where it listens, the same at every start.
    pub(crate) address: SocketAddr,
    process: Option<Child>,
}

impl Server {
    /// A server that is not started yet. Its log goes to `NAME.log` in the folder of the journal.
    ///
    /// # Errors
    /// No port is free.
    pub(crate) fn new(jeton: &Jeton, config: &Path, log: PathBuf) -> anyhow::Result<Self> {
        // The port is free again at once, and nothing else on loopback is given it soon.
        let address = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
        let address = address.context("no free port on loopback")?;
        Ok(Self { jeton: jeton.clone(), config: config.to_owned(), log, address, process: None })
    }

    /// Starts it.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn start(&mut self) -> anyhow::Result<()> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let address = self.address.to_string();
        let arguments = ["serve", "--listen", &address, "--admin-listen", "127.0.0.1:0"];
        let mut command = self.jeton.command(&arguments, &self.config);
        self.process = Some(command.stdout(Stdio::null()).stderr(log).spawn().context("the server cannot be started")?);
        Ok(())
    }

    /// Starts it and waits for its first right answer; how long that took. The answer goes to the journal.
    ///
    /// # Errors
    /// It does not start, or gives no answer in half a minute.
    pub(crate) async fn start_until_ready(
        &mut self,
        service: &Arc<Service>,
        journal: &Journal,
    ) -> anyhow::Result<Duration> {
        let started = Instant::now();
        self.start()?;
        self.ready(service, journal).await?;
        Ok(started.elapsed())
    }

    /// Waits for an answer about a token.
    ///
    /// # Errors
    /// It has ended, or gives none in half a minute.
    pub(crate) async fn ready(&mut self, service: &Arc<Service>, journal: &Journal) -> anyhow::Result<()> {
        let live = journal.history().live().next().map(|(family, token)| (family, token.to_owned()));
        let (family, token) = live.unwrap_or((0, "none".to_owned()));
        let mut client = Client::new(service, journal, &[self.address]);
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            let record = client.ask_unwritten(0, family, Act::Introspect, &token).await;
            if !matches!(record.answer, Answer::Nothing | Answer::Unavailable) {
                return journal.add(&record).await;
            }
            if let Some(status) = self.process.as_mut().map(Child::try_wait).transpose()?.flatten() {
                bail!("the server ended by itself with {status}; see {}", self.log.display());
            }
            sleep(Duration::from_millis(2)).await;
        }
        bail!("the server does not answer; see {}", self.log.display())
    }

    /// SIGKILL, and waits until the process is gone.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill()?;
            process.wait()?;
        }
        Ok(())
    }

    /// Accuses the server of every panic that its log tells.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(crate) fn look_for_panics(&self, journal: &Journal) -> anyhow::Result<()> {
        let log = std::fs::read(&self.log).with_context(|| format!("{} cannot be read", self.log.display()))?;
        for line in String::from_utf8_lossy(&log).lines().filter(|line| line.contains("panicked at")) {
            journal.history().accuse(Kind::Wrong, format!("a panic: {line}"));
        }
        Ok(())
    }
}

impl Drop for Server {
    /// A run that fails leaves no process behind.
    fn drop(&mut self) {
        // There is nobody left to tell.
        let _ = self.kill();
    }
}

/// Copies a folder, which must hold nothing but files and folders.
///
/// # Errors
/// Something cannot be read or written.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
