//! JSON by its template: members by name, elements by position.

use super::super::json::Json;
use super::super::noun::Kind;
use super::super::template::{Content, Hole, Item, Member, Node, Text};
use super::super::values::Value;
use super::{Reader, Step, elsewhere, refuse};
use crate::domain::refusal::Reason;

impl Reader<'_> {
    /// A JSON value that is called `wire`; empty for the whole body.
    pub(in super::super) fn json(&mut self, node: &Node, found: Option<&Json>, wire: &str) -> Step {
        let present = found.filter(|json| **json != Json::Null);
        match node {
            Node::Literal(raw) => {
                let same = Json::parse(raw.as_bytes()).as_ref() == Some(found.unwrap_or(&Json::Null));
                self.literal(same, present.is_none(), wire)
            }
            Node::Text(text) => self.json_text(text, present, wire),
            Node::Native(hole) => self.native(hole, present, wire),
            Node::Object { members, .. } => match present {
                None => members.iter().try_for_each(|member| self.json(&member.node, None, &member.name)),
                Some(Json::Object(found)) => members.iter().try_for_each(|member| {
                    if member.names_field {
                        return self.field(members, member, found);
                    }
                    let value = match Json::member(found, &member.name) {
                        Err(_) => {
                            self.twice(false, &member.name)?;
                            found.iter().find(|(name, _)| *name == member.name).map(|(_, json)| json)
                        }
                        Ok(value) => value,
                    };
                    self.json(&member.node, value, &member.name)
                }),
                Some(_) => self.wrong_json(wire, "must be a JSON object", |reader| reader.json(node, None, wire)),
            },
            Node::Array { items, .. } => match present {
                None => items.iter().try_for_each(|item| self.json(&item.node, None, wire)),
                Some(Json::Array(found)) if found.len() <= items.len() || !self.strict || is_repeated(items) => {
                    items.iter().enumerate().try_for_each(|(index, item)| match &item.node {
                        Node::Text(text) if text.repeated().is_some() => {
                            let rest = found.get(index..).unwrap_or_default();
                            self.words(text, rest.iter().map(as_string), wire)
                        }
                        node => match element(items, index, found) {
                            None if node.may_be_silent() => Ok(()),
                            element => self.json(node, element, wire),
                        },
                    })
                }
                Some(Json::Array(_)) => Err(refuse(Reason::Malformed, wire, "has too many elements")),
                Some(_) => self.wrong_json(wire, "must be an array", |reader| reader.json(node, None, wire)),
            },
            Node::Choice { setting, ways } => {
                let fitting = ways.iter().find(|(_, way)| present.is_some_and(|json| fits(way, json)));
                match fitting.or(ways.first()) {
                    Some((name, way)) => {
                        self.json(way, found, wire)?;
                        self.put(setting, Value::from(name.as_str()), wire)
                    }
                    None => Ok(()),
                }
            }
        }
    }

    /// The member that is called as the field which a refusal is about: the first that no other one of the template is.
    fn field(&mut self, members: &[Member], member: &Member, found: &[(String, Json)]) -> Step {
        let other = |name: &str| members.iter().any(|other| other.name == name);
        match found.iter().find(|(name, _)| !other(name)) {
            Some((name, value)) => {
                self.put("field", Value::from(name.as_str()), name)?;
                self.json(&member.node, Some(value), name)
            }
            None => self.literal(false, true, &member.name),
        }
    }

    fn json_text(&mut self, text: &Text, found: Option<&Json>, wire: &str) -> Step {
        match found {
            None => self.text(text, None, wire),
            Some(Json::String(string)) => self.text(text, Some(string), wire),
            Some(_) if text.literal().is_some() => self.literal(false, false, wire),
            Some(_) if self.strict => self.misfit(text, wire, "must be a string"),
            Some(Json::Integer(number)) => {
                self.deviate("text_as_number", wire, "a number");
                self.text(text, Some(&number.to_string()), wire)
            }
            Some(Json::Bool(flag)) => {
                self.deviate("text_as_bool", wire, "true or false");
                self.text(text, Some(&flag.to_string()), wire)
            }
            Some(_) => self.wrong_json(wire, "must be a string", |reader| reader.text(text, None, wire)),
        }
    }

    fn native(&mut self, hole: &Hole, found: Option<&Json>, wire: &str) -> Step {
        let is_bool = hole.content == Content::Slot(Kind::Bool);
        match found {
            None => {
                self.absent(hole, wire);
                Ok(())
            }
            Some(_) if !matches!(hole.content, Content::Slot(_)) => Ok(()),
            Some(Json::Integer(number)) if !is_bool => self.hole(hole, &number.to_string(), wire),
            // A number of seconds with a fraction: rounded down, where the answer is not ours.
            Some(Json::Number(number)) if !is_bool && !self.strict && number.abs() < MAX_EXACT => {
                self.deviate("fraction", wire, "a number with a fraction, and rounded down");
                self.hole(hole, &format!("{:.0}", number.floor()), wire)
            }
            Some(Json::Bool(flag)) if is_bool => self.hole(hole, &flag.to_string(), wire),
            Some(Json::String(text)) if !self.strict => {
                self.deviate(if is_bool { "bool_as_text" } else { "number_as_text" }, wire, "a string");
                self.hole(hole, text, wire)
            }
            Some(_) => {
                if self.guards.iter().any(|guard| guard.hole == hole.name) {
                    return Err(elsewhere(wire));
                }
                let what = if is_bool { "must be true or false" } else { "must be a whole number" };
                self.wrong_json(wire, what, |reader| {
                    reader.absent(hole, wire);
                    Ok(())
                })
            }
        }
    }

    fn wrong_json(&mut self, wire: &str, what: &str, otherwise: impl FnOnce(&mut Self) -> Step) -> Step {
        if self.strict {
            return Err(refuse(Reason::Malformed, wire, what));
        }
        self.deviate("wrong_type", wire, "of another type, and passed over");
        otherwise(self)
    }
}

/// Whole numbers below this are exact (2^53).
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

fn is_repeated(items: &[Item]) -> bool {
    matches!(items.last(), Some(Item { node: Node::Text(text), .. }) if text.repeated().is_some())
}

/// What stands in a list for an item of the template: the element with the same naming members, wherever it is, or
/// the one in the same position if nothing names it.
fn element<'j>(items: &[Item], index: usize, found: &'j [Json]) -> Option<&'j Json> {
    let node = &items.get(index)?.node;
    if node.naming().next().is_none() {
        return found.get(index);
    }
    let says = |json: &Json, name: &str, literal: &str| match json {
        Json::Object(members) => members.iter().any(|(known, json)| known == name && as_string(json) == Some(literal)),
        _ => false,
    };
    let before = items.iter().take(index).filter(|item| item.node.naming().eq(node.naming())).count();
    found.iter().filter(|json| node.naming().all(|(name, literal)| says(json, name, literal))).nth(before)
}

fn as_string(json: &Json) -> Option<&str> {
    match json {
        Json::String(text) => Some(text),
        _ => None,
    }
}

/// Whether a JSON value has every member that the template always has.
fn fits(node: &Node, json: &Json) -> bool {
    match (node, json) {
        (Node::Object { members, .. }, Json::Object(found)) => {
            members.iter().filter(|member| !member.names_field && !member.node.is_optional()).all(|member| {
                found.iter().find(|(name, _)| *name == member.name).is_some_and(|(_, json)| fits(&member.node, json))
            })
        }
        (Node::Object { .. }, _) => false,
        _ => true,
    }
}
