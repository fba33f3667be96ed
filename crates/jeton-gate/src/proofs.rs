//! Who may show a bound token: whoever proves to hold its key, by DPoP (RFC 9449 §7), or its certificate, by mutual TLS
//! (RFC 8705 §3).

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::Uri;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::domain::session::Confirmation;
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;
use jeton_core::token::dpop::{self, DpopError, Proof};

use crate::bearer::UNBOUND;
use crate::decide::Original;
use crate::host;
use crate::path::Path;

/// So many proofs are remembered: about 500 calls a second with bound tokens. Beyond, the oldest is forgotten early
/// rather than a call refused: a proof still holds for one method, address, token and minute alone.
const REMEMBERED: usize = 1 << 16;
/// No proof holds longer than this after it was first used: its `iat` may be ahead by one window, and behind by another.
const HOLDS: Duration = Duration::from_secs(2 * dpop::WINDOW.as_secs() + 1);

/// The proofs that were used lately at this gate, and the time.
///
/// Kept in this process: a store asked and written on each API call would cost more than what it prevents, a call sent
/// again at another node within the minute.
pub struct Proofs {
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    proofs: HashSet<Proof>,
    in_order: VecDeque<(Timestamp, Proof)>,
}

impl Proofs {
    /// None yet; `clock` tells the time.
    pub fn new(clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { clock: Box::new(clock), seen: Mutex::default() }
    }

    /// Whether a call may show a token that is bound by `cnf`, or by nothing. `as_dpop`: it stands after the scheme
    /// `DPoP`. One that is bound to a certificate passes with that of its connection (RFC 8705 §3).
    pub(crate) fn check(
        &self,
        original: &Original<'_>,
        token: &Secret<String>,
        as_dpop: bool,
        cnf: Option<&Confirmation>,
    ) -> Result<(), Refusal> {
        let no = |detail| Err(Refusal::new(Reason::InvalidToken).field(UNBOUND).detail(detail));
        let jkt = match (cnf, as_dpop) {
            (None, false) => return Ok(()),
            (None, true) => return no("the access token is bound to no key; send it as Bearer"),
            (Some(Confirmation::Jkt(jkt)), true) => jkt,
            (Some(Confirmation::Jkt(_)), false) => {
                return no("the access token is bound to a key; send it as DPoP with a proof");
            }
            (Some(bound @ Confirmation::X5t(_)), false) if bound.is_certificate(original.certificate) => return Ok(()),
            // No scheme of another name mends this: the challenge stays that of Bearer.
            (Some(Confirmation::X5t(_)), _) => {
                let detail =
                    "the access token is bound to a certificate; send it as Bearer over a connection with that one";
                return Err(Refusal::new(Reason::InvalidToken).detail(detail));
            }
        };
        let now = (self.clock)();
        let bad = |error: DpopError| Refusal::new(Reason::InvalidToken).field(dpop::HEADER).detail(error.to_string());
        let proof = dpop::proof_of(original.headers).map_err(bad)?;
        let proof = proof.ok_or(DpopError::Invalid("send a DPoP proof in the DPoP header")).map_err(bad)?;
        let expected = dpop::Expected {
            method: original.method.as_str(),
            is_address: &|htu| is_address(htu, original),
            access_token: Some(token.expose()),
            nonces: None,
            now,
        };
        let proof = dpop::verify(proof, &expected).map_err(bad)?;
        if proof.jkt != *jkt {
            return no("the access token is bound to another key than the DPoP proof's");
        }
        match self.seen.lock().unwrap_or_else(PoisonError::into_inner).note(proof, now) {
            true => Ok(()),
            false => Err(bad(DpopError::Invalid("the DPoP proof was used before (jti)"))),
        }
    }
}

impl Seen {
    /// Whether a proof is new; from now on it is not.
    fn note(&mut self, proof: Proof, now: Timestamp) -> bool {
        while self.in_order.front().is_some_and(|(end, _)| *end <= now) || self.in_order.len() >= REMEMBERED {
            let Some((_, old)) = self.in_order.pop_front() else { break };
            self.proofs.remove(&old);
        }
        if !self.proofs.insert(proof.clone()) {
            return false;
        }
        self.in_order.push_back((now + HOLDS, proof));
        true
    }
}

impl std::fmt::Debug for Proofs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proofs")
    }
}

/// Whether an `htu` names the call: host and path, as rules do. Behind a proxy that ends TLS a gate sees neither the
/// scheme nor the port that the client wrote.
fn is_address(htu: &Uri, original: &Original<'_>) -> bool {
    let web = matches!(htu.scheme_str(), Some("https" | "http"));
    let host = htu.authority().and_then(|authority| host::normalise(authority.as_str()).ok());
    let paths = (Path::normalise(htu.path()), Path::normalise(original.path));
    let path = matches!(&paths, (Ok(said), Ok(real)) if said.as_str() == real.as_str());
    web && host.as_deref() == Some(original.host) && path
}
