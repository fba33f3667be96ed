//! `jeton dialect docs`: the "Get an access token" page of an API, from its dialect file alone.

mod call;
mod html;
mod languages;
mod markdown;
mod page;
mod sample;
mod sections;

use std::path::Path;

use anyhow::{Context, bail};
use clap::ValueEnum;
use jeton_core::dialect::Dialect;

/// Write the "Get an access token" page of an API
///
/// The page has programs for curl, Python, JavaScript and PHP that run as they stand, sample answers, every parameter and
/// every error. What a reader must fill in stands there as YOUR_PASSWORD and the like.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A dialect file, or the name of a dialect in the binary
    #[arg(value_name = "FILE|NAME")]
    dialect: String,
    /// How the page is written
    #[arg(long, value_enum, default_value_t)]
    format: Form,
    /// Where the API is
    #[arg(long, default_value = "https://api.example.com")]
    url: String,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Form {
    #[default]
    Markdown,
    Html,
}

/// Prints the page.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let page = sections::page(&load(&args.dialect)?, args.url.trim_end_matches('/'));
    let text = match args.format {
        Form::Markdown => markdown::write(&page),
        Form::Html => html::write(&page),
    };
    anstream::print!("{text}");
    Ok(())
}

/// The dialect of this name in the binary, or in this file.
fn load(named: &str) -> anyhow::Result<Dialect> {
    let built_in = Dialect::built_in().iter().find(|(name, _)| *name == named);
    let text = match built_in {
        Some((_, text)) => (*text).to_owned(),
        None if !Path::new(named).exists() && !named.contains(['/', '.']) => {
            let names: Vec<&str> = Dialect::built_in().iter().map(|(name, _)| *name).collect();
            bail!("there is no dialect `{named}` in the binary ({}), and no file of this name", names.join(", "));
        }
        None => std::fs::read_to_string(named).with_context(|| format!("{named} cannot be read"))?,
    };
    Dialect::parse(&text).map_err(|mistakes| {
        let lines: Vec<String> = mistakes.iter().map(|mistake| format!("{named}:{mistake}")).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })
}
