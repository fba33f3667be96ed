//! What an answer must be. One that is not ends the run: a refused request is cheap, and would look fast.

use anyhow::{Context, bail, ensure};
use clap::ValueEnum;
use serde::Deserialize;

use super::connection::Answer;
use super::jwks::{self, Keys};

/// What all answers of a scenario must be.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Expect {
    /// A signed token, never the one before
    Signed,
    /// An opaque token, never the one before
    Opaque,
    /// An introspected token that is active
    Active,
    /// Success, whatever the body
    Allowed,
}

/// Checks the answers on one connection.
pub(crate) struct Checker {
    expect: Expect,
    last_token: String,
}

#[derive(Deserialize)]
struct TokenAnswer<'a> {
    access_token: &'a str,
}

#[derive(Deserialize)]
struct Introspected {
    active: bool,
    exp: u64,
}

impl Checker {
    pub(crate) fn new(expect: Expect) -> Self {
        Self { expect, last_token: String::new() }
    }

    /// Checks what can be checked of every answer.
    ///
    /// # Errors
    /// It is not what was expected.
    pub(crate) fn check(&mut self, answer: &Answer<'_>) -> anyhow::Result<()> {
        let body = answer.body;
        ensure!(answer.status == 200, "a request was answered with {} {body}", answer.status);
        match self.expect {
            Expect::Signed | Expect::Opaque => {
                let token = serde_json::from_str::<TokenAnswer<'_>>(body).context("no token")?.access_token;
                let signed = token.bytes().filter(|byte| *byte == b'.').count() == 2;
                ensure!(signed == (self.expect == Expect::Signed), "a token of the wrong kind: {token}");
                ensure!(token.len() >= 40 && token != self.last_token, "the same token twice: {token}");
                self.last_token.clear();
                self.last_token.push_str(token);
            }
            Expect::Active => {
                let seen: Introspected = serde_json::from_str(body).with_context(|| format!("not active: {body}"))?;
                ensure!(seen.active && seen.exp > 0, "not active: {body}");
            }
            Expect::Allowed => {}
        }
        Ok(())
    }

    /// Checks the signature of the last token; too costly to be done for every answer.
    ///
    /// # Errors
    /// There was no token, or its signature is not by one of `keys`.
    pub(crate) fn verify_last(&self, keys: &Keys) -> anyhow::Result<()> {
        if self.last_token.is_empty() {
            bail!("a connection got no answer at all in a round; make rounds longer");
        }
        jwks::verify(keys, &self.last_token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let jwt = format!(r#"{{"access_token":"eyJ.{}.s"}}"#, "x".repeat(60));
        let opaque = format!(r#"{{"access_token":"{}"}}"#, "x".repeat(60));
        for (expect, status, body, good) in [
            (Expect::Signed, 200, jwt.as_str(), true),
            (Expect::Signed, 200, &opaque, false),
            (Expect::Signed, 401, &jwt, false),
            (Expect::Opaque, 200, &opaque, true),
            (Expect::Opaque, 200, &jwt, false),
            (Expect::Opaque, 200, "{}", false),
            (Expect::Active, 200, r#"{"active":true,"exp":1}"#, true),
            (Expect::Active, 200, r#"{"active":false}"#, false),
            (Expect::Allowed, 200, "", true),
            (Expect::Allowed, 403, "", false),
        ] {
            let checked = Checker::new(expect).check(&Answer { status, body });
            assert_eq!(checked.is_ok(), good, "{status} {body}");
        }
        let mut checker = Checker::new(Expect::Opaque);
        let answer = Answer { status: 200, body: &opaque };
        assert!(checker.check(&answer).is_ok());
        assert!(checker.check(&answer).is_err());
    }
}
