//! The requests, and what the client shows in each.

use jeton_core::domain::client::AuthMethod;
use jeton_core::domain::grant::GrantType;
use jeton_server::http::Route;

use super::super::rows::{Kind, Row};
use super::proofs::foreign;
use super::{AUDIENCE, CALL, REALM, SCOPE, SECRET, settings};
use crate::harness::{Call, Key, PUBLIC_URL, Server};
use crate::security::forwarded;

pub(super) const LIMITS: [(&str, &str); 2] = [("scope", SCOPE), ("resource", AUDIENCE)];

pub(super) fn path(route: Route) -> String {
    route.path().replace("{realm}", REALM)
}

pub(super) fn token(server: &Server, fields: &[(&str, &str)]) -> Call {
    server.post(&path(Route::Token)).form(fields)
}

pub(super) fn by_client_credentials(server: &Server, _: &Row, proof: &Key) -> Call {
    let own = [("grant_type", "client_credentials"), ("client_id", &proof.id), ("client_secret", &proof.secret)];
    token(server, &[&own[..], &LIMITS].concat())
}

pub(super) fn by_foreign_token(server: &Server, _: &Row, proof: &Key) -> Call {
    let token = foreign(server, proof);
    exchange(server, &[("client_id", &proof.id)], &token, "urn:ietf:params:oauth:token-type:jwt")
}

pub(super) fn by_own_token(server: &Server, row: &Row, proof: &Key) -> Call {
    exchange(server, &shown_by(row, proof), &proof.secret, "urn:ietf:params:oauth:token-type:access_token")
}

fn exchange(server: &Server, client: &[(&str, &str)], shown: &str, kind: &str) -> Call {
    let grant = ("grant_type", GrantType::TokenExchange.name());
    let fields = [grant, ("subject_token", shown), ("subject_token_type", kind)];
    token(server, &[client, &fields, &LIMITS].concat())
}

pub(super) fn by_assertion(server: &Server, row: &Row, proof: &Key) -> Call {
    let assertion = foreign(server, proof);
    let grant = [("grant_type", GrantType::JwtBearer.name()), ("client_id", &proof.id), ("assertion", &assertion)];
    let secret = [("client_secret", proof.secret.as_str())];
    // A public client has the assertion alone.
    let secret = if row.kind == Kind::Own("public") { &[][..] } else { &secret };
    token(server, &[&grant[..], secret, &LIMITS].concat())
}

pub(super) fn by_password(server: &Server, row: &Row, proof: &Key) -> Call {
    let person = [("grant_type", "password"), ("username", &proof.id), ("password", &proof.secret)];
    token(server, &[&credentials(row)[..], &person, &LIMITS].concat())
}

pub(super) fn by_device_code(server: &Server, row: &Row, proof: &Key) -> Call {
    let shown = [("grant_type", GrantType::DeviceCode.name()), ("device_code", proof.secret.as_str())];
    token(server, &[&credentials(row)[..], &shown].concat())
}

pub(super) fn device_authorization(server: &Server, _: &Row, proof: &Key) -> Call {
    let own = [("client_id", proof.id.as_str()), ("client_secret", &proof.secret)];
    server.post(&path(Route::DeviceAuthorization)).form(&[&own[..], &LIMITS].concat())
}

pub(in super::super) fn by_refresh_token(server: &Server, row: &Row, proof: &Key) -> Call {
    let shown = [("grant_type", "refresh_token"), ("refresh_token", proof.secret.as_str())];
    token(server, &[&shown_by(row, proof)[..], &shown, &LIMITS].concat())
}

/// What the client that shows a token proves itself with. Whoever else shows it does so just as well.
pub(super) fn shown_by(row: &Row, proof: &Key) -> Vec<(&'static str, &'static str)> {
    if proof.id == "another" { of_client("another") } else { credentials(row) }
}

pub(super) fn introspected(server: &Server, _: &Row, proof: &Key) -> Call {
    let fields = [&of_client("api")[..], &[("token", proof.secret.as_str())]].concat();
    server.post(&path(Route::Introspect)).form(&fields)
}

pub(super) fn forward_auth(server: &Server, _: &Row, proof: &Key) -> Call {
    forwarded(server, REALM, "GET", CALL, &proof.secret)
}

pub(super) fn at_gate(server: &Server, _: &Row, proof: &Key) -> Call {
    server.get(CALL).bearer(&proof.secret)
}

/// Which way its client proves itself, and with what.
pub(super) fn credentials(row: &Row) -> Vec<(&'static str, &'static str)> {
    let (Kind::Own(client) | Kind::Session(client)) = row.kind else {
        unreachable!("{:?} is none of OAuth's", row.kind)
    };
    of_client(client)
}

pub(super) fn of_client(client: &'static str) -> Vec<(&'static str, &'static str)> {
    match settings(client).auth {
        Some(AuthMethod::None) => vec![("client_id", client)],
        _ => vec![("client_id", client), ("client_secret", SECRET)],
    }
}

pub(in super::super) fn token_address() -> String {
    format!("{PUBLIC_URL}{}", path(Route::Token))
}
