//! Who may call the proxy: programs, and no page in a browser that found its address.

use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, Uri};

/// Why a call goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stranger {
    /// The call names a host that is not this machine. So does a page whose name was made to lead here (DNS rebinding).
    Host,
    /// A page of another site makes the call.
    Page,
    /// The call is for another address altogether.
    Forward,
}

impl Stranger {
    /// What the caller is told.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::Host => "call this proxy by its IP address or as localhost",
            Self::Page => "this proxy is not for pages of other sites",
            Self::Forward => "this is one API's address, not a proxy for others: use it in place of the API's own",
        }
    }
}

/// Whether a call comes from a program, as far as its head tells.
pub(super) fn check(uri: &Uri, headers: &HeaderMap) -> Result<(), Stranger> {
    if uri.authority().is_some() {
        return Err(Stranger::Forward);
    }
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let host = text(HOST).unwrap_or_default();
    if !is_this_machine(host) {
        return Err(Stranger::Host);
    }
    let same_site = text(ORIGIN).is_none_or(|origin| origin == format!("http://{host}"));
    // https://www.w3.org/TR/fetch-metadata/: browsers say so also where they send no `Origin`.
    let same_fetch =
        headers.get("sec-fetch-site").is_none_or(|site| matches!(site.as_bytes(), b"same-origin" | b"none"));
    if same_site && same_fetch { Ok(()) } else { Err(Stranger::Page) }
}

/// An IP address cannot be made to lead elsewhere, and browsers resolve `localhost` themselves.
fn is_this_machine(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    !host.contains('@') && (name.eq_ignore_ascii_case("localhost") || address.parse::<std::net::IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_come_in_and_pages_do_not() {
        let (host, page, forward) = (Err(Stranger::Host), Err(Stranger::Page), Err(Stranger::Forward));
        for (uri, host_header, more, expected) in [
            ("/", "127.0.0.1:8090", None, Ok(())),
            ("/", "localhost:8090", None, Ok(())),
            ("/", "LOCALHOST", None, Ok(())),
            ("/", "[::1]:8090", None, Ok(())),
            ("/", "192.0.2.7:8090", None, Ok(())),
            ("/", "evil.example:8090", None, host),
            ("/", "127.0.0.1.evil.example", None, host),
            ("/", "localhost.evil.example", None, host),
            ("/", "evil@127.0.0.1", None, host),
            ("/", "", None, host),
            ("/", "localhost:1", Some(("origin", "http://localhost:1")), Ok(())),
            ("/", "localhost:1", Some(("origin", "http://localhost:2")), page),
            ("/", "localhost:1", Some(("origin", "https://evil.example")), page),
            ("/", "localhost:1", Some(("origin", "null")), page),
            ("/", "localhost:1", Some(("sec-fetch-site", "none")), Ok(())),
            ("/", "localhost:1", Some(("sec-fetch-site", "same-origin")), Ok(())),
            ("/", "localhost:1", Some(("sec-fetch-site", "cross-site")), page),
            ("/", "localhost:1", Some(("sec-fetch-site", "same-site")), page),
            ("http://api.example.com/", "api.example.com", None, forward),
            ("api.example.com:443", "api.example.com:443", None, forward),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host_header.parse().unwrap());
            more.map(|(name, value)| headers.insert(name, value.parse().unwrap()));
            assert_eq!(check(&uri.parse().unwrap(), &headers), expected, "{uri} {host_header} {more:?}");
        }
    }
}
