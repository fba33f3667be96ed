//! `jeton dialect from-curl`: the curl lines of a documentation page, with their sample answers, become a draft.

mod answer;
mod body;
mod command;
mod credentials;
mod draft;
mod mend;
mod names;
mod page;
mod refusal;
mod request;
mod time;
mod token;

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use jeton_core::dialect::Dialect;

/// Draft a dialect file from the curl lines of an API's documentation
///
/// Reads curl commands, each followed by its sample answer (JSON, XML or text, with or without the `HTTP/1.1 200` head),
/// and prints a dialect file. A line with credentials becomes a sign-in, one with a refresh token a refresh, one that only
/// shows a token says how calls show it. Every guess is marked; `jeton dialect check` says what is left to decide.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Read the curl commands from here instead of standard input
    #[arg(long, value_name = "FILE")]
    curl: Option<PathBuf>,
    /// Read the sample answer of the first command from here
    #[arg(long, value_name = "FILE")]
    answer: Option<PathBuf>,
    /// The name of the dialect (default: from the host)
    #[arg(long)]
    name: Option<String>,
}

/// Prints the draft. It is printed even if it does not load yet, so that a person can mend it.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut samples = page::samples(&text(args)?)?;
    let Some(first) = samples.first_mut() else {
        bail!("there is no curl command in what was given; paste a line that begins with `curl`");
    };
    if let Some(path) = &args.answer {
        first.answers = page::answers(&read(path)?);
    }
    let draft = draft::draft(&samples, args.name.as_deref())?;
    anstream::print!("{draft}");
    Dialect::parse(&draft).map(|_| ()).map_err(|mistakes| {
        let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("the draft needs a hand before it loads:\n{}", lines.join("\n"))
    })
}

fn text(args: &Args) -> anyhow::Result<String> {
    if let Some(path) = &args.curl {
        return read(path);
    }
    if std::io::stdin().is_terminal() {
        anstream::eprintln!("Paste the curl command and below it the sample answer, then press Ctrl-D:");
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("standard input is no text in UTF-8")?;
    Ok(text)
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}
