//! `jeton.toml`: what it may say, and where it is wrong.

mod database;

use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use ipnet::IpNet;
use jeton_core::secret::Secret;
use jeton_store::Database;
use serde::{Deserialize, Deserializer};

use crate::logging::LogFormat;

pub(crate) use database::{DatabaseArg, Environment};

/// A configuration file. Paths in it are relative to the file's own folder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where peers connect.
    pub(crate) listen: SocketAddr,
    /// The address peers know the server by; issuers begin with it.
    pub(crate) public_url: String,
    /// Where the operator connects: `/live`, `/ready`, `/metrics`.
    pub(crate) admin_listen: Option<SocketAddr>,
    /// The folder of an embedded store.
    data: Option<PathBuf>,
    /// A PostgreSQL instead, as a URL.
    #[serde(default, deserialize_with = "secret")]
    database: Option<Secret<String>>,
    /// The file with the password for it.
    database_password_file: Option<PathBuf>,
    /// How many connections to it are kept.
    database_connections: Option<usize>,
    /// The master key's file.
    pub(crate) master_key: PathBuf,
    /// Peers whose forwarded headers count.
    #[serde(default)]
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// Dialect files beside the built-in ones.
    #[serde(default)]
    pub(crate) dialects: Vec<PathBuf>,
    /// Plain HTTP on an address that others can reach is meant so.
    #[serde(default)]
    pub(crate) expose: bool,
    /// HTTPS.
    pub(crate) tls: Option<TlsFiles>,
    /// What is written about the running server.
    #[serde(default)]
    pub(crate) log: Log,
}

/// The certificate files.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsFiles {
    /// PEM: the server's certificate, then its issuers.
    pub(crate) certificate: PathBuf,
    /// PEM: its private key.
    pub(crate) key: PathBuf,
    /// Clients are asked for a certificate, and may have none.
    #[serde(default)]
    pub(crate) client_certificates: bool,
    /// PEM: the authorities that vouch for clients' certificates. With it they are asked for.
    pub(crate) client_ca: Option<PathBuf>,
}

/// The log.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    /// `text` or `json`.
    pub(crate) format: LogFormat,
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `jeton=debug`.
    pub(crate) level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".to_owned() }
    }
}

impl Config {
    /// Reads a file. A mistake is told with file, line and column.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let advice = || format!("{shown} cannot be read; `jeton init` writes one, `--config` names another");
        let mut file = File::open(path).with_context(advice)?;
        let mut text = String::new();
        file.read_to_string(&mut text).with_context(advice)?;
        let mut config: Self = toml::from_str(&text).map_err(|error| {
            let (line, column) = error.span().map_or((1, 1), |span| position(&text, span.start));
            anyhow::anyhow!("{shown}:{line}:{column}: {}", error.message())
        })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let tls = config
            .tls
            .iter_mut()
            .flat_map(|files| [&mut files.certificate, &mut files.key].into_iter().chain(&mut files.client_ca));
        let paths = tls.chain([&mut config.master_key]).chain(&mut config.dialects);
        for path in paths.chain(&mut config.data).chain(&mut config.database_password_file) {
            *path = folder.join(&path);
        }
        if config.database.as_ref().is_some_and(|url| Database::holds_password(url.expose())) {
            database::check_mode(path, &file)?;
        }
        config.check().with_context(|| format!("{shown} cannot be used"))?;
        Ok(config)
    }

    fn check(&self) -> anyhow::Result<()> {
        let url = &self.public_url;
        let rest = url.strip_prefix("https://").or(url.strip_prefix("http://"));
        if rest.is_none_or(|rest| rest.is_empty() || rest.contains(['?', '#'])) {
            bail!("public_url = \"{url}\" must be an http:// or https:// address without query");
        }
        if self.data.is_some() && self.database.is_some() {
            bail!("it names two stores, in `data` and in `database`: keep one");
        }
        check_exposure(self.listen, self.tls.is_some(), self.expose, "expose = true")
    }
}

/// Refuses plain HTTP on an address that other machines reach, unless that is said to be meant (security.md O2).
pub(crate) fn check_exposure(listen: SocketAddr, tls: bool, expose: bool, how: &str) -> anyhow::Result<()> {
    if listen.ip().is_loopback() || tls || expose {
        return Ok(());
    }
    bail!(
        "{listen} is reachable from other machines and would carry passwords and tokens in clear; \
         use TLS, listen on 127.0.0.1, or say `{how}` if a proxy in front does TLS"
    )
}

/// A text that may hold a password.
fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(|text| text.map(Secret::new))
}

/// Line and column, both from 1, of a byte in a text.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "listen = \"127.0.0.1:0\"\npublic_url = \"http://localhost\"\ndata = \"d\"\nmaster_key = \"k\"\n";

    fn read(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jeton.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(&path).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn q3_mistakes_are_told_with_their_place() {
        let rows = [
            (format!("{GOOD}lisen = 1\n"), "jeton.toml:5:1: unknown field `lisen`"),
            (GOOD.replace("data = \"d\"", "data = 7"), "jeton.toml:3:8: invalid type"),
            (format!("{GOOD}[tls]\ncertificate = \"c\"\nkey = \"k\"\nkeys = 1\n"), "jeton.toml:8:1: unknown field"),
            (format!("{GOOD}trusted_proxies = [\"10.0.0.0/99\"]\n"), "jeton.toml:5:20: "),
            (GOOD.replace("http://localhost", "localhost"), "public_url"),
            (GOOD.replace("127.0.0.1:0", "0.0.0.0:0"), "expose = true"),
        ];
        for (text, expected) in rows {
            let error = read(&text).unwrap_err();
            assert!(error.contains(expected), "{error}\nshould contain {expected}");
        }
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let config = read(GOOD).unwrap();
        let data = config.data.unwrap();
        assert!(data.is_absolute() && data.ends_with("d"));
    }
}
