//! `jeton dialect docs`: the "Get an access token" page of an API, from its dialect file alone.

mod call;
mod errors;
mod html;
mod languages;
mod markdown;
mod page;
mod sample;
mod sections;

use clap::ValueEnum;

use super::file::DialectFile;

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
    let page = sections::page(&DialectFile::read(&args.dialect)?.parse()?, args.url.trim_end_matches('/'));
    let text = match args.format {
        Form::Markdown => markdown::write(&page),
        Form::Html => html::write(&page),
    };
    anstream::print!("{text}");
    Ok(())
}
