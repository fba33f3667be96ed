//! A page, before it is Markdown or HTML.

/// A page as a list of blocks.
pub(super) struct Page {
    pub(super) title: String,
    pub(super) blocks: Vec<Block>,
}

/// One block of a page.
pub(super) enum Block {
    /// A heading of the second or third level.
    Heading(u8, String),
    Paragraph(Vec<Inline>),
    Table {
        head: Vec<&'static str>,
        rows: Vec<Vec<Vec<Inline>>>,
    },
    Code {
        /// As it stands behind the fence of Markdown.
        language: &'static str,
        text: String,
    },
}

/// A piece of running text.
#[derive(Clone)]
pub(super) enum Inline {
    Text(String),
    Code(String),
}

impl Block {
    /// A paragraph with `code` between backticks.
    pub(super) fn paragraph(text: &str) -> Self {
        Self::Paragraph(inline(text))
    }
}

/// Running text with `code` between backticks.
pub(super) fn inline(text: &str) -> Vec<Inline> {
    let pieces = text.split('`').enumerate().filter(|(_, piece)| !piece.is_empty());
    pieces
        .map(|(index, piece)| match index % 2 {
            0 => Inline::Text(piece.to_owned()),
            _ => Inline::Code(piece.to_owned()),
        })
        .collect()
}

/// Code alone, whatever stands in it; nothing for none.
pub(super) fn code(text: &str) -> Vec<Inline> {
    if text.is_empty() { Vec::new() } else { vec![Inline::Code(text.to_owned())] }
}
