//! XML templates. White space and prefixes are kept as they stand in the file; names are compared by URI.

use super::{Hole, Kind, Text};

/// What an element or attribute is called: prefixes are spelling, and not part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Name {
    /// The URI of its namespace; empty for none.
    pub(in super::super) space: String,
    pub(in super::super) local: String,
}

/// A whole document.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Document {
    /// What stands before the root element.
    pub(in super::super) prolog: String,
    pub(in super::super) root: Element,
}

#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Element {
    pub(in super::super) name: Name,
    /// The name with its prefix.
    pub(in super::super) written: String,
    pub(in super::super) attributes: Vec<Attribute>,
    /// What stands between the last attribute and the end of the start tag.
    pub(in super::super) close: String,
    pub(in super::super) content: Inside,
}

#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Attribute {
    /// Nothing for the declaration of a namespace, which is only written.
    pub(in super::super) name: Option<Name>,
    /// White space, name, equals sign and the first quote.
    pub(in super::super) before: String,
    pub(in super::super) text: Text,
    pub(in super::super) quote: char,
}

/// What stands in an element: text, or other elements with white space between them.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Inside {
    /// `<name/>`
    Nothing,
    Text(Text),
    Elements {
        /// With the white space before each.
        children: Vec<(String, Element)>,
        end: String,
    },
}

impl Element {
    /// Calls `visit` for every slot.
    pub(in super::super) fn each_slot<'t>(&'t self, visit: &mut dyn FnMut(&'t Hole, Kind)) {
        self.each_text(&mut |_, text| text.each_slot(visit));
    }

    /// Calls `visit` for the text of every attribute and element, with its local name.
    pub(in super::super) fn each_text<'t>(&'t self, visit: &mut dyn FnMut(&'t str, &'t Text)) {
        let attributes = self.attributes.iter().filter_map(|attribute| Some((attribute.name.as_ref()?, attribute)));
        attributes.for_each(|(name, attribute)| visit(&name.local, &attribute.text));
        match &self.content {
            Inside::Nothing => {}
            Inside::Text(text) => visit(&self.name.local, text),
            Inside::Elements { children, .. } => children.iter().for_each(|(_, child)| child.each_text(visit)),
        }
    }

    /// Whether all of it may be absent: it has holes in attributes or content, and every one may be without a value.
    pub(in super::super) fn is_optional(&self) -> bool {
        let mut attributes = self.attributes.iter().filter(|attribute| attribute.text.literal().is_none()).peekable();
        let some = attributes.peek().is_some();
        let all = attributes.all(|attribute| attribute.text.is_optional());
        all && match &self.content {
            Inside::Nothing => some,
            Inside::Text(text) => text.is_optional() || (some && text.literal() == Some("")),
            Inside::Elements { children, .. } => children.iter().all(|(_, child)| child.is_optional()),
        }
    }

    /// The hole whose words repeat this element, if its text is one.
    pub(in super::super) fn repeated(&self) -> Option<&Hole> {
        match &self.content {
            Inside::Text(text) => text.repeated(),
            _ => None,
        }
    }
}
