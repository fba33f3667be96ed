//! SIGKILL again and again: a server on SQLite keeps what it acknowledged.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::check::probe;
use crate::journal::Journal;
use crate::load::Load;
use crate::prepare::Jeton;
use crate::random::{Random, seed};
use crate::server::{Server, copy_folder};
use crate::service::Service;
use crate::summary::{Summary, Times};

/// What every mode takes that starts servers itself.
#[derive(clap::Args)]
pub(crate) struct Common {
    #[command(flatten)]
    pub(crate) jeton: Jeton,
    /// An empty folder for stores, logs and the journal
    #[arg(long)]
    pub(crate) work: PathBuf,
    /// How long to go on
    #[arg(long, default_value_t = 0.5, value_parser = minutes)]
    minutes: f64,
    /// The seed of chance [default: another each time]
    #[arg(long)]
    seed: Option<u64>,
    /// Break the store on purpose, and succeed only if that is found
    #[arg(long)]
    pub(crate) control: bool,
}

fn minutes(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(minutes) if (0.05..=720.0).contains(&minutes) => Ok(minutes),
        _ => Err("give 0.05 to 720 minutes".to_owned()),
    }
}

/// A prepared store and an empty journal.
pub(crate) struct Run {
    pub(crate) config: PathBuf,
    pub(crate) service: Arc<Service>,
    pub(crate) journal: Journal,
    pub(crate) random: Random,
    pub(crate) end: Instant,
}

impl Common {
    /// Prepares a store in the work folder.
    ///
    /// # Errors
    /// The store or the journal cannot be made.
    pub(crate) fn begin(&self) -> anyhow::Result<Run> {
        let (config, path) = (self.work.join("jeton/jeton.toml"), self.work.join("journal"));
        self.jeton.prepare(&config, &self.work.join("service.json"))?;
        let seed = self.seed.unwrap_or_else(seed);
        println!("seed {seed}");
        Ok(Run {
            config,
            service: Service::read(None, &path)?,
            journal: Journal::open(&path)?,
            random: Random::new(seed),
            end: Instant::now() + Duration::from_secs_f64(self.minutes * 60.0),
        })
    }
}

/// Kill a server in a loop.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    /// Clients, each with one act at a time
    #[arg(long, default_value_t = 8)]
    clients: usize,
}

/// Of the families that nobody has touched since the last kill, so many are looked at again.
const SAMPLE: usize = 50;

/// Runs until time is up; true if nothing was lost, or with `--control` if the loss was found.
///
/// # Errors
/// The run itself fails.
pub(crate) async fn run(args: Args) -> anyhow::Result<bool> {
    let mut run = args.common.begin()?;
    let mut server = Server::new(&args.common.jeton, &run.config, args.common.work.join("server.log"))?;
    let (mut kills, mut ready) = (0, Times::new());
    while Instant::now() < run.end && kills < if args.common.control { BEFORE_CONTROL } else { usize::MAX } {
        ready.add(server.start_until_ready(&run.service, &run.journal).await?);
        check(&mut run, &server, Families::Touched).await?;
        load(&args, &mut run, &mut server).await?;
        kills += 1;
    }
    if args.common.control {
        let (data, earlier) = (args.common.work.join("jeton/data"), args.common.work.join("earlier"));
        copy_folder(&data, &earlier)?;
        server.start_until_ready(&run.service, &run.journal).await?;
        for _ in 0..BEFORE_CONTROL {
            load(&args, &mut run, &mut server).await?;
            server.start_until_ready(&run.service, &run.journal).await?;
        }
        server.kill()?;
        std::fs::remove_dir_all(&data)?;
        std::fs::rename(&earlier, &data)?;
        println!("control: an earlier copy of the store was put back");
    }
    ready.add(server.start_until_ready(&run.service, &run.journal).await?);
    check(&mut run, &server, Families::All).await?;
    server.kill()?;
    server.look_for_panics(&run.journal)?;
    let summary = Summary::of(&run.journal.history());
    println!("{summary}");
    println!("{kills} kills; ready after {ready}");
    Ok(if args.common.control { summary.shows_loss() } else { summary.is_clean() })
}

/// Kills before the copy of the store is taken, and between that and when it is put back.
const BEFORE_CONTROL: usize = 3;

/// Load on a running server until it is killed: at a time of chance, but in the control after so many acts that there
/// are some of every sort on both sides of the copy.
async fn load(args: &Args, run: &mut Run, server: &mut Server) -> anyhow::Result<()> {
    run.journal.history().rest();
    let load = Load::start(&run.service, &run.journal, &[server.address], args.clients, &mut run.random);
    if args.common.control {
        let enough = run.journal.history().counts().acknowledged + CONTROL_ACTS;
        while Instant::now() < run.end && run.journal.history().counts().acknowledged < enough {
            sleep(Duration::from_millis(10)).await;
        }
    } else {
        sleep(Duration::from_millis(20 + run.random.below(780) as u64)).await;
    }
    server.kill()?;
    load.stop().await
}

/// A tenth of these are ends, which the copy must not know.
const CONTROL_ACTS: u64 = 500;

enum Families {
    Touched,
    All,
}

async fn check(run: &mut Run, server: &Server, which: Families) -> anyhow::Result<()> {
    let mut families = run.journal.history().take_touched();
    let all = run.journal.history().all();
    match which {
        Families::All => families.extend(all),
        Families::Touched => {
            families.extend((0..SAMPLE).filter_map(|_| all.get(run.random.below(all.len())).copied()));
        }
    }
    probe(&run.service, &run.journal, &[server.address], families, &mut run.random).await
}
