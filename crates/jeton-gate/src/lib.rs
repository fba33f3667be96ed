//! Jeton's gate: it stands in front of an API and lets through what rules allow and a good token opens.
//!
//! - [`path`], [`host`], [`rule`], [`decide`]: the decision, as functions of their arguments.
//! - [`usage`]: how an API's calls show their token, and how the API says no.
//! - [`check`]: asking whether a token is good now; [`introspection`] asks a realm (RFC 7662), [`offline`] only when in
//!   doubt.
//! - [`proofs`]: that whoever shows a bound token holds its key (RFC 9449) or certificate (RFC 8705).
//! - [`guard`]: decision and check together. [`forward`] answers other proxies with it, [`proxy`] is one.
//! - [`resource`]: what an API says of itself, where no server of the realm stands in front of it (RFC 9728).
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
pub mod offline;
pub mod path;
pub mod proofs;
pub mod proxy;
pub mod query;
pub mod resource;
pub mod response;
pub mod rule;
mod transport;
pub mod upstream;
pub mod usage;

pub use caller::Caller;
pub use check::CheckToken;
pub use forward::forward_auth;
pub use guard::{Guard, Peer};
pub use introspection::{Introspection, IntrospectionConfig, is_loopback};
pub use offline::Offline;
pub use proofs::Proofs;
pub use proxy::Gate;
pub use resource::ProtectedResource;
pub use rule::{Rule, Rules};
pub use transport::{HttpClient, TransportError, client as http_client, max_age};
pub use upstream::Upstream;
pub use usage::Usage;
