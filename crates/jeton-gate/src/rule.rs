//! Rules: which calls a gate lets through, and what their token must be good for.
//!
//! ```text
//! GET,POST /operations/*
//! *        api.example.org/graphql
//! GET,POST / ?action=person.get scope=system target=eventID
//! GET      /health anonymous
//! ```
//! Methods, an optional host directly before the path, the path, then conditions. A path is exact, or ends
//! with `/*` and covers itself and all below it. The first rule that matches decides; where none matches,
//! the answer is no.

use std::fmt;

use http::Method;
use jeton_core::domain::refusal::{Reason, Refusal};
use serde::{Deserialize, Serialize};

use crate::path::Path;
use crate::query::{self, Attribute};

mod text;

pub use text::RuleError;

/// Rules in the order in which they are tried. An empty list lets nothing through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rules(Vec<Rule>);

/// One rule. Its text form is what a configuration file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rule {
    /// The methods it covers.
    pub methods: Methods,
    /// The host it is limited to, in normal form.
    pub host: Option<String>,
    /// The paths it covers.
    pub path: PathPattern,
    /// For an API that routes by `?action=x`: a query attribute and the value it must have, decoded.
    pub query: Option<(String, String)>,
    /// Scopes the token must have, all of them.
    pub scopes: Vec<String>,
    /// The query attribute that must name the target which the token is limited to.
    pub target: Option<String>,
    /// Whether the call passes without a token. Never together with the three above: a query must not be
    /// able to open a path.
    pub anonymous: bool,
}

/// The methods that a rule covers. `GET` does not include `HEAD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Methods {
    /// Every method.
    Any,
    /// These.
    Only(Vec<Method>),
}

/// The paths that a rule covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathPattern {
    /// This one. `/a` is not `/a/`.
    Exact(Path),
    /// This one and all below it: `/a`, `/a/` and `/a/b`, never `/ab`.
    Prefix(Path),
}

impl Rules {
    /// The first rule for this call.
    ///
    /// Refuses with [`Reason::NoRoute`] when there is none, and with [`Reason::Repeated`] when a rule
    /// depends on a query attribute that not every server would read the same.
    pub fn find(&self, method: &Method, host: &str, path: &Path, query: Option<&str>) -> Result<&Rule, Refusal> {
        for rule in &self.0 {
            if !rule.methods.covers(method)
                || !rule.path.covers(path)
                || rule.host.as_deref().is_some_and(|name| name != host)
            {
                continue;
            }
            let Some((name, wanted)) = &rule.query else { return Ok(rule) };
            match query::attribute(query, name) {
                Attribute::One(value) if value == *wanted => return Ok(rule),
                Attribute::One(_) | Attribute::Absent => {}
                Attribute::Several => return Err(Refusal::new(Reason::Repeated).field(name)),
            }
        }
        Err(Refusal::new(Reason::NoRoute))
    }

    /// The rules, in order: for a listing at start.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }
}

impl FromIterator<Rule> for Rules {
    fn from_iter<I: IntoIterator<Item = Rule>>(rules: I) -> Self {
        Self(rules.into_iter().collect())
    }
}

impl Methods {
    fn covers(&self, method: &Method) -> bool {
        match self {
            Self::Any => true,
            Self::Only(methods) => methods.contains(method),
        }
    }
}

