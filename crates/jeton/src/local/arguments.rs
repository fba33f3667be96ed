//! Values on the command line, read once: each function is the parser of one kind of argument.

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use jeton_core::domain::policy::Alg;
use jeton_core::domain::realm::{self, ClientErrors, Mount, Profile};
use jeton_gate::{Rule, host};

/// The name of a realm, client or API key.
pub(super) fn name(text: &str) -> Result<String, String> {
    match realm::is_name(text) {
        true => Ok(text.to_owned()),
        false => Err("a name has 1 to 64 letters, digits, `-`, `_` or `.`".to_owned()),
    }
}

/// A username or another text that people read: not empty, at most 256 bytes, nothing invisible at its ends.
pub(super) fn title(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > 256 || text.trim() != text || text.chars().any(char::is_control) {
        return Err("give 1 to 256 bytes without control characters and without spaces at the ends".to_owned());
    }
    Ok(text.to_owned())
}

/// `NAME=VALUE`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if realm::is_name(name) && !value.chars().any(char::is_control) => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("write NAME=VALUE, the value without control characters".to_owned()),
    }
}

/// A scope word or an audience: visible ASCII but `"` and `\` (RFC 6749 §3.3).
pub(super) fn word(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    match !text.is_empty() && text.bytes().all(fits) {
        true => Ok(text.to_owned()),
        false => Err("give one word of visible ASCII characters; repeat the option for another".to_owned()),
    }
}

/// `90d`, `12h`, `15m` or `30s`.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    let wrong = || "write a number and a unit, such as 90d, 12h, 15m or 30s".to_owned();
    let (count, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let seconds = match unit {
        "d" => 86_400,
        "h" => 3_600,
        "m" => 60,
        "s" => 1,
        _ => return Err(wrong()),
    };
    let count: u64 = count.parse().map_err(|_| wrong())?;
    match count.checked_mul(seconds) {
        // A hundred years: what is meant to be longer needs no end at all.
        Some(total) if (1..=36_500 * 86_400).contains(&total) => Ok(Duration::from_secs(total)),
        _ => Err("give a time from 1s to 36500d, or leave it out for no end".to_owned()),
    }
}

/// `DIALECT[@HOST][/PREFIX]`.
pub(super) fn mount(text: &str) -> Result<Mount, String> {
    let (front, prefix) = text.split_at(text.find('/').unwrap_or(text.len()));
    let (dialect, host) = match front.split_once('@') {
        Some((dialect, host)) => (dialect, Some(host)),
        None => (front, None),
    };
    let prefix = prefix.trim_end_matches('/');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let segments = || prefix.split('/').skip(1);
    if !segments().all(|part| !part.is_empty() && part != "." && part != ".." && part.bytes().all(plain)) {
        return Err("the prefix is a plain path such as /legacy".to_owned());
    }
    let host = host.map(host::normalise).transpose().map_err(|_| "the host is a name such as api.example.org")?;
    Ok(Mount { dialect: name(dialect)?, host, prefix: prefix.to_owned() })
}

/// A mount as [`mount`] reads it.
pub(super) fn mount_text(mount: &Mount) -> String {
    let host = mount.host.as_ref().map(|host| format!("@{host}")).unwrap_or_default();
    format!("{}{host}{}", mount.dialect, mount.prefix)
}

/// A rule of the gate.
pub(super) fn rule(text: &str) -> Result<String, String> {
    text.parse::<Rule>().map(|rule| rule.to_string()).map_err(|error| error.to_string())
}

/// An `http://` or `https://` address without query.
pub(super) fn url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or(text.strip_prefix("http://"));
    match rest
        .is_some_and(|rest| !rest.is_empty() && !rest.contains(|c: char| "?#\"".contains(c) || !c.is_ascii_graphic()))
    {
        true => Ok(text.to_owned()),
        false => Err("give an http:// or https:// address without query".to_owned()),
    }
}

/// What a browser sends as `Origin`: scheme, host and port, nothing behind them.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let wrong = || "an origin is scheme, host and port alone, such as https://app.example.org".to_owned();
    let text = url(text).map_err(|_| wrong())?;
    let authority = text.split_once("://").map_or("", |(_, rest)| rest);
    match host::normalise(authority).is_ok() && text == text.to_ascii_lowercase() {
        true => Ok(text),
        false => Err(wrong()),
    }
}

/// A signature algorithm.
pub(super) fn alg() -> impl TypedValueParser<Value = Alg> {
    PossibleValuesParser::new(Alg::ALL.map(Alg::name)).try_map(|name| Alg::named(&name).ok_or("unknown algorithm"))
}

/// The shape of OAuth tokens.
pub(super) fn profile() -> impl TypedValueParser<Value = Profile> {
    PossibleValuesParser::new(["rfc9068", "keycloak"]).map(|name| match name.as_str() {
        "keycloak" => Profile::Keycloak,
        _ => Profile::Rfc9068,
    })
}

/// How client authentication fails.
pub(super) fn client_errors() -> impl TypedValueParser<Value = ClientErrors> {
    PossibleValuesParser::new(["uniform", "keycloak"]).map(|name| match name.as_str() {
        "keycloak" => ClientErrors::Keycloak,
        _ => ClientErrors::Uniform,
    })
}

/// The Keycloak to imitate.
pub(super) fn keycloak() -> impl TypedValueParser<Value = u8> {
    PossibleValuesParser::new(["19", "26"]).try_map(|version| version.parse::<u8>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (text, seconds) in [
            ("30s", Some(30)),
            ("15m", Some(900)),
            ("12h", Some(43_200)),
            ("90d", Some(7_776_000)),
            ("0d", None),
            ("-1d", None),
            ("1", None),
            ("d", None),
            ("", None),
            ("1ü", None),
            ("1.5h", None),
            ("99999999999999999999d", None),
            ("36501d", None),
        ] {
            assert_eq!(span(text).ok().map(|span| span.as_secs()), seconds, "{text}");
        }
    }

    #[test]
    fn mounts_are_written_as_they_are_read() {
        for (text, read) in [
            ("shop", Some("shop")),
            ("shop@API.example.org.", Some("shop@api.example.org")),
            ("shop/legacy/", Some("shop/legacy")),
            ("shop@h/a/b", Some("shop@h/a/b")),
            ("shop/", Some("shop")),
            ("", None),
            ("/legacy", None),
            ("shop@", None),
            ("shop@a b", None),
            ("shop/a//b", None),
            ("shop/..", None),
            ("shop/a?b", None),
        ] {
            assert_eq!(mount(text).ok().as_ref().map(mount_text).as_deref(), read, "{text}");
        }
    }

    #[test]
    fn origins_and_words() {
        for (text, good) in [
            ("https://app.example.org", true),
            ("http://localhost:3000", true),
            ("https://app.example.org/", false),
            ("https://App.example.org", false),
            ("null", false),
            ("*", false),
        ] {
            assert_eq!(origin(text).is_ok(), good, "{text}");
        }
        for (text, good) in [("read:all", true), ("", false), ("a b", false), ("a\"", false), ("é", false)] {
            assert_eq!(word(text).is_ok(), good, "{text}");
        }
    }
}
