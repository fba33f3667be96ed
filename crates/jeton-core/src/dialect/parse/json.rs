//! JSON with holes in it.

use super::super::json::MAX_DEPTH;
use super::super::noun::Kind;
use super::super::percent::Coding;
use super::super::source::Snippet;
use super::super::template::{Content, Hole, Item, Mark, Member, Node, Piece, Text};
use super::{Parser, Ways};

/// How far a JSON template has been read.
struct Cursor<'s> {
    all: Snippet<'s>,
    at: usize,
    depth: usize,
}

impl<'s> Cursor<'s> {
    fn rest(&self) -> &'s str {
        &self.all.as_str()[self.at..]
    }

    fn offset(&self) -> usize {
        self.all.offset(self.at)
    }

    fn space(&mut self) -> String {
        let rest = self.rest();
        let space = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
        self.at += space;
        rest[..space].to_owned()
    }

    fn take(&mut self, expected: char) -> bool {
        let taken = self.rest().starts_with(expected);
        self.at += if taken { expected.len_utf8() } else { 0 };
        taken
    }
}

/// The name of a member that is called as the field that a refusal is about.
pub(in super::super) const FIELD: &str = "{{field}}";

fn is_field(text: &Text) -> bool {
    let plain = |hole: &Hole| hole.name == "field" && hole.mark == Mark::Required && hole.through.is_empty();
    matches!(text.pieces.as_slice(), [Piece::Hole(hole)] if plain(hole))
}

