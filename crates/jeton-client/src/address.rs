//! Addresses that secrets and tokens may be sent to.

use http::Uri;

/// Why an address cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not a whole URL.
    #[error(
        "`{0}` is not an address; give scheme, host and path, as in https://api.example.com, and nothing after them"
    )]
    Form(String),
    /// Tokens and secrets would be readable on the way.
    #[error("`{0}` is plain HTTP and not on this machine: secrets and tokens would be readable; use https://")]
    Insecure(String),
    /// A host that nobody has allowed.
    #[error(
        "`{0}` is not below the profile's own host; if calls shall go there, add its host to `hosts` in the profile"
    )]
    Foreign(String),
}

/// Makes sure that `url`, which an answer gave, is one that [`check`] lets through and that its host is that of `own`,
/// a name below it, or one of `hosts`.
pub(crate) fn check_learnt(url: &str, own: &str, hosts: &[String]) -> Result<(), AddressError> {
    check(url)?;
    let host = |url: &str| url.parse::<Uri>().ok()?.host().map(str::to_ascii_lowercase);
    let (Some(host), Some(own)) = (host(url), host(own)) else { return Err(AddressError::Form(url.to_owned())) };
    // Nothing is below an address in numbers.
    let named = own.parse::<std::net::IpAddr>().is_err();
    let below = named && host.strip_suffix(own.as_str()).is_some_and(|rest| rest.ends_with('.'));
    match host == own || below || hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(&host)) {
        true => Ok(()),
        false => Err(AddressError::Foreign(url.to_owned())),
    }
}

/// Makes sure that `url` is HTTPS, or HTTP to this machine, with a host and without user, query and fragment.
///
/// # Errors
/// It is not.
pub fn check(url: &str) -> Result<(), AddressError> {
    let wrong = || AddressError::Form(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let named =
        uri.authority().is_some_and(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'));
    if !named || url.contains(['?', '#']) {
        return Err(wrong());
    }
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(_)) => Ok(()),
        (Some("http"), Some(host)) if is_loopback(host) => Ok(()),
        (Some("http"), Some(_)) => Err(AddressError::Insecure(url.to_owned())),
        _ => Err(wrong()),
    }
}

/// The same for an address that an issuer gives, which may have a query (RFC 6749 §3.1).
pub(crate) fn check_endpoint(url: &str) -> Result<(), AddressError> {
    if url.parse::<Uri>().is_err() || url.contains('#') {
        return Err(AddressError::Form(url.to_owned()));
    }
    check(url.split_once('?').map_or(url, |(before, _)| before))
}

/// `target` (path and query) below `base`. Whatever `target` is, the host stays that of `base`.
pub(crate) fn join(base: &str, target: &str) -> String {
    format!("{}/{}", base.trim_end_matches('/'), target.trim_start_matches('/'))
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_over_https_or_stay_on_this_machine() {
        let form = |url: &str| Err(AddressError::Form(url.to_owned()));
        for (url, expected) in [
            ("https://api.example.com", Ok(())),
            ("https://api.example.com/v1/", Ok(())),
            ("http://127.0.0.1:8080", Ok(())),
            ("http://[::1]:8080/x", Ok(())),
            ("http://localhost", Ok(())),
            ("http://api.example.com", Err(AddressError::Insecure("http://api.example.com".to_owned()))),
            ("http://localhost.example.com", Err(AddressError::Insecure("http://localhost.example.com".to_owned()))),
            ("https://user@api.example.com", form("https://user@api.example.com")),
            ("https://api.example.com?x=1", form("https://api.example.com?x=1")),
            ("ftp://api.example.com", form("ftp://api.example.com")),
            ("api.example.com", form("api.example.com")),
            ("/path", form("/path")),
            ("", form("")),
        ] {
            assert_eq!(check(url), expected, "{url}");
        }
    }

    #[test]
    fn an_address_from_an_answer_is_below_the_own_host_or_allowed() {
        let own = "https://Api.example.com/v1";
        let hosts = ["eu.example.net".to_owned()];
        for (url, good) in [
            ("https://api.example.com/v2", true),
            ("https://API.EXAMPLE.COM:8443", true),
            ("https://eu.api.example.com", true),
            ("https://EU.example.net/x", true),
            ("https://evil-api.example.com", false),
            ("https://api.example.com.evil.net", false),
            ("https://example.com", false),
            ("https://x.eu.example.net", false),
            ("http://api.example.com", false),
            ("http://127.0.0.1:1", false),
            ("https://api.example.com@evil.net", false),
            ("https://evil.net/api.example.com", false),
            ("https://.api.example.com.", false),
            ("//api.example.com", false),
        ] {
            assert_eq!(check_learnt(url, own, &hosts).is_ok(), good, "{url}");
        }
        assert!(check_learnt("http://127.0.0.1:2/x", "http://127.0.0.1:1", &[]).is_ok());
        assert!(check_learnt("http://7.127.0.0.1:2", "http://127.0.0.1:1", &[]).is_err());
    }

    #[test]
    fn no_target_leaves_the_host() {
        for (base, target, whole) in [
            ("https://a.example", "/x?y=1", "https://a.example/x?y=1"),
            ("https://a.example/v1/", "x", "https://a.example/v1/x"),
            ("https://a.example", "@b.example/", "https://a.example/@b.example/"),
            ("https://a.example", "//b.example/", "https://a.example/b.example/"),
            ("https://a.example", ".b.example/", "https://a.example/.b.example/"),
        ] {
            assert_eq!(join(base, target), whole);
        }
    }
}
