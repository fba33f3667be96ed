//! A page as Markdown, with the tables of GitHub.

use super::page::{Block, Inline, Page};

/// The page, ending with a line break.
pub(super) fn write(page: &Page) -> String {
    let mut out = format!("# {}\n", escaped(&page.title));
    for block in &page.blocks {
        out.push('\n');
        match block {
            Block::Heading(level, text) => {
                out.push_str(&format!("{} {}\n", "#".repeat(usize::from(*level)), escaped(text)))
            }
            Block::Paragraph(pieces) => out.push_str(&format!("{}\n", text(pieces))),
            Block::Table { head, rows } => {
                out.push_str(&format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len())));
                for row in rows {
                    let cells: Vec<String> = row.iter().map(|cell| text(cell).replace('|', "\\|")).collect();
                    out.push_str(&format!("| {} |\n", cells.join(" | ")));
                }
            }
            Block::Code { language, text } => {
                let fence = fence(text);
                out.push_str(&format!("{fence}{language}\n{text}\n{fence}\n"));
            }
        }
    }
    out
}

fn text(pieces: &[Inline]) -> String {
    pieces.iter().map(piece).collect()
}

fn piece(piece: &Inline) -> String {
    match piece {
        Inline::Text(text) => escaped(text),
        // A span of code ends at the first run of backticks as long as the one that began it.
        Inline::Code(text) if text.contains('`') => format!("`` {text} ``"),
        Inline::Code(text) => format!("`{}`", text.replace('\n', " ")),
    }
}

/// Text in which no mark of Markdown or HTML counts.
fn escaped(text: &str) -> String {
    let marks = |char| "\\`*_{}[]<>#".contains(char);
    text.chars().flat_map(|char| marks(char).then_some('\\').into_iter().chain([char])).collect()
}

/// A fence longer than any run of backticks in the text.
fn fence(text: &str) -> String {
    let longest = text.split(|char| char != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}
