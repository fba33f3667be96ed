//! A page as one HTML document: no script, no address of anybody else's, every text escaped.

use super::page::{Block, Inline, Page};

const STYLE: &str = "body{max-width:52rem;margin:2rem auto;padding:0 1rem;font:1rem/1.5 system-ui,sans-serif;color:#1c1e21;background:#fff}\
pre{padding:.8rem;overflow:auto;background:#f4f5f7;border-radius:.4rem}code{font:.9em ui-monospace,monospace}\
table{border-collapse:collapse;margin:1rem 0;display:block;overflow:auto}th,td{padding:.3rem .7rem;border:1px solid #d5d9de;text-align:left;vertical-align:top}\
@media(prefers-color-scheme:dark){body{color:#e4e6ea;background:#16181b}pre{background:#212429}th,td{border-color:#3a3f46}}";

/// The document, ending with a line break.
pub(super) fn write(page: &Page) -> String {
    let title = escaped(&page.title);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    );
    for block in &page.blocks {
        match block {
            Block::Heading(level, text) => {
                out.push_str(&format!("<h{level} id=\"{}\">{}</h{level}>\n", anchor(text), escaped(text)));
            }
            Block::Paragraph(pieces) => out.push_str(&format!("<p>{}</p>\n", text(pieces))),
            Block::Table { head, rows } => {
                let head: String = head.iter().map(|cell| format!("<th>{}</th>", escaped(cell))).collect();
                out.push_str(&format!("<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n"));
                for row in rows {
                    let cells: String = row.iter().map(|cell| format!("<td>{}</td>", text(cell))).collect();
                    out.push_str(&format!("<tr>{cells}</tr>\n"));
                }
                out.push_str("</tbody>\n</table>\n");
            }
            Block::Code { language, text } => {
                out.push_str(&format!("<pre><code class=\"language-{language}\">{}\n</code></pre>\n", escaped(text)));
            }
        }
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn text(pieces: &[Inline]) -> String {
    let piece = |piece: &Inline| match piece {
        Inline::Text(text) => escaped(text),
        Inline::Code(text) => format!("<code>{}</code>", escaped(text)),
    };
    pieces.iter().map(piece).collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            char => out.push(char),
        }
    }
    out
}

/// A heading's name for links: letters, digits and hyphens.
fn anchor(text: &str) -> String {
    let words = text.split(|char: char| !char.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}
