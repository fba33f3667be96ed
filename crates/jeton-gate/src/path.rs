//! The path of a request, brought into one form before anything is decided on it.
//!
//! A gate that matches one spelling of a path in front of an API that serves another can be walked around.
//! So a path is read once, strictly: what two servers could read in two ways is refused, and the rest is
//! written in the single form that is both decided on and handed to the upstream.

use std::fmt;

/// A path in normal form (RFC 3986 §6.2.2): no needless escapes, escapes in upper case, no dot segments,
/// no empty segments but a last one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    wire: String,
    text: String,
    restructured: bool,
}

/// Why a path is refused. Each of these is read differently by different servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Not beginning with `/`: the asterisk form, an authority, or nothing.
    #[error("the path must begin with /")]
    NotAbsolute,
    /// `%` without two hexadecimal digits.
    #[error("the path has a % that is not followed by two hexadecimal digits")]
    BrokenEscape,
    /// `%25` before two hexadecimal digits: another path for whoever decodes twice.
    #[error("the path is percent-encoded twice; encode it once")]
    EncodedTwice,
    /// `%2F` or `%5C`: one segment for some servers, two for others.
    #[error("the path has an encoded slash or backslash")]
    EncodedSlash,
    /// A backslash, which some servers take for a slash.
    #[error("the path has a backslash")]
    Backslash,
    /// `;`, plain or encoded: cut off before routing by some servers, part of the name for others.
    #[error("the path has a semicolon; path parameters are not served")]
    Parameter,
    /// `#` or `?`: the path was cut elsewhere than its sender thought.
    #[error("the path has a # or ? in it")]
    Delimiter,
    /// NUL, a control character or a space.
    #[error("the path has a control character or a space")]
    Control,
    /// Bytes that are not UTF-8 once decoded.
    #[error("the path is not UTF-8 once decoded")]
    NotUtf8,
    /// `..` at the top.
    #[error("the path leads above the root")]
    AboveRoot,
}

impl Path {
    /// Normalises `raw`, a path as it stands in a request line, without its query.
    ///
    /// Normalising the result again changes nothing. Letter case is kept: to most servers it matters.
    pub fn normalise(raw: &str) -> Result<Self, PathError> {
        let rest = raw.strip_prefix('/').ok_or(PathError::NotAbsolute)?;
        let mut segments: Vec<(String, String)> = Vec::new();
        let mut restructured = false;
        let mut directory = true;
        let mut raw_segments = rest.split('/').peekable();
        while let Some(raw_segment) = raw_segments.next() {
            let (wire, text) = read_segment(raw_segment)?;
            directory = matches!(text.as_str(), "" | "." | "..");
            match text.as_str() {
                "" => restructured |= raw_segments.peek().is_some(),
                "." => restructured = true,
                ".." => {
                    segments.pop().ok_or(PathError::AboveRoot)?;
                    restructured = true;
                }
                _ => segments.push((wire, text)),
            }
        }

        let mut path =
            Self { wire: String::with_capacity(raw.len()), text: String::with_capacity(raw.len()), restructured };
        for (wire, text) in &segments {
            path.wire.push('/');
            path.wire.push_str(wire);
            path.text.push('/');
            path.text.push_str(text);
        }
        if directory {
            path.wire.push('/');
            path.text.push('/');
        }
        Ok(path)
    }

    /// The path as it is sent on: ASCII, percent-encoded.
    pub fn as_str(&self) -> &str {
        &self.wire
    }

    /// The path as rules see it: decoded, so that no spelling of a character escapes a rule.
    /// No segment holds a slash, since an encoded one is refused.
    pub fn decoded(&self) -> &str {
        &self.text
    }

    /// Whether dot segments or empty segments had to be resolved.
    ///
    /// Harmless where this path is sent on. Where a proxy sends the original on instead, its API could
    /// route on segments that are no longer here.
    pub fn was_restructured(&self) -> bool {
        self.restructured
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.wire)
    }
}

