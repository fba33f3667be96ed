//! JSON as documentation prints it. Pages are written by hand: a comma behind the last member, a quote too many, a
//! placeholder without quotes, a comment, an object in another pair of braces. Those are mended; the rest is refused.

use serde_json::Value;

/// The JSON value of a text; nothing if it is none, even when mended.
pub(super) fn json(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&mended(text)).ok())
}

fn mended(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::new();
    // For each open brace, whether it was left out.
    let mut braces = Vec::new();
    let mut at = 0;
    while let Some(char) = chars.get(at).copied() {
        at += 1;
        match char {
            '"' => at = string(&chars, at, &mut out),
            '/' if chars.get(at) == Some(&'/') => at = skip(&chars, at, |char| char != '\n'),
            ',' => {
                let next = skip(&chars, at, |char| char.is_whitespace() || char == '.' || char == '…');
                match chars.get(next) {
                    None | Some('}' | ']') => {}
                    _ => out.push(','),
                }
                at = next;
            }
            '{' => {
                let next = skip(&chars, at, char::is_whitespace);
                let doubled = chars.get(next) == Some(&'{');
                braces.push(doubled);
                if !doubled {
                    out.push('{');
                }
            }
            '}' => {
                if !braces.pop().unwrap_or(false) {
                    out.push('}');
                }
            }
            '[' | ']' | ':' => out.push(char),
            char if char.is_whitespace() => out.push(char),
            _ => {
                let end = skip(&chars, at, |char| !char.is_whitespace() && !",:{}[]\"".contains(char));
                let word: String = chars[at - 1..end].iter().collect();
                at = end;
                match serde_json::from_str::<Value>(&word) {
                    Ok(_) => out.push_str(&word),
                    Err(_) => out.push_str(&Value::from(word.trim_matches('\'')).to_string()),
                }
            }
        }
    }
    out
}

/// Copies a string from behind its first quote; gives where it ends. A line break in it is escaped, and a second
/// quote at its end left out.
fn string(chars: &[char], mut at: usize, out: &mut String) -> usize {
    out.push('"');
    let start = at;
    while let Some(char) = chars.get(at).copied() {
        at += 1;
        match char {
            '\\' => {
                out.push('\\');
                out.extend(chars.get(at));
                at += 1;
            }
            '\n' => out.push_str("\\n"),
            '"' => break,
            char => out.push(char),
        }
    }
    out.push('"');
    let doubled = at > start + 1 && chars.get(at) == Some(&'"');
    if doubled { at + 1 } else { at }
}

fn skip(chars: &[char], from: usize, while_true: impl Fn(char) -> bool) -> usize {
    chars[from.min(chars.len())..].iter().position(|char| !while_true(*char)).map_or(chars.len(), |found| from + found)
}
