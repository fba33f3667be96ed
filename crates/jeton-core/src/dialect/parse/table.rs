//! TOML tables with the spans of what stands in them.

use std::time::Duration;

use toml_edit::{Item, TableLike, Value};

use super::super::source::Source;
use super::Parser;

/// A table and where it begins.
#[derive(Clone, Copy)]
pub(super) struct Keys<'d> {
    pub(super) table: &'d dyn TableLike,
    pub(super) at: usize,
}

/// One key of a table with what stands behind it.
#[derive(Clone, Copy)]
pub(super) struct Entry<'d> {
    pub(super) name: &'d str,
    /// Where the key stands.
    pub(super) key_at: usize,
    /// Where the value stands.
    pub(super) at: usize,
    pub(super) item: &'d Item,
}

impl<'d> Keys<'d> {
    /// All keys in the order of the file.
    pub(super) fn entries(self) -> Vec<Entry<'d>> {
        self.table.iter().filter_map(|(name, _)| self.get(name)).collect()
    }

    pub(super) fn get(self, name: &str) -> Option<Entry<'d>> {
        let (key, item) = self.table.get_key_value(name)?;
        if item.is_none() {
            return None;
        }
        let key_at = key.span().map_or(self.at, |span| span.start);
        let at = item.span().map_or(key_at, |span| span.start);
        Some(Entry { name: key.get(), key_at, at, item })
    }
}

impl<'d> Entry<'d> {
    pub(super) fn string(self) -> Option<&'d str> {
        self.item.as_str()
    }
}

impl Parser<'_> {
    /// Reports every key that is not one of `known`.
    pub(super) fn only(&mut self, keys: Keys<'_>, known: &[&str]) {
        for entry in keys.entries() {
            if !known.contains(&entry.name) {
                self.unknown(entry.key_at, "key", entry.name, known.iter().copied());
            }
        }
    }

    /// The value behind `name`, or a mistake that it is missing.
    pub(super) fn needed<'d>(&mut self, keys: Keys<'d>, name: &str, example: &str) -> Option<Entry<'d>> {
        let entry = keys.get(name);
        if entry.is_none() {
            self.mistake_help(keys.at, format!("`{name}` is missing"), format!("write {example}"));
        }
        entry
    }

    pub(super) fn table<'d>(&mut self, entry: Entry<'d>) -> Option<Keys<'d>> {
        let table = entry.item.as_table_like();
        if table.is_none() {
            self.mistake(entry.at, format!("`{}` must be a table", entry.name));
        }
        table.map(|table| Keys { table, at: entry.at })
    }

    /// The tables of `[[name]]`.
    pub(super) fn tables<'d>(&mut self, keys: Keys<'d>, name: &str) -> Vec<Keys<'d>> {
        let Some(entry) = keys.get(name) else { return Vec::new() };
        let Some(tables) = entry.item.as_array_of_tables() else {
            self.mistake_help(entry.key_at, format!("`{name}` is a list of tables"), format!("write [[{name}]]"));
            return Vec::new();
        };
        tables.iter().map(|table| Keys { table, at: table.span().map_or(entry.key_at, |span| span.start) }).collect()
    }

    pub(super) fn text_of<'d>(&mut self, entry: Entry<'d>) -> Option<&'d str> {
        let text = entry.string();
        if text.is_none() {
            self.mistake(entry.at, format!("`{}` must be a string", entry.name));
        }
        text
    }

    /// A string with the place of each of its bytes.
    pub(super) fn source(&mut self, entry: Entry<'_>) -> Option<Source> {
        let text = self.text_of(entry)?;
        Some(Source::of_toml(self.text, entry.item.span().unwrap_or_default(), text))
    }

    /// A string, or a list of strings, as one list.
    pub(super) fn sources(&mut self, entry: Entry<'_>) -> Vec<Source> {
        let Some(array) = entry.item.as_array() else {
            return self.source(entry).into_iter().collect();
        };
        if array.is_empty() {
            self.mistake(entry.at, format!("`{}` is empty", entry.name));
        }
        array.iter().filter_map(|value| self.element(entry, value)).collect()
    }

    fn element(&mut self, entry: Entry<'_>, value: &Value) -> Option<Source> {
        let span = value.span().unwrap_or_default();
        match value.as_str() {
            Some(text) => Some(Source::of_toml(self.text, span, text)),
            None => {
                self.mistake(span.start, format!("`{}` must hold strings", entry.name));
                None
            }
        }
    }

    pub(super) fn flag(&mut self, entry: Entry<'_>) -> Option<bool> {
        let flag = entry.item.as_bool();
        if flag.is_none() {
            self.mistake(entry.at, format!("`{}` must be true or false", entry.name));
        }
        flag
    }

    /// One of a closed list of words.
    pub(super) fn word<T: Copy>(&mut self, entry: Entry<'_>, known: &[(&str, T)]) -> Option<T> {
        let text = self.text_of(entry)?;
        let found = known.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            self.unknown(entry.at, &format!("value of `{}`:", entry.name), text, known.iter().map(|(word, _)| *word));
        }
        found
    }

    /// A span of time such as `"1h"`.
    pub(super) fn duration(&mut self, entry: Entry<'_>) -> Option<Duration> {
        let text = self.text_of(entry)?;
        let duration = duration(text);
        if duration.is_none() {
            let message = format!("`{text}` is not a span of time");
            self.mistake_help(entry.at, message, "write a number and s, m, h or d, such as \"1h\" or \"30d\"");
        }
        duration
    }
}

/// A positive number and a unit.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let count: u32 = text[..text.len() - 1].parse().ok().filter(|count| *count > 0)?;
    Some(Duration::from_secs(u64::from(count) * unit))
}
