//! The text form of a rule, both ways.

use std::fmt;
use std::str::FromStr;

use http::Method;

use super::{Methods, PathPattern, Rule};
use crate::path::Path;
use crate::{host, query};

/// A rule that cannot be read: its text, what is wrong, what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rule `{rule}`: {message}")]
pub struct RuleError {
    /// The rule as written.
    pub rule: String,
    /// What is wrong with it and what to write instead.
    pub message: String,
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        parse(text).map_err(|message| RuleError { rule: text.to_owned(), message })
    }
}

impl TryFrom<String> for Rule {
    type Error = RuleError;

    fn try_from(text: String) -> Result<Self, RuleError> {
        text.parse()
    }
}

impl From<Rule> for String {
    fn from(rule: Rule) -> Self {
        rule.to_string()
    }
}

/// The rule as it is read: parsing this text gives the same rule.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.methods {
            Methods::Any => f.write_str("*")?,
            Methods::Only(methods) => {
                let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
                f.write_str(&names.join(","))?;
            }
        }
        write!(f, " {}{}", self.host.as_deref().unwrap_or_default(), self.path)?;
        if let Some((name, value)) = &self.query {
            write!(f, " ?{}={}", encode(name), encode(value))?;
        }
        for scope in &self.scopes {
            write!(f, " scope={scope}")?;
        }
        if let Some(name) = &self.target {
            write!(f, " target={}", encode(name))?;
        }
        if self.anonymous {
            f.write_str(" anonymous")?;
        }
        Ok(())
    }
}

fn parse(text: &str) -> Result<Rule, String> {
    let mut words = text.split_ascii_whitespace();
    let methods = parse_methods(words.next().ok_or("it is empty; write METHODS PATH, as in `GET /orders/*`")?)?;
    let place = words.next().ok_or("the path is missing; write METHODS PATH, as in `GET /orders/*`")?;
    let slash = place.find('/').ok_or_else(|| format!("`{place}` is not a path; begin it with /"))?;
    let (host, path) = place.split_at(slash);
    let mut rule = Rule {
        methods,
        host: (!host.is_empty()).then(|| parse_host(host)).transpose()?,
        path: parse_path(path)?,
        query: None,
        scopes: Vec::new(),
        target: None,
        anonymous: false,
    };

    for word in words {
        if let Some(pair) = word.strip_prefix('?') {
            let (name, value) =
                pair.split_once('=').ok_or_else(|| format!("`{word}` has no value; write ?name=value"))?;
            set_once(&mut rule.query, (parse_name(name)?, decode(value)?), "?name=value")?;
        } else if let Some(scope) = word.strip_prefix("scope=") {
            rule.scopes.push(parse_scope(scope)?);
        } else if let Some(name) = word.strip_prefix("target=") {
            set_once(&mut rule.target, parse_name(name)?, "target=")?;
        } else if word == "anonymous" {
            rule.anonymous = true;
        } else {
            return Err(format!("`{word}` is unknown; known are ?name=value, scope=NAME, target=NAME and anonymous"));
        }
    }
    if rule.anonymous && (rule.query.is_some() || rule.target.is_some() || !rule.scopes.is_empty()) {
        return Err(
            "anonymous goes with methods and path alone: a query must not decide whether a token is needed".to_owned()
        );
    }
    Ok(rule)
}

fn parse_methods(word: &str) -> Result<Methods, String> {
    if word == "*" {
        return Ok(Methods::Any);
    }
    let mut methods = Vec::new();
    for name in word.split(',') {
        let method = Method::from_bytes(name.as_bytes())
            .ok()
            .filter(|_| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'-'));
        methods.push(method.ok_or_else(|| format!("`{name}` is not a method; write `GET`, `GET,POST` or `*`"))?);
    }
    Ok(Methods::Only(methods))
}

fn parse_host(raw: &str) -> Result<String, String> {
    let host = host::normalise(raw).map_err(|_| format!("`{raw}` is not a host name; a path begins with /"))?;
    if host == raw { Ok(host) } else { Err(format!("write the host as `{host}`, in lower case and without port")) }
}

