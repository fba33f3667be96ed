//! The gate's decision, as functions of their arguments: which rule holds, which token is shown, and
//! whether what the token says is enough.

use http::{HeaderMap, Method};
use jeton_core::dialect::{Request, Shown, Values};
use jeton_core::domain::certificate::Certificate;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::secret::Secret;

use crate::caller::Caller;
use crate::path::Path;
use crate::query::{self, Attribute};
use crate::rule::{Rule, Rules};
use crate::usage::Usage;

/// The call that somebody wants to make, as it was sent.
#[derive(Clone, Copy, Debug)]
pub struct Original<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its host, in normal form ([`host::normalise`](crate::host::normalise)).
    pub host: &'a str,
    /// Its path, raw.
    pub path: &'a str,
    /// What follows the question mark, raw.
    pub query: Option<&'a str>,
    /// All its headers.
    pub headers: &'a HeaderMap,
    /// The certificate that its sender showed in the TLS handshake, where that ended here.
    pub certificate: Option<&'a Certificate>,
}

/// A call that a rule covers and that shows what the rule asks for.
#[derive(Debug)]
pub struct Admission<'r> {
    /// The rule.
    pub rule: &'r Rule,
    /// The path that was decided on. Nothing else may be sent on.
    pub path: Path,
    /// The token, still to be checked; `None` when the rule is anonymous.
    pub presented: Option<Presented>,
}

/// A token as a call shows it.
#[derive(Debug)]
pub struct Presented {
    /// The token.
    pub token: Secret<String>,
    /// The placement it was found by, for the shape of a refusal.
    pub show: usize,
    /// Values that stand beside it (a nonce).
    pub also: Values,
}

/// A call that goes no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The placement whose refusals hold, if a token was found.
    pub show: Option<usize>,
    /// Why.
    pub refusal: Refusal,
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        Self { show: None, refusal }
    }
}

impl From<Reason> for Rejection {
    fn from(reason: Reason) -> Self {
        Refusal::new(reason).into()
    }
}

/// Finds the rule for a call and reads its token.
pub fn admit<'r>(rules: &'r Rules, usage: &Usage, original: &Original<'_>) -> Result<Admission<'r>, Rejection> {
    // A tunnel has no path to decide on, and TRACE answers with the very headers a gate adds.
    if matches!(*original.method, Method::CONNECT | Method::TRACE) {
        return Err(Reason::NoRoute.into());
    }
    let path = Path::normalise(original.path)
        .map_err(|error| Refusal::new(Reason::InvalidRequest).detail(error.to_string()))?;
    let rule = rules.find(original.method, original.host, &path, original.query)?;
    if rule.anonymous {
        return Ok(Admission { rule, path, presented: None });
    }

    let Original { method, query, headers, .. } = *original;
    // The placements of a token are headers, cookies and the query; no body has to be read for it.
    match usage.read_token(&Request { method, path: path.as_str(), query, headers, body: b"" }) {
        Shown::Token { token, show, also } => {
            Ok(Admission { rule, path, presented: Some(Presented { token, show, also }) })
        }
        Shown::None => Err(Rejection { show: usage.show_at(method, path.as_str()), refusal: Reason::NoToken.into() }),
        Shown::Refused { show, refusal } => Err(Rejection { show: Some(show), refusal }),
    }
}

