//! `jeton init`: a commented configuration and a master key.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use jeton_server::sealing::MasterKeys;

use crate::config::{DatabaseArg, Environment};

/// Write a commented configuration file and a master key.
///
/// Nothing that is there already is touched.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder for jeton.toml and master.key
    #[arg(default_value = ".")]
    folder: PathBuf,
    #[command(flatten)]
    database: DatabaseArg,
}

const CONFIG: &str = r#"# Jeton. Paths are relative to this file. Unknown keys stop the start.

# Where peers connect. Off loopback: with [tls], or with `expose = true` behind a proxy that does TLS.
listen = "127.0.0.1:8080"

# The address peers know the server by. Issuers and metadata begin with it; it is never taken from a request.
public_url = "http://127.0.0.1:8080"

# /live, /ready and /metrics, for the operator alone.
admin_listen = "127.0.0.1:8081"

# The store: SQLite in this folder, or a PostgreSQL that any number of nodes share. One of the two.
data = "data"
# database = "postgres://jeton@db1.example.org,db2.example.org/jeton"
# database_password_file = "database.password"
# database_connections = 16

# What the signing keys are sealed under. Keep a copy elsewhere: without it the store is of no use. All nodes on one
# database have the same.
master_key = "master.key"

# Proxies whose X-Forwarded-* and X-Original-* headers count.
trusted_proxies = []

# Dialect files beside the built-in ones. SIGHUP reads them again.
dialects = []

# HTTPS. SIGHUP reads the files again.
# [tls]
# certificate = "tls/fullchain.pem"
# key = "tls/key.pem"
# Clients are asked for a certificate (mutual TLS); these authorities vouch for their names.
# client_ca = "tls/clients.pem"
# The same without authorities: for certificates that clients made themselves.
# client_certificates = true

[log]
format = "text"    # or "json"
level = "info"
"#;

/// The two lines of which one holds.
const DATA: &str = "data = \"data\"\n";
const DATABASE: &str = "# database = \"postgres://jeton@db1.example.org,db2.example.org/jeton\"\n";

/// Writes both files.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    // Checked before anything is written.
    args.database.alone(&Environment::default())?;
    let text = match args.database.url()? {
        Some(url) => {
            let database = format!("database = {}\n", toml::Value::from(url));
            CONFIG.replacen(DATA, &format!("# {DATA}"), 1).replacen(DATABASE, &database, 1)
        }
        None => CONFIG.to_owned(),
    };
    std::fs::create_dir_all(&args.folder)
        .with_context(|| format!("the folder {} cannot be made", args.folder.display()))?;
    let config = args.folder.join("jeton.toml");
    let master_key = args.folder.join("master.key");
    for path in [&config, &master_key] {
        if path.exists() {
            anyhow::bail!(
                "{} is there already, and `jeton init` overwrites nothing; name another folder",
                path.display()
            );
        }
    }
    MasterKeys::generate(&master_key)?;
    let mut file = OpenOptions::new().write(true).create_new(true).open(&config)?;
    file.write_all(text.as_bytes())?;
    let (config, master_key) = (config.display(), master_key.display());
    anstream::println!(
        "Wrote {config} and {master_key} (keep a copy of the key elsewhere).\n\n\
         Next:\n  jeton --help\n  jeton realm add my-api --config {config}\n  \
         jeton client add my-api my-client --config {config}\n  jeton serve --config {config}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::config::Config;

    #[test]
    fn what_it_writes_can_be_read_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let args = Args { folder: folder.path().join("new"), database: DatabaseArg::default() };
        run(&args).unwrap();
        Config::read(&args.folder.join("jeton.toml")).unwrap();
        let mode = std::fs::metadata(args.folder.join("master.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(run(&args).unwrap_err().to_string().contains("overwrites nothing"));
    }

    #[test]
    fn it_writes_where_the_database_is() {
        for (url, expected) in [
            (None, "d/data/jeton.db"),
            (Some("postgres://ada@h1,h2/j?application_name=%22"), "postgres://ada@h1:5432,h2:5432/j"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let args = Args { folder: folder.path().join("d"), database: DatabaseArg::new(url) };
            run(&args).unwrap();
            let config = Config::read(&args.folder.join("jeton.toml")).unwrap();
            let database = config.database(&DatabaseArg::default(), &Environment::default()).unwrap().to_string();
            assert!(database.ends_with(expected), "{database}");
        }
        for (url, expected) in [("mysql://h", "postgres://USER@HOST"), ("postgres://ada:pw@h/j", "everybody")] {
            let folder = tempfile::tempdir().unwrap();
            let args = Args { folder: folder.path().join("d"), database: DatabaseArg::new(Some(url)) };
            assert!(run(&args).unwrap_err().to_string().contains(expected));
            assert!(!args.folder.exists());
        }
    }
}
