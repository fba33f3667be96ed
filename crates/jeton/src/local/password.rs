//! New passwords: where they come from, what they must be like, and their hash. Never from the command line itself,
//! which every user of the machine can read.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use jeton_core::domain::principal::canonical_username;
use jeton_core::secret::Secret;
use jeton_core::token::opaque;
use jeton_server::hashing::Salt;
use jeton_server::random::SystemRng;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::Local;

/// Where a new password comes from. With none of these it is asked for on the terminal.
#[derive(clap::Args)]
#[group(multiple = false)]
pub(crate) struct PasswordSource {
    /// Take the password from this file (a newline at its end does not count)
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Take the password from standard input (a newline at its end does not count)
    #[arg(long)]
    password_stdin: bool,
    /// Make a password and print it, once
    #[arg(long)]
    generate_password: bool,
}

/// A password that fits the account.
pub(super) struct NewPassword {
    /// The password.
    pub(super) value: Secret<String>,
    /// Made here, so that it must be shown.
    pub(super) generated: bool,
}

impl PasswordSource {
    /// Whether one was named.
    pub(super) fn is_given(&self) -> bool {
        self.password_file.is_some() || self.password_stdin || self.generate_password
    }

    /// A password for the account of this name.
    pub(super) fn read(&self, username: &str) -> anyhow::Result<NewPassword> {
        if self.generate_password {
            /// Base62: 143 bits, and still possible to type.
            const LENGTH: usize = 24;
            let value = Secret::new(opaque::base62(LENGTH, &mut SystemRng::new()));
            return Ok(NewPassword { value, generated: true });
        }
        let value = match &self.password_file {
            Some(path) => from_file(path)?,
            None if self.password_stdin => from_stdin()?,
            None => ask(username)?,
        };
        check(&value, username)?;
        Ok(NewPassword { value, generated: false })
    }
}

impl Local {
    /// The hash of a password, in PHC form.
    pub(super) async fn hash(&self, password: &Secret<String>) -> anyhow::Result<String> {
        let mut salt = Salt::default();
        let rng: &mut dyn CryptoRng = &mut SystemRng::new();
        rng.fill_bytes(&mut salt);
        Ok(self.app.hashing.hash(password.clone(), salt).await?)
    }
}

/// A secret in a file, without the newline that editors put at its end.
pub(crate) fn from_file(path: &Path) -> anyhow::Result<Secret<String>> {
    let file = fs::File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    from_reader(file).with_context(|| format!("{} cannot be used", path.display()))
}

/// A secret on standard input.
pub(crate) fn from_stdin() -> anyhow::Result<Secret<String>> {
    from_reader(io::stdin().lock()).context("standard input cannot be used")
}

/// Asks for a secret without showing it.
pub(crate) fn prompt(question: &str, instead: &str) -> anyhow::Result<Secret<String>> {
    if !io::stdin().is_terminal() {
        bail!("there is no terminal to ask on; {instead}");
    }
    Ok(Secret::new(rpassword::prompt_password(question)?))
}

/// A secret that something else gives, such as a program's output.
pub(crate) fn from_reader(reader: impl Read) -> anyhow::Result<Secret<String>> {
    /// Longer than any password or token that is accepted.
    const LONGEST: usize = 64 * 1024;
    // Room from the start: a buffer that grows leaves copies of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    if reader.take(LONGEST as u64 + 1).read_to_end(&mut bytes)? > LONGEST {
        bail!("it is too long to be a password or token");
    }
    let text = str::from_utf8(&bytes).context("it is not text in UTF-8")?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    Ok(Secret::from(text.strip_suffix('\r').unwrap_or(text)))
}

fn ask(username: &str) -> anyhow::Result<Secret<String>> {
    let instead = "give --password-stdin, --password-file FILE or --generate-password";
    let first = prompt(&format!("New password for {username}: "), instead)?;
    let again = prompt("The same again: ", instead)?;
    if first != again {
        bail!("the two were not alike; nothing was changed");
    }
    Ok(first)
}

fn check(password: &Secret<String>, username: &str) -> anyhow::Result<()> {
    let text = password.expose();
    let length = text.chars().count();
    if !(8..=256).contains(&length) {
        bail!("a password has 8 to 256 characters, and this one has {length}; `--generate-password` makes a good one");
    }
    if canonical_username(text) == canonical_username(username) {
        bail!("the password is the username; `--generate-password` makes a good one");
    }
    if text.chars().any(char::is_control) {
        bail!("the password has a control character, such as a newline, within it; leave it out");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h1_what_a_password_must_be_like() {
        let longest = "é".repeat(256);
        let too_long = "é".repeat(257);
        for (password, username, accepted) in [
            ("correct horse", "ana", true),
            ("12345678", "ana", true),
            ("1234567", "ana", false),
            ("ééééééé", "ana", false),
            (longest.as_str(), "ana", true),
            (too_long.as_str(), "ana", false),
            ("Ana@Example.org ", "ana@example.org", false),
            ("two\nlines of it", "ana", false),
        ] {
            assert_eq!(check(&Secret::from(password), username).is_ok(), accepted, "{password}");
        }
    }

    #[test]
    fn the_newline_at_the_end_does_not_count() {
        for (bytes, read) in [
            (&b"secret\n"[..], Some("secret")),
            (b"secret\r\n", Some("secret")),
            (b"secret", Some("secret")),
            (b" secret \n\n", Some(" secret \n")),
            (b"\xff", None),
        ] {
            assert_eq!(from_reader(bytes).ok().as_ref().map(|secret| secret.expose().as_str()), read);
        }
    }
}
