//! The headers between a gate and the API behind it: what is taken away, what is put there.
//!
//! An API believes the identity headers because nobody but the gate can set them. So they are deleted in
//! every spelling that some server would read as theirs, and that happens before ours are set.

use http::header::{AUTHORIZATION, CONNECTION, COOKIE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue};
use jeton_core::dialect::Carrier;

use crate::caller::Caller;

/// The realm that issued the token.
pub const REALM: HeaderName = HeaderName::from_static("x-jeton-realm");
/// The principal's id.
pub const SUBJECT: HeaderName = HeaderName::from_static("x-jeton-subject");
/// The principal's number, for APIs whose ids are numbers.
pub const NUMBER: HeaderName = HeaderName::from_static("x-jeton-number");
/// The principal's sign-in name.
pub const USERNAME: HeaderName = HeaderName::from_static("x-jeton-username");
/// The client that asked for the token.
pub const CLIENT_ID: HeaderName = HeaderName::from_static("x-jeton-client-id");
/// The token's scopes, parted by spaces.
pub const SCOPE: HeaderName = HeaderName::from_static("x-jeton-scope");
/// The number of the target the token is limited to.
pub const TARGET: HeaderName = HeaderName::from_static("x-jeton-target");
/// The principal's level.
pub const LEVEL: HeaderName = HeaderName::from_static("x-jeton-level");
/// Who acts in the principal's name.
pub const ACTOR: HeaderName = HeaderName::from_static("x-jeton-actor");

/// The identity headers of a caller: all nine, empty where there is nothing to say.
///
/// What is not printable ASCII, and `%`, is percent-encoded as UTF-8; only between scopes stand spaces.
pub fn identity(caller: Option<&Caller>) -> [(HeaderName, HeaderValue); 9] {
    let text =
        |member: fn(&Caller) -> Option<&String>| caller.and_then(member).map(|value| encode(value)).unwrap_or_default();
    let scopes = caller.map(|caller| caller.scope.iter().map(|scope| encode(scope)).collect::<Vec<_>>());
    let number = caller.and_then(|caller| caller.number).map(|number| number.to_string());
    let target = caller.and_then(|caller| caller.target).map(|target| target.to_string());
    [
        (REALM, text(|caller| Some(&caller.realm))),
        (SUBJECT, text(|caller| Some(&caller.subject))),
        (NUMBER, number.unwrap_or_default()),
        (USERNAME, text(|caller| caller.username.as_ref())),
        (CLIENT_ID, text(|caller| caller.client_id.as_ref())),
        (SCOPE, scopes.unwrap_or_default().join(" ")),
        (TARGET, target.unwrap_or_default()),
        (LEVEL, text(|caller| caller.level.as_ref())),
        (ACTOR, text(|caller| caller.actor.as_ref())),
    ]
    .map(|(name, value)| (name, HeaderValue::try_from(value).unwrap_or_else(|_| HeaderValue::from_static(""))))
}

/// Whether some server would read this as a header that only a gate may set: any case, and any separator
/// (CGI makes `-` and `_` the same, some servers more).
pub fn is_identity(name: &HeaderName) -> bool {
    canonical(name).starts_with("x-jeton-")
}

/// Whether a server would take the method or address of a call from this header rather than from the
/// request line.
pub(crate) fn overrides_call(name: &HeaderName) -> bool {
    matches!(
        canonical(name).as_str(),
        "x-http-method-override" | "x-http-method" | "x-method-override" | "x-rewrite-url"
    )
}

/// Deletes what only a gate or a proxy may say: identity headers, and all that tells an API of another
/// method, address or sender than the call itself.
pub(crate) fn remove_claims(headers: &mut HeaderMap) {
    remove(headers, |name| {
        let name_text = canonical(name);
        is_identity(name)
            || overrides_call(name)
            || name_text == "forwarded"
            || name_text == "x-real-ip"
            || name_text.starts_with("x-forwarded-")
            || name_text.starts_with("x-original-")
    });
}

/// Deletes the headers that end at this connection (RFC 9110 §7.6.1), those named by `Connection` included.
pub fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<String> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(|name| name.trim().to_ascii_lowercase()))
        .collect();
    const FIXED: [&str; 10] = [
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    remove(headers, |name| FIXED.contains(&name.as_str()) || named.iter().any(|other| other == name.as_str()));
}

/// Takes the token out of the headers: `Authorization` in any case, the places where the dialect shows it,
/// and wherever else its value stands.
pub fn remove_token(headers: &mut HeaderMap, carriers: &[Carrier], token: Option<&str>) {
    let is_token = |value: &str| token.is_some_and(|token| !token.is_empty() && value.contains(token));
    let mut found: Vec<HeaderName> = vec![AUTHORIZATION];
    for (name, value) in headers.iter() {
        let carried = carriers
            .iter()
            .any(|c| matches!(c, Carrier::Header(carrier) if name.as_str().eq_ignore_ascii_case(carrier)));
        let shown = name != COOKIE && name != HOST && value.to_str().is_ok_and(is_token);
        if carried || shown {
            found.push(name.clone());
        }
    }
    remove(headers, |name| found.contains(name));

    let crumb_goes = |crumb: &str| {
        let (name, value) = crumb.split_once('=').unwrap_or((crumb, ""));
        is_token(value) || carriers.iter().any(|c| matches!(c, Carrier::Cookie(carrier) if name.trim() == carrier))
    };
    let cookies: Vec<HeaderValue> =
        headers.get_all(COOKIE).iter().filter_map(|value| cookies_without(value, crumb_goes)).collect();
    headers.remove(COOKIE);
    for cookie in cookies {
        headers.append(COOKIE, cookie);
    }
}

