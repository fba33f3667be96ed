//! The crates `oauth2` and `openidconnect` against one OAuth server, and `jsonwebtoken` as a verifier of its tokens.
//!
//! Usage: `interop-oauth oauth2|openidconnect PEER.json`: prints an outcome a line, for suite.mjs.
//! `interop-oauth jsonwebtoken KEYS.json ISSUER`: prints a verdict for each line it reads, for verifiers/suite.py.

mod peer;
mod with_jsonwebtoken;
mod with_oauth2;
mod with_openidconnect;

use anyhow::{Context, bail};
use peer::Peer;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let tool = arguments.next().context("name the crate")?;
    let file = arguments.next().context("name the file with the peer or its keys")?;
    match tool.as_str() {
        "oauth2" => with_oauth2::run(&Peer::open(&file)?),
        "openidconnect" => with_openidconnect::run(&Peer::open(&file)?),
        "jsonwebtoken" => with_jsonwebtoken::run(&file, &arguments.next().context("name the issuer")?)?,
        other => bail!("no program for {other}"),
    }
    Ok(())
}
