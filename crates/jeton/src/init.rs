//! `jeton init`: a commented configuration and a master key.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use jeton_server::sealing::MasterKeys;

/// Write a commented configuration file and a master key.
///
/// Nothing that is there already is touched.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder for jeton.toml and master.key
    #[arg(default_value = ".")]
    folder: PathBuf,
}

const CONFIG: &str = r#"# Jeton. Paths are relative to this file. Unknown keys stop the start.

# Where peers connect. Off loopback: with [tls], or with `expose = true` behind a proxy that does TLS.
listen = "127.0.0.1:8080"

# The address peers know the server by. Issuers and metadata begin with it; it is never taken from a request.
public_url = "http://127.0.0.1:8080"

# /live, /ready and /metrics, for the operator alone.
admin_listen = "127.0.0.1:8081"

# The store (SQLite) lives in this folder.
data = "data"

# What the signing keys are sealed under. Keep a copy elsewhere: without it the store is of no use.
master_key = "master.key"

# Proxies whose X-Forwarded-* and X-Original-* headers count.
trusted_proxies = []

# Dialect files beside the built-in ones. SIGHUP reads them again.
dialects = []

# HTTPS. SIGHUP reads the files again.
# [tls]
# certificate = "tls/fullchain.pem"
# key = "tls/key.pem"

[log]
format = "text"    # or "json"
level = "info"
"#;

/// Writes both files.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
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
    file.write_all(CONFIG.as_bytes())?;
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
        let args = Args { folder: folder.path().join("new") };
        run(&args).unwrap();
        Config::read(&args.folder.join("jeton.toml")).unwrap();
        let mode = std::fs::metadata(args.folder.join("master.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(run(&args).unwrap_err().to_string().contains("overwrites nothing"));
    }
}