/// A `Cookie` header without some of its cookies; `None` when none is left. One that is not ASCII goes
/// whole, since what cannot be read cannot be searched.
fn cookies_without(value: &HeaderValue, goes: impl Fn(&str) -> bool) -> Option<HeaderValue> {
    let crumbs = value.to_str().ok()?.split(';').filter(|crumb| !goes(crumb));
    let kept = crumbs.collect::<Vec<_>>().join(";");
    if kept.trim().is_empty() { None } else { HeaderValue::try_from(kept.trim_start()).ok() }
}

/// The name as CGI-like servers see it.
fn canonical(name: &HeaderName) -> String {
    name.as_str().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

fn remove(headers: &mut HeaderMap, unwanted: impl Fn(&HeaderName) -> bool) {
    let names: Vec<HeaderName> = headers.keys().filter(|name| unwanted(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'!'..=b'~' if byte != b'%' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use jeton_core::time::Timestamp;

    use super::*;

    fn map(rows: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in rows {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn claims_go_in_every_spelling() {
        let rows = [
            ("X-Jeton-Subject", true),
            ("x-jeton-subject", true),
            ("X_Jeton_Subject", true),
            ("x-jeton_Subject", true),
            ("x.jeton.subject", true),
            ("X-Jeton-Anything", true),
            ("x_jeton_", true),
            ("X-Forwarded-For", true),
            ("X_Forwarded_Host", true),
            ("Forwarded", true),
            ("X-Real-IP", true),
            ("X-Original-URL", true),
            ("X-Rewrite-URL", true),
            ("X-HTTP-Method-Override", true),
            ("X_HTTP_Method_Override", true),
            ("X-Jetonic", false),
            ("Jeton-Subject", false),
            ("X-Request-Id", false),
            ("Content-Type", false),
        ];
        for (name, gone) in rows {
            let mut headers = map(&[(name, "a"), (name, "b"), ("accept", "c")]);
            remove_claims(&mut headers);
            assert_eq!(headers.len(), if gone { 1 } else { 3 }, "{name}");
        }
    }

    #[test]
    fn hop_by_hop_headers_end_here() {
        let mut headers = map(&[
            ("Connection", "close, X-Mine"),
            ("Connection", "X-Jeton-Subject"),
            ("Keep-Alive", "1"),
            ("Transfer-Encoding", "chunked"),
            ("TE", "trailers"),
            ("Upgrade", "h2c"),
            ("Proxy-Authorization", "Basic x"),
            ("X-Mine", "1"),
            ("X-Jeton-Subject", "2"),
            ("Content-Type", "text/plain"),
        ]);
        remove_hop_by_hop(&mut headers);
        assert_eq!(names(&headers), ["content-type"]);
    }

    #[test]
    fn the_token_is_taken_out_wherever_it_stands() {
        let carriers = [Carrier::Header("X-Token".to_owned()), Carrier::Cookie("tokenID".to_owned())];
        let mut headers = map(&[
            ("Authorization", "Basic other"),
            ("X-Token", "something"),
            ("X-Copy", "Token abc"),
            ("X-Other", "xyz"),
            ("Host", "abc.example"),
            ("Cookie", "a=1; tokenID=old; b=2; c=abc"),
            ("Cookie", "tokenID=abc"),
            ("Cookie", "d=3"),
        ]);
        remove_token(&mut headers, &carriers, Some("abc"));
        assert_eq!(names(&headers), ["cookie", "host", "x-other"]);
        let cookies: Vec<&str> = headers.get_all(COOKIE).iter().map(|value| value.to_str().unwrap()).collect();
        assert_eq!(cookies, ["a=1; b=2", "d=3"]);
    }

    #[test]
    fn identity_is_written_unambiguously() {
        let caller = Caller {
            realm: "events".to_owned(),
            subject: "7".to_owned(),
            number: Some(7001),
            username: Some("José 100%\r\nX-Jeton-Level: Admin".to_owned()),
            client_id: None,
            key_id: None,
            scope: vec!["a b".to_owned(), "c".to_owned()],
            target: Some(-4),
            level: Some("User".to_owned()),
            actor: None,
            cnf: None,
            expires_at: Timestamp::MAX,
        };
        let written = identity(Some(&caller)).map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
        assert_eq!(
            written,
            [
                "x-jeton-realm: events",
                "x-jeton-subject: 7",
                "x-jeton-number: 7001",
                "x-jeton-username: Jos%C3%A9%20100%25%0D%0AX-Jeton-Level:%20Admin",
                "x-jeton-client-id: ",
                "x-jeton-scope: a%20b c",
                "x-jeton-target: -4",
                "x-jeton-level: User",
                "x-jeton-actor: ",
            ]
        );
    }
}
