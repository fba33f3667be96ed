//! The attack table against the proxy and the forward-auth endpoint. `interop/nginx` runs it through nginx.

use http::{HeaderMap, HeaderName, HeaderValue};
use jeton_gate::{Peer, forward_auth};

use crate::harness::{self, Api};

const TABLE: &str = include_str!("../../../../interop/nginx/attacks.tsv");
const RULES: [&str; 2] = ["GET,POST /operations/*", "GET /health anonymous"];

struct Row {
    name: &'static str,
    method: &'static str,
    target: Vec<u8>,
    headers: Vec<(&'static str, Vec<u8>)>,
    proxy: Option<u16>,
    forward: Option<u16>,
}

fn rows() -> Vec<Row> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let columns: Vec<&'static str> = line.split('\t').collect();
            let [name, method, target, headers, proxy, forward, nginx] = columns[..] else {
                panic!("not seven columns: {line}")
            };
            assert!(["allow", "deny", "-"].contains(&nginx), "{line}");
            let headers = headers.split(" | ").filter(|header| !header.is_empty()).map(|header| {
                let (name, value) = header.split_once(": ").unwrap_or_else(|| panic!("not a header: {header}"));
                (name, bytes(value))
            });
            Row {
                name,
                method,
                target: bytes(target),
                headers: headers.collect(),
                proxy: status(proxy),
                forward: status(forward),
            }
        })
        .collect()
}

fn status(column: &str) -> Option<u16> {
    (column != "-").then(|| column.parse().unwrap_or_else(|_| panic!("not a status: {column}")))
}

fn bytes(text: &str) -> Vec<u8> {
    let mut parts = text.split("\\x");
    let mut out = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        out.push(u8::from_str_radix(digits, 16).unwrap());
        out.extend(rest.as_bytes());
    }
    String::from_utf8(out.clone()).map_or(out, |text| text.replace("{token}", "good").into_bytes())
}

#[tokio::test]
async fn the_proxy_holds() {
    let api = Api::default();
    let address = harness::gate(&RULES, api.in_process(), "192.0.2.1:9").await;
    let mut ran = 0;
    for row in rows() {
        let Some(expected) = row.proxy else { continue };
        ran += 1;
        let mut call = [row.method.as_bytes(), b" ", &row.target, b" HTTP/1.1\r\n"].concat();
        if !row.headers.iter().any(|(name, _)| *name == "Host") {
            call.extend(b"Host: api.example\r\n");
        }
        for (name, value) in &row.headers {
            call.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        call.extend(b"\r\n");
        let answer = harness::send(address, &call).await;
        let seen = api.take();
        assert_eq!(answer.status, expected, "{}: {}", row.name, answer.head);
        assert_eq!(seen.len(), usize::from(expected == 200), "{}: what reached the API", row.name);

        // Whatever was asked, the API sees a path that a rule covers, and an identity that is ours.
        let Some(seen) = seen.first() else { continue };
        let path = seen.uri.split('?').next().unwrap();
        let anonymous = path == "/health";
        assert!(anonymous || path == "/operations/wallets", "{}: {path}", row.name);
        assert_eq!(seen.header("x-jeton-subject"), if anonymous { "" } else { "7" }, "{}", row.name);
        assert!(!seen.headers.contains_key("authorization"), "{}", row.name);
        let told = seen.headers.keys().filter(|name| jeton_gate::headers::is_identity(name)).count();
        assert_eq!(told, if anonymous { 0 } else { 6 }, "{}: {:?}", row.name, seen.headers);
    }
    assert!(ran > 80, "only {ran} rows ran");
}

#[tokio::test]
async fn the_forward_auth_endpoint_holds() {
    let guard = harness::guard(&RULES);
    let mut ran = 0;
    for row in rows() {
        let Some(expected) = row.forward else { continue };
        ran += 1;
        let mut headers = HeaderMap::new();
        headers.append("x-original-method", row.method.parse().unwrap());
        headers.append("x-original-uri", HeaderValue::from_bytes(&row.target).unwrap());
        headers.append("x-original-host", "api.example".parse().unwrap());
        for (name, value) in &row.headers {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value).unwrap());
        }
        let answer =
            forward_auth(&guard, Peer::from("10.0.0.1:1".parse::<std::net::SocketAddr>().unwrap()), &headers).await;
        assert_eq!(answer.status().as_u16(), expected, "{}", row.name);
    }
    assert!(ran > 80, "only {ran} rows ran");
}
