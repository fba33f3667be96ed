//! The guard of one API: admit, check, permit. The reverse proxy and the forward-auth endpoint both ask it,
//! so there is one way to a yes.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use jeton_core::domain::certificate::Certificate;
use jeton_core::domain::refusal::{Reason, Refusal};

use crate::bearer;
use crate::caller::Caller;
use crate::check::CheckToken;
use crate::decide::{self, Admission, Original, Rejection};
use crate::proofs::Proofs;
use crate::rule::Rules;
use crate::usage::Usage;

/// What stands in front of one API of one realm.
#[derive(Debug)]
pub struct Guard<C> {
    /// The realm whose tokens are taken; those of every other are refused.
    pub realm: String,
    /// What is let through.
    pub rules: Rules,
    /// How the API shows tokens and says no.
    pub usage: Usage,
    /// Who knows which tokens are good.
    pub check: C,
    /// The proxies that are believed when they name the original call and its sender.
    pub trusted: Vec<IpNet>,
    /// What is known of the proofs that go with tokens bound to a key.
    pub proofs: Arc<Proofs>,
}

/// A call that may go on.
#[derive(Debug)]
pub struct Passage<'g> {
    /// The rule, the path to send on, and the token to take out.
    pub admission: Admission<'g>,
    /// Whom the token speaks for; `None` on an anonymous rule.
    pub caller: Option<Caller>,
}

/// The other end of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address; an IPv4 address is never written as IPv6.
    pub address: IpAddr,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// The certificate that it showed in the handshake.
    pub certificate: Option<Arc<Certificate>>,
}

impl Peer {
    /// The peer of an encrypted connection from `address`, with its certificate if it showed one.
    pub fn over_tls(address: SocketAddr, certificate: Option<Arc<Certificate>>) -> Self {
        Self { tls: true, certificate, ..Self::from(address) }
    }
}

impl From<SocketAddr> for Peer {
    /// A peer on a plain connection.
    fn from(address: SocketAddr) -> Self {
        Self { address: address.ip().to_canonical(), tls: false, certificate: None }
    }
}

impl<C: CheckToken> Guard<C> {
    /// Decides about one call.
    pub async fn pass(&self, original: &Original<'_>) -> Result<Passage<'_>, Rejection> {
        let admission = decide::admit(&self.rules, &self.usage, original)?;
        let Some(presented) = &admission.presented else {
            return Ok(Passage { admission, caller: None });
        };
        let rejected = |refusal| Rejection { show: Some(presented.show), refusal };
        let caller = self.check.check(&presented.token, &presented.also).await.map_err(rejected)?;
        if caller.realm != self.realm {
            return Err(rejected(Refusal::new(Reason::InvalidToken)));
        }
        let as_dpop = matches!(self.usage, Usage::Bearer { .. }) && bearer::is_dpop(original.headers);
        self.proofs.check(original, &presented.token, as_dpop, caller.cnf.as_ref()).map_err(rejected)?;
        decide::permit(admission.rule, &caller, original.query).map_err(rejected)?;
        Ok(Passage { admission, caller: Some(caller) })
    }

    /// Whether a peer is one of the trusted proxies.
    pub fn trusts(&self, peer: &Peer) -> bool {
        self.trusted.iter().any(|net| net.contains(&peer.address))
    }
}
