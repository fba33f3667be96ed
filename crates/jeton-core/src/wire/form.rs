//! `application/x-www-form-urlencoded` bodies and Basic credentials, read strictly.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::dialect::percent::{Coding, decode};
use crate::domain::refusal::{Reason, Refusal};
use crate::secret::Secret;

/// More fields than any request of OAuth has.
const MAX_FIELDS: usize = 100;

/// The fields of a form, in order. It may hold secrets, so there is no `Debug`.
pub struct Form(Vec<(String, Secret<String>)>);

impl Form {
    /// Reads a body. Not UTF-8, a broken percent sign or too many fields: [`Reason::Malformed`].
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let malformed = |text: &str| Refusal::new(Reason::Malformed).detail(text);
        let text = std::str::from_utf8(body).map_err(|_| malformed("body is not UTF-8"))?;
        let mut fields = Vec::new();
        for field in text.split('&').filter(|field| !field.is_empty()) {
            if fields.len() == MAX_FIELDS {
                return Err(malformed("too many form fields"));
            }
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            let decoded = decode(Coding::Form, name).zip(decode(Coding::Form, value));
            let (name, value) = decoded.ok_or_else(|| malformed("body is not a well-formed form"))?;
            fields.push((name, Secret::new(value)));
        }
        Ok(Self(fields))
    }

    /// The first field of this name, unless it is empty: RFC 6749 §3.2 treats that as absent.
    pub fn field(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.expose().as_str()).filter(|value| !value.is_empty())
    }

    /// Every field of this name that is not empty.
    pub fn fields(&self, name: &str) -> impl Iterator<Item = &str> {
        let found = self.0.iter().filter(move |(known, _)| known == name);
        found.map(|(_, value)| value.expose().as_str()).filter(|value| !value.is_empty())
    }

    /// Whether any field, known or not, stands twice, but for those `lists` that may.
    pub fn has_repeated(&self, lists: &[&str]) -> bool {
        self.0.iter().enumerate().any(|(at, (name, _))| {
            !lists.contains(&name.as_str()) && self.0[..at].iter().any(|(earlier, _)| earlier == name)
        })
    }
}

/// User and password of an `Authorization: Basic` value (RFC 7617), form-decoded as RFC 6749 §2.3.1 has it;
/// a part that is not form-encoded stands for itself. Nothing if it cannot be read.
pub fn basic(authorization: &str) -> Option<(String, Secret<String>)> {
    let (scheme, value) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(BASE64.decode(value.trim_start_matches(' ')).ok()?).ok()?;
    let (user, password) = pair.split_once(':')?;
    if pair.chars().any(char::is_control) {
        return None;
    }
    let part = |text: &str| decode(Coding::Form, text).unwrap_or_else(|| text.to_owned());
    Some((part(user), Secret::new(part(password))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let form = Form::parse(b"a=1&b=%C3%A4+x&c=&d&a=2").ok().unwrap();
        assert_eq!(form.field("a"), Some("1"));
        assert_eq!(form.field("b"), Some("ä x"));
        assert_eq!(form.field("c"), None);
        assert_eq!(form.field("d"), None);
        assert!(form.has_repeated(&[]) && !form.has_repeated(&["a"]));
        assert_eq!(form.fields("a").collect::<Vec<_>>(), ["1", "2"]);
        assert!(!Form::parse(b"a=1&b=1").ok().unwrap().has_repeated(&[]));
        let many = "a=1&".repeat(101);
        for bad in [&b"a=%"[..], b"a=%zz", b"a=\xff", b"a=%ff", many.as_bytes()] {
            assert!(Form::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn c7_basic_credentials() {
        let encoded = |text: &[u8]| format!("Basic {}", BASE64.encode(text));
        let rows = [
            (&b"id:secret"[..], Some(("id", "secret"))),
            (b"id%3A1:s+x", Some(("id:1", "s x"))),
            (b"id:100%", Some(("id", "100%"))),
            (b"id:a:b", Some(("id", "a:b"))),
            (b"no-colon", None),
            (b"id:\x00", None),
            (b"id:\xff", None),
        ];
        for (text, expected) in rows {
            let read = basic(&encoded(text));
            let read = read.as_ref().map(|(user, password)| (user.as_str(), password.expose().as_str()));
            assert_eq!(read, expected, "{text:?}");
        }
        for bad in ["Basic !!!", "Basic", "Bearer abc", "basic ", ""] {
            assert!(basic(bad).is_none(), "{bad}");
        }
    }
}
