//! XML by its template: elements and attributes by URI and local name, in any order.

use super::super::template::xml::{Element, Inside};
use super::super::xml::{Xml, is_space};
use super::{Reader, Step};

impl Reader<'_> {
    /// The root of a document. Another root is another message.
    pub(in super::super) fn xml(&mut self, element: &Element, found: &Xml) -> Step {
        let same = element.name == found.name;
        self.literal(same, false, &element.name.local)?;
        self.element(element, Some(found).filter(|_| same))
    }

    fn element(&mut self, element: &Element, found: Option<&Xml>) -> Step {
        let wire = &element.name.local;
        for attribute in &element.attributes {
            let Some(name) = &attribute.name else { continue };
            let value = found.and_then(|xml| xml.attributes.iter().find(|(known, _)| known == name));
            self.text(&attribute.text, value.map(|(_, value)| value.as_str()), &name.local)?;
        }
        match (&element.content, found) {
            (Inside::Nothing, _) => self.literal(found.is_some(), true, wire),
            // An empty element of the file says that there is one, and nothing about what it holds.
            (Inside::Text(text), _) if text.literal() == Some("") => self.literal(found.is_some(), true, wire),
            (Inside::Text(_), Some(xml)) if !xml.children.is_empty() => self.unfit_element(element, "must be text"),
            (Inside::Text(text), _) => self.text(text, found.map(|xml| xml.text.as_str()), wire),
            (Inside::Elements { .. }, Some(xml)) if !xml.text.chars().all(is_space) => {
                self.unfit_element(element, "must hold elements, not text")
            }
            (Inside::Elements { children, .. }, _) => {
                // Which elements are there tells one call from another, as in SOAP.
                self.literal(found.is_some() || element.is_optional(), true, wire)?;
                let children: Vec<&Element> = children.iter().map(|(_, child)| child).collect();
                self.elements(&children, found.map_or(&[], |xml| xml.children.as_slice()))
            }
        }
    }

    /// A name that stands several times in the file is read by position.
    fn elements(&mut self, children: &[&Element], found: &[Xml]) -> Step {
        for (index, child) in children.iter().enumerate() {
            let alike = |other: &&&Element| other.name == child.name;
            let before = children[..index].iter().filter(alike).count();
            let mut here = found.iter().filter(|xml| xml.name == child.name).skip(before);
            if let (Some(_), Inside::Text(text)) = (child.repeated(), &child.content) {
                self.words(text, here.map(|xml| Some(xml.text.as_str())), &child.name.local)?;
                continue;
            }
            let (first, second) = (here.next(), here.next());
            if second.is_some() && !children[index + 1..].iter().any(|other| alike(&other)) {
                let mut secret = false;
                child.each_slot(&mut |_, kind| secret |= kind == super::Kind::Secret);
                self.twice(secret, &child.name.local)?;
            }
            self.element(child, first)?;
        }
        Ok(())
    }

    fn unfit_element(&mut self, element: &Element, what: &str) -> Step {
        let mut secret = false;
        element.each_slot(&mut |_, kind| secret |= kind == super::Kind::Secret);
        self.unfit(secret, &element.name.local, what)
    }
}
