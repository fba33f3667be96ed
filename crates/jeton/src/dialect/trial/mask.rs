//! Answers without their secrets: those that are known, and what looks like one.

use http::HeaderMap;
use jeton_client::flow::Response;
use jeton_client::vault::Secrets;
use jeton_core::secret::Secret;
use serde_json::Value;

/// A run of this many characters of a token, letters and digits among them, is taken for one.
const LOOKS_SECRET: usize = 20;
/// Where these words stand in the name of a member or header, its value is a secret.
const SECRET_NAMES: [&str; 9] =
    ["token", "secret", "password", "passwd", "authorization", "cookie", "apikey", "api_key", "jwt"];

/// What is masked in an answer.
#[derive(Clone)]
pub(super) struct Mask {
    /// What each known secret is replaced by, the longest first.
    known: Vec<(Secret<String>, String)>,
}

/// What a secret is replaced by where a message is written: its name and length, in characters that stand everywhere as
/// they are.
pub(super) fn stand_in(name: &str, secret: &Secret<String>) -> Secret<String> {
    Secret::new(masked(name, secret.expose()))
}

fn masked(name: &str, secret: &str) -> String {
    format!("masked-{name}-{}", secret.chars().count())
}

impl Mask {
    /// Masks these.
    pub(super) fn new(secrets: &Secrets) -> Self {
        let mut mask = Self { known: Vec::new() };
        secrets.iter().for_each(|(name, secret)| mask.add(name, secret));
        mask
    }

    /// Masks this one too.
    pub(super) fn add(&mut self, name: &str, secret: &Secret<String>) {
        if secret.expose().is_empty() {
            return;
        }
        // As JSON has it too, with and without PHP's way of writing a slash.
        let quoted = Value::from(secret.expose().as_str()).to_string();
        let escaped = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
        for form in [secret.expose().as_str(), escaped, &escaped.replace('/', "\\/")] {
            self.known.push((Secret::from(form), masked(name, secret.expose())));
        }
        self.known.sort_by_key(|(secret, _)| std::cmp::Reverse(secret.expose().len()));
    }

    /// The lines of an answer: its status, its headers, its body.
    pub(super) fn response(mut self, response: &Response) -> Vec<String> {
        let body = String::from_utf8_lossy(response.body.expose()).into_owned();
        if let Ok(json) = serde_json::from_str(&body) {
            self.add_members("", &json);
        }
        let phrase = response.reason_phrase.as_deref().unwrap_or_default();
        let mut lines = vec![format!("← {} {}", response.status, self.text(phrase)).trim_end().to_owned()];
        lines.extend(self.headers(&response.headers));
        lines.extend(self.text(&body).lines().map(|line| format!("  {line}")));
        lines
    }

    /// Masks the texts of members whose names say that they are secrets.
    fn add_members(&mut self, name: &str, json: &Value) {
        match json {
            Value::Object(members) => members.iter().for_each(|(name, value)| self.add_members(name, value)),
            Value::Array(items) => items.iter().for_each(|item| self.add_members(name, item)),
            Value::String(text) if is_secret_name(name) => self.add(name, &Secret::from(text.as_str())),
            _ => {}
        }
    }

    fn headers(&self, headers: &HeaderMap) -> Vec<String> {
        let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            let shown = if is_secret_name(name.as_str()) { masked("value", &value) } else { self.text(&value) };
            format!("  {name}: {shown}")
        };
        headers.iter().map(line).collect()
    }

    /// The text without what is known, and without what looks like a token.
    /// The text without the known secrets, and whatever else is in it.
    pub(super) fn known_in(&self, text: &str) -> String {
        self.masked(text, str::to_owned)
    }

    fn text(&self, text: &str) -> String {
        self.masked(text, without_tokens)
    }

    /// The text without the known secrets; what stands between them goes through `others`.
    fn masked(&self, text: &str, others: impl Fn(&str) -> String) -> String {
        // In one pass: what stands for a secret is not searched again.
        let (mut shown, mut between, mut rest) = (String::with_capacity(text.len()), String::new(), text);
        while let Some(first) = rest.chars().next() {
            let known = self.known.iter().find_map(|(secret, mask)| Some((rest.strip_prefix(secret.expose())?, mask)));
            rest = match known {
                Some((after, mask)) => {
                    shown.push_str(&others(&std::mem::take(&mut between)));
                    shown.push_str(mask);
                    after
                }
                None => {
                    between.push(first);
                    rest.get(first.len_utf8()..).unwrap_or_default()
                }
            };
        }
        shown + &others(&between)
    }
}

/// The text without what looks like a token.
fn without_tokens(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for piece in text.split_inclusive(|c: char| !is_of_token(c)) {
        let run = piece.trim_end_matches(|c: char| !is_of_token(c));
        let end = piece.strip_prefix(run).unwrap_or_default();
        match looks_secret(run) {
            true => shown.push_str(&masked("text", run)),
            false => shown.push_str(run),
        }
        shown.push_str(end);
    }
    shown
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // `token_type` says `Bearer`.
    !name.ends_with("type") && SECRET_NAMES.iter().any(|word| name.contains(word))
}

/// Letters and digits, and what base64 and JWTs have beside them.
fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '/' | '=' | '%' | '~')
}

fn looks_secret(run: &str) -> bool {
    let has = |of: fn(&u8) -> bool| run.bytes().any(|byte| of(&byte));
    run.len() >= LOOKS_SECRET && !run.starts_with("masked-") && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_seen() {
        let known = Secrets::from([("password".to_owned(), Secret::from("hunter2"))]);
        for (header, body, expected) in [
            (("x-id", "7"), r#"{"user":"ada","seconds":3600}"#, r#"{"user":"ada","seconds":3600}"#),
            (("x-id", "7"), r#"{"token_type":"bearer"}"#, r#"{"token_type":"bearer"}"#),
            (("x-id", "7"), r#"{"echo":"hunter2"}"#, r#"{"echo":"masked-password-7"}"#),
            (("x-id", "7"), r#"{"a":"acc"}"#, r#"{"a":"masked-access_token-3"}"#),
            (("x-id", "7"), r#"{"id_token":"a\"b\/c"}"#, r#"{"id_token":"masked-id_token-5"}"#),
            (("x-id", "7"), r#"{"x":{"clientSecret":["12"]}}"#, r#"{"x":{"clientSecret":["masked-clientSecret-2"]}}"#),
            (("x-id", "7"), "<t>eyJhbGciOiJFUzI1NiJ9.e30.c2ln</t>", "<t>masked-text-29</t>"),
            (("x-id", "7"), "internationalization of errors", "internationalization of errors"),
            (("set-cookie", "s=12"), "", ""),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header.0, header.1.parse().unwrap());
            let body = Secret::new(body.as_bytes().to_vec());
            let response = Response { status: 200, reason_phrase: Some("hunter2".to_owned()), headers, body };
            let mut mask = Mask::new(&known);
            mask.add("access_token", &Secret::from("acc"));
            let lines = mask.response(&response);
            let shown = if header.0 == "x-id" { "7" } else { "masked-value-4" };
            assert_eq!(lines[0], "← 200 masked-password-7");
            assert_eq!(lines[1], format!("  {}: {shown}", header.0));
            assert_eq!(lines[2..].concat().trim(), expected);
        }
    }
}
