//! Values on the command line, read once: each function is the parser of one kind of argument.

use std::time::Duration;

use anyhow::bail;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use jeton_core::domain::certificate::CertificateName;
use jeton_core::domain::client::{AuthMethod, IssueLimit, TokenFormat};
use jeton_core::domain::grant::GrantType;
use jeton_core::domain::policy::Alg;
use jeton_core::domain::realm::{self, ClientErrors, Mount, Profile};
use jeton_core::domain::registration::RegistrationMode;
use jeton_core::time::Timestamp;
use jeton_core::token::jwk::Jwk;
use jeton_core::token::jwk_set;
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

/// Up to when tokens are refused.
#[derive(clap::Args)]
pub(crate) struct CutOff {
    /// Those issued before this time, such as 2026-01-15T15:00:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = instant)]
    before: Option<Timestamp>,
}

impl CutOff {
    /// The time that was given, if one was; not one that is still to come, since it could not be taken back.
    pub(super) fn given(&self, now: Timestamp) -> anyhow::Result<Option<Timestamp>> {
        if let Some(before) = self.before.filter(|before| *before > now) {
            bail!("{before} is still to come, and a cut-off is never taken back: give a time that has passed");
        }
        Ok(self.before)
    }
}

/// A point in time as in RFC 3339.
fn instant(text: &str) -> Result<Timestamp, String> {
    let wrong = |_| "write a time with its zone, such as 2026-01-15T15:00:00Z".to_owned();
    let at: jiff::Timestamp = text.parse().map_err(wrong)?;
    Ok(Timestamp::from_micros(at.as_microsecond()))
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
pub(crate) fn url(text: &str) -> Result<String, String> {
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

/// A grant type of OAuth.
pub(super) fn grant() -> impl TypedValueParser<Value = GrantType> {
    PossibleValuesParser::new(GrantType::ALL.map(GrantType::name))
        .try_map(|name| GrantType::named(&name).ok_or("unknown grant type"))
}

/// How a client proves itself.
pub(super) fn auth_method() -> impl TypedValueParser<Value = AuthMethod> {
    PossibleValuesParser::new(AuthMethod::ALL.map(AuthMethod::name))
        .try_map(|name| AuthMethod::ALL.into_iter().find(|method| method.name() == name).ok_or("unknown method"))
}

/// How a client's access tokens look.
pub(super) fn token_format() -> impl TypedValueParser<Value = TokenFormat> {
    PossibleValuesParser::new(["jwt", "opaque"]).map(|name| match name.as_str() {
        "opaque" => TokenFormat::Opaque,
        _ => TokenFormat::Jwt,
    })
}

/// `100/1m`.
pub(super) fn issue_limit(text: &str) -> Result<IssueLimit, String> {
    let wrong = || "write a number and a time, such as 100/1m".to_owned();
    let (count, per) = text.split_once('/').ok_or_else(wrong)?;
    let count = count.parse().ok().filter(|count| *count > 0).ok_or_else(wrong)?;
    let per_secs = span(per).ok().and_then(|per| u32::try_from(per.as_secs()).ok()).ok_or_else(wrong)?;
    Ok(IssueLimit { count, per_secs })
}

/// The public keys of a file: a JWK, or a set of them.
#[derive(Clone, Debug)]
pub(super) struct PublicKeys(pub(super) Vec<Jwk>);

/// Reads a file of public keys.
pub(super) fn public_keys(path: &str) -> Result<PublicKeys, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("it cannot be read: {error}"))?;
    match jwk_set::read(&text) {
        Some(keys) if !keys.is_empty() => Ok(PublicKeys(keys)),
        Some(_) => Err("no key in it signs by ES256, EdDSA, RS256 or PS256".to_owned()),
        None => Err("give the public part alone, as a JWK or a JWK set".to_owned()),
    }
}

/// `KIND=TEXT`, a name of a certificate.
pub(super) fn certificate_name(text: &str) -> Result<CertificateName, String> {
    let name = text.split_once('=').and_then(|(kind, text)| CertificateName::new(kind, text));
    name.ok_or_else(|| {
        let kinds = CertificateName::KINDS.join(", ");
        format!("write KIND=TEXT, as in san_dns=machine.example.com; the kinds are {kinds}")
    })
}

/// A time zone by its IANA name.
pub(super) fn zone(text: &str) -> Result<String, String> {
    match jiff::tz::TimeZone::get(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("this is no time zone; give one by its IANA name, such as Europe/Berlin".to_owned()),
    }
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

/// Whether clients register themselves.
pub(super) fn registration() -> impl TypedValueParser<Value = RegistrationMode> {
    PossibleValuesParser::new(RegistrationMode::ALL.map(RegistrationMode::name))
        .try_map(|name| RegistrationMode::ALL.into_iter().find(|mode| mode.name() == name).ok_or("unknown mode"))
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
