//! `jeton token`: a valid token, as plain text or in the form that another program takes.

mod aws;
mod format;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Subcommand;
use jeton_core::secret::Secret;

use self::format::Format;
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
    /// Write it to this file, which nobody else can read, and not to standard output
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    #[command(flatten)]
    aws: aws::Role,
    /// What Kubernetes says of the credential it wants
    #[arg(long, env = "KUBERNETES_EXEC_INFO", hide = true)]
    kubernetes_exec_info: Option<String>,
    #[command(subcommand)]
    other: Option<Other>,
}

#[derive(Subcommand)]
enum Other {
    Inspect(Inspect),
}

pub(super) fn run(args: Args) -> anyhow::Result<()> {
    let name = match (args.other, args.name) {
        (Some(Other::Inspect(args)), _) => return local::inspect(args),
        (None, Some(name)) => name,
        (None, None) => bail!("name a profile; `jeton profile list` shows them"),
    };
    let source = args.folder.source(&name)?;
    let text = block_on(async {
        let token = valid(&source).await?;
        match args.format {
            Format::Plain => Ok(token.access),
            Format::Json => Ok(format::json(source.url(&token), &token)),
            Format::Netrc => format::netrc(source.url(&token), source.profile(), &token),
            Format::Kubernetes => format::kubernetes(&token, args.kubernetes_exec_info.as_deref()),
            Format::Aws => aws::credentials(&args.aws, &name, &token).await,
        }
    })?;
    match &args.write {
        Some(file) => write(file, &text).with_context(|| format!("{} cannot be written", file.display())),
        None => print(text.expose()),
    }
}

/// Puts a file of mode 0600 there in one step: a program that reads it finds the old text or the new one.
fn write(path: &Path, text: &Secret<String>) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.expose().as_bytes())?;
    file.persist(path)?;
    Ok(())
}
