//! What the runs need in a store: a realm with the dialect of this folder, API keys, and a client that introspects.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::service::{ApiKey, Service};

/// Make the realm `faults` and what belongs to it. The store must not have it yet.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) jeton: Jeton,
    /// The configuration file; made with `jeton init` if it is not there
    #[arg(long)]
    config: PathBuf,
    /// Where to write down the keys' and the client's secrets
    #[arg(long)]
    service: PathBuf,
}

/// The program under test.
#[derive(Clone, clap::Args)]
pub(crate) struct Jeton {
    /// The program under test
    #[arg(long = "jeton", value_name = "FILE")]
    program: PathBuf,
    /// The dialect file of this folder
    #[arg(long, value_name = "FILE")]
    dialect: PathBuf,
    /// Where the store is, if not in the folder of the configuration file
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

/// Prepares a store by the program's own commands.
///
/// # Errors
/// A command fails, or the file cannot be written.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    args.jeton.prepare(&args.config, &args.service)
}

#[derive(Deserialize)]
struct ClientAdded {
    client_id: String,
    client_secret: String,
}

impl Jeton {
    /// The command to run, on the store that is meant.
    pub(crate) fn command(&self, arguments: &[&str], config: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("--config").arg(config).stdin(Stdio::null());
        if let Some(database) = &self.database {
            command.args(["--database", database]);
        }
        command
    }

    /// Runs a command to its end; what it prints.
    ///
    /// # Errors
    /// It does not end with status 0.
    pub(crate) fn run(&self, arguments: &[&str], config: &Path) -> anyhow::Result<String> {
        ended_well(&mut self.command(arguments, config))
    }

    /// Makes the configuration if there is none, the realm, four API keys and the client, and writes down what clients
    /// need to know.
    ///
    /// # Errors
    /// A command fails, or a file cannot be written.
    pub(crate) fn prepare(&self, config: &Path, service: &Path) -> anyhow::Result<()> {
        if !config.exists() {
            let folder = config.parent().context("--config needs a folder")?;
            ended_well(Command::new(&self.program).arg("init").arg(folder).stdin(Stdio::null()))?;
        }
        let dialect = self.dialect.canonicalize().with_context(|| format!("no file {}", self.dialect.display()))?;
        let text = std::fs::read_to_string(config)?;
        std::fs::write(config, with_dialect(&text, &dialect))?;
        self.run(&["realm", "add", REALM, "--dialect", "faults"], config)?;
        let mut keys = Vec::new();
        for _ in 0..KEYS {
            let added = self.run(&["api-key", "add", REALM, "--json"], config)?;
            keys.push(serde_json::from_str::<ApiKey>(&added)?);
        }
        let ClientAdded { client_id, client_secret } = self.add_client("faults-api", config)?;
        let made = Service { realm: REALM.to_owned(), keys, client_id, client_secret };
        std::fs::write(service, serde_json::to_string(&made)?)
            .with_context(|| format!("{} cannot be written", service.display()))
    }

    /// Adds another client that may introspect; the service as it sees it.
    ///
    /// # Errors
    /// The command fails.
    pub(crate) fn second_client(&self, service: &Service, name: &str, config: &Path) -> anyhow::Result<Service> {
        let ClientAdded { client_id, client_secret } = self.add_client(name, config)?;
        Ok(Service { client_id, client_secret, ..service.clone() })
    }

    fn add_client(&self, name: &str, config: &Path) -> anyhow::Result<ClientAdded> {
        let added = self.run(&["client", "add", REALM, name, "--resource-server", "--json"], config)?;
        Ok(serde_json::from_str(&added)?)
    }
}

/// The realm's name.
pub(crate) const REALM: &str = "faults";

/// A key is one principal; several, so that not all sessions hang on one row.
const KEYS: usize = 4;

fn ended_well(command: &mut Command) -> anyhow::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{program} cannot be started"))?;
    if !output.status.success() {
        let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
        bail!("{program} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The configuration with the dialect file in it.
fn with_dialect(config: &str, dialect: &Path) -> String {
    let line = |line: &str| match line.starts_with("dialects = ") {
        true => format!("dialects = [{:?}]\n", dialect.to_string_lossy()),
        false => format!("{line}\n"),
    };
    config.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dialect_is_put_in() {
        let config = with_dialect("a = 1\n# dialects = x\ndialects = []\n\n[log]\n", Path::new("/d.toml"));
        assert_eq!(config, "a = 1\n# dialects = x\ndialects = [\"/d.toml\"]\n\n[log]\n");
    }
}