/// Whether a checked token is enough for a rule: its scopes, and its target where the rule names one.
///
/// A token without a target is not limited; one with a target passes a rule with `target=NAME` only when
/// the query names that very target.
pub fn permit(rule: &Rule, caller: &Caller, query: Option<&str>) -> Result<(), Refusal> {
    if let Some(scope) = rule.scopes.iter().find(|scope| !caller.scope.contains(scope)) {
        let detail = format!("the access token lacks the scope {scope}");
        return Err(Refusal::new(Reason::DeniedScope).field("scope").detail(detail));
    }
    if let (Some(name), Some(target)) = (&rule.target, caller.target) {
        match query::attribute(query, name) {
            Attribute::One(value) if value == target.to_string() => {}
            Attribute::Several => return Err(Refusal::new(Reason::Repeated).field(name)),
            Attribute::One(_) | Attribute::Absent => return Err(Refusal::new(Reason::DeniedTarget).field(name)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jeton_core::time::Timestamp;

    use super::*;

    fn rule(text: &str) -> Rule {
        text.parse().unwrap()
    }

    #[test]
    fn a_call_is_admitted_with_its_token_or_refused() {
        let rules: Rules = ["GET /a/* scope=s", "GET /health anonymous", "* /any"].map(rule).into_iter().collect();
        let usage = Usage::Bearer { realm: "r".to_owned(), metadata: None };
        let rows = [
            ("GET", "/a/b", "Bearer t", Ok(("GET /a/* scope=s", "/a/b", Some("t")))),
            ("GET", "/a//x/../%62", "Bearer t", Ok(("GET /a/* scope=s", "/a/b", Some("t")))),
            ("GET", "/health", "Bearer t", Ok(("GET /health anonymous", "/health", None))),
            ("GET", "/health", "Bearer  broken", Ok(("GET /health anonymous", "/health", None))),
            ("GET", "/a/b", "", Err(Reason::NoToken)),
            ("GET", "/a/b", "Bearer t t", Err(Reason::Malformed)),
            ("GET", "/b", "Bearer t", Err(Reason::NoRoute)),
            ("GET", "/b", "", Err(Reason::NoRoute)),
            ("GET", "/a%2fb", "Bearer t", Err(Reason::InvalidRequest)),
            ("GET", "*", "Bearer t", Err(Reason::InvalidRequest)),
            ("PUT", "/any", "Bearer t", Ok(("* /any", "/any", Some("t")))),
            ("TRACE", "/any", "Bearer t", Err(Reason::NoRoute)),
            ("CONNECT", "/any", "Bearer t", Err(Reason::NoRoute)),
        ];
        for (method, path, authorization, expected) in rows {
            let mut headers = HeaderMap::new();
            if !authorization.is_empty() {
                headers.insert(http::header::AUTHORIZATION, authorization.parse().unwrap());
            }
            let original = Original {
                method: &method.parse().unwrap(),
                host: "h",
                path,
                query: None,
                headers: &headers,
                certificate: None,
            };
            let got = admit(&rules, &usage, &original);
            let got = got.as_ref().map_err(|rejection| rejection.refusal.reason).map(|admission| {
                (
                    admission.rule.to_string(),
                    admission.path.as_str(),
                    admission.presented.as_ref().map(|p| p.token.expose().as_str()),
                )
            });
            let expected = expected.map(|(rule, path, token)| (rule.to_owned(), path, token));
            assert_eq!(got, expected, "{method} {path} {authorization}");
        }
    }

    #[test]
    fn scopes_and_target_decide_what_a_token_may_do() {
        let rows = [
            ("GET /", None, None, Ok(())),
            ("GET /", Some(7), None, Ok(())),
            ("GET / scope=a", None, None, Ok(())),
            ("GET / scope=a scope=b", None, None, Ok(())),
            ("GET / scope=a scope=c", None, None, Err(Reason::DeniedScope)),
            ("GET / scope=A", None, None, Err(Reason::DeniedScope)),
            ("GET / target=eventID", None, None, Ok(())),
            ("GET / target=eventID", None, Some("eventID=8"), Ok(())),
            ("GET / target=eventID", Some(7), Some("eventID=7"), Ok(())),
            ("GET / target=eventID", Some(7), Some("a=1&event%49D=%37"), Ok(())),
            ("GET / target=eventID", Some(7), Some("eventID=8"), Err(Reason::DeniedTarget)),
            ("GET / target=eventID", Some(7), Some("eventID=07"), Err(Reason::DeniedTarget)),
            ("GET / target=eventID", Some(7), Some("eventID=+7"), Err(Reason::DeniedTarget)),
            ("GET / target=eventID", Some(7), None, Err(Reason::DeniedTarget)),
            ("GET / target=eventID", Some(7), Some("eventID=7&eventID=8"), Err(Reason::Repeated)),
            ("GET / target=eventID", Some(7), Some("eventID=7&eventid=8"), Err(Reason::Repeated)),
        ];
        for (text, target, query, expected) in rows {
            let caller = Caller {
                realm: "r".to_owned(),
                subject: "1".to_owned(),
                username: None,
                client_id: None,
                key_id: None,
                scope: vec!["a".to_owned(), "b".to_owned()],
                target,
                level: None,
                number: None,
                actor: None,
                cnf: None,
                expires_at: Timestamp::MAX,
            };
            assert_eq!(
                permit(&rule(text), &caller, query).map_err(|refusal| refusal.reason),
                expected,
                "{text} {target:?} {query:?}"
            );
        }
    }
}
