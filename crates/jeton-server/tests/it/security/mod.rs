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
mod load;
mod matrix;
mod oracles;
mod realms;
mod sessions;
mod token_endpoint;

use jeton_core::domain::client::ClientSettings;

use crate::harness::{Answer, Options, Server};

/// A server that believes `X-Forwarded-For` from this machine, so that a test can come from anywhere.
async fn behind_proxy() -> Server {
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    Server::start_with(Options { trusted_proxies, ..Options::default() }).await
}

/// Password checks begun since the start.
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
        grants: vec!["client_credentials".to_owned()],
        scopes: vec!["profile".to_owned(), "email".to_owned()],
        ..ClientSettings::default()
    }
}

/// What an API may do that checks the tokens it is shown.
fn resource_server() -> ClientSettings {
    ClientSettings { resource_server: true, ..ClientSettings::default() }
}
