//! The host of a request in one form: lower case, without port and without the trailing dot of the DNS root.

use http::HeaderMap;
use http::header::HOST;

/// Why a host is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// None at all.
    #[error("the request names no host; send one Host header")]
    Missing,
    /// Two Host headers, or a Host header beside another one in the request line.
    #[error("the request names two hosts; send one Host header")]
    Repeated,
    /// Not a host name or address, such as one with user information.
    #[error("the host is not a host name")]
    Malformed,
}

/// The host that a request names: in its request line (absolute form, HTTP/2) or in its one Host header.
pub fn of_request(uri: &http::Uri, headers: &HeaderMap) -> Result<String, HostError> {
    let mut named = headers.get_all(HOST).iter();
    let header = match (named.next(), named.next()) {
        (_, Some(_)) => return Err(HostError::Repeated),
        (Some(value), None) => Some(normalise(value.to_str().map_err(|_| HostError::Malformed)?)?),
        (None, None) => None,
    };
    let line = uri.authority().map(|authority| normalise(authority.as_str())).transpose()?;
    match (line, header) {
        (Some(line), Some(header)) if line != header => Err(HostError::Repeated),
        (Some(host), _) | (None, Some(host)) => Ok(host),
        (None, None) => Err(HostError::Missing),
    }
}

/// `Example.ORG.:8443` becomes `example.org`.
pub fn normalise(raw: &str) -> Result<String, HostError> {
    if raw.is_empty() {
        return Err(HostError::Missing);
    }
    let (name, port) = match raw.strip_prefix('[') {
        Some(rest) => {
            let end = rest.find(']').ok_or(HostError::Malformed)?;
            let address = rest[..end].parse::<std::net::Ipv6Addr>().map_err(|_| HostError::Malformed)?;
            (format!("[{address}]"), &rest[end + 1..])
        }
        None => {
            let end = raw.find(':').unwrap_or(raw.len());
            let name = raw[..end].strip_suffix('.').unwrap_or(&raw[..end]);
            let labels = name.split('.').all(|label| {
                !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            });
            if !labels {
                return Err(HostError::Malformed);
            }
            (name.to_ascii_lowercase(), &raw[end..])
        }
    };
    match port.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Ok(name),
        None if port.is_empty() => Ok(name),
        _ => Err(HostError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_brought_into_one_form() {
        let rows = [
            ("example.org", Ok("example.org")),
            ("Example.ORG.:8443", Ok("example.org")),
            ("example.org:", Ok("example.org")),
            ("127.0.0.1:80", Ok("127.0.0.1")),
            ("[::1]:80", Ok("[::1]")),
            ("[0:0::0:1]", Ok("[::1]")),
            ("a_b.example", Ok("a_b.example")),
            ("", Err(HostError::Missing)),
            (".", Err(HostError::Malformed)),
            ("a..b", Err(HostError::Malformed)),
            ("a.example..", Err(HostError::Malformed)),
            ("user@example.org", Err(HostError::Malformed)),
            ("example.org:80@evil.example", Err(HostError::Malformed)),
            ("example.org, evil.example", Err(HostError::Malformed)),
            ("example.org/x", Err(HostError::Malformed)),
            ("exämple.org", Err(HostError::Malformed)),
            ("[::1", Err(HostError::Malformed)),
            ("[::1]x", Err(HostError::Malformed)),
            ("[example]", Err(HostError::Malformed)),
        ];
        for (raw, expected) in rows {
            assert_eq!(normalise(raw), expected.map(str::to_owned), "{raw}");
        }
    }

    #[test]
    fn a_request_names_one_host() {
        let rows: [(&str, &[&str], Result<&str, HostError>); 6] = [
            ("/a", &["Example.org"], Ok("example.org")),
            ("http://example.org/a", &[], Ok("example.org")),
            ("http://example.org/a", &["example.org:80"], Ok("example.org")),
            ("http://example.org/a", &["evil.example"], Err(HostError::Repeated)),
            ("/a", &["example.org", "example.org"], Err(HostError::Repeated)),
            ("/a", &[], Err(HostError::Missing)),
        ];
        for (uri, hosts, expected) in rows {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(HOST, host.parse().unwrap());
            }
            assert_eq!(of_request(&uri.parse().unwrap(), &headers), expected.map(str::to_owned), "{uri} {hosts:?}");
        }
    }
}
