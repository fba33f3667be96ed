//! XML with holes in it.

use super::super::percent::Coding;
use super::super::source::Snippet;
use super::super::template::xml::{Attribute, Document, Element, Inside, Name};
use super::super::xml::{MAX_DEPTH, is_space};
use super::Parser;

/// How far an XML template has been read.
struct Cursor<'s> {
    all: Snippet<'s>,
    at: usize,
    /// Prefixes and URIs of the elements that are open, the innermost last.
    spaces: Vec<(String, String)>,
    depth: usize,
}

/// A name as it stands in the file, before its prefix is looked up.
struct Spelt<'s> {
    prefix: &'s str,
    local: &'s str,
    at: usize,
}

impl<'s> Cursor<'s> {
    fn rest(&self) -> &'s str {
        &self.all.as_str()[self.at..]
    }

    fn offset(&self) -> usize {
        self.all.offset(self.at)
    }

    /// Everything up to `mark`, which is left where it is.
    fn until(&mut self, mark: impl Fn(char) -> bool) -> Snippet<'s> {
        let start = self.at;
        let rest = self.rest();
        self.at += rest.find(mark).unwrap_or(rest.len());
        self.all.slice(start..self.at)
    }

    fn space(&mut self) -> &'s str {
        self.until(|char| !is_space(char)).as_str()
    }

    fn take(&mut self, expected: &str) -> bool {
        let taken = self.rest().starts_with(expected);
        self.at += if taken { expected.len() } else { 0 };
        taken
    }

    /// What ends with `mark`, holes not looked into; nothing if there is no end.
    fn through(&mut self, mark: char) -> Option<Snippet<'s>> {
        let (inside, _) = self.all.from(self.at).split_once(mark)?;
        self.at += inside.as_str().len();
        Some(inside)
    }
}

