//! After a fault: asks the service what became of everything, which the history then judges.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;

use crate::journal::Journal;
use crate::random::{Random, seed};
use crate::record::{Act, Answer};
use crate::service::{Client, Service, node};
use crate::summary::Summary;

/// Ask the nodes about everything that a journal knows.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the nodes listen, such as http://127.0.0.1:8080
    #[arg(long, value_delimiter = ',', required = true, value_parser = node)]
    nodes: Vec<SocketAddr>,
    /// The file that `faults load` wrote
    #[arg(long)]
    journal: PathBuf,
    /// What `faults prepare` wrote [default: service.json beside the journal]
    #[arg(long)]
    service: Option<PathBuf>,
    /// Succeed only if something is lost and something revived: for a store that was put back on purpose
    #[arg(long)]
    control: bool,
}

/// Asks about every family; true if the service has kept its word, or with `--control` if it was seen not to.
///
/// # Errors
/// The journal cannot be read or written.
pub(crate) async fn run(args: Args) -> anyhow::Result<bool> {
    let service = Service::read(args.service.as_deref(), &args.journal)?;
    let journal = Journal::open(&args.journal)?;
    let families = journal.history().all();
    probe(&service, &journal, &args.nodes, families, &mut Random::new(seed())).await?;
    let summary = Summary::of(&journal.history());
    println!("{summary}");
    Ok(if args.control { summary.shows_loss() } else { summary.is_clean() })
}

/// Clients that ask at the same time.
const CLIENTS: usize = 8;

/// What is asked about a family that has many tokens.
const NEWEST: usize = 3;

/// Asks about families: whether their newest tokens and one of the older are good, and of some whether their nonce is
/// refused. Where a refresh got no answer, its successor is asked for again. Must not be called while other
/// clients work on the same families, nor before what they asked has settled.
///
/// # Errors
/// The journal cannot be written.
pub(crate) async fn probe(
    service: &Arc<Service>,
    journal: &Journal,
    nodes: &[SocketAddr],
    families: impl IntoIterator<Item = u64>,
    random: &mut Random,
) -> anyhow::Result<()> {
    let queue: Arc<Mutex<Vec<u64>>> = Arc::new(Mutex::new(families.into_iter().collect()));
    let mut running = JoinSet::new();
    for number in 0..CLIENTS {
        let client = Client::new(service, journal, nodes);
        let mut prober = Prober { client, journal: journal.clone(), node: number, random: random.fork() };
        let queue = Arc::clone(&queue);
        let next = move || queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
        running.spawn(async move {
            while let Some(family) = next() {
                prober.probe(family).await?;
            }
            anyhow::Ok(())
        });
    }
    running.join_all().await.into_iter().collect::<anyhow::Result<()>>()?;
    // What was asked here is checked with that.
    journal.history().take_touched();
    Ok(())
}

struct Prober {
    client: Client,
    journal: Journal,
    node: usize,
    random: Random,
}

impl Prober {
    async fn probe(&mut self, family: u64) -> anyhow::Result<()> {
        let Some(Asked { tokens, nonce, unseen }) = self.asked(family) else { return Ok(()) };
        for token in &tokens {
            self.ask(family, Act::Introspect, token).await?;
        }
        // Not in every family: a nonce that was taken again would begin a session of its own.
        if self.random.below(4) == 0 {
            self.ask(family, Act::Replay, &nonce).await?;
        }
        let Some(newest) = tokens.first().filter(|_| unseen) else { return Ok(()) };
        if self.asked(family).is_some_and(|asked| asked.unseen)
            && let Answer::Token(successor) = self.ask(family, Act::Refresh, newest).await?
        {
            self.ask(family, Act::Introspect, &successor).await?;
            self.ask(family, Act::Introspect, newest).await?;
        }
        Ok(())
    }

    /// The newest tokens first, then one of the older.
    fn asked(&mut self, family: u64) -> Option<Asked> {
        let history = self.journal.history();
        let family = history.family(family)?;
        let older = family.tokens().len().saturating_sub(NEWEST);
        let one = (older > 0).then(|| self.random.below(older));
        let one = one.and_then(|at| family.tokens().nth(at));
        let tokens = family.tokens().rev().take(NEWEST).chain(one).map(str::to_owned).collect();
        Some(Asked { tokens, nonce: family.nonce().to_owned(), unseen: family.may_have_unseen() })
    }

    async fn ask(&mut self, family: u64, act: Act, shown: &str) -> anyhow::Result<Answer> {
        self.node = (self.node + 1) % self.client.nodes();
        self.client.ask(self.node, family, act, shown).await
    }
}

struct Asked {
    tokens: Vec<String>,
    nonce: String,
    unseen: bool,
}
