//! Jeton's gate: it stands in front of an API and lets through what rules allow and a good token opens.
//!
//! - [`path`], [`host`], [`rule`], [`decide`]: the decision, as functions of their arguments.
//! - [`usage`]: how an API's calls show their token, and how the API says no.
//! - [`check`]: asking whether a token is good now; [`introspection`] asks a realm (RFC 7662).
//! - [`guard`]: decision and check together. [`forward`] answers other proxies with it, [`proxy`] is one.
//! - [`headers`]: the identity headers that an API behind the gate reads.
//!
//! Everything fails closed: no rule, no answer from the realm, an ambiguous request are all a no.

mod bearer;
pub mod caller;
pub mod check;
pub mod decide;
pub mod forward;
pub mod guard;
pub mod headers;
pub mod host;
pub mod introspection;
pub mod path;
pub mod proxy;
pub mod query;
pub mod response;
pub mod rule;
mod transport;
pub mod upstream;
pub mod usage;

pub use caller::Caller;
pub use check::CheckToken;
pub use forward::forward_auth;
pub use guard::{Guard, Peer};
pub use introspection::{Introspection, IntrospectionConfig};
pub use proxy::Gate;
pub use rule::{Rule, Rules};
pub use transport::TransportError;
pub use upstream::Upstream;
pub use usage::Usage;
