//! Bearer token usage (RFC 6750), for realms without a dialect: the token stands in one `Authorization:
//! Bearer` header and nowhere else; one that is bound to a key, after the scheme `DPoP` (RFC 9449 §7.1).

use http::HeaderMap;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use jeton_core::dialect::{Answer, Request, Shown, Values};
use jeton_core::domain::policy::Alg;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::secret::Secret;
use jeton_core::token::dpop;
use jeton_core::wire::client_auth::is_token68;

use crate::query;

/// The field of a refusal of a token that is shown by the wrong scheme: bound but as Bearer, or unbound but as DPoP.
pub(crate) const UNBOUND: &str = "cnf";

/// The token of a call.
///
/// Exactly one space and one `token68` after the scheme, whose case does not matter. A token in the URL is
/// refused: URLs end up in logs.
pub(crate) fn read(request: &Request<'_>) -> Shown {
    let refused = |refusal| Shown::Refused { show: 0, refusal };
    if query::names(request.query).any(|name| name == "access_token") {
        return refused(
            Refusal::new(Reason::Exposed).field("access_token").detail("send the token in the Authorization header"),
        );
    }
    let mut headers = request.headers.get_all(AUTHORIZATION).iter();
    let value = match (headers.next(), headers.next()) {
        (None, _) => return Shown::None,
        (Some(value), None) => value.as_bytes(),
        (Some(_), Some(_)) => {
            return refused(
                Refusal::new(Reason::Repeated).field("Authorization").detail("send one Authorization header"),
            );
        }
    };
    let scheme = value.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(value.len());
    let (name, rest) = value.split_at(scheme);
    if !name.eq_ignore_ascii_case(b"bearer") && !name.eq_ignore_ascii_case(b"dpop") {
        return Shown::None;
    }
    match std::str::from_utf8(rest).ok().and_then(|rest| rest.strip_prefix(' ')).filter(|token| is_token68(token)) {
        Some(token) => Shown::Token { token: Secret::from(token), show: 0, also: Values::new() },
        None => {
            refused(Refusal::new(Reason::Malformed).field("Authorization").detail("write Authorization: Bearer TOKEN"))
        }
    }
}

/// Whether the token that [`read`] found stands after the scheme `DPoP`.
pub(crate) fn is_dpop(headers: &HeaderMap) -> bool {
    let value = headers.get(AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
    value.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"dpop "))
}

/// The answer to a call that is refused (RFC 6750 §3): a challenge, and the same in JSON.
pub(crate) fn refuse(realm: &str, metadata: Option<&str>, refusal: &Refusal) -> Answer {
    let status = refusal.reason.status();
    let mut headers = vec![
        ("Content-Type".to_owned(), "application/json".to_owned()),
        ("Cache-Control".to_owned(), "no-store".to_owned()),
    ];
    if matches!(status, 400 | 401 | 403) {
        headers.push((WWW_AUTHENTICATE.to_string(), challenge(realm, metadata, refusal)));
    }
    if let Some(wait) = refusal.retry_after {
        headers.push(("Retry-After".to_owned(), wait.as_secs_f64().ceil().to_string()));
    }
    let body = serde_json::json!({ "error": code(refusal), "error_description": description(refusal) }).to_string();
    Answer { status, reason_phrase: None, headers, body }
}

/// The value of `WWW-Authenticate` for this refusal; `metadata` is where the API's is (RFC 9728 §5.1).
pub(crate) fn challenge(realm: &str, metadata: Option<&str>, refusal: &Refusal) -> String {
    let about_key = is_about_key(refusal);
    let scheme = if about_key { "DPoP" } else { "Bearer" };
    let mut challenge = format!("{scheme} realm=\"{}\"", quotable(realm));
    if let Some(metadata) = metadata {
        challenge += &format!(", resource_metadata=\"{}\"", quotable(metadata));
    }
    // RFC 6750 §3.1: whoever sent no token made no mistake yet.
    if refusal.reason != Reason::NoToken {
        let (error, description) = (code(refusal), quotable(&description(refusal)));
        challenge += &format!(", error=\"{error}\", error_description=\"{description}\"");
    }
    if about_key {
        challenge += &format!(", algs=\"{}\"", Alg::ALL.map(Alg::name).join(" "));
    }
    challenge
}

/// RFC 6750 §3.1, RFC 6749 §4.1.2.1 for what it leaves out, and RFC 9449 §7.1.
fn code(refusal: &Refusal) -> &'static str {
    if refusal.field.as_deref() == Some(dpop::HEADER) {
        return "invalid_dpop_proof";
    }
    match refusal.reason.parent().unwrap_or(refusal.reason) {
        Reason::InvalidToken | Reason::WrongCredentials => "invalid_token",
        Reason::Denied => "insufficient_scope",
        Reason::Throttled | Reason::Unavailable => "temporarily_unavailable",
        _ => "invalid_request",
    }
}

/// Whether it is the key that a token is bound to which is not proven (RFC 9449 §7.1).
fn is_about_key(refusal: &Refusal) -> bool {
    matches!(refusal.field.as_deref(), Some(dpop::HEADER | UNBOUND))
}

