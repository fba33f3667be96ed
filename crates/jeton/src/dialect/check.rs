//! `jeton dialect check`: whether a dialect file does what it says, with a real server and a real client.

mod examples;
mod explain;
mod journey;
mod refusals;
mod report;
mod world;

use std::path::Path;

use anyhow::{Context, bail};
use jeton_core::dialect::Dialect;

use super::file::DialectFile;
use report::Report;

/// Check a dialect file: read it, explain it, and play it with a server and a client.
///
/// A server on this machine's loopback answers by the file, and a client asks by it: for a token, for a call, for a
/// refresh, for the end of the token, and for every refusal that can be provoked. Examples beside the file
/// (examples/*.http, and recorded ones in examples/foreign) are replayed. The exit status is 0 if all of it held.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A file, or the name of a dialect of the binary
    dialect: String,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// Checks and prints.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let file = DialectFile::read(&args.dialect)?;
    let dialect = match Dialect::parse(&file.text) {
        Ok(dialect) => dialect,
        Err(mistakes) => {
            match args.json {
                true => anstream::println!("{}", report::mistakes_as_json(&mistakes)),
                false => mistakes.iter().for_each(|mistake| anstream::println!("{}", file.point_at(mistake))),
            }
            let s = if mistakes.len() == 1 { "" } else { "s" };
            bail!("{} has {} mistake{s}", file.shown(), mistakes.len());
        }
    };
    let mut report = Report::new(&dialect.name, explain::explain(&dialect));
    if let Some(folder) = file.path.as_deref().and_then(Path::parent) {
        report.add(examples::replay(&dialect, folder));
    }
    let played = tokio::runtime::Runtime::new()?.block_on(play(&dialect, &file, &mut report));
    played.context("the check could not be carried out")?;
    match args.json {
        true => anstream::println!("{}", report.as_json()),
        false => anstream::print!("{report}"),
    }
    match report.failures() {
        0 => Ok(()),
        1 => bail!("1 check failed"),
        count => bail!("{count} checks failed"),
    }
}

async fn play(dialect: &Dialect, file: &DialectFile, report: &mut Report) -> anyhow::Result<()> {
    let world = world::World::begin(dialect, file).await?;
    report.add(journey::client(dialect, &world).await?);
    for index in journey::sign_ins(dialect) {
        report.add(journey::exchange(dialect, &world, index).await?);
    }
    report.add(refusals::provoke(dialect, &world).await?);
    world.end().await;
    Ok(())
}
