//! What a sub-request must look like, and what it is answered.

use http::{HeaderMap, HeaderName};
use http_body_util::BodyExt;
use jeton_gate::{Peer, forward_auth};

use crate::harness;

const RULES: [&str; 4] = ["GET / ?action=x", "GET /a target=eventID", "GET api.example/host", "GET /open anonymous"];

type Header = (&'static str, &'static str);
/// Name, peer, headers, status.
type Row = (&'static str, &'static str, Vec<Header>, u16);

async fn ask(peer: &str, headers: &[(&str, &str)]) -> http::Response<jeton_gate::response::Body> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    forward_auth(&harness::guard(&RULES), Peer::from(peer.parse::<std::net::SocketAddr>().unwrap()), &map).await
}

#[tokio::test]
async fn only_a_trusted_proxy_names_the_call_and_only_once() {
    let (proxy, token) = ("10.1.2.3:4", ("authorization", "Bearer good"));
    let nginx = [("x-original-method", "GET"), ("x-original-uri", "/a"), ("host", "api.example")];
    let traefik = [("x-forwarded-method", "GET"), ("x-forwarded-uri", "/a"), ("x-forwarded-host", "api.example")];
    #[rustfmt::skip]
    let rows: Vec<Row> = vec![
        ("nginx",                        proxy,                  nginx.to_vec(), 200),
        ("traefik",                      proxy,                  traefik.to_vec(), 200),
        ("both alike",                   proxy,                  [&nginx[..], &traefik].concat(), 200),
        ("IPv4 written as IPv6",         "[::ffff:10.1.2.3]:4",  nginx.to_vec(), 200),
        ("a peer that is not trusted",   "192.0.2.1:4",          nginx.to_vec(), 403),
        ("loopback is not trusted",      "127.0.0.1:4",          nginx.to_vec(), 403),
        ("nothing named",                proxy,                  vec![("host", "api.example")], 403),
        ("no method",                    proxy,                  nginx[1..].to_vec(), 403),
        ("no URI",                       proxy,                  vec![nginx[0], nginx[2]], 403),
        ("no host",                      proxy,                  nginx[..2].to_vec(), 403),
        ("no forwarded host",            proxy,                  vec![traefik[0], traefik[1], nginx[2]], 403),
        ("families mixed",               proxy,                  vec![nginx[0], traefik[1], nginx[2]], 403),
        ("one and a half families",      proxy,                  [&nginx[..], &traefik[1..2]].concat(), 403),
        ("families differ in the URI",   proxy,                  [&nginx[..], &[traefik[0], ("x-forwarded-uri", "/open")]].concat(), 403),
        ("families differ in the method", proxy,                 [&nginx[..], &[("x-forwarded-method", "POST"), traefik[1]]].concat(), 403),
        ("families differ in the host",  proxy,                  [&nginx[..], &[("x-forwarded-host", "evil.example")]].concat(), 403),
        ("original host beside forwarded", proxy,                [&traefik[..], &[("x-original-host", "evil.example")]].concat(), 403),
        ("URI twice",                    proxy,                  [&nginx[..], &nginx[1..2]].concat(), 403),
        ("method twice",                 proxy,                  [&nginx[..], &nginx[..1]].concat(), 403),
        ("host twice",                   proxy,                  [&nginx[..], &nginx[2..]].concat(), 403),
        ("a list of hosts",              proxy,                  vec![traefik[0], traefik[1], ("x-forwarded-host", "a.example, api.example")], 403),
        ("not a method",                 proxy,                  vec![("x-original-method", "G ET"), nginx[1], nginx[2]], 403),
        ("an absolute URI",              proxy,                  vec![nginx[0], ("x-original-uri", "http://api.example/a"), nginx[2]], 403),
    ];
    for (name, peer, mut headers, expected) in rows {
        headers.push(token);
        assert_eq!(ask(peer, &headers).await.status(), expected, "{name}");
    }
}

#[tokio::test]
async fn the_answer_is_a_status_that_proxies_know() {
    #[rustfmt::skip]
    let rows = [
        // URI                     token       status  header             its value
        ("/a",                     "good",     200, "x-jeton-username",   Some("ann@example.org")),
        ("/a",                     "good",     200, "x-jeton-scope",      Some("read write")),
        ("/a",                     "good",     200, "x-jeton-target",     Some("")),
        ("/open",                  "",         200, "x-jeton-subject",    Some("")),
        ("/a?eventID=7",           "limited",  200, "x-jeton-target",     Some("7")),
        ("/a?eventID=8",           "limited",  403, "x-jeton-target",     None),
        ("/?action=x",             "good",     200, "x-jeton-subject",    Some("7")),
        ("/?action=x&action=x",    "good",     403, "x-jeton-subject",    None),
        ("/?action=y",             "good",     403, "www-authenticate",   None),
        ("/host",                  "good",     200, "x-jeton-realm",      Some("zebra")),
        ("/a",                     "",         401, "www-authenticate",   Some("Bearer realm=\"zebra\"")),
        ("/a",                     "expired",  401, "www-authenticate",   Some("Bearer realm=\"zebra\", error=\"invalid_token\", error_description=\"the access token has expired; get a new one\"")),
        ("/a",                     "gone",     401, "x-jeton-subject",    None),
        ("/a",                     "foreign",  401, "x-jeton-subject",    None),
        ("/a",                     "busy",     403, "retry-after",        None),
        ("/a",                     "down",     503, "retry-after",        Some("3")),
    ];
    for (uri, token, status, header, value) in rows {
        let authorization = format!("Bearer {token}");
        let mut headers =
            vec![("x-original-method", "GET"), ("x-original-uri", uri), ("x-original-host", "API.example:80")];
        if !token.is_empty() {
            headers.push(("authorization", &authorization));
        }
        let answer = ask("10.1.2.3:4", &headers).await;
        assert_eq!(answer.status(), status, "{uri} {token}");
        assert_eq!(answer.headers().get(header).map(|value| value.to_str().unwrap()), value, "{uri} {token} {header}");
        assert_eq!(answer.headers()["cache-control"], "no-store", "{uri} {token}");
        assert!(answer.into_body().collect().await.unwrap().to_bytes().is_empty(), "{uri} {token}");
    }
}