impl Parser<'_> {
    /// A whole document.
    pub(super) fn xml(&mut self, snippet: Snippet<'_>) -> Option<Document> {
        let mut cursor = Cursor { all: snippet.trim(), at: 0, spaces: Vec::new(), depth: 0 };
        if cursor.rest().starts_with("<?xml") {
            let Some(end) = cursor.rest().find("?>") else {
                self.mistake_help(cursor.offset(), "this declaration has no end", "close it with `?>`");
                return None;
            };
            cursor.at += end + 2;
            cursor.space();
        }
        let prolog = cursor.all.as_str()[..cursor.at].to_owned();
        let root = self.xml_element(&mut cursor)?;
        if !cursor.rest().is_empty() {
            self.mistake(cursor.offset(), "the XML goes on after its end");
            return None;
        }
        Some(Document { prolog, root })
    }

    fn xml_element(&mut self, cursor: &mut Cursor<'_>) -> Option<Element> {
        let start = cursor.offset();
        if cursor.rest().starts_with("<!") || cursor.rest().starts_with("<?") {
            let message = "comments, CDATA, instructions and DTDs do not stand in a template";
            self.mistake_help(start, message, "leave it out; text is written with `&lt;` and `&amp;`");
            return None;
        }
        if !cursor.take("<") {
            self.mistake(start, "an element is needed here");
            return None;
        }
        if cursor.depth >= MAX_DEPTH {
            self.mistake(start, format!("the XML is nested more than {MAX_DEPTH} deep"));
            return None;
        }
        let outer = cursor.spaces.len();
        let spelt = self.spelt(cursor)?;
        let mut attributes = Vec::new();
        let mut spelt_attributes = Vec::new();
        let close = loop {
            let before = cursor.space();
            if cursor.rest().starts_with(['>', '/']) {
                break before.to_owned();
            }
            if before.is_empty() {
                self.mistake(cursor.offset(), "`>`, `/>` or a space is needed here");
                return None;
            }
            let (name, attribute) = self.attribute(cursor, before)?;
            spelt_attributes.push(name);
            attributes.push(attribute);
        };
        let name = self.resolve(cursor, &spelt, true)?;
        for (spelt, attribute) in spelt_attributes.iter().zip(&mut attributes) {
            let Some(spelt) = spelt else { continue };
            attribute.name = Some(self.resolve(cursor, spelt, false)?);
        }
        for (index, attribute) in attributes.iter().enumerate() {
            if attribute.name.is_some() && attributes[..index].iter().any(|known| known.name == attribute.name) {
                let at = spelt_attributes[index].as_ref().map_or(start, |spelt| spelt.at);
                self.mistake(at, "this attribute stands twice");
            }
        }
        let written = written(&spelt);
        let content = if cursor.take("/>") {
            Inside::Nothing
        } else if cursor.take(">") {
            cursor.depth += 1;
            let content = self.inside(cursor, &written)?;
            cursor.depth -= 1;
            content
        } else {
            self.mistake(cursor.offset(), "`>` or `/>` is needed here");
            return None;
        };
        cursor.spaces.truncate(outer);
        Some(Element { name, written, attributes, close, content })
    }

    /// An attribute, and its name unless it declares a namespace.
    fn attribute<'s>(&mut self, cursor: &mut Cursor<'s>, before: &str) -> Option<(Option<Spelt<'s>>, Attribute)> {
        let start = cursor.at;
        let spelt = self.spelt(cursor)?;
        cursor.space();
        let equals = cursor.take("=");
        cursor.space();
        let quote = ['"', '\''].into_iter().find(|quote| equals && cursor.take(quote.encode_utf8(&mut [0; 4])));
        let Some(quote) = quote else {
            self.mistake_help(cursor.offset(), "an attribute has a value in quotes", "write `name=\"text\"`");
            return None;
        };
        let before = format!("{before}{}", &cursor.all.as_str()[start..cursor.at]);
        let Some(value) = cursor.through(quote) else {
            self.mistake(cursor.offset(), "this value has no end");
            return None;
        };
        cursor.take(quote.encode_utf8(&mut [0; 4]));
        let text = self.xml_text(value);
        let declared = match (spelt.prefix, spelt.local) {
            ("", "xmlns") => Some(""),
            ("xmlns", prefix) => Some(prefix),
            _ => None,
        };
        if let Some(prefix) = declared {
            let Some(uri) = text.literal() else {
                self.mistake(value.offset(0), "the URI of a namespace cannot have holes");
                return None;
            };
            cursor.spaces.push((prefix.to_owned(), uri.to_owned()));
        }
        let attribute = Attribute { name: None, before, text, quote };
        Some((declared.is_none().then_some(spelt), attribute))
    }

    /// What stands between start tag and end tag.
    fn inside(&mut self, cursor: &mut Cursor<'_>, name: &str) -> Option<Inside> {
        let begin = cursor.offset();
        let Some(text) = cursor.through('<') else {
            self.mistake_help(begin, format!("the element `{name}` has no end"), format!("write `</{name}>`"));
            return None;
        };
        if cursor.rest().starts_with("</") {
            self.end_tag(cursor, name)?;
            let text = self.xml_text(text);
            self.is_repeated(&text);
            return Some(Inside::Text(text));
        }
        let mut before = text;
        let mut children = Vec::new();
        loop {
            if let Some(odd) = before.as_str().find(|char| !is_space(char)) {
                self.mistake(before.offset(odd), "text and elements in one element");
                return None;
            }
            if cursor.rest().starts_with("</") {
                let end = before.as_str().to_owned();
                self.end_tag(cursor, name)?;
                return Some(Inside::Elements { children, end });
            }
            let at = cursor.offset();
            let child = self.xml_element(cursor)?;
            let repeated = |(_, known): &(String, Element)| known.name == child.name && known.repeated().is_some();
            if children.iter().any(repeated) {
                self.mistake(at, "what `*` repeats is the last of its name");
            }
            children.push((before.as_str().to_owned(), child));
            before = cursor.until(|char| char == '<');
            if cursor.rest().is_empty() {
                self.mistake_help(begin, format!("the element `{name}` has no end"), format!("write `</{name}>`"));
                return None;
            }
        }
    }

    fn end_tag(&mut self, cursor: &mut Cursor<'_>, name: &str) -> Option<()> {
        let at = cursor.offset();
        cursor.take("</");
        if cursor.take(name) && cursor.take(">") {
            return Some(());
        }
        self.mistake_help(at, format!("the element `{name}` is open here"), format!("write `</{name}>`"));
        None
    }

    fn xml_text(&mut self, snippet: Snippet<'_>) -> super::super::template::Text {
        self.text(snippet, Coding::Xml)
    }

    fn spelt<'s>(&mut self, cursor: &mut Cursor<'s>) -> Option<Spelt<'s>> {
        let at = cursor.offset();
        let name = cursor.until(|char| !(char.is_alphanumeric() || matches!(char, '_' | '-' | '.' | ':'))).as_str();
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let begins = |part: &str| part.starts_with(|first: char| first.is_alphabetic() || first == '_');
        let good = begins(local) && !local.contains(':') && (begins(prefix) || !name.contains(':'));
        if !good {
            self.mistake(at, "a name is needed here");
            return None;
        }
        Some(Spelt { prefix, local, at })
    }

    /// The namespace of a name. Attributes without a prefix have none.
    fn resolve(&mut self, cursor: &Cursor<'_>, spelt: &Spelt<'_>, element: bool) -> Option<Name> {
        let declared =
            cursor.spaces.iter().rev().find(|(prefix, _)| prefix == spelt.prefix).map(|(_, uri)| uri.as_str());
        let space = match (spelt.prefix, declared) {
            ("", _) if !element => "",
            ("", uri) => uri.unwrap_or_default(),
            ("xml", _) => "http://www.w3.org/XML/1998/namespace",
            (_, Some(uri)) if !uri.is_empty() => uri,
            (prefix, _) => {
                let help = format!("write xmlns:{prefix}=\"…\" in this element or one around it");
                self.mistake_help(spelt.at, format!("the prefix `{prefix}` is not declared"), help);
                return None;
            }
        };
        Some(Name { space: space.to_owned(), local: spelt.local.to_owned() })
    }
}

fn written(spelt: &Spelt<'_>) -> String {
    match spelt.prefix {
        "" => spelt.local.to_owned(),
        prefix => format!("{prefix}:{}", spelt.local),
    }
}
