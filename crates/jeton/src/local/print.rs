//! What commands print. Data goes to standard output, as aligned text or as one line of JSON; what was done is
//! told on standard error.

use std::io::{self, ErrorKind, Write};

use jeton_core::time::Timestamp;
use serde_json::{Map, Value};

use super::Local;

/// One thing, by member.
pub(crate) type Record = Map<String, Value>;

/// Builds a [`Record`] from `"name": value` members, in this order.
macro_rules! record {
    ($($name:literal: $value:expr),+ $(,)?) => {{
        let mut record = $crate::local::print::Record::new();
        $(record.insert($name.to_owned(), serde_json::Value::from($value));)+
        record
    }};
}
pub(crate) use record;

impl Local {
    /// Prints one thing.
    pub(super) fn show(&self, record: Record) -> anyhow::Result<()> {
        show(record, self.json)
    }

    /// Prints a table with a row for each thing; `empty` is said when there is none.
    pub(super) fn list(&self, rows: Vec<Record>, empty: &str) -> anyhow::Result<()> {
        list(rows, empty, self.json)
    }
}

/// Prints a table with a row for each thing, for a command that has no opened store.
pub(crate) fn list(rows: Vec<Record>, empty: &str, json: bool) -> anyhow::Result<()> {
    if json {
        return print(&Value::Array(rows.into_iter().map(Value::Object).collect()).to_string());
    }
    match rows.is_empty() {
        true => {
            say(empty);
            Ok(())
        }
        false => show_table(&rows),
    }
}

/// Prints one thing, for a command that has no opened store.
pub(crate) fn show(record: Record, json: bool) -> anyhow::Result<()> {
    match json {
        true => print(&Value::Object(record).to_string()),
        false => print(&lines(&record)),
    }
}

/// Prints a table with a row for each of `rows`, which are not none.
pub(crate) fn show_table(rows: &[Record]) -> anyhow::Result<()> {
    print(&table(rows))
}

/// Says what was done.
pub(crate) fn say(text: &str) {
    anstream::eprintln!("{}", visible(text));
}

/// A time, to the second.
pub(crate) fn time(at: Timestamp) -> Value {
    Value::from(at.whole_secs().to_string())
}

/// A time, or nothing.
pub(crate) fn maybe_time(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, time)
}

/// A list of texts.
pub(crate) fn texts<T: Into<Value>>(items: impl IntoIterator<Item = T>) -> Value {
    Value::Array(items.into_iter().map(Into::into).collect())
}

/// Prints a text and a line end.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    match writeln!(io::stdout().lock(), "{text}") {
        // Whoever reads has seen enough, as in `… | head`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => Ok(done?),
    }
}

/// `name  value`, a line each; what has several values goes on below itself.
fn lines(record: &Record) -> String {
    let width = record.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut out = Vec::new();
    for (name, value) in record {
        let values = match value {
            Value::Array(items) if !items.is_empty() => items.iter().map(cell).collect(),
            Value::Object(members) if !members.is_empty() => {
                members.iter().map(|(name, value)| format!("{}={}", visible(name), cell(value))).collect()
            }
            value => vec![cell(value)],
        };
        for (at, value) in values.iter().enumerate() {
            let name = if at == 0 { name.as_str() } else { "" };
            out.push(format!("{name:width$}  {value}"));
        }
    }
    out.join("\n")
}

fn table(rows: &[Record]) -> String {
    let Some(first) = rows.first() else { return String::new() };
    let mut cells: Vec<Vec<String>> = vec![first.keys().map(|name| name.to_uppercase().replace('_', " ")).collect()];
    cells.extend(rows.iter().map(|row| row.values().map(cell).collect()));
    let widths: Vec<usize> = (0..first.len())
        .map(|column| {
            cells.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let line = |row: &Vec<String>| {
        let padded = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    cells.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => visible(text),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(" "),
        Value::Object(members) if members.is_empty() => "-".to_owned(),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| format!("{}={}", visible(name), cell(value)));
            members.collect::<Vec<_>>().join("  ")
        }
        Value::Number(number) => number.to_string(),
    }
}

/// What others wrote, such as a name in a token, must not steer the terminal.
fn visible(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_aligned_and_harmless() {
        let rows = [
            record! { "name": "ana", "enabled": true, "last_used": Value::Null },
            record! { "name": "jürgen\u{1b}[2J", "enabled": false, "last_used": "now" },
        ];
        let expected =
            ["NAME             ENABLED  LAST USED", "ana              yes      -", "jürgen\\u{1b}[2J  no       now"];
        assert_eq!(table(&rows), expected.join("\n"));
        let one = record! { "id": 7, "scopes": texts(["a", "b"]), "none": texts(Vec::<String>::new()) };
        assert_eq!(lines(&one), "id      7\nscopes  a\n        b\nnone    -");
    }
}