impl PathPattern {
    fn covers(&self, path: &Path) -> bool {
        match self {
            Self::Exact(exact) => path.decoded() == exact.decoded(),
            Self::Prefix(prefix) => path
                .decoded()
                .strip_prefix(prefix.decoded().trim_end_matches('/'))
                .is_some_and(|below| below.is_empty() || below.starts_with('/')),
        }
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(path) => write!(f, "{path}"),
            Self::Prefix(path) => write!(f, "{}/*", path.as_str().trim_end_matches('/')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(lines: &[&str]) -> Rules {
        lines.iter().map(|line| line.parse::<Rule>().unwrap()).collect()
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let rules = rules(&[
            "GET,POST /operations/admin/* scope=admin",
            "GET,POST /operations/*",
            "* api.example.org/graphql",
            "GET,POST / ?action=person.get scope=system",
            "GET,POST / ?action=api.describe",
            "GET /a%2Cb scope=comma",
            "GET /only",
            "GET /health anonymous",
        ]);
        // Method, host, path, query; the position of the rule that decides, or the reason for no.
        type Row = (&'static str, &'static str, &'static str, Option<&'static str>, Result<usize, Reason>);
        let rows: [Row; 30] = [
            ("GET", "h", "/operations/wallets", None, Ok(1)),
            ("GET", "h", "/operations", None, Ok(1)),
            ("GET", "h", "/operations/", None, Ok(1)),
            ("GET", "h", "/operationsx", None, Err(Reason::NoRoute)),
            ("GET", "h", "/operations%2e", None, Err(Reason::NoRoute)),
            ("GET", "h", "/operations/admin", None, Ok(0)),
            ("GET", "h", "/operations/%61dmin/x", None, Ok(0)),
            ("GET", "h", "/operations/x/../admin/", None, Ok(0)),
            ("GET", "h", "//operations//admin", None, Ok(0)),
            ("GET", "h", "/operations/administrator", None, Ok(1)),
            ("GET", "h", "/Operations/wallets", None, Err(Reason::NoRoute)),
            ("DELETE", "h", "/operations/wallets", None, Err(Reason::NoRoute)),
            ("HEAD", "h", "/operations/wallets", None, Err(Reason::NoRoute)),
            ("get", "h", "/operations/wallets", None, Err(Reason::NoRoute)),
            ("PUT", "api.example.org", "/graphql", None, Ok(2)),
            ("PUT", "other.example.org", "/graphql", None, Err(Reason::NoRoute)),
            ("GET", "h", "/", Some("action=person.get&x=1"), Ok(3)),
            ("GET", "h", "/", Some("x=1&action=api%2Edescribe"), Ok(4)),
            ("GET", "h", "/", Some("action=person.getx"), Err(Reason::NoRoute)),
            ("GET", "h", "/", Some("action=person.delete"), Err(Reason::NoRoute)),
            ("GET", "h", "/", None, Err(Reason::NoRoute)),
            ("GET", "h", "/", Some("action=api.describe&action=person.get"), Err(Reason::Repeated)),
            ("GET", "h", "/", Some("action=person.get&Action=person.delete"), Err(Reason::Repeated)),
            ("GET", "h", "/a,b", None, Ok(5)),
            ("GET", "h", "/a%2cb", None, Ok(5)),
            ("GET", "h", "/only", None, Ok(6)),
            ("GET", "h", "/only/", None, Err(Reason::NoRoute)),
            ("GET", "h", "/health", Some("x=/operations"), Ok(7)),
            ("GET", "h", "/operations/wallets", Some("x=/health"), Ok(1)),
            ("GET", "h", "/nowhere", Some("/health"), Err(Reason::NoRoute)),
        ];
        for (method, host, path, query, expected) in rows {
            let found = rules.find(&method.parse().unwrap(), host, &Path::normalise(path).unwrap(), query);
            let found = found
                .map(|rule| rules.iter().position(|other| other == rule).unwrap())
                .map_err(|refusal| refusal.reason);
            assert_eq!(found, expected, "{method} {host} {path} {query:?}");
        }
    }

    #[test]
    fn no_rules_let_nothing_through_and_a_star_lets_all() {
        let path = Path::normalise("/a/b").unwrap();
        assert_eq!(Rules::default().find(&Method::GET, "h", &path, None), Err(Reason::NoRoute.into()));
        assert!(rules(&["* /*"]).find(&Method::GET, "h", &path, None).is_ok());
        assert!(rules(&["* /*"]).find(&Method::GET, "h", &Path::normalise("/").unwrap(), None).is_ok());
    }

    #[test]
    fn rules_are_strings_to_serde() {
        let text = r#"["GET /a/*","* h.example/b anonymous"]"#;
        let rules: Rules = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&rules).unwrap(), text);
        let error = serde_json::from_str::<Rules>(r#"["GET a"]"#).unwrap_err().to_string();
        assert!(error.contains("rule `GET a`"), "{error}");
    }
}
