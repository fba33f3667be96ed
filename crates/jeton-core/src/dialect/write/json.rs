//! JSON by its template.

use std::borrow::Cow;

use super::super::message::WriteError;
use super::super::parse::FIELD;
use super::super::percent::Coding;
use super::super::template::{Member, Node};
use super::super::values::Value;
use super::Writer;

impl Writer<'_> {
    pub(in super::super) fn json_text(&self, node: &Node) -> Result<String, WriteError> {
        let mut out = String::new();
        if !self.json(node, &mut out)? {
            out.push_str(if matches!(node, Node::Array { .. }) { "[]" } else { "{}" });
        }
        Ok(out)
    }

    /// Writes a JSON value; false if it goes away, and then nothing is written.
    fn json(&self, node: &Node, out: &mut String) -> Result<bool, WriteError> {
        match node {
            Node::Literal(raw) => out.push_str(raw),
            Node::Text(text) => {
                let Some(text) = self.text(text, Coding::Json)? else { return Ok(false) };
                out.push('"');
                out.push_str(&text);
                out.push('"');
            }
            Node::Native(hole) => match self.hole(hole)? {
                Some(text) => out.push_str(&text),
                None => return Ok(false),
            },
            Node::Object { members, end } => {
                let names = members.iter().map(|member| self.member_name(member)).collect::<Result<Vec<_>, _>>()?;
                let parts = members.iter().zip(&names);
                let parts = parts.map(|(member, name)| (&member.before, name.as_ref(), &member.node, &member.after));
                return self.json_list(parts, ['{', '}'], end, out);
            }
            Node::Array { items, end } => {
                let parts = items.iter().map(|item| (&item.before, "", &item.node, &item.after));
                return self.json_list(parts, ['[', ']'], end, out);
            }
            Node::Choice { setting, ways } => return self.json(self.way(setting, ways)?, out),
        }
        Ok(true)
    }

    /// A member's name with its quotes and the colon.
    fn member_name<'m>(&self, member: &'m Member) -> Result<Cow<'m, str>, WriteError> {
        if !member.names_field {
            return Ok(Cow::Borrowed(&member.written));
        }
        let field = self.values.text("field").ok_or_else(|| WriteError::Missing("field".to_owned()))?;
        Ok(Cow::Owned(member.written.replacen(FIELD, &self.escape.apply(field), 1)))
    }

    /// Members or elements between brackets. If all of them go away, so does the whole.
    fn json_list<'n>(
        &self,
        parts: impl Iterator<Item = (&'n String, &'n str, &'n Node, &'n String)>,
        brackets: [char; 2],
        end: &str,
        out: &mut String,
    ) -> Result<bool, WriteError> {
        let (mut written, mut dropped) = (Vec::new(), false);
        for (before, name, node, after) in parts {
            if let Node::Text(text) = node
                && let Some(hole) = text.repeated()
            {
                let words = self.words(text, hole, Coding::Json)?;
                dropped |= words.is_empty();
                written.extend(words.into_iter().map(|word| format!("{before}{name}\"{word}\"{after}")));
                continue;
            }
            if brackets[0] == '[' && node.may_be_silent() && self.is_silent(node) {
                dropped = true;
                continue;
            }
            let mut value = String::new();
            match self.json(node, &mut value)? {
                true => written.push(format!("{before}{name}{value}{after}")),
                false => dropped = true,
            }
        }
        if written.is_empty() && dropped {
            return Ok(false);
        }
        out.push(brackets[0]);
        out.push_str(&written.join(","));
        out.push_str(end);
        out.push(brackets[1]);
        Ok(true)
    }

    /// Whether no value of it is there.
    fn is_silent(&self, node: &Node) -> bool {
        let mut silent = true;
        node.each_slot(&mut |hole, _| silent &= self.value(hole).is_none());
        silent
    }

    pub(super) fn way<'w, T>(&self, setting: &str, ways: &'w [(String, T)]) -> Result<&'w T, WriteError> {
        let chosen = match self.settings.get(setting).or_else(|| self.values.get(setting)) {
            Some(Value::Text(name)) => ways.iter().find(|(way, _)| way == name),
            Some(_) => None,
            None => ways.first(),
        };
        chosen.map(|(_, node)| node).ok_or_else(|| {
            let known: Vec<_> = ways.iter().map(|(way, _)| way.as_str()).collect();
            WriteError::Setting { name: setting.to_owned(), known: known.join(", ") }
        })
    }
}

impl Node {
    /// The names of the alternatives that `setting` chooses from, if this holds such.
    pub(in super::super) fn choices(&self, setting: &str) -> Vec<&str> {
        match self {
            Self::Choice { setting: name, ways } if name == setting => {
                ways.iter().map(|(way, _)| way.as_str()).collect()
            }
            Self::Choice { ways, .. } => ways.iter().flat_map(|(_, node)| node.choices(setting)).collect(),
            Self::Object { members, .. } => members.iter().flat_map(|member| member.node.choices(setting)).collect(),
            Self::Array { items, .. } => items.iter().flat_map(|item| item.node.choices(setting)).collect(),
            Self::Literal(_) | Self::Text(_) | Self::Native(_) => Vec::new(),
        }
    }
}
