//! Bodies written down with holes: the same structure, with a hole where a value stood.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

use super::request::Fill;

/// One place of a message with the text that a page has there.
pub(super) struct Leaf<'l> {
    pub(super) part: Part,
    /// The name of the pair, header, member or element; a member's with the names above it, `user.id`.
    pub(super) name: &'l str,
    pub(super) value: &'l str,
    /// Whether it is a JSON value without quotes.
    pub(super) native: bool,
}

impl Leaf<'_> {
    /// The last of its names.
    pub(super) fn own_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }
}

/// A part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Path,
    Query,
    Header,
    Cookie,
    Form,
    Json,
    Xml,
    Text,
}

const LEFT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const IN_SEGMENT: &AsciiSet = &LEFT
    .remove(b':')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b',')
    .remove(b';')
    .remove(b'=');

/// Percent-encodes a name or value.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, LEFT).to_string()
}

/// Percent-encodes what needs it in a segment of a path.
pub(super) fn encode_segment(text: &str) -> String {
    utf8_percent_encode(text, IN_SEGMENT).to_string()
}

/// Undoes percent-encoding.
pub(super) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// `a=b&c=d`, decoded.
pub(super) fn pairs(text: &str) -> Vec<(String, String)> {
    let plain = |text: &str| decode(&text.replace('+', " "));
    let pair = |pair: &str| {
        let (name, value) = pair.trim().split_once('=').unwrap_or((pair.trim(), ""));
        (plain(name), plain(value))
    };
    text.split('&').filter(|part| !part.trim().is_empty()).map(pair).collect()
}

/// Pairs of a query or a form.
pub(super) fn write_pairs(pairs: &[(String, String)], part: Part, fill: Fill<'_>) -> String {
    let pair = |(name, value): &(String, String)| {
        let hole = fill(&Leaf { part, name, value, native: false });
        format!("{}={}", encode(name), hole.map_or_else(|| encode(value), |hole| format!("{{{{{hole}}}}}")))
    };
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// JSON without white space, as programs send it.
pub(super) fn write_json(value: &Value, name: &str, fill: Fill<'_>) -> String {
    match value {
        Value::Object(members) => {
            let member = |(own, value): (&String, &Value)| {
                let path = if name.is_empty() { own.clone() } else { format!("{name}.{own}") };
                format!("{}:{}", Value::from(own.as_str()), write_json(value, &path, fill))
            };
            format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| write_json(item, name, fill)).collect();
            format!("[{}]", items.join(","))
        }
        Value::String(text) => match fill(&Leaf { part: Part::Json, name, value: text, native: false }) {
            Some(hole) => format!("\"{{{{{hole}}}}}\""),
            None => literal(value),
        },
        Value::Null => "null".to_owned(),
        native => match fill(&Leaf { part: Part::Json, name, value: &native.to_string(), native: true }) {
            Some(hole) => format!("{{{{{hole}}}}}"),
            None => native.to_string(),
        },
    }
}

/// A JSON string that stays as it is. Braces in it must not look like a hole.
fn literal(value: &Value) -> String {
    value.to_string().replace("{{", "{\\u007b")
}

/// XML with holes in its texts and attributes; white space, prefixes and namespaces stay.
pub(super) fn write_xml(text: &str, fill: Fill<'_>) -> String {
    let mut out = String::new();
    let mut rest = text.trim();
    let mut name = String::new();
    while let Some(open) = rest.find('<') {
        let before = &rest[..open];
        let inside = before.trim();
        match inside.is_empty() {
            true => out.push_str(before),
            false => out.push_str(&xml_text(&name, inside, fill)),
        }
        let end = rest[open..].find('>').map_or(rest.len(), |end| open + end + 1);
        let tag = &rest[open..end];
        if tag.starts_with("</") || tag.starts_with("<?") || tag.starts_with("<!") {
            out.push_str(tag);
        } else {
            let word = tag[1..].split([' ', '\n', '\t', '>', '/']).next().unwrap_or_default();
            name = word.rsplit(':').next().unwrap_or(word).to_owned();
            out.push_str(&xml_attributes(tag, fill));
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

fn xml_text(name: &str, text: &str, fill: Fill<'_>) -> String {
    match fill(&Leaf { part: Part::Xml, name, value: text, native: false }) {
        Some(hole) => format!("{{{{{hole}}}}}"),
        None => text.to_owned(),
    }
}

/// A start tag with holes in its attributes, those of namespaces left alone.
fn xml_attributes(tag: &str, fill: Fill<'_>) -> String {
    let mut out = String::new();
    let mut rest = tag;
    while let Some(equals) = rest.find('=') {
        let (before, behind) = rest.split_at(equals + 1);
        out.push_str(before);
        let Some(quote) = behind.chars().next().filter(|quote| matches!(quote, '"' | '\'')) else {
            rest = behind;
            continue;
        };
        let Some((value, after)) = behind[1..].split_once(quote) else {
            rest = behind;
            break;
        };
        let name = before.trim_end_matches('=').rsplit([' ', '\n', '\t']).next().unwrap_or_default();
        let value = match name.starts_with("xmlns") {
            true => value.to_owned(),
            false => xml_text(name.rsplit(':').next().unwrap_or(name), value, fill),
        };
        out.push(quote);
        out.push_str(&value);
        out.push(quote);
        rest = after;
    }
    out.push_str(rest);
    out
}
