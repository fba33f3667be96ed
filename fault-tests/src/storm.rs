//! A thousand acts on one token at the same instant: one successor, whoever asks, and no 5xx.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::check::probe;
use crate::history::Kind;
use crate::kill::{Common, Run};
use crate::record::{Act, Answer, Record};
use crate::server::{Server, copy_folder};
use crate::service::Client;
use crate::summary::{Summary, Times};

/// Refresh one token a thousand times at once, on SQLite.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    /// Connections, each with one act
    #[arg(long, default_value_t = 1000)]
    connections: usize,
}

/// Runs storms until time is up; true if each left one successor, or with `--control` if a fork was found.
///
/// # Errors
/// The run itself fails.
pub(crate) async fn run(args: Args) -> anyhow::Result<bool> {
    let mut run = args.common.begin()?;
    let mut server = Server::new(&args.common.jeton, &run.config, args.common.work.join("server.log"))?;
    server.start_until_ready(&run.service, &run.journal).await?;
    if args.common.control {
        return control(&args, run, server).await;
    }
    let nodes = [server.address];
    let mut storms = Storms::open(&run, &nodes, args.connections).await?;
    while Instant::now() < run.end {
        storms.round(&mut run, &nodes).await?;
    }
    server.kill()?;
    server.look_for_panics(&run.journal)?;
    let summary = Summary::of(&run.journal.history());
    println!("{summary}");
    println!("{storms}");
    Ok(summary.is_clean())
}

/// Clients with open connections, and what their storms came to.
pub(crate) struct Storms {
    /// With the node that each is connected to.
    clients: Vec<(usize, Client)>,
    rounds: usize,
    times: Times,
}

impl Storms {
    /// Opens the connections, spread evenly over the nodes.
    ///
    /// # Errors
    /// A node cannot be reached.
    pub(crate) async fn open(run: &Run, nodes: &[SocketAddr], connections: usize) -> anyhow::Result<Self> {
        let mut clients = Vec::new();
        for number in 0..connections {
            let mut client = Client::new(&run.service, &run.journal, nodes);
            let node = number % nodes.len();
            client.open(node).await?;
            clients.push((node, client));
        }
        Ok(Self { clients, rounds: 0, times: Times::new() })
    }

    /// One storm of each sort: all with one nonce; all on one token; four on each of many tokens; all on one token
    /// while its family is ended. Then asks what has become of the families.
    ///
    /// # Errors
    /// The journal cannot be written, or no token is issued.
    pub(crate) async fn round(&mut self, run: &mut Run, nodes: &[SocketAddr]) -> anyhow::Result<()> {
        self.sign_in(run).await?;
        let one = self.issue(run, 1).await?;
        self.refresh(run, &one).await?;
        let many = self.issue(run, self.clients.len() / 4).await?;
        self.refresh(run, &many).await?;
        let ended = self.issue(run, 1).await?;
        self.refresh_and_revoke(run, &ended).await?;
        let touched = run.journal.history().take_touched();
        probe(&run.service, &run.journal, nodes, touched, &mut run.random).await?;
        self.rounds += 1;
        Ok(())
    }

    /// All sign in with the same nonce: one may.
    async fn sign_in(&mut self, run: &mut Run) -> anyhow::Result<()> {
        let family = run.journal.history().next_family();
        let nonce = run.random.uuid();
        let (mut records, _) = self.at_once(self.all(|_| (family, Act::Issue, nonce.clone()))).await?;
        // All overlap: whoever got the token came first, and for the others the nonce was used.
        records.sort_by_key(|record| !matches!(record.answer, Answer::Token(_)));
        for record in records.iter_mut().skip(1) {
            record.act = Act::Replay;
        }
        run.journal.add_all(&records).await
    }

    /// Fresh families with their tokens.
    async fn issue(&mut self, run: &mut Run, count: usize) -> anyhow::Result<Vec<(u64, String)>> {
        let first = run.journal.history().next_family();
        let tasks = (first..).take(count).map(|family| (family, Act::Issue, run.random.uuid())).collect();
        let (records, _) = self.at_once(tasks).await?;
        run.journal.add_all(&records).await?;
        let token = |record: Record| match record.answer {
            Answer::Token(token) => Ok((record.family, token)),
            other => bail!("no token in calm, but {other:?}"),
        };
        records.into_iter().map(token).collect()
    }

