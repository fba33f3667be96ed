//! A request as curl would send it, and how it is written down with holes in it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::body::{self, Leaf, Part};
use super::names;

/// What a curl command sends.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) host: String,
    /// With its slashes, encoded.
    pub(super) path: String,
    /// Decoded pairs.
    pub(super) query: Vec<(String, String)>,
    /// Headers but `Content-Type`.
    pub(super) headers: Vec<(String, String)>,
    pub(super) content_type: Option<String>,
    pub(super) body: Body,
}

/// The body of a request.
pub(super) enum Body {
    None,
    Form(Vec<(String, String)>),
    Multipart(Vec<(String, String)>),
    Json(Value),
    Xml(String),
    Text(String),
}

/// Says what stands in a place instead of its text: the inside of a hole, or nothing to leave the text.
pub(super) type Fill<'f> = &'f mut dyn FnMut(&Leaf<'_>) -> Option<String>;

impl Request {
    /// User and password of Basic, if they stand in `Authorization`.
    pub(super) fn basic(&self) -> Option<(String, String)> {
        let (_, value) = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"))?;
        let (scheme, coded) = value.split_once(' ')?;
        let plain = String::from_utf8(STANDARD.decode(coded.trim()).ok()?).ok()?;
        let (user, password) = plain.split_once(':').unwrap_or((&plain, ""));
        scheme.eq_ignore_ascii_case("basic").then(|| (user.to_owned(), password.to_owned()))
    }

    /// The request with holes, as it stands in a dialect file. `basic` is written where Basic stands.
    pub(super) fn write(&self, fill: Fill<'_>) -> String {
        let mut out = format!("{} {}", self.method, self.start(fill));
        let (mut types, body) = self.typed_body(fill);
        for (name, value) in &self.headers {
            out.push_str(&format!("\n{name}: {}", self.header(name, value, fill)));
        }
        types.retain(|known| !known.is_empty());
        types.iter().for_each(|known| out.push_str(&format!("\nContent-Type: {known}")));
        if !body.is_empty() {
            out.push_str(&format!("\n\n{body}"));
        }
        out
    }

    /// Headers that tell one action from another at the same address.
    pub(super) fn must(&self) -> Vec<&str> {
        let tells =
            |name: &str| ["target", "action", "operation"].iter().any(|word| name.to_ascii_lowercase().ends_with(word));
        self.headers.iter().map(|(name, _)| name.as_str()).filter(|name| tells(name)).collect()
    }

    fn start(&self, fill: Fill<'_>) -> String {
        let mut out = String::new();
        for segment in self.path.split('/').skip(1) {
            let decoded = body::decode(segment);
            let named = decoded.strip_prefix(':').map(str::to_owned).or_else(|| names::placeholder(&decoded));
            let hole =
                named.and_then(|name| fill(&Leaf { part: Part::Path, name: &name, value: &decoded, native: false }));
            out.push('/');
            out.push_str(&hole.map_or_else(|| body::encode_segment(&decoded), |hole| format!("{{{{{hole}}}}}")));
        }
        if !self.query.is_empty() {
            out.push('?');
            out.push_str(&body::write_pairs(&self.query, Part::Query, fill));
        }
        out
    }

    /// The value of a header: a scheme word stays, `Cookie` is written by name.
    fn header(&self, name: &str, value: &str, fill: Fill<'_>) -> String {
        if name.eq_ignore_ascii_case("authorization") && self.basic().is_some() {
            return "Basic {{basic|base64}}".to_owned();
        }
        if name.eq_ignore_ascii_case("cookie") {
            let cookie = |pair: &str| {
                let (name, value) = pair.trim().split_once('=').unwrap_or((pair.trim(), ""));
                let hole = fill(&Leaf { part: Part::Cookie, name, value, native: false });
                format!("{name}={}", hole.map_or_else(|| value.to_owned(), |hole| format!("{{{{{hole}}}}}")))
            };
            return value.split(';').map(cookie).collect::<Vec<_>>().join("; ");
        }
        let (scheme, rest) = match value.split_once(' ') {
            Some((scheme, rest)) if scheme.chars().all(|char| char.is_ascii_alphabetic()) => (scheme, rest),
            _ => ("", value),
        };
        let space = if scheme.is_empty() { "" } else { " " };
        match fill(&Leaf { part: Part::Header, name, value: rest, native: false }) {
            Some(hole) => format!("{scheme}{space}{{{{{hole}}}}}"),
            None => value.to_owned(),
        }
    }

    /// The media types that are read, the first being what is written, and the body.
    fn typed_body(&self, fill: Fill<'_>) -> (Vec<String>, String) {
        const FORM: &str = "application/x-www-form-urlencoded";
        let given = |default: &str| self.content_type.clone().unwrap_or_else(|| default.to_owned());
        match &self.body {
            // A type without a body is what many pages print for a GET.
            Body::None => (Vec::new(), String::new()),
            Body::Form(pairs) => (vec![FORM.to_owned()], body::write_pairs(pairs, Part::Form, fill)),
            Body::Multipart(pairs) => {
                // Only forms are written; the server reads both.
                (vec![FORM.to_owned(), "multipart/form-data".to_owned()], body::write_pairs(pairs, Part::Form, fill))
            }
            Body::Json(value) => {
                let kind = given("application/json");
                let kind = if kind.contains("json") { kind } else { "application/json".to_owned() };
                (vec![kind], body::write_json(value, "", fill))
            }
            Body::Xml(text) => (vec![given("text/xml")], body::write_xml(text, fill)),
            Body::Text(text) => {
                let hole = fill(&Leaf { part: Part::Text, name: "body", value: text, native: false });
                let text = hole.map_or_else(|| text.clone(), |hole| format!("{{{{{hole}}}}}"));
                (vec![given("text/plain")], text)
            }
        }
    }
}
