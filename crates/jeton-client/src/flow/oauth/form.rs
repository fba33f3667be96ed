//! `application/x-www-form-urlencoded`, as OAuth writes its requests.

use jeton_core::secret::Secret;
use zeroize::Zeroizing;

/// A form, or a query, while it is being written. It may hold secrets, so there is no `Debug`.
#[derive(Default)]
pub(super) struct Form(Zeroizing<String>);

impl Form {
    /// A form that asks for a token by this grant.
    pub(super) fn for_grant(grant_type: &str) -> Self {
        Self::default().with("grant_type", grant_type)
    }

    /// The same with one field more.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(&encode(name));
        self.0.push('=');
        self.0.push_str(&encode(value));
        self
    }

    /// The same with one field more, if there is a value for it.
    pub(super) fn with_given(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The same with a field of this name for each word of `values`: none of the values that OAuth repeats has a space.
    pub(super) fn with_each(self, name: &str, values: Option<&str>) -> Self {
        values.unwrap_or_default().split_whitespace().fold(self, |form, value| form.with(name, value))
    }

    /// What was written.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// What was written, as a body.
    pub(super) fn into_body(mut self) -> Secret<String> {
        Secret::new(std::mem::take(&mut *self.0))
    }
}

/// As HTML forms have it: a space is `+`.
pub(super) fn encode(text: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(text.len()));
    for byte in text.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'*' => out.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