    async fn refresh(&mut self, run: &Run, families: &[(u64, String)]) -> anyhow::Result<()> {
        let task = |(family, token): &(u64, String)| (*family, Act::Refresh, token.clone());
        let (records, took) = self.at_once(self.all(|number| task(&families[number % families.len()]))).await?;
        self.times.add(took);
        run.journal.add_all(&records).await?;
        // That the tokens are the same is the history's to say; here, that all were tokens.
        for record in records.iter().filter(|record| !matches!(record.answer, Answer::Token(_))) {
            let text = format!("family {}: {:?} to one of many refreshes at once", record.family, record.answer);
            run.journal.history().accuse(Kind::Wrong, text);
        }
        Ok(())
    }

    /// Every tenth revokes; whoever comes too late for a token is refused one.
    async fn refresh_and_revoke(&mut self, run: &Run, families: &[(u64, String)]) -> anyhow::Result<()> {
        let act = |number: usize| if number % 10 == 5 { Act::Revoke } else { Act::Refresh };
        let task = |number: usize, (family, token): &(u64, String)| (*family, act(number), token.clone());
        let tasks = self.all(|number| task(number, &families[number % families.len()]));
        let (mut records, _) = self.at_once(tasks).await?;
        // All overlap. A refresh may be refused before an answer has told why, so the ends are written down first.
        records.sort_by_key(|record| record.act != Act::Revoke);
        run.journal.add_all(&records).await
    }

    /// A task for each client.
    fn all(&self, task: impl FnMut(usize) -> Task) -> Vec<Task> {
        (0..self.clients.len()).map(task).collect()
    }

    /// One task for each client, as far as there are tasks, all released together; the records in the order in which
    /// the answers came, and how long it took until the last one.
    async fn at_once(&mut self, tasks: Vec<Task>) -> anyhow::Result<(Vec<Record>, Duration)> {
        let barrier = Arc::new(Barrier::new(tasks.len()));
        let mut running = JoinSet::new();
        let clients = self.clients.split_off(self.clients.len() - tasks.len());
        for ((node, mut client), (family, act, shown)) in clients.into_iter().zip(tasks) {
            let barrier = Arc::clone(&barrier);
            running.spawn(async move {
                barrier.wait().await;
                let record = client.ask_unwritten(node, family, act, &shown).await;
                (record, (node, client))
            });
        }
        let mut records = Vec::new();
        for (record, client) in running.join_all().await {
            records.push(record);
            self.clients.push(client);
        }
        records.sort_by_key(|record| record.ended);
        let first = records.iter().map(|record| record.begun).min().unwrap_or_default();
        let last = records.last().map_or(first, |record| record.ended);
        Ok((records, Duration::from_micros(last - first)))
    }
}

/// A family, an act, and the token or nonce to show.
type Task = (u64, Act, String);

impl fmt::Display for Storms {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} rounds of {} at once; a storm took {}", self.rounds, self.clients.len(), self.times)
    }
}

/// Two servers, each on a copy of the store of its own, are what one store without its guard would be: the same token
/// is refreshed in both, in different seconds, and each makes a successor.
async fn control(args: &Args, mut run: Run, mut server: Server) -> anyhow::Result<bool> {
    let work = &args.common.work;
    let mut storms = Storms::open(&run, &[server.address], args.connections).await?;
    let families = storms.issue(&mut run, 1).await?;
    server.kill()?;
    let copy = work.join("copy");
    copy_folder(&work.join("jeton"), &copy)?;
    let mut other = Server::new(&args.common.jeton, &copy.join("jeton.toml"), work.join("copy.log"))?;
    for server in [&mut server, &mut other] {
        server.start_until_ready(&run.service, &run.journal).await?;
    }
    for server in [&server, &other] {
        Storms::open(&run, &[server.address], args.connections).await?.refresh(&run, &families).await?;
        sleep(Duration::from_millis(1100)).await;
    }
    println!("control: the same token was refreshed in two copies of the store");
    let summary = Summary::of(&run.journal.history());
    println!("{summary}");
    Ok(summary.shows_fork())
}
