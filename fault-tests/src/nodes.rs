//! Three servers on one PostgreSQL: what one does, all know, whichever of them or the database is killed.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::time::{Instant, sleep};

use crate::check::probe;
use crate::kill::{Common, Run};
use crate::load::Load;
use crate::prepare::REALM;
use crate::record::{Act, Answer};
use crate::server::Server;
use crate::service::Client;
use crate::storm::Storms;
use crate::summary::{Summary, Times};

/// Three nodes on one PostgreSQL. With `--control` the database must have been told not to wait for its disk.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    /// Clients, each with one act at a time
    #[arg(long, default_value_t = 12)]
    clients: usize,
    /// Connections of a storm
    #[arg(long, default_value_t = 1000)]
    connections: usize,
    /// Rounds of storms
    #[arg(long, default_value_t = 2)]
    storms: usize,
    /// The command that restarts the database without a shutdown (`pg_ctl restart -m immediate`)
    #[arg(last = true, required = true)]
    restart_database: Vec<String>,
}

/// How many nodes there are.
const NODES: usize = 3;

/// Runs until time is up; true if the nodes kept their word, or with `--control` if they were seen not to.
///
/// # Errors
/// The run itself fails.
pub(crate) async fn run(args: Args) -> anyhow::Result<bool> {
    let mut run = args.common.begin()?;
    let mut servers = Vec::new();
    for number in 0..NODES {
        let log = args.common.work.join(format!("node-{number}.log"));
        let mut server = Server::new(&args.common.jeton, &run.config, log)?;
        server.start_until_ready(&run.service, &run.journal).await?;
        servers.push(server);
    }
    let nodes: Vec<SocketAddr> = servers.iter().map(|server| server.address).collect();
    if args.common.control {
        return control(&args, &mut run, &mut servers, &nodes).await;
    }
    calm(&args, &mut run, &nodes).await?;
    let mut storms = Storms::open(&run, &nodes, args.connections).await?;
    for _ in 0..args.storms {
        storms.round(&mut run, &nodes).await?;
    }
    println!("{storms}");
    let told = disabled_client(&args, &run, &nodes).await?;
    println!("a disabled client was refused by all nodes after {} ms", told.as_millis());
    let faults = faults(&args, &mut run, &mut servers, &nodes).await?;
    let families = run.journal.history().all();
    probe(&run.service, &run.journal, &nodes, families, &mut run.random).await?;
    for server in &mut servers {
        server.kill()?;
        server.look_for_panics(&run.journal)?;
    }
    let summary = Summary::of(&run.journal.history());
    println!("{summary}");
    println!("{} kills of a node, ready after {}", faults.kills, faults.ready);
    println!("{} restarts of the database, all nodes answer after {}", faults.restarts, faults.back);
    Ok(summary.is_clean())
}

/// Load without a fault: every act is done at another node than the one before, and each must know at once what the
/// others did.
async fn calm(args: &Args, run: &mut Run, nodes: &[SocketAddr]) -> anyhow::Result<()> {
    let load = Load::start(&run.service, &run.journal, nodes, args.clients, &mut run.random);
    sleep(Duration::from_secs(3)).await;
    load.stop().await?;
    let families = run.journal.history().take_touched();
    probe(&run.service, &run.journal, nodes, families, &mut run.random).await?;
    let counts = run.journal.history().counts();
    ensure!(counts.unanswered == 0 && counts.unavailable == 0, "nodes do not answer in calm; see their logs");
    Ok(())
}

/// A node that goes on answering a client that was disabled for longer than this is wrong.
const TOLD_WITHIN: Duration = Duration::from_secs(1);

