//! Where a profile's secrets come from. Never from the command line itself, which every user of the machine can read.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use jeton_core::secret::Secret;

use crate::local::password::{from_file, from_reader, from_stdin};

/// Where one secret comes from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    File(PathBuf),
    Variable(String),
    Stdin,
    Command(String),
}

/// What `--secret` says: a name and where its secret comes from. The text itself never gets into an error: it may be
/// a secret that somebody put there.
pub(crate) fn parse(text: &str) -> anyhow::Result<(String, Origin)> {
    const FORMS: &str = "NAME=file:PATH, NAME=env:VARIABLE, NAME=stdin or NAME=command:COMMAND";
    let Some((name, origin)) = text.split_once('=') else {
        bail!("--secret has no `=`; give {FORMS}");
    };
    let origin = match (origin, origin.split_once(':')) {
        ("stdin", _) => Origin::Stdin,
        (_, Some(("file", path))) if !path.is_empty() => Origin::File(PathBuf::from(path)),
        (_, Some(("env", variable))) if !variable.is_empty() => Origin::Variable(variable.to_owned()),
        (_, Some(("command", command))) if !command.is_empty() => Origin::Command(command.to_owned()),
        _ => bail!(
            "a secret on the command line could be read by everybody on this machine; say where it is instead: {FORMS}"
        ),
    };
    Ok((name.to_owned(), origin))
}

impl Origin {
    /// The secret, without the newline at its end.
    pub(crate) fn read(&self) -> anyhow::Result<Secret<String>> {
        let secret = match self {
            Self::File(path) => from_file(path)?,
            Self::Variable(name) => from_variable(name)?,
            Self::Stdin => from_stdin()?,
            Self::Command(command) => from_command(command)?,
        };
        if secret.expose().is_empty() {
            bail!("it is empty");
        }
        Ok(secret)
    }
}

#[expect(clippy::disallowed_methods, reason = "which variable holds the secret is known only now")]
fn from_variable(name: &str) -> anyhow::Result<Secret<String>> {
    let value = std::env::var(name).with_context(|| format!("the environment variable {name} cannot be used"))?;
    Ok(Secret::new(value))
}

fn from_command(command: &str) -> anyhow::Result<Secret<String>> {
    let mut shell =
        Command::new("sh").args(["-c", command]).stdout(Stdio::piped()).spawn().context("sh cannot be run")?;
    let secret = shell.stdout.take().context("it has no output").and_then(from_reader);
    let status = shell.wait()?;
    if !status.success() {
        bail!("the command failed: {status}");
    }
    secret.context("its output cannot be used")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_secret_may_come_from() {
        for (text, expected) in [
            ("password=stdin", Some(("password", Origin::Stdin))),
            ("password=file:a=b:c", Some(("password", Origin::File("a=b:c".into())))),
            ("password=env:PW", Some(("password", Origin::Variable("PW".to_owned())))),
            ("password=command:pass show x", Some(("password", Origin::Command("pass show x".to_owned())))),
            ("password=hunter2", None),
            ("password=hunter2:x", None),
            ("password=file:", None),
            ("password=", None),
            ("hunter2", None),
        ] {
            let parsed = parse(text);
            match (&parsed, expected) {
                (Ok((name, origin)), Some((expected, from))) => assert_eq!((name.as_str(), origin), (expected, &from)),
                (Err(error), None) => assert!(!format!("{error:#}").contains("hunter2"), "{error:#}"),
                _ => panic!("{text}: {parsed:?}"),
            }
        }
    }

    #[test]
    fn secrets_lose_their_newline() {
        for (command, expected) in [
            ("echo s3cret", Some("s3cret")),
            ("printf 's3\\n\\n'", Some("s3\n")),
            ("true", None),
            ("echo x; exit 3", None),
        ] {
            let read = Origin::Command(command.to_owned()).read();
            assert_eq!(read.ok().as_ref().map(|secret| secret.expose().as_str()), expected, "{command}");
        }
    }
}