/// One segment as (percent-encoded, decoded).
fn read_segment(raw: &str) -> Result<(String, String), PathError> {
    let mut wire = String::with_capacity(raw.len());
    let mut decoded = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        let escaped = byte == b'%';
        let value = if escaped { read_escape(&mut bytes).ok_or(PathError::BrokenEscape)? } else { byte };
        match value {
            b'/' => return Err(PathError::EncodedSlash),
            b'\\' if escaped => return Err(PathError::EncodedSlash),
            b'\\' => return Err(PathError::Backslash),
            b';' => return Err(PathError::Parameter),
            b'#' | b'?' if !escaped => return Err(PathError::Delimiter),
            b' ' if !escaped => return Err(PathError::Control),
            0..=0x1f | 0x7f => return Err(PathError::Control),
            _ => {}
        }
        // A sub-delimiter keeps the spelling it came in: an escaped `+` is not the same to every API.
        if is_unreserved(value) || (!escaped && is_sub_delimiter(value)) {
            wire.push(char::from(value));
        } else {
            push_escape(&mut wire, value);
        }
        decoded.push(value);
    }

    let text = String::from_utf8(decoded).map_err(|_| PathError::NotUtf8)?;
    if text.chars().any(char::is_control) {
        return Err(PathError::Control);
    }
    let again = text.as_bytes().windows(3);
    if again.into_iter().any(|w| w[0] == b'%' && w[1].is_ascii_hexdigit() && w[2].is_ascii_hexdigit()) {
        return Err(PathError::EncodedTwice);
    }
    Ok((wire, text))
}

/// The byte that the next two characters spell.
fn read_escape(bytes: &mut impl Iterator<Item = u8>) -> Option<u8> {
    let high = char::from(bytes.next()?).to_digit(16)?;
    let low = char::from(bytes.next()?).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}

fn push_escape(out: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(char::from(DIGITS[usize::from(byte >> 4)]));
    out.push(char::from(DIGITS[usize::from(byte & 15)]));
}