/// Disables a client by the command line and asks every node until it refuses it; how long the last one took.
async fn disabled_client(args: &Args, run: &Run, nodes: &[SocketAddr]) -> anyhow::Result<Duration> {
    let jeton = &args.common.jeton;
    let service = Arc::new(jeton.second_client(&run.service, "faults-disabled", &run.config)?);
    let mut client = Client::new(&service, &run.journal, nodes);
    // None of this is written down: a refused introspection would be a wrong answer of the other client.
    let live = run.journal.history().live().next().map(|(family, token)| (family, token.to_owned()));
    let (family, token) = live.context("no live token")?;
    for node in 0..nodes.len() {
        let before = client.ask_unwritten(node, family, Act::Introspect, &token).await.answer;
        ensure!(before == Answer::Active, "node {node} answered {before:?} before the client was disabled");
    }
    jeton.run(&["client", "disable", REALM, "faults-disabled"], &run.config)?;
    let disabled = Instant::now();
    for node in 0..nodes.len() {
        while client.ask_unwritten(node, family, Act::Introspect, &token).await.answer == Answer::Active {
            ensure!(disabled.elapsed() < TOLD_WITHIN, "node {node} answers a client that was disabled a second ago");
        }
    }
    Ok(disabled.elapsed())
}

/// What was done, and what it cost.
struct Faults {
    kills: usize,
    restarts: usize,
    ready: Times,
    back: Times,
}

/// Kills nodes, and every third time the database, under load until time is up.
async fn faults(args: &Args, run: &mut Run, servers: &mut [Server], nodes: &[SocketAddr]) -> anyhow::Result<Faults> {
    let mut done = Faults { kills: 0, restarts: 0, ready: Times::new(), back: Times::new() };
    // However short the run, each sort of fault is seen once.
    while Instant::now() < run.end || done.restarts == 0 {
        run.journal.history().rest();
        let load = Load::start(&run.service, &run.journal, nodes, args.clients, &mut run.random);
        sleep(Duration::from_millis(200 + run.random.below(800) as u64)).await;
        if (done.kills + done.restarts) % 3 == 2 {
            let started = Instant::now();
            restart_database(&args.restart_database)?;
            for server in servers.iter_mut() {
                server.ready(&run.service, &run.journal).await?;
            }
            done.back.add(started.elapsed());
            done.restarts += 1;
        } else {
            let server = servers.get_mut(run.random.below(NODES)).context("no such node")?;
            server.kill()?;
            done.ready.add(server.start_until_ready(&run.service, &run.journal).await?);
            done.kills += 1;
        }
        sleep(SETTLE).await;
        load.stop().await?;
        // What a node had sent when it was killed may still be done by the database.
        sleep(SETTLE).await;
        let touched = run.journal.history().take_touched();
        probe(&run.service, &run.journal, nodes, touched, &mut run.random).await?;
    }
    Ok(done)
}

/// After a fault, until what was under way is over.
const SETTLE: Duration = Duration::from_millis(500);

/// A command that takes a second at most is waited for in place: the clients run on other threads.
fn restart_database(command: &[String]) -> anyhow::Result<()> {
    let (program, arguments) = command.split_first().context("no command restarts the database")?;
    let status = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    if !status.success() {
        bail!("{program} ended with {status}; see what it printed");
    }
    Ok(())
}

/// A restart loses only what the database had not yet handed to the system, a few acts: chance decides whether an end is
/// among them. However short the run, the control has so long to see one.
const CONTROL_GIVES_UP: Duration = Duration::from_mins(2);

/// Restarts of a database that does not wait for its disk lose what was acknowledged just before.
async fn control(args: &Args, run: &mut Run, servers: &mut [Server], nodes: &[SocketAddr]) -> anyhow::Result<bool> {
    let end = run.end.max(Instant::now() + CONTROL_GIVES_UP);
    while Instant::now() < end && !Summary::of(&run.journal.history()).shows_loss() {
        let load = Load::start(&run.service, &run.journal, nodes, args.clients, &mut run.random);
        sleep(Duration::from_secs(1)).await;
        restart_database(&args.restart_database)?;
        for server in servers.iter_mut() {
            server.ready(&run.service, &run.journal).await?;
        }
        load.stop().await?;
        let touched = run.journal.history().take_touched();
        probe(&run.service, &run.journal, nodes, touched, &mut run.random).await?;
    }
    println!("control: the database was restarted and had not waited for its disk");
    let summary = Summary::of(&run.journal.history());
    println!("{summary}");
    Ok(summary.shows_loss())
}
