//! Attacks on a running server, over its sockets. Each test is named after the requirement it keeps: H7 of
//! `docs/threat-model.md` is kept by every test whose name begins with `h7_`.

mod at_rest;
mod bearer;
mod canary;
mod clients;
mod dialects;
mod durability;
mod forward_auth;
mod guessing;
mod introspection;
mod jwt;
mod keys;
mod load;
mod matrix;
mod oracles;
mod realms;
mod sessions;
mod token_endpoint;

use jeton_core::domain::client::ClientSettings;

use crate::harness::{Answer, Call, ORDERS, Options, Server};

/// A server that believes `X-Forwarded-For` from this machine, so that a test can come from anywhere.
pub(crate) async fn behind_proxy() -> Server {
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    Server::start_with(Options { trusted_proxies, ..Options::default() }).await
}

/// Passwords checked or hashed since the start, those of the seed included.
fn checks(server: &Server) -> u64 {
    server.app.hashing.load().begun
}

/// The one address of the many that an attacker has.
fn source(number: usize) -> String {
    format!("198.{}.{}.{}", 51 + number / 65_536, number / 256 % 256, number % 256)
}

/// OAuth's word for what is wrong.
#[track_caller]
fn error(answer: &Answer) -> String {
    answer.text("/error")
}

/// What an ordinary client may do.
fn service() -> ClientSettings {
    ClientSettings {
        grants: vec![jeton_core::domain::grant::GrantType::ClientCredentials],
        scopes: vec!["profile".to_owned(), "email".to_owned()],
        ..ClientSettings::default()
    }
}

/// What an API may do that checks the tokens it is shown.
fn resource_server() -> ClientSettings {
    ClientSettings { resource_server: true, ..ClientSettings::default() }
}

/// A protected call of a realm's API: method, target and body.
fn protected_call(realm: &str) -> (&'static str, &'static str, &'static str) {
    match realm {
        "inevent" => ("GET", "/?action=person.get", ""),
        "pitchpoint" => ("POST", ORDERS, "{}"),
        "api-keys" => ("POST", "/graphql", r#"{"query":"{ me { id } }"}"#),
        "zro" => ("GET", "/operations/wallets", ""),
        _ => ("GET", "/plain/x", ""),
    }
}

/// Zro's calls have one; the other APIs pass over it.
const NONCE: (&str, &str) = ("nonce", "0f8fad5b-d9cb-469f-a165-70867728950e");

/// That call, with this token.
fn protected(server: &Server, realm: &str, token: &str) -> Call {
    let (method, target, body) = protected_call(realm);
    let call = server.call(method, target).bearer(token).header(NONCE.0, NONCE.1);
    if body.is_empty() { call } else { call.json(body) }
}

/// What a proxy asks the server about a call with this token.
pub(crate) fn forwarded(server: &Server, realm: &str, method: &str, target: &str, token: &str) -> Call {
    let call = server.get(&format!("/realms/{realm}/forward-auth")).bearer(token).header(NONCE.0, NONCE.1);
    let call = call.header("X-Original-Host", "jeton.test");
    call.header("X-Original-Method", method).header("X-Original-URI", target)
}
