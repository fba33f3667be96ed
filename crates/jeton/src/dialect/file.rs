//! A dialect's text, from a file or from the binary, and what points into it.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Context, bail};
use jeton_core::dialect::{Dialect, Mistake};

/// A dialect's text and where it is from.
pub(super) struct DialectFile {
    /// Its path, unless it is from the binary.
    pub(super) path: Option<PathBuf>,
    /// Its text.
    pub(super) text: String,
    name: String,
}

impl DialectFile {
    /// The dialect of this name in the binary, or the file at this path.
    pub(super) fn read(given: &str) -> anyhow::Result<Self> {
        if let Some((name, text)) = Dialect::built_in().iter().find(|(name, _)| *name == given) {
            return Ok(Self { path: None, text: (*text).to_owned(), name: (*name).to_owned() });
        }
        let path = PathBuf::from(given);
        if !path.exists() && !given.contains(['/', '.']) {
            let known: Vec<_> = Dialect::built_in().iter().map(|(name, _)| *name).collect();
            bail!("no dialect `{given}`; the binary has {}, and any other is given by its file", known.join(", "));
        }
        let text = std::fs::read_to_string(&path).with_context(|| format!("{given} cannot be read"))?;
        Ok(Self { path: Some(path), text, name: given.to_owned() })
    }

    /// What it is called in messages.
    pub(super) fn shown(&self) -> &str {
        &self.name
    }

    /// A mistake with its line, and a mark under its column.
    pub(super) fn point_at(&self, mistake: &Mistake) -> String {
        let Mistake { line, column, message, help } = mistake;
        let mut told = format!("{}:{line}:{column}: {message}", self.name);
        if let Some(text) = self.text.lines().nth(line.saturating_sub(1)) {
            // Long lines are cut around the place.
            let from = column.saturating_sub(60);
            let shown: String = text.chars().skip(from).take(100).collect();
            let number = line.to_string();
            let _ = write!(told, "\n  {number} | {shown}\n  {:1$} | ", "", number.len());
            let _ = write!(told, "{:1$}^", "", column.saturating_sub(1 + from));
        }
        if let Some(help) = help {
            let _ = write!(told, "\n  {help}");
        }
        told
    }
}