impl Parser<'_> {
    /// A whole JSON text.
    pub(super) fn json(&mut self, snippet: Snippet<'_>) -> Option<Node> {
        let mut cursor = Cursor { all: snippet.trim(), at: 0, depth: 0 };
        let node = self.value(&mut cursor)?;
        cursor.space();
        if !cursor.rest().is_empty() {
            self.mistake(cursor.offset(), "the JSON goes on after its end");
            return None;
        }
        Some(node)
    }

    fn value(&mut self, cursor: &mut Cursor<'_>) -> Option<Node> {
        let rest = cursor.rest();
        if rest.starts_with("{{") {
            return self.bare_hole(cursor);
        }
        match rest.chars().next() {
            Some('"') => Some(Node::Text(self.string(cursor)?)),
            Some('{' | '[') if cursor.depth >= MAX_DEPTH => {
                self.mistake(cursor.offset(), format!("the JSON is nested more than {MAX_DEPTH} deep"));
                None
            }
            Some('{') => self.object(cursor),
            Some('[') => self.array(cursor),
            _ => self.word_or_number(cursor),
        }
    }

    /// A hole that stands for a value without quotes.
    fn bare_hole(&mut self, cursor: &mut Cursor<'_>) -> Option<Node> {
        let inside = self.bare(cursor)?;
        if self.parts.iter().any(|part| part.name == inside.as_str()) {
            return self.json_part(inside);
        }
        let hole = self.hole(inside)?;
        self.check_native(inside, &hole);
        Some(Node::Native(hole))
    }

    fn bare<'s>(&mut self, cursor: &mut Cursor<'s>) -> Option<Snippet<'s>> {
        let Some(close) = cursor.rest().find("}}") else {
            self.mistake_help(cursor.offset(), "this hole has no end", "close it with `}}`");
            return None;
        };
        let inside = cursor.all.slice(cursor.at + 2..cursor.at + close);
        cursor.at += close + 2;
        Some(inside)
    }

    fn json_part(&mut self, name: Snippet<'_>) -> Option<Node> {
        let node = match self.enter_part(name)? {
            Ways::Listed(sources) => match sources.as_slice() {
                [source] => self.json(source.snippet()),
                _ => {
                    let message = format!("the part `{}` is a list, which stands in text only", name.as_str());
                    let help = format!("write [part.{}] with a name for each alternative", name.as_str());
                    self.mistake_help(name.offset(0), message, help);
                    None
                }
            },
            Ways::Named(ways) => {
                let count = ways.len();
                let ways: Vec<_> =
                    ways.into_iter().filter_map(|(way, source)| Some((way, self.json(source.snippet())?))).collect();
                (ways.len() == count).then(|| Node::Choice { setting: name.as_str().to_owned(), ways })
            }
        };
        self.open.pop();
        node
    }

    fn check_native(&mut self, inside: Snippet<'_>, hole: &Hole) {
        let kind = match &hole.content {
            Content::Slot(kind) => *kind,
            Content::Setting => self.fields.iter().find(|field| field.name == hole.name).map_or(Kind::Text, |f| f.kind),
            Content::Any => Kind::Number,
            Content::Part(_) => Kind::Text,
        };
        self.check_transforms(inside, hole, kind);
        let numeric = match hole.through.as_slice() {
            [] => matches!(kind, Kind::Number | Kind::Bool),
            [only] => only.makes_number(),
            _ => false,
        };
        if !numeric {
            let message = format!("`{}` is text and stands without quotes", hole.name);
            self.mistake_help(inside.offset(0), message, "write \"{{…}}\"");
        }
        if let Mark::Default(text) = &hole.mark
            && !serde_json::from_str::<serde_json::Value>(text).is_ok_and(|json| !json.is_object() && !json.is_array())
        {
            self.mistake(inside.offset(0), format!("`{text}` is not a JSON value"));
        }
    }

    fn string(&mut self, cursor: &mut Cursor<'_>) -> Option<Text> {
        let start = cursor.at + 1;
        let end = start + self.string_end(cursor)?;
        cursor.at = end + 1;
        Some(self.text(cursor.all.slice(start..end), Coding::Json))
    }

    /// Where the string ends that begins here, counted from behind its first quote.
    fn string_end(&mut self, cursor: &Cursor<'_>) -> Option<usize> {
        let inside = &cursor.rest()[1..];
        let mut index = 0;
        while let Some(char) = inside[index..].chars().next() {
            match char {
                '"' => return Some(index),
                '{' if inside[index..].starts_with("{{") => {
                    index += inside[index..].find("}}").map_or(inside.len() - index, |close| close + 2);
                }
                '\\' => index += 1 + inside[index + 1..].chars().next().map_or(0, char::len_utf8),
                _ => index += char.len_utf8(),
            }
        }
        self.mistake(cursor.offset(), "this string has no end");
        None
    }

    fn object(&mut self, cursor: &mut Cursor<'_>) -> Option<Node> {
        cursor.take('{');
        cursor.depth += 1;
        let mut members: Vec<Member> = Vec::new();
        let end = loop {
            let before = cursor.space();
            if members.is_empty() && cursor.take('}') {
                break before;
            }
            let member = self.member(cursor, before)?;
            if members.iter().any(|known| known.name == member.name) {
                self.mistake(cursor.offset(), format!("the member `{}` stands twice", member.name));
            }
            members.push(member);
            match self.comma_or(cursor, '}')? {
                true => {}
                // White space before the closing brace goes with the brace, not with the last member.
                false => break members.last_mut().map(|last| std::mem::take(&mut last.after)).unwrap_or_default(),
            }
        };
        cursor.depth -= 1;
        Some(Node::Object { members, end })
    }

    fn member(&mut self, cursor: &mut Cursor<'_>, before: String) -> Option<Member> {
        let start = cursor.at;
        if !cursor.rest().starts_with('"') {
            self.mistake(cursor.offset(), "a member's name in quotes is needed here");
            return None;
        }
        let name_at = cursor.offset();
        let text = self.string(cursor)?;
        let names_field = self.refusing && is_field(&text);
        let name = match text.literal() {
            Some(literal) => literal.to_owned(),
            None if names_field => FIELD.to_owned(),
            None => {
                let help = "in a refusal it can be \"{{field}}\", the name of what is wrong";
                self.mistake_help(name_at, "a member's name cannot have holes", help);
                return None;
            }
        };
        cursor.space();
        if !cursor.take(':') {
            self.mistake(cursor.offset(), "`:` is needed here");
            return None;
        }
        cursor.space();
        let written = cursor.all.as_str()[start..cursor.at].to_owned();
        let node = self.value(cursor)?;
        let after = cursor.space();
        Some(Member { before, name, names_field, written, node, after })
    }

    fn array(&mut self, cursor: &mut Cursor<'_>) -> Option<Node> {
        cursor.take('[');
        cursor.depth += 1;
        let mut items: Vec<Item> = Vec::new();
        let end = loop {
            let before = cursor.space();
            if items.is_empty() && cursor.take(']') {
                break before;
            }
            let item_at = cursor.offset();
            let node = self.value(cursor)?;
            let repeats = matches!(&node, Node::Text(text) if self.is_repeated(text));
            let after = cursor.space();
            items.push(Item { before, node, after });
            match self.comma_or(cursor, ']')? {
                true if repeats => self.mistake(item_at, "what `*` repeats is the last of its list"),
                true => {}
                false => break items.last_mut().map(|last| std::mem::take(&mut last.after)).unwrap_or_default(),
            }
        };
        cursor.depth -= 1;
        Some(Node::Array { items, end })
    }

    fn comma_or(&mut self, cursor: &mut Cursor<'_>, close: char) -> Option<bool> {
        if cursor.take(',') {
            return Some(true);
        }
        if cursor.take(close) {
            return Some(false);
        }
        self.mistake(cursor.offset(), format!("`,` or `{close}` is needed here"));
        None
    }

    fn word_or_number(&mut self, cursor: &mut Cursor<'_>) -> Option<Node> {
        let rest = cursor.rest();
        let end = rest.find([',', '}', ']', ' ', '\t', '\n', '\r']).unwrap_or(rest.len());
        let word = &rest[..end];
        if serde_json::from_str::<serde_json::Value>(word).is_err() {
            self.mistake(cursor.offset(), "a JSON value or a hole is needed here");
            return None;
        }
        cursor.at += end;
        Some(Node::Literal(word.to_owned()))
    }
}
