//! What a check found, for a person or for a program.

use std::fmt;

use jeton_core::dialect::Mistake;
use serde::Serialize;

/// What a check found.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    dialect: String,
    understood: Vec<String>,
    sections: Vec<Section>,
}

/// Checks that belong together.
#[derive(Debug, Serialize)]
pub(super) struct Section {
    title: String,
    checks: Vec<Check>,
}

#[derive(Debug, Serialize)]
struct Check {
    what: String,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Held,
    Failed,
    /// Nothing was tried, for a reason.
    Skipped,
}

impl Report {
    pub(super) fn new(dialect: &str, understood: Vec<String>) -> Self {
        Self { dialect: dialect.to_owned(), understood, sections: Vec::new() }
    }

    pub(super) fn add(&mut self, section: Section) {
        if !section.checks.is_empty() {
            self.sections.push(section);
        }
    }

    pub(super) fn failures(&self) -> usize {
        self.count(Outcome::Failed)
    }

    /// As one JSON object: `dialect`, `understood`, `sections` with `title` and `checks` of `what`, `outcome`, `detail`.
    pub(super) fn as_json(&self) -> serde_json::Value {
        serde_json::json!(self)
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.sections.iter().flat_map(|section| &section.checks).filter(|check| check.outcome == outcome).count()
    }
}

impl Section {
    pub(super) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), checks: Vec::new() }
    }

    /// Notes whether `what` held; if not, the sentence says what was seen instead.
    pub(super) fn check(&mut self, what: impl Into<String>, held: Result<(), String>) {
        let outcome = if held.is_ok() { Outcome::Held } else { Outcome::Failed };
        self.checks.push(Check { what: what.into(), outcome, detail: held.err() });
    }

    /// Notes that `what` was not tried, and why.
    pub(super) fn skip(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.checks.push(Check { what: what.into(), outcome: Outcome::Skipped, detail: Some(why.into()) });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The dialect `{}`", self.dialect)?;
        self.understood.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
        for section in &self.sections {
            writeln!(f, "\n{}", section.title)?;
            for check in &section.checks {
                let mark = match check.outcome {
                    Outcome::Held => "✓",
                    Outcome::Failed => "✗",
                    Outcome::Skipped => "–",
                };
                write!(f, "  {mark} {}", check.what)?;
                match &check.detail {
                    Some(detail) => writeln!(f, ": {detail}")?,
                    None => writeln!(f)?,
                }
            }
        }
        let (held, skipped) = (self.count(Outcome::Held), self.count(Outcome::Skipped));
        writeln!(f, "\n{held} held, {} failed, {skipped} not tried", self.failures())
    }
}

/// Mistakes of a file as JSON: `mistakes` with `line`, `column`, `message` and perhaps `help`.
pub(super) fn mistakes_as_json(mistakes: &[Mistake]) -> serde_json::Value {
    let one = |mistake: &Mistake| {
        let Mistake { line, column, message, help } = mistake;
        serde_json::json!({ "line": line, "column": column, "message": message, "help": help })
    };
    serde_json::json!({ "mistakes": mistakes.iter().map(one).collect::<Vec<_>>() })
}