fn parse_path(raw: &str) -> Result<PathPattern, String> {
    let (text, is_prefix) = match raw.strip_suffix("/*") {
        Some("") => ("/", true),
        Some(prefix) => (prefix, true),
        None => (raw, false),
    };
    if text.contains('*') {
        return Err(format!("`{raw}` has a * inside; only a path's end can be open, as in `/orders/*`"));
    }
    if text.contains(['{', '}']) {
        return Err(format!("`{raw}` has a placeholder; end the path with /* before it"));
    }
    let path = Path::normalise(text).map_err(|error| error.to_string())?;
    if path.as_str() != text {
        return Err(format!("write the path in normal form: `{path}{}`", if is_prefix { "/*" } else { "" }));
    }
    match is_prefix {
        true if text.len() > 1 && text.ends_with('/') => Err(format!("write `{text}*` for all below `{text}`")),
        true => Ok(PathPattern::Prefix(path)),
        false => Ok(PathPattern::Exact(path)),
    }
}

/// RFC 6749 §3.3: the characters of a scope.
fn parse_scope(raw: &str) -> Result<String, String> {
    let legal = !raw.is_empty() && raw.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\');
    if legal { Ok(raw.to_owned()) } else { Err(format!("`{raw}` is not a scope; write one name after scope=")) }
}

fn parse_name(raw: &str) -> Result<String, String> {
    let name = decode(raw)?;
    // Such names could never match: they are what lax readers cut or take apart.
    if name.is_empty() || name.trim() != name || name.contains(['[', '\0', ';']) {
        return Err(format!("`{raw}` is not the name of a query attribute"));
    }
    Ok(name)
}

fn decode(raw: &str) -> Result<String, String> {
    if raw.contains(['&', '#']) {
        return Err(format!("`{raw}` has a & or # in it; a rule names one query attribute"));
    }
    query::decode(raw).ok_or_else(|| format!("`{raw}` is not valid percent-encoding"))
}

fn set_once<T>(slot: &mut Option<T>, value: T, what: &str) -> Result<(), String> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("{what} stands twice; give it once")),
    }
}

/// Percent-encodes all but RFC 3986's unreserved characters.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_what_was_read() {
        let rows = [
            ("GET /", "GET /"),
            ("GET,POST /operations/*", "GET,POST /operations/*"),
            ("  *\tapi.example.org/graphql ", "* api.example.org/graphql"),
            ("* /*", "* /*"),
            ("M-SEARCH /a/", "M-SEARCH /a/"),
            ("GET / ?action=person.get scope=system", "GET / ?action=person.get scope=system"),
            ("GET / scope=b target=eventID ?a=x+y%26z scope=a", "GET / ?a=x%20y%26z scope=b scope=a target=eventID"),
            ("GET /a%C3%A9 anonymous", "GET /a%C3%A9 anonymous"),
            ("GET [::1]/a", "GET [::1]/a"),
        ];
        for (text, printed) in rows {
            let rule: Rule = text.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(rule.to_string(), printed);
            assert_eq!(printed.parse::<Rule>().as_ref(), Ok(&rule));
        }
    }

    #[test]
    fn a_mistake_is_told_with_what_to_write() {
        let rows = [
            ("", "it is empty"),
            ("GET", "the path is missing"),
            ("/a", "`/a` is not a method"),
            ("get /a", "`get` is not a method"),
            ("GET,,POST /a", "`` is not a method"),
            ("GET a", "begin it with /"),
            ("GET Example.org:80/a", "write the host as `example.org`"),
            ("GET ex@mple/a", "not a host name"),
            ("GET /a/*/b", "only a path's end"),
            ("GET /a*", "only a path's end"),
            ("GET /a/{id}", "has a placeholder"),
            ("GET /a/../b", "write the path in normal form: `/b`"),
            ("GET //a/*", "write the path in normal form: `/a/*`"),
            ("GET /a//*", "write `/a/*`"),
            ("GET /%61", "write the path in normal form: `/a`"),
            ("GET /a;b", "semicolon"),
            ("GET /a?b=c", "# or ?"),
            ("GET / ?action", "write ?name=value"),
            ("GET / ?=x", "not the name of a query attribute"),
            ("GET / ?a[]=x", "not the name of a query attribute"),
            ("GET / ?a=x&b=y", "one query attribute"),
            ("GET / ?a=%zz", "percent-encoding"),
            ("GET / ?a=x ?b=y", "stands twice"),
            ("GET / target=a target=b", "stands twice"),
            ("GET / scope=", "not a scope"),
            ("GET / scope=\"a\"", "not a scope"),
            ("GET / skope=a", "`skope=a` is unknown"),
            ("GET / ?a=b anonymous", "anonymous goes with methods and path alone"),
            ("GET / anonymous scope=a", "anonymous goes with methods and path alone"),
        ];
        for (text, part) in rows {
            let error = text.parse::<Rule>().map(|rule| rule.to_string()).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
