//! Where things stand in a dialect file, so that every mistake names its exact spot.

use std::fmt;
use std::ops::Range;

/// Something wrong in a dialect file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead, where that can be told.
    pub help: Option<String>,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// Line and column (both from 1, columns in characters) of the byte at `offset`.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..offset.min(text.len())];
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    // Continuation bytes of UTF-8 (10xxxxxx) are not characters of their own.
    let column = before[line_start..].iter().filter(|byte| (**byte & 0xC0) != 0x80).count() + 1;
    (line, column)
}

/// The content of a TOML string, and for each of its bytes the place in the file.
#[derive(Clone, Debug)]
pub(super) struct Source {
    text: String,
    /// One more than there are bytes: the last is the end.
    at: Vec<usize>,
}

impl Source {
    /// From the whole file, the span of a string value with its quotes, and that string's value.
    pub(super) fn of_toml(file: &str, span: Range<usize>, value: &str) -> Self {
        let raw = file.get(span.clone()).unwrap_or_default();
        let literal = raw.starts_with('\'');
        let quotes = if raw.starts_with("'''") || raw.starts_with("\"\"\"") { 3 } else { 1 };
        let mut from = quotes.min(raw.len());
        if quotes == 3 {
            from += raw[from..].strip_prefix("\r\n").map_or(usize::from(raw[from..].starts_with('\n')), |_| 2);
        }
        let mut source = Self { text: String::new(), at: Vec::new() };
        for decoded in value.chars() {
            let rest = &raw[from..];
            if !literal {
                from += line_continuation(rest);
            }
            let rest = &raw[from..];
            let (width, keep) = match rest.as_bytes() {
                [b'\r', b'\n', ..] if decoded == '\n' => (2, true),
                [b'\r', b'\n', ..] if decoded == '\r' => (1, false),
                [b'\\', kind, ..] if !literal => (escape_width(*kind), true),
                _ => (rest.chars().next().map_or(0, char::len_utf8), true),
            };
            if keep {
                source.at.extend(std::iter::repeat_n(span.start + from, decoded.len_utf8()));
                source.text.push(decoded);
            }
            from += width;
        }
        source.at.push(span.start + from);
        source.drop_last_newline();
        source
    }

    /// The newline before closing quotes on their own line belongs to the quotes.
    fn drop_last_newline(&mut self) {
        if self.text.ends_with('\n') {
            self.text.pop();
            self.at.pop();
        }
    }

    /// All of it.
    pub(super) fn snippet(&self) -> Snippet<'_> {
        Snippet { source: self, start: 0, end: self.text.len() }
    }
}

/// How many bytes of `rest` are a backslash at the end of a line with all the white space after it.
fn line_continuation(rest: &str) -> usize {
    let Some(after) = rest.strip_prefix('\\') else { return 0 };
    let blank = after.len() - after.trim_start_matches([' ', '\t', '\r', '\n']).len();
    if blank > 0 && after[..blank].contains('\n') { 1 + blank } else { 0 }
}

/// How long an escape is in the file, from its backslash.
fn escape_width(kind: u8) -> usize {
    match kind {
        b'u' => 6,
        b'U' => 10,
        b'x' => 4,
        _ => 2,
    }
}

/// A piece of a [`Source`].
#[derive(Clone, Copy)]
pub(super) struct Snippet<'s> {
    source: &'s Source,
    start: usize,
    end: usize,
}

impl<'s> Snippet<'s> {
    /// The text.
    pub(super) fn as_str(self) -> &'s str {
        &self.source.text[self.start..self.end]
    }

    /// Where the byte at `index` (the end of the text included) stands in the file.
    pub(super) fn offset(self, index: usize) -> usize {
        self.source.at[(self.start + index).min(self.source.text.len())]
    }

    /// A part of it.
    pub(super) fn slice(self, range: Range<usize>) -> Self {
        Self { source: self.source, start: self.start + range.start, end: self.start + range.end }
    }

    /// From `index` on.
    pub(super) fn from(self, index: usize) -> Self {
        Self { start: self.start + index, ..self }
    }

    /// Without white space at both ends.
    pub(super) fn trim(self) -> Self {
        let text = self.as_str();
        let start = text.len() - text.trim_start().len();
        self.slice(start..start + text.trim().len())
    }

    /// Cut at the first `mark` that does not stand in a hole.
    pub(super) fn split_once(self, mark: char) -> Option<(Self, Self)> {
        let at = find_outside_holes(self.as_str(), mark)?;
        Some((self.slice(0..at), self.from(at + mark.len_utf8())))
    }

    /// Cut at every `mark` that does not stand in a hole.
    pub(super) fn split(self, mark: char) -> Vec<Self> {
        let (mut parts, mut rest) = (Vec::new(), self);
        while let Some((part, after)) = rest.split_once(mark) {
            parts.push(part);
            rest = after;
        }
        parts.push(rest);
        parts
    }
}

fn find_outside_holes(text: &str, mark: char) -> Option<usize> {
    let mut index = 0;
    while let Some(next) = text[index..].chars().next() {
        if text[index..].starts_with("{{") {
            index = text[index..].find("}}").map_or(text.len(), |end| index + end + 2);
        } else if next == mark {
            return Some(index);
        } else {
            index += next.len_utf8();
        }
    }
    None
}
