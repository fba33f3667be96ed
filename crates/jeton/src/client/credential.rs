//! `jeton credential`: the protocols in which git and Docker ask a helper for a password. They name a host, and the
//! profile is the one whose URL is there.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, bail};
use clap::{Subcommand, ValueEnum};
use http::Uri;
use jeton_client::{Profile, Profiles, TokenSource};
use jeton_core::secret::Secret;
use serde_json::{Map, Value, json};

use super::{Folder, block_on, valid};
use crate::local::print::print;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    folder: Folder,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answer git, as a credential helper: `git config --global credential.helper '!jeton credential git'`
    ///
    /// The token is the password; the username is the one that git names, else the profile's.
    Git {
        /// The profile, if not the one whose URL is the repository's
        #[arg(long, value_name = "NAME")]
        profile: Option<String>,
        /// What git wants; it names more with time, which are not for this helper
        operation: String,
    },
    /// Answer Docker, as a credential helper: link this program as docker-credential-jeton
    Docker {
        /// What Docker wants
        operation: DockerOperation,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum DockerOperation {
    Get,
    List,
    Store,
    Erase,
}

pub(super) fn run(args: Args) -> anyhow::Result<()> {
    let input = || -> anyhow::Result<Secret<String>> {
        let mut text = String::new();
        io::stdin().lock().take(64 * 1024).read_to_string(&mut text).context("standard input cannot be read")?;
        Ok(Secret::new(text))
    };
    match args.command {
        Command::Git { profile, operation } => git(&args.folder, profile, &operation, &input()?),
        Command::Docker { operation: DockerOperation::List } => list(&args.folder.profiles()?),
        Command::Docker { operation } => docker(&args.folder, operation, input()?.expose().trim()),
    }
}

/// The arguments of this program: as `docker-credential-jeton` or `git-credential-jeton` it is that helper.
pub(crate) fn arguments(mut given: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let program = given.next().unwrap_or_default();
    let helper = match Path::new(&program).file_name().and_then(OsStr::to_str) {
        Some("docker-credential-jeton") => &["credential", "docker"][..],
        Some("git-credential-jeton") => &["credential", "git"],
        _ => &[],
    };
    [program].into_iter().chain(helper.iter().map(OsString::from)).chain(given).collect()
}

/// The name that goes with the token where a protocol wants one.
pub(super) fn user_name(profile: &Profile) -> &str {
    let names = ["username", "client_id", "key_id"];
    names.iter().find_map(|name| profile.values.get(*name)).map_or("jeton", String::as_str)
}

/// <https://git-scm.com/docs/git-credential#IOFMT>
fn git(folder: &Folder, profile: Option<String>, operation: &str, input: &Secret<String>) -> anyhow::Result<()> {
    let asked = |name: &str| input.expose().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let profiles = folder.profiles()?;
    let name = match (profile, asked("protocol"), asked("host")) {
        (Some(name), _, _) => Some(name),
        (None, Some(protocol), Some(host)) => {
            find(&profiles, &format!("{protocol}://{host}/{}", asked("path").unwrap_or_default()))?
        }
        _ => None,
    };
    // Without a word git asks the next helper.
    let Some(name) = name else { return Ok(()) };
    let source = folder.source(&name)?;
    match operation {
        "get" => {
            let token = block_on(valid(&source))?;
            let user = asked("username").unwrap_or_else(|| user_name(source.profile()));
            let mut lines = format!("username={user}\npassword={}", token.access.expose());
            if let Some(end) = token.expires_at {
                lines.push_str(&format!("\npassword_expiry_utc={}", end.as_secs()));
            }
            print(Secret::new(lines).expose())
        }
        "erase" => replace_refused(&profiles, &source, &name, asked("password").unwrap_or_default()),
        _ => Ok(()),
    }
}

/// Git says `erase` of a password that was refused. If it is the token, the next call gets another.
fn replace_refused(profiles: &Profiles, source: &TokenSource, name: &str, refused: &str) -> anyhow::Result<()> {
    let state = profiles.vault().load(name, source.profile())?;
    if state.token.is_some_and(|token| token.access == Secret::from(refused)) {
        block_on(async { Ok(source.refresh().await?) })?;
    }
    Ok(())
}

/// <https://github.com/docker/docker-credential-helpers#development>
fn docker(folder: &Folder, operation: DockerOperation, server: &str) -> anyhow::Result<()> {
    let profiles = folder.profiles()?;
    let found = match operation {
        DockerOperation::Store => bail!("put the secrets into a profile: jeton profile add"),
        _ if server.contains("://") => find(&profiles, server)?,
        _ => match find(&profiles, &format!("https://{server}"))? {
            Some(name) => Some(name),
            None => find(&profiles, &format!("http://{server}"))?,
        },
    };
    let Some(name) = found else {
        if let DockerOperation::Erase = operation {
            return Ok(());
        }
        // Docker knows by these words that it shall go on without.
        print("credentials not found in native keychain")?;
        bail!("no profile has its URL at {server}; make one with: jeton profile add");
    };
    let source = folder.source(&name)?;
    if let DockerOperation::Get = operation {
        let token = block_on(valid(&source))?;
        let user = user_name(source.profile());
        let object = json!({ "ServerURL": server, "Username": user, "Secret": token.access.expose() });
        return print(Secret::new(object.to_string()).expose());
    }
    block_on(async { Ok(source.end().await?) }).map(|_| ())
}

fn list(profiles: &Profiles) -> anyhow::Result<()> {
    let all = profiles.all()?;
    let servers: Map<String, Value> =
        all.values().map(|profile| (profile.url.clone(), Value::from(user_name(profile)))).collect();
    print(&Value::Object(servers).to_string())
}

/// The profile whose URL `url` is below; of several, the one with the longest path.
fn find(profiles: &Profiles, url: &str) -> anyhow::Result<Option<String>> {
    let Some(asked) = place(url) else { return Ok(None) };
    let all = profiles.all()?;
    let mut fitting: Vec<(usize, String)> = Vec::new();
    for (name, profile) in all {
        let Some((origin, path)) = place(&profile.url) else { continue };
        let below = asked.1.strip_prefix(path.as_str());
        if origin == asked.0 && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            fitting.push((path.len(), name));
        }
    }
    fitting.sort();
    match (fitting.pop(), fitting.pop()) {
        (Some((longest, one)), Some((length, other))) if longest == length => {
            bail!("the profiles `{one}` and `{other}` have the same URL; say which with --profile, or remove one")
        }
        (found, _) => Ok(found.map(|(_, name)| name)),
    }
}

