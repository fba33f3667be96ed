//! From the text of a dialect file to its tree, collecting every mistake on the way.

mod chain;
mod check;
mod file;
mod hole;
mod json;
mod jwt;
mod message;
mod policy;
mod refusal;
mod routes;
mod show;
mod table;
mod transform;
mod xml;

use toml_edit::Document;

pub(super) use self::json::FIELD;
pub(super) use self::message::{METHODS, essence};
use self::table::Keys;
use super::Dialect;
use super::noun::{self, Field};
use super::source::{Mistake, Snippet, Source, position};

/// The state of reading one file.
struct Parser<'t> {
    text: &'t str,
    mistakes: Vec<Mistake>,
    fields: Vec<Field>,
    parts: Vec<Part>,
    /// Names of the parts being read, so that none contains itself.
    open: Vec<String>,
    /// Where a `*` stands whose place is not known yet to be one that can be repeated.
    repeats: Vec<usize>,
    /// Where a value is written that a server cannot read back, in what it reads.
    one_way: Vec<usize>,
    /// Whether what is being read is about a refusal, which can be about a field.
    refusing: bool,
}

/// A text of `[part]`, read again wherever it is used, because the place decides how.
struct Part {
    name: String,
    at: usize,
    ways: Ways,
    used: bool,
}

#[derive(Clone)]
enum Ways {
    /// The first that has all its values is written, any is read.
    Listed(Vec<Source>),
    /// Chosen by the setting of the part's name.
    Named(Vec<(String, Source)>),
}

/// Reads a file.
pub(super) fn dialect(text: &str) -> Result<Dialect, Vec<Mistake>> {
    let mut parser = Parser {
        text,
        mistakes: Vec::new(),
        fields: Vec::new(),
        parts: Vec::new(),
        open: Vec::new(),
        repeats: Vec::new(),
        one_way: Vec::new(),
        refusing: false,
    };
    let dialect = match Document::parse(text) {
        Ok(document) => parser.file(Keys { table: document.as_table(), at: 0 }),
        Err(error) => {
            parser.mistake(error.span().map_or(0, |span| span.start), error.message());
            None
        }
    };
    let mut mistakes = parser.mistakes;
    mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
    // A part that is used twice is read twice, and so are its mistakes.
    mistakes.dedup();
    match dialect {
        Some(dialect) if mistakes.is_empty() => Ok(dialect),
        _ => Err(mistakes),
    }
}

impl<'t> Parser<'t> {
    fn mistake(&mut self, offset: usize, message: impl Into<String>) {
        self.note(offset, message.into(), None);
    }

    fn mistake_help(&mut self, offset: usize, message: impl Into<String>, help: impl Into<String>) {
        self.note(offset, message.into(), Some(help.into()));
    }

    /// A name that is not known, with the known one most like it or all there are.
    fn unknown<'n>(&mut self, offset: usize, what: &str, name: &str, known: impl IntoIterator<Item = &'n str>) {
        let known: Vec<&str> = known.into_iter().collect();
        let message = format!("unknown {what} `{name}`");
        match noun::nearest(name, known.iter().copied()) {
            Some(near) => self.mistake_help(offset, message, format!("did you mean `{near}`?")),
            None if known.is_empty() || known.len() > 30 => self.mistake(offset, message),
            None => self.mistake_help(offset, message, format!("known: {}", known.join(", "))),
        }
    }

    fn note(&mut self, offset: usize, message: String, help: Option<String>) {
        let (line, column) = position(self.text, offset);
        self.mistakes.push(Mistake { line, column, message, help });
    }

    fn position(&self, snippet: Snippet<'_>) -> (usize, usize) {
        position(self.text, snippet.offset(0))
    }
}
