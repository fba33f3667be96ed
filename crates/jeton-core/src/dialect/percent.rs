//! How text stands in each place of a message: percent-encoding, and what a place cannot hold.

use super::xml;

/// A place with an alphabet of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// One segment of a path (RFC 3986).
    Path,
    /// A name or value in the query: written as RFC 3986 has it, read as a form is.
    Query,
    /// A name or value of a form.
    Form,
    /// The value of a header.
    Header,
    /// The value of a cookie.
    Cookie,
    /// The inside of a JSON string; escaped by [`super::json`].
    Json,
    /// The inside of an XML element or attribute.
    Xml,
    /// Text as it is.
    Plain,
}

/// Why a value cannot stand in a place.
pub(crate) type Unfit = &'static str;

/// `text` as it is written in this place.
pub(crate) fn encode(coding: Coding, text: &str) -> Result<String, Unfit> {
    match coding {
        Coding::Plain | Coding::Json => Ok(text.to_owned()),
        Coding::Xml => xml::escape(text).ok_or("a character that no XML can hold"),
        Coding::Path if text.is_empty() || text == "." || text == ".." => Err("an empty, `.` or `..` segment"),
        Coding::Path | Coding::Query => Ok(percent_encode(text, false)),
        Coding::Form => Ok(percent_encode(text, true)),
        Coding::Header => match text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            true if text.trim() == text => Ok(text.to_owned()),
            _ => Err("a control character, a space at an end or a character outside ASCII in a header"),
        },
        Coding::Cookie => match text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte)) {
            true => Ok(text.to_owned()),
            false => Err("a character that no cookie can hold"),
        },
    }
}

fn percent_encode(text: &str, form: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' => out.push(char::from(byte)),
            b'~' if !form => out.push('~'),
            b'*' if form => out.push('*'),
            b' ' if form => out.push('+'),
            _ => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                out.push('%');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
    out
}

/// The text that stands in this place; nothing if it is not UTF-8 or a percent sign is followed by other than two hex digits.
pub(crate) fn decode(coding: Coding, written: &str) -> Option<String> {
    match coding {
        Coding::Plain | Coding::Json | Coding::Header | Coding::Cookie => Some(written.to_owned()),
        Coding::Xml => xml::unescape(written),
        Coding::Path => percent_decode(written, false),
        Coding::Query | Coding::Form => percent_decode(written, true),
    }
}

fn percent_decode(written: &str, plus_is_space: bool) -> Option<String> {
    let mut out = Vec::with_capacity(written.len());
    let mut bytes = written.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            b'+' if plus_is_space => b' ',
            _ => byte,
        });
    }
    String::from_utf8(out).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