/// Scheme, host and port, and the path without a slash at its end.
fn place(url: &str) -> Option<((String, String, u16), String)> {
    let uri: Uri = url.parse().ok()?;
    let scheme = uri.scheme_str()?.to_owned();
    let usual = if scheme == "https" { 443 } else { 80 };
    let host = uri.host()?.to_ascii_lowercase();
    Some(((scheme, host, uri.port_u16().unwrap_or(usual)), uri.path().trim_end_matches('/').to_owned()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_host_has_its_profile_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let profiles = Profiles::at(folder.path());
        for (name, url) in [
            ("root", "https://git.example.com"),
            ("team", "https://git.example.com/team/"),
            ("local", "http://localhost:5000"),
            ("one", "https://twice.example.com"),
            ("two", "https://twice.example.com/"),
        ] {
            let issuer = Some("https://id.example.com".to_owned());
            let profile = Profile { url: url.to_owned(), issuer, ..Profile::default() };
            profiles.put(name, &profile, BTreeMap::new(), false).unwrap();
        }
        for (url, expected) in [
            ("https://git.example.com/x.git", Ok(Some("root"))),
            ("https://GIT.example.com:443/", Ok(Some("root"))),
            ("https://git.example.com/team/x.git", Ok(Some("team"))),
            ("https://git.example.com/teams/x.git", Ok(Some("root"))),
            ("http://git.example.com/x.git", Ok(None)),
            ("https://git.example.com:8443/", Ok(None)),
            ("https://other.example.com/", Ok(None)),
            ("http://localhost:5000", Ok(Some("local"))),
            ("not a url", Ok(None)),
            ("https://twice.example.com/", Err(())),
        ] {
            let found = find(&profiles, url).map_err(|_| ());
            assert_eq!(found.as_ref().map(Option::as_deref), expected.as_ref().copied(), "{url}");
        }
    }

    #[test]
    fn the_programs_name_says_which_helper_it_is() {
        for (given, expected) in [
            (&["/usr/bin/docker-credential-jeton", "get"][..], &["credential", "docker", "get"][..]),
            (&["git-credential-jeton", "erase"], &["credential", "git", "erase"]),
            (&["/usr/bin/jeton", "token", "x"], &["token", "x"]),
            (&[], &[]),
        ] {
            let read = arguments(given.iter().map(OsString::from));
            assert_eq!(read[1..], expected.iter().map(OsString::from).collect::<Vec<_>>(), "{given:?}");
        }
    }
}
