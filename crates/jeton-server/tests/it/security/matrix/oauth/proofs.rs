//! What the requests are proven with: tokens that were got before, codes, assertions.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use jeton_core::domain::client::AuthMethod;
use jeton_core::domain::policy::Alg;
use jeton_server::device::{Word, decide};
use jeton_server::http::Route;
use serde_json::json;

use super::super::rows::{Kind, Proof, Row};
use super::super::{bound, registration};
use super::requests::{LIMITS, credentials, path, token, token_address};
use super::{INTROSPECTED_REFRESH, ISSUER, REALM, SECRET};
use crate::harness::{Call, GRACE, Key, Machine, PUBLIC_URL, Server};
use crate::trust::signed;

/// What a row's request is proven with. With a token, `id` is the client that shows it.
pub(in super::super) async fn proof(server: &Server, row: &Row) -> Key {
    if let Kind::Newcomer | Kind::Registered = row.kind {
        return registration::proof(server, row).await;
    }
    let key = |id: &str, secret: &str| Key { id: id.to_owned(), secret: secret.to_owned() };
    let (Kind::Own(client) | Kind::Session(client)) = row.kind else {
        unreachable!("{:?} is none of OAuth's", row.kind)
    };
    match row.proof {
        Proof::Client if client == AuthMethod::PrivateKeyJwt.name() => key(client, &assertion(server, client)),
        Proof::Client => key(client, SECRET),
        Proof::Password => key(GRACE.username, GRACE.password),
        Proof::Code(_) => key(client, &device_code(server, row).await),
        Proof::Token(_) | Proof::ApiKey | Proof::Registration => {
            let of = |row: &Row, fields: &[(&str, &str)]| first_token(server, row, fields);
            let answer = match row.kind {
                Kind::Own(_) => of(row, &[("grant_type", "client_credentials")]).await,
                _ => {
                    of(row, &[("grant_type", "password"), ("username", GRACE.username), ("password", GRACE.password)])
                        .await
                }
            };
            key(client, &answer.text(if refreshes(&row.way) { "/refresh_token" } else { "/access_token" }))
        }
    }
}

/// A request for the token that a row is about.
fn first_token(server: &Server, row: &Row, fields: &[(&str, &str)]) -> Call {
    let call = token(server, &[&credentials(row)[..], fields, &LIMITS].concat());
    match row.kind {
        Kind::Own(client) | Kind::Session(client) if bound::CLIENTS.contains(&client) => {
            call.header("DPoP", &bound::key_proof(server, &MACHINE, "POST", &token_address(), None))
        }
        _ => call,
    }
}

/// Whether what a way takes is a refresh token.
fn refreshes(way: &str) -> bool {
    matches!(way, "grant/refresh_token" | "auth/none" | INTROSPECTED_REFRESH)
}

/// A device's code that the person said yes to.
async fn device_code(server: &Server, row: &Row) -> String {
    let fields = [&credentials(row)[..], &LIMITS].concat();
    let begun = server.post(&path(Route::DeviceAuthorization)).form(&fields).await;
    let (username, user_code) = (GRACE.username, begun.text("/user_code"));
    let word = Word { realm: REALM, user_code: &user_code, username, approve: true, throttle: None, source: "local" };
    assert!(decide(&server.app, &word).await.is_ok());
    begun.text("/device_code")
}

/// Revokes a token as its client would.
pub(in super::super) async fn revoke(server: &Server, row: &Row, proof: &Key) {
    if let Kind::Newcomer | Kind::Registered = row.kind {
        return registration::end(server, row).await;
    }
    let fields = [&credentials(row)[..], &[("token", proof.secret.as_str())]].concat();
    let answer = server.post(&path(Route::Revoke)).form(&fields).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// The key of the client that signs.
pub(in super::super) static MACHINE: LazyLock<Machine> = LazyLock::new(|| Machine::new(Alg::ES256));

/// What a client that signs says of itself, once.
fn assertion(server: &Server, client_id: &str) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let now = server.clock.now().as_secs();
    let jti = NUMBER.fetch_add(1, Ordering::Relaxed).to_string();
    let aud = format!("{PUBLIC_URL}/realms/{REALM}");
    MACHINE.assert(&json!({ "iss": client_id, "sub": client_id, "aud": aud, "exp": now + 60, "jti": jti }))
}

/// What the foreign issuer says of whoever knows the secret.
pub(super) fn foreign(server: &Server, proof: &Key) -> String {
    let exp = server.clock.now().as_secs() + 300;
    signed(1, &json!({ "iss": ISSUER, "aud": REALM, "exp": exp, "sub": proof.secret }))
}
