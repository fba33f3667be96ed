//! `jeton token`: a valid token, as plain text or in the form that another program takes.

use anyhow::bail;
use clap::{Subcommand, ValueEnum};
use jeton_client::{Token, TokenSource};
use jeton_core::secret::Secret;
use serde_json::json;

use super::{Folder, block_on, valid};
use crate::local::print::print;
use crate::local::{self, token::Inspect};

/// Print a valid token of a profile, or say what a token of a local realm is good for
///
/// The token is taken from disk while it is good, refreshed early, and asked for when there is none. It alone goes to
/// standard output.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Args {
    #[command(flatten)]
    folder: Folder,
    /// The profile
    #[arg(required = true)]
    name: Option<String>,
    /// In which form
    #[arg(long, value_enum, default_value = "plain")]
    format: Format,
    #[command(subcommand)]
    other: Option<Other>,
}

#[derive(Subcommand)]
enum Other {
    Inspect(Inspect),
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The token alone
    Plain,
    /// An object with `access_token`, `expires_at` and `url`
    Json,
}

pub(super) fn run(args: Args) -> anyhow::Result<()> {
    let name = match (args.other, args.name) {
        (Some(Other::Inspect(args)), _) => return local::inspect(args),
        (None, Some(name)) => name,
        (None, None) => bail!("name a profile; `jeton profile list` shows them"),
    };
    let source = args.folder.source(&name)?;
    let token = block_on(valid(&source))?;
    print(written(args.format, &source, &token).expose())
}

fn written(format: Format, source: &TokenSource, token: &Token) -> Secret<String> {
    match format {
        Format::Plain => token.access.clone(),
        Format::Json => {
            let expires_at = token.expires_at.map(|end| end.whole_secs().to_string());
            let url = source.url(token);
            let object = json!({ "access_token": token.access.expose(), "expires_at": expires_at, "url": url });
            Secret::new(object.to_string())
        }
    }
}