/// RFC 3986 §2.3: characters whose escape means nothing else than themselves.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// RFC 3986 §3.3 `pchar` beyond the unreserved, without `;`.
fn is_sub_delimiter(byte: u8) -> bool {
    matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_brought_into_one_form() {
        #[rustfmt::skip]
        let rows = [
            // raw                      sent on                  decoded                  restructured
            ("/",                       "/",                     "/",                     false),
            ("/a/b",                    "/a/b",                  "/a/b",                  false),
            ("/a/",                     "/a/",                   "/a/",                   false),
            ("/%61%2Db",                "/a-b",                  "/a-b",                  false),
            ("/a%c3%a9",                "/a%C3%A9",              "/aé",                   false),
            ("/aé",                     "/a%C3%A9",              "/aé",                   false),
            ("/a%2bb+c",                "/a%2Bb+c",              "/a+b+c",                false),
            ("/a%2Cb,c",                "/a%2Cb,c",              "/a,b,c",                false),
            ("/a%20b",                  "/a%20b",                "/a b",                  false),
            ("/{id}|\"<>^`[]",          "/%7Bid%7D%7C%22%3C%3E%5E%60%5B%5D", "/{id}|\"<>^`[]", false),
            ("/100%25",                 "/100%25",               "/100%",                 false),
            ("/a:b@c!$&'()*=",          "/a:b@c!$&'()*=",        "/a:b@c!$&'()*=",        false),
            ("/a%3Fb%23c",              "/a%3Fb%23c",            "/a?b#c",                false),
            ("//a",                     "/a",                    "/a",                    true),
            ("/a//b",                   "/a/b",                  "/a/b",                  true),
            ("/a//",                    "/a/",                   "/a/",                   true),
            ("/./a/.",                  "/a/",                   "/a/",                   true),
            ("/a/../b",                 "/b",                    "/b",                    true),
            ("/a/..",                   "/",                     "/",                     true),
            ("/a/%2e%2E/b",             "/b",                    "/b",                    true),
            ("/a/.%2e/b",               "/b",                    "/b",                    true),
            ("/a/...",                  "/a/...",                "/a/...",                false),
            ("/a/..b",                  "/a/..b",                "/a/..b",                false),
            ("/.well-known/x",          "/.well-known/x",        "/.well-known/x",        false),
        ];
        for (raw, wire, decoded, restructured) in rows {
            let path = Path::normalise(raw).unwrap_or_else(|error| panic!("{raw}: {error}"));
            assert_eq!(
                (path.as_str(), path.decoded(), path.was_restructured()),
                (wire, decoded, restructured),
                "{raw}"
            );
        }
    }

    #[test]
    fn what_servers_read_differently_is_refused() {
        let rows = [
            ("", PathError::NotAbsolute),
            ("*", PathError::NotAbsolute),
            ("a/b", PathError::NotAbsolute),
            ("/%", PathError::BrokenEscape),
            ("/%2", PathError::BrokenEscape),
            ("/%zz", PathError::BrokenEscape),
            ("/%+1", PathError::BrokenEscape),
            ("/%u002e", PathError::BrokenEscape),
            ("/a%2fb", PathError::EncodedSlash),
            ("/a%2Fb", PathError::EncodedSlash),
            ("/a%5cb", PathError::EncodedSlash),
            ("/a\\b", PathError::Backslash),
            ("/..\\a", PathError::Backslash),
            ("/a;b=c", PathError::Parameter),
            ("/a/..;/b", PathError::Parameter),
            ("/a%3bb", PathError::Parameter),
            ("/a#b", PathError::Delimiter),
            ("/a?b", PathError::Delimiter),
            ("/a b", PathError::Control),
            ("/a\tb", PathError::Control),
            ("/a\0", PathError::Control),
            ("/a%00", PathError::Control),
            ("/a%0d%0ab", PathError::Control),
            ("/a%7f", PathError::Control),
            ("/a%c2%85", PathError::Control),
            ("/a%ff", PathError::NotUtf8),
            ("/a%c0%af", PathError::NotUtf8),
            ("/a%c3", PathError::NotUtf8),
            ("/%252fa", PathError::EncodedTwice),
            ("/%252e%252e/a", PathError::EncodedTwice),
            ("/%25%32%65", PathError::EncodedTwice),
            ("/..", PathError::AboveRoot),
            ("/../a", PathError::AboveRoot),
            ("/a/../../b", PathError::AboveRoot),
            ("/%2e%2e/a", PathError::AboveRoot),
            ("/..//a", PathError::AboveRoot),
        ];
        for (raw, expected) in rows {
            assert_eq!(Path::normalise(raw).map(|path| path.wire), Err(expected), "{raw}");
        }
    }

    /// Paths made of the pieces that cause trouble.
    fn troublesome() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "/", "/", "//", ".", "..", "a", "B", "%2e", "%2E", "%61", "%25", "2e", "%2f", "%5c", ";", "%3b", "é",
            "%c3%a9", "%ff", "+", "%2b", " ", "%20", "?", "#", "\\", "%", "{", "~", "%7e",
        ]);
        prop::collection::vec(piece, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(raw in prop_oneof![troublesome(), "/\\PC{0,40}"]) {
            if let Ok(once) = Path::normalise(&raw) {
                let twice = Path::normalise(once.as_str()).expect("a normal path is a path");
                prop_assert_eq!(&twice.wire, &once.wire);
                prop_assert_eq!(&twice.text, &once.text);
                prop_assert!(!twice.was_restructured());
            }
        }

        #[test]
        fn a_normal_path_has_no_second_reading(raw in troublesome()) {
            if let Ok(path) = Path::normalise(&raw) {
                prop_assert!(path.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert!(!path.as_str().contains("//"));
                prop_assert!(path.as_str().split('/').all(|segment| segment != "." && segment != ".."));
                prop_assert_eq!(path.as_str().matches('/').count(), path.decoded().matches('/').count());
            }
        }
    }
}
