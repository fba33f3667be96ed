//! The rows of tokens that are bound to a key of their client's by DPoP (RFC 9449): where they are exchanged and where they are
//! shown. Each request proves to hold the key.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jeton_core::domain::grant::GrantType;
use jeton_core::domain::policy::Alg;
use jeton_core::token::dpop;
use serde_json::json;

use super::oauth::{self, CALL, MACHINE, asking, granted, ok, row, token_address};
use super::rows::{Kind, Party, Proof, Row};
use crate::harness::{Call, DAY, Key, MINUTE, Machine, Server};

/// Clients whose tokens are bound to a key of theirs (RFC 9449): one that has a secret beside it, and one that has not.
pub(super) const CLIENTS: [&str; 2] = ["bound", "bound_public"];
/// Who shows a bound token: one with another key, and one with none.
pub(super) const THIEF: &str = "thief";
pub(super) const NOBODY: &str = "nobody";

/// Tokens that are bound to a key, where they are exchanged and where they are shown.
pub(super) fn rows() -> [Row; 2] {
    let [own, public] = CLIENTS;
    let shown = vec![Party::Client(own), Party::Service(own), Party::Scope(own), Party::Key, Party::Proof];
    let exchanged = [asking(GrantType::RefreshToken, public), vec![Party::Holder, Party::Key, Party::Proof]].concat();
    [
        row("gate/custom", Kind::Own(own), Proof::Token(MINUTE * 5), shown, at_gate, ok),
        row("grant/refresh_token", Kind::Session(public), Proof::Token(DAY), exchanged, by_refresh_token, granted),
    ]
}

fn at_gate(server: &Server, _: &Row, proof: &Key) -> Call {
    let Some(key) = key_of(proof) else { return server.get(CALL).bearer(&proof.secret) };
    let shown = key_proof(server, key, "GET", &format!("https://jeton.test{CALL}"), Some(&proof.secret));
    server.get(CALL).header("Authorization", &format!("DPoP {}", proof.secret)).header("DPoP", &shown)
}

fn by_refresh_token(server: &Server, row: &Row, proof: &Key) -> Call {
    let call = oauth::by_refresh_token(server, row, proof);
    let shown = key_of(proof).map(|key| key_proof(server, key, "POST", &token_address(), None));
    shown.into_iter().fold(call, |call, shown| call.header("DPoP", &shown))
}

/// That the sender of one request holds a key (RFC 9449 §4.2).
pub(super) fn key_proof(server: &Server, key: &Machine, method: &str, address: &str, token: Option<&str>) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let now = server.clock.now();
    let jwk = json!({ "kty": key.jwk.kty, "crv": key.jwk.crv, "x": key.jwk.x, "y": key.jwk.y });
    let mut claims = json!({
        "jti": NUMBER.fetch_add(1, Ordering::Relaxed).to_string(),
        "htm": method,
        "htu": address,
        "iat": now.as_secs(),
        "nonce": dpop::nonce(&server.app.pepper, now),
    });
    if let Some(token) = token {
        claims["ath"] = BASE64URL.encode(digest(&SHA256, token.as_bytes())).into();
    }
    key.sign(&json!({ "typ": "dpop+jwt", "alg": key.jwk.alg.name(), "jwk": jwk }), &claims.to_string())
}

/// The key of whoever shows a bound token.
fn key_of(proof: &Key) -> Option<&'static Machine> {
    static THIEFS: LazyLock<Machine> = LazyLock::new(|| Machine::new(Alg::ES256));
    match proof.id.as_str() {
        NOBODY => None,
        THIEF => Some(&THIEFS),
        _ => Some(&MACHINE),
    }
}
