//! Clients that sign in, refresh, revoke and introspect, and write down what they are told.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::journal::Journal;
use crate::random::{Random, seed};
use crate::record::{Act, Answer};
use crate::service::{Client, Service, node};
use crate::summary::Summary;

/// Keep nodes busy for some time. Each client goes to another node with each act, as if behind a balancer.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the nodes listen, such as http://127.0.0.1:8080
    #[arg(long, value_delimiter = ',', required = true, value_parser = node)]
    nodes: Vec<SocketAddr>,
    /// The file to write down in what was asked and answered; one that is there is gone on with
    #[arg(long)]
    journal: PathBuf,
    /// What `faults prepare` wrote [default: service.json beside the journal]
    #[arg(long)]
    service: Option<PathBuf>,
    /// How long
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Clients, each with one act at a time
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// The seed of chance [default: another each time]
    #[arg(long)]
    seed: Option<u64>,
}

/// Keeps the nodes busy; true if no answer broke the service's word.
///
/// # Errors
/// The journal cannot be written.
pub(crate) async fn run(args: Args) -> anyhow::Result<bool> {
    let service = Service::read(args.service.as_deref(), &args.journal)?;
    let journal = Journal::open(&args.journal)?;
    let mut random = Random::new(args.seed.unwrap_or_else(seed));
    journal.history().rest();
    let load = Load::start(&service, &journal, &args.nodes, args.clients, &mut random);
    sleep(Duration::from_secs(args.seconds)).await;
    load.stop().await?;
    let history = journal.history();
    println!("{}", Summary::of(&history));
    Ok(history.violations().is_empty())
}

/// Running clients.
pub(crate) struct Load {
    stop: watch::Sender<bool>,
    clients: JoinSet<anyhow::Result<()>>,
}

/// A client works on at most so many families at a time.
const FAMILIES: usize = 50;

impl Load {
    /// Starts clients, which share the live families of the journal between them.
    pub(crate) fn start(
        service: &Arc<Service>,
        journal: &Journal,
        nodes: &[SocketAddr],
        clients: usize,
        random: &mut Random,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut live: Vec<(u64, String)> =
            journal.history().live().map(|(family, token)| (family, token.to_owned())).collect();
        // A map has no order; the seed alone shall decide who works on what.
        live.sort_unstable();
        let next = Arc::new(AtomicU64::new(journal.history().next_family()));
        let mut running = JoinSet::new();
        for number in 0..clients {
            let mut families = Vec::new();
            while families.len() < FAMILIES / 2 && !live.is_empty() {
                let (id, token) = live.swap_remove(random.below(live.len()));
                families.push(Held { id, token });
            }
            let client = Client::new(service, journal, nodes);
            let random = random.fork();
            let worker = Worker { client, families, random, node: number, next: Arc::clone(&next) };
            running.spawn(worker.run(stopped.clone()));
        }
        Self { stop, clients: running }
    }

    /// Lets every client finish the act it is at.
    ///
    /// # Errors
    /// The journal could not be written.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        // Without a receiver all clients have ended already, and tell below why.
        let _ = self.stop.send(true);
        self.clients.join_all().await.into_iter().collect()
    }
}

/// A family that one client alone works on.
struct Held {
    id: u64,
    token: String,
}

struct Worker {
    client: Client,
    families: Vec<Held>,
    random: Random,
    node: usize,
    next: Arc<AtomicU64>,
}

impl Worker {
    async fn run(mut self, stopped: watch::Receiver<bool>) -> anyhow::Result<()> {
        while !*stopped.borrow() {
            // Of a hundred acts, forty issue, thirty refresh, ten revoke and twenty introspect.
            let die = self.random.below(100);
            let full = self.families.len() >= FAMILIES;
            match self.random.below(self.families.len()) {
                _ if self.families.is_empty() || die < 40 && !full => self.issue().await?,
                at if die < 70 => self.go_on(at, Act::Refresh, &stopped).await?,
                at if die < 80 || full && die < 90 => self.go_on(at, Act::Revoke, &stopped).await?,
                at => self.go_on(at, Act::Introspect, &stopped).await?,
            }
        }
        Ok(())
    }

    async fn issue(&mut self) -> anyhow::Result<()> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (node, nonce) = (self.next_node(), self.random.uuid());
        match self.client.ask(node, id, Act::Issue, &nonce).await? {
            Answer::Token(token) => {
                self.families.push(Held { id, token });
                self.look_behind(id, Act::Replay, &nonce).await?;
            }
            _ => sleep(PAUSE).await,
        }
        Ok(())
    }

    /// Does an act, and again at the next node while there is no answer, as a client behind a balancer would. A family
    /// that is over, or in doubt when time is up, is let go: the check asks what became of it.
    async fn go_on(&mut self, at: usize, act: Act, stopped: &watch::Receiver<bool>) -> anyhow::Result<()> {
        let held = self.families.swap_remove(at);
        let given_up = Instant::now() + GIVE_UP;
        while !*stopped.borrow() && Instant::now() < given_up {
            let node = self.next_node();
            match self.client.ask(node, held.id, act, &held.token).await? {
                Answer::Token(token) => {
                    self.families.push(Held { id: held.id, token });
                    return self.look_behind(held.id, Act::Introspect, &held.token).await;
                }
                Answer::Active => {
                    self.families.push(held);
                    return Ok(());
                }
                Answer::Done => return self.look_behind(held.id, Act::Introspect, &held.token).await,
                Answer::Nothing | Answer::Unavailable => sleep(PAUSE).await,
                Answer::Inactive | Answer::Refused(_) | Answer::Wrong(_) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Every fourth time shows the next node at once what must be of no use any more.
    async fn look_behind(&mut self, id: u64, act: Act, shown: &str) -> anyhow::Result<()> {
        if self.random.below(4) == 0 {
            let node = self.next_node();
            self.client.ask(node, id, act, shown).await?;
        }
        Ok(())
    }

    fn next_node(&mut self) -> usize {
        self.node = (self.node + 1) % self.client.nodes();
        self.node
    }
}

/// Before a client that was not answered asks again.
const PAUSE: Duration = Duration::from_millis(20);
/// A client that was not answered for so long goes on with something else. Beyond the window in which a refresh can be
/// repeated, so that what then happens is seen too.
const GIVE_UP: Duration = Duration::from_secs(15);
