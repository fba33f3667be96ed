//! XML as a dialect needs it: a tree of elements with their names resolved. No DTD, no entities beyond the five
//! predefined ones, bounded in depth and number; comments and processing instructions are passed over.

use quick_xml::NsReader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;

use super::template::xml::Name;

/// How deep elements may be nested.
pub(super) const MAX_DEPTH: usize = 32;

/// More elements than any sign-in has.
const MAX_ELEMENTS: usize = 1_000;

/// An element that came in.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Xml {
    pub(super) name: Name,
    pub(super) attributes: Vec<(Name, String)>,
    pub(super) children: Vec<Xml>,
    /// All text directly in it, put together.
    pub(super) text: String,
}

impl Xml {
    /// Parses one document (XML 1.0 with namespaces, UTF-8); nothing if it is none, or has what is not read.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut reader = NsReader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
        let mut tree = Tree::default();
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) => {
                    let element = tree.begin(&reader, &start)?;
                    tree.open.push(element);
                }
                Event::Empty(start) => {
                    let element = tree.begin(&reader, &start)?;
                    tree.end(element);
                }
                Event::End(_) => {
                    let element = tree.open.pop()?;
                    tree.end(element);
                }
                Event::Text(text) => tree.text(&text.xml10_content())?,
                Event::CData(text) => tree.text(&text.xml10_content())?,
                Event::GeneralRef(name) => match name.resolve_char_ref().ok()? {
                    Some(char) => tree.text(char.encode_utf8(&mut [0; 4]))?,
                    None => tree.text(resolve_xml_entity(&name)?)?,
                },
                Event::Decl(declaration) => {
                    let encoding = declaration.encoding().transpose().ok()?;
                    encoding.is_none_or(|name| name.eq_ignore_ascii_case("utf-8")).then_some(())?;
                }
                Event::Comment(_) | Event::PI(_) => {}
                Event::DocType(_) => return None,
                Event::Eof => return tree.root.filter(|_| tree.open.is_empty()),
            }
        }
    }
}

/// A document while it is read.
#[derive(Default)]
struct Tree {
    open: Vec<Xml>,
    root: Option<Xml>,
    elements: usize,
}

impl Tree {
    fn begin(&mut self, reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Option<Xml> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS || self.open.len() >= MAX_DEPTH || self.root.is_some() {
            return None;
        }
        let resolver = reader.resolver();
        let (space, local) = resolver.resolve_element(start.name());
        let name = named(space, local.as_ref())?;
        let mut attributes: Vec<(Name, String)> = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.ok()?;
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let (space, local) = resolver.resolve_attribute(attribute.key);
            let name = named(space, local.as_ref())?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
            // Two prefixes of one namespace are no two names.
            if attributes.iter().any(|(known, _)| *known == name) || !value.chars().all(is_allowed) {
                return None;
            }
            attributes.push((name, value.into_owned()));
        }
        Some(Xml { name, attributes, children: Vec::new(), text: String::new() })
    }

    fn end(&mut self, element: Xml) {
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
    }

    /// Text in the innermost element; outside of all there is white space alone.
    fn text(&mut self, text: &str) -> Option<()> {
        match self.open.last_mut() {
            Some(element) if text.chars().all(is_allowed) => {
                element.text.push_str(text);
                Some(())
            }
            None if text.chars().all(is_space) => Some(()),
            _ => None,
        }
    }
}

fn named(space: ResolveResult<'_>, local: &str) -> Option<Name> {
    let space = match space {
        ResolveResult::Unbound => String::new(),
        ResolveResult::Bound(uri) => uri.0.to_owned(),
        ResolveResult::Unknown(_) => return None,
    };
    Some(Name { space, local: local.to_owned() })
}

/// The white space of XML 1.0 §2.3.
pub(super) fn is_space(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\n' | '\r')
}

/// Whether a character can stand in a document at all (XML 1.0 §2.2).
fn is_allowed(char: char) -> bool {
    matches!(char, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// `text` as it stands in an element or attribute; nothing if a character cannot. White space other than a space is
/// written as a reference, so that no reader makes another of it.
pub(super) fn escape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' | '\n' | '\r' => out.push_str(&format!("&#{};", u32::from(char))),
            _ if is_allowed(char) => out.push(char),
            _ => return None,
        }
    }
    Some(out)
}

/// What a text with references says.
pub(super) fn unescape(written: &str) -> Option<String> {
    quick_xml::escape::unescape(written).ok().map(|text| text.into_owned())
}