fn description(refusal: &Refusal) -> String {
    refusal.detail.clone().unwrap_or_else(|| sentence(refusal.reason).to_owned())
}

fn sentence(reason: Reason) -> &'static str {
    match reason {
        Reason::NoToken => "send an access token: Authorization: Bearer TOKEN",
        Reason::Expired => "the access token has expired; get a new one",
        Reason::Revoked => "the access token was revoked; sign in again",
        Reason::TooLarge => "the request is too large",
        Reason::DeniedScope => "the access token lacks a scope that this call needs",
        Reason::DeniedTarget => "the access token is limited to another target",
        Reason::Throttled => "too many requests; wait before the next one",
        Reason::Unavailable => "not available at the moment; try again",
        other => match other.parent().unwrap_or(other) {
            Reason::InvalidToken | Reason::WrongCredentials => "the access token is not valid here; get a new one",
            Reason::Denied => "the access token does not allow this call",
            _ => "the request cannot be understood",
        },
    }
}

/// Fit to stand between quotation marks in a header.
fn quotable(text: &str) -> String {
    text.chars().map(|c| if (c == ' ' || c.is_ascii_graphic()) && c != '"' && c != '\\' { c } else { '\'' }).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Method;

    use super::*;

    #[test]
    fn one_token_in_one_header_is_read_and_nothing_else() {
        let ok = |token: &'static str| Ok(Some(token));
        type Row = (&'static [&'static str], Option<&'static str>, Result<Option<&'static str>, Reason>);
        let rows: [Row; 24] = [
            (&["Bearer abc"], None, ok("abc")),
            (&["bEaReR abc"], None, ok("abc")),
            (&["Bearer a-._~+/z0=="], None, ok("a-._~+/z0==")),
            (&["Bearer abc"], Some("x=1"), ok("abc")),
            (&[], None, Ok(None)),
            (&["Basic YTpi"], None, Ok(None)),
            (&["Bearerabc"], None, Ok(None)),
            (&["abc"], None, Ok(None)),
            (&[""], None, Ok(None)),
            (&["Bearer"], None, Err(Reason::Malformed)),
            (&["Bearer "], None, Err(Reason::Malformed)),
            (&["Bearer  abc"], None, Err(Reason::Malformed)),
            (&["Bearer\tabc"], None, Err(Reason::Malformed)),
            (&["Bearer abc "], None, Err(Reason::Malformed)),
            (&["Bearer abc def"], None, Err(Reason::Malformed)),
            (&["Bearer abc, Bearer def"], None, Err(Reason::Malformed)),
            (&["Bearer abc,def"], None, Err(Reason::Malformed)),
            (&["Bearer =="], None, Err(Reason::Malformed)),
            (&["Bearer ab=c"], None, Err(Reason::Malformed)),
            (&["Bearer \"abc\""], None, Err(Reason::Malformed)),
            (&["Bearer abc", "Bearer abc"], None, Err(Reason::Repeated)),
            (&["Basic YTpi", "Bearer abc"], None, Err(Reason::Repeated)),
            (&["Bearer abc"], Some("a&access_token=abc"), Err(Reason::Exposed)),
            (&[], Some("%61ccess_token=abc"), Err(Reason::Exposed)),
        ];
        for (values, query, expected) in rows {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, value.parse().unwrap());
            }
            let shown = read(&Request { method: &Method::GET, path: "/", query, headers: &headers, body: b"" });
            let found = match &shown {
                Shown::None => Ok(None),
                Shown::Token { token, .. } => Ok(Some(token.expose().as_str())),
                Shown::Refused { refusal, .. } => Err(refusal.reason),
            };
            assert_eq!(found, expected, "{values:?} {query:?}");
        }
    }

    #[test]
    fn a_refusal_is_a_challenge_and_json() {
        let rows = [
            (Reason::NoToken, 401, Some(r#"Bearer realm="a'b""#), "invalid_token"),
            (
                Reason::Expired,
                401,
                Some(
                    r#"Bearer realm="a'b", error="invalid_token", error_description="the access token has expired; get a new one""#,
                ),
                "invalid_token",
            ),
            (
                Reason::Repeated,
                400,
                Some(
                    r#"Bearer realm="a'b", error="invalid_request", error_description="the request cannot be understood""#,
                ),
                "invalid_request",
            ),
            (
                Reason::DeniedScope,
                403,
                Some(
                    r#"Bearer realm="a'b", error="insufficient_scope", error_description="the access token lacks a scope that this call needs""#,
                ),
                "insufficient_scope",
            ),
            (Reason::TooLarge, 413, None, "invalid_request"),
            (Reason::Throttled, 429, None, "temporarily_unavailable"),
            (Reason::Unavailable, 503, None, "temporarily_unavailable"),
        ];
        for (reason, status, challenge, error) in rows {
            let answer = refuse("a\"b", None, &Refusal::new(reason).retry_after(Duration::from_millis(1_200)));
            let header =
                |name: &str| answer.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str());
            assert_eq!((answer.status, header("www-authenticate")), (status, challenge), "{reason:?}");
            assert_eq!(header("retry-after"), Some("2"), "{reason:?}");
            let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(body["error"], error, "{reason:?}");
        }
    }
}
