//! What an API behind the gate says of itself (RFC 9728): whose tokens it takes, and how they are shown.

use serde::Serialize;

#[derive(Serialize)]
struct Metadata<'a> {
    resource: &'a str,
    authorization_servers: [&'a str; 1],
    bearer_methods_supported: [&'a str; 1],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tls_client_certificate_bound_access_tokens: bool,
}

/// An API's identifier, `https://HOST/PATH`, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Resource<'a> {
    scheme: &'a str,
    authority: &'a str,
    path: &'a str,
}

/// Where the document of every API begins.
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The document of the API with the identifier `resource`, which takes tokens of `issuer` (RFC 9728 §3.2), and ones that
/// are bound to a certificate if `certificate_bound`.
pub fn document(resource: &str, issuer: &str, certificate_bound: bool) -> String {
    let metadata = Metadata {
        resource,
        authorization_servers: [issuer],
        bearer_methods_supported: ["header"],
        tls_client_certificate_bound_access_tokens: certificate_bound,
    };
    serde_json::to_string(&metadata).unwrap_or_default()
}

/// Where that document is: the well-known part stands between host and path (RFC 9728 §3.1). Nothing if `resource` is
/// no such identifier.
pub fn address(resource: &str) -> Option<String> {
    let Resource { scheme, authority, path } = parse(resource)?;
    Some(format!("{scheme}://{authority}{WELL_KNOWN}{path}"))
}

/// The host, without its port, and the path of the document's address.
pub fn host_and_path(resource: &str) -> Option<(&str, String)> {
    let Resource { authority, path, .. } = parse(resource)?;
    // The brackets of an IPv6 address have colons of their own.
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    Some((host, format!("{WELL_KNOWN}{path}")))
}

fn parse(resource: &str) -> Option<Resource<'_>> {
    let (scheme, rest) = resource.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = path.trim_end_matches('/');
    (!authority.is_empty()).then_some(Resource { scheme, authority, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_part_stands_between_host_and_path() {
        let at = |host, path| Some((host, format!("{WELL_KNOWN}{path}")));
        let rows = [
            ("https://a.example", "https://a.example/.well-known/oauth-protected-resource", at("a.example", "")),
            ("https://a.example/", "https://a.example/.well-known/oauth-protected-resource", at("a.example", "")),
            (
                "https://a.example:8443/b/c",
                "https://a.example:8443/.well-known/oauth-protected-resource/b/c",
                at("a.example", "/b/c"),
            ),
            ("http://[::1]/b", "http://[::1]/.well-known/oauth-protected-resource/b", at("[::1]", "/b")),
        ];
        for (resource, expected, place) in rows {
            assert_eq!(address(resource).as_deref(), Some(expected), "{resource}");
            assert_eq!(host_and_path(resource), place, "{resource}");
        }
        for resource in ["", "a.example", "https://", "https:///b"] {
            assert_eq!((address(resource), host_and_path(resource)), (None, None), "{resource}");
        }
    }
}
