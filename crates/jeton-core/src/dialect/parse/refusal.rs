//! Tables of refusals: a frame, and a row for each reason.

use super::super::percent::Coding;
use super::super::refuse::{Refusals, Row, Says};
use super::super::source::Source;
use super::super::template::{AnswerTemplate, Hole, Mark, Piece, Status, Text};
use super::Parser;
use super::table::{Entry, Keys};
use crate::domain::refusal::Reason;

/// Holes of a frame that each row fills. (`field` and `detail` come from the refusal itself.)
const ROW_NOUNS: [&str; 5] = ["status", "text", "code", "class", "message"];

/// A name that a frame has a hole for.
struct FrameHole {
    name: String,
    required: bool,
}

impl Parser<'_> {
    /// The refusals in the table `refusal`; one without a frame of its own fills that of the whole dialect.
    pub(super) fn refusals(&mut self, keys: Keys<'_>, of_all: &Refusals) -> Refusals {
        let Some(keys) = keys.get("refusal").and_then(|entry| self.table(entry)) else { return Refusals::default() };
        self.refusing = true;
        let refusals = self.frame_and_rows(keys, of_all);
        self.refusing = false;
        refusals
    }

    fn frame_and_rows(&mut self, keys: Keys<'_>, of_all: &Refusals) -> Refusals {
        let own = keys.get("answer");
        let frame = match own {
            Some(entry) => self.source(entry).and_then(|source| self.answer(source.snippet())),
            None => of_all.frame.clone(),
        };
        let holes = frame.as_ref().map(frame_holes).unwrap_or_default();
        let mut by = if own.is_none() { of_all.by.clone() } else { Vec::new() };
        if let Some(entry) = keys.get("by") {
            for source in self.sources(entry) {
                let name = source.snippet();
                if !holes.iter().any(|hole| hole.name == name.as_str()) {
                    let known = holes.iter().map(|hole| hole.name.as_str());
                    self.unknown(name.offset(0), "hole of the frame", name.as_str(), known);
                }
                by.push(name.as_str().to_owned());
            }
        }
        let mut rows = Vec::new();
        for entry in keys.entries().into_iter().filter(|entry| !matches!(entry.name, "answer" | "by")) {
            let Some(reason) = Reason::named(entry.name) else {
                let known = Reason::ALL.iter().map(|reason| reason.name()).chain(["answer", "by"]);
                self.unknown(entry.key_at, "reason", entry.name, known);
                continue;
            };
            rows.extend(self.row(entry, frame.is_some(), &holes).map(|says| Row { reason, says }));
        }
        Refusals { frame, rows, by }
    }

    fn row(&mut self, entry: Entry<'_>, framed: bool, holes: &[FrameHole]) -> Option<Says> {
        if entry.item.as_str().is_some() {
            let source = self.source(entry)?;
            let whole = self.answer(source.snippet())?;
            if whole.status == Status::Row {
                self.mistake(entry.at, "a whole answer states its status");
            }
            return Some(Says::Whole(whole));
        }
        let keys = self.table(entry)?;
        if !framed {
            self.mistake_help(entry.at, "there is no frame for this row to fill", "write answer = '''…''' above");
            return None;
        }
        let mut says = Vec::new();
        for key in keys.entries() {
            if !holes.iter().any(|hole| hole.name == key.name) {
                self.unknown(key.key_at, "hole of the frame", key.name, holes.iter().map(|hole| hole.name.as_str()));
                continue;
            }
            says.push((key.name.to_owned(), self.row_text(key)?));
        }
        for hole in holes.iter().filter(|hole| hole.required && ROW_NOUNS.contains(&hole.name.as_str())) {
            if keys.get(&hole.name).is_none() {
                self.mistake(entry.at, format!("the row `{}` gives no `{}`", entry.name, hole.name));
            }
        }
        Some(Says::Keys(says))
    }

    fn row_text(&mut self, key: Entry<'_>) -> Option<Text> {
        if let Some(number) = key.item.as_integer() {
            if key.name == "status" && !(200..600).contains(&number) {
                self.mistake_help(key.at, format!("`{number}` is not a status"), "write 200 to 599");
            }
            let text = number.to_string();
            return Some(Text { pieces: vec![Piece::Literal { written: text.clone(), text }] });
        }
        if key.name == "status" {
            self.mistake_help(key.at, "a status is a number", "write 200 to 599");
            return None;
        }
        let source: Source = self.source(key)?;
        Some(self.text(source.snippet(), Coding::Plain))
    }
}

fn frame_holes(frame: &AnswerTemplate) -> Vec<FrameHole> {
    let mut holes = Vec::new();
    let mut add =
        |hole: &Hole| holes.push(FrameHole { name: hole.name.clone(), required: hole.mark == Mark::Required });
    frame.reason.iter().for_each(|text| text.each_slot(&mut |hole, _| add(hole)));
    frame.message.each_slot(&mut |hole, _| add(hole));
    if frame.status == Status::Row {
        holes.push(FrameHole { name: "status".to_owned(), required: true });
    }
    holes
}
