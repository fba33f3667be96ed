//! A request as programs are written: the parts that libraries ask for, in place of the bytes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jeton_core::dialect::{OwnedRequest, Placed};
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// A request, taken apart.
pub(super) struct Call {
    /// In upper case.
    pub(super) method: String,
    /// Without the query.
    pub(super) url: String,
    /// Decoded.
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) basic: Option<(String, String)>,
    pub(super) body: Body,
    pub(super) prints: Prints,
}

/// A body by the library function that writes it.
pub(super) enum Body {
    None,
    Form(Vec<(String, String)>),
    Json(Value),
    /// Anything else, as it is.
    Text(String),
}

/// What a program prints of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Prints {
    Json,
    Text,
    Header(String),
    Status,
}

impl Call {
    /// The request at this address, with what shows a token added.
    pub(super) fn of(request: &OwnedRequest, placed: &Placed, url: &str, prints: Prints) -> Self {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let mut query = pairs(query, false);
        query.extend(placed.query.iter().map(|(name, value)| (decoded(name), decoded(value))));
        let mut headers = request.headers.clone();
        headers.extend(placed.headers.iter().cloned());
        let typed = headers.iter().position(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let kind = typed.map(|at| headers[at].1.to_ascii_lowercase()).unwrap_or_default();
        let body = match serde_json::from_str::<Value>(&request.body) {
            _ if request.body.is_empty() => Body::None,
            Ok(value) if kind.contains("json") => Body::Json(value),
            _ if kind.starts_with("application/x-www-form-urlencoded") => Body::Form(pairs(&request.body, true)),
            _ => Body::Text(request.body.clone()),
        };
        // Libraries name the type of what they write themselves.
        let implied = match &body {
            Body::Form(_) => kind == "application/x-www-form-urlencoded",
            Body::None => true,
            _ => false,
        };
        if let Some(at) = typed.filter(|_| implied) {
            headers.remove(at);
        }
        let basic = headers
            .iter()
            .position(|(name, value)| name.eq_ignore_ascii_case("authorization") && value.starts_with("Basic "));
        let basic = basic.and_then(|at| {
            let plain = String::from_utf8(STANDARD.decode(&headers[at].1[6..]).ok()?).ok()?;
            let (user, password) = plain.split_once(':')?;
            headers.remove(at);
            Some((user.to_owned(), password.to_owned()))
        });
        Self { method: request.method.to_string(), url: format!("{url}{path}"), query, headers, basic, body, prints }
    }

    /// The address with its query.
    pub(super) fn address(&self) -> String {
        let encode =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        // What nobody needs encoded stays readable.
        let plain =
            |text: &str| encode(text).replace("%5F", "_").replace("%2E", ".").replace("%2D", "-").replace("%7E", "~");
        let pairs: Vec<String> =
            self.query.iter().map(|(name, value)| format!("{}={}", plain(name), plain(value))).collect();
        if pairs.is_empty() { self.url.clone() } else { format!("{}?{}", self.url, pairs.join("&")) }
    }
}

fn pairs(text: &str, form: bool) -> Vec<(String, String)> {
    let plain = |text: &str| decoded(&if form { text.replace('+', " ") } else { text.to_owned() });
    let named = text.split('&').filter_map(|pair| pair.split_once('='));
    named.map(|(name, value)| (plain(name), plain(value))).collect()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
