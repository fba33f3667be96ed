//! XML by its template.

use super::super::message::WriteError;
use super::super::percent::Coding;
use super::super::template::xml::{Document, Element, Inside};
use super::Writer;

impl Writer<'_> {
    /// A whole document.
    pub(super) fn xml(&self, document: &Document) -> Result<String, WriteError> {
        let mut out = document.prolog.clone();
        self.present(&document.root, &mut out)?;
        Ok(out)
    }

    /// Writes an element, as often as it stands; one that goes away takes the white space before it along.
    fn element(&self, element: &Element, before: &str, out: &mut String) -> Result<(), WriteError> {
        if let (Some(hole), Inside::Text(text)) = (element.repeated(), &element.content) {
            for word in self.words(text, hole, Coding::Xml)? {
                out.push_str(before);
                self.start(element, out)?;
                out.push_str(&format!(">{word}</{}>", element.written));
            }
            return Ok(());
        }
        if element.is_optional() && !self.has_value(element) {
            return Ok(());
        }
        out.push_str(before);
        self.present(element, out)
    }

    fn present(&self, element: &Element, out: &mut String) -> Result<(), WriteError> {
        self.start(element, out)?;
        match &element.content {
            Inside::Nothing => out.push_str("/>"),
            Inside::Text(text) => {
                let text = self.text(text, Coding::Xml)?.unwrap_or_default();
                out.push_str(&format!(">{text}</{}>", element.written));
            }
            Inside::Elements { children, end } => {
                out.push('>');
                children.iter().try_for_each(|(before, child)| self.element(child, before, out))?;
                out.push_str(&format!("{end}</{}>", element.written));
            }
        }
        Ok(())
    }

    /// `<name` with its attributes, those without a value left out.
    fn start(&self, element: &Element, out: &mut String) -> Result<(), WriteError> {
        out.push('<');
        out.push_str(&element.written);
        for attribute in &element.attributes {
            if let Some(text) = self.text(&attribute.text, Coding::Xml)? {
                out.push_str(&format!("{}{text}{}", attribute.before, attribute.quote));
            }
        }
        out.push_str(&element.close);
        Ok(())
    }

    fn has_value(&self, element: &Element) -> bool {
        let mut found = false;
        element.each_slot(&mut |hole, _| found |= self.value(hole).is_some());
        found
    }
}
