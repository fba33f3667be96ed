//! HTTP: from a request to one call of the shell, and from its result to an answer. Nothing is decided here.

mod act;
mod admin;
mod certs;
mod chain;
mod client;
mod cors;
mod device;
mod dialect;
mod discovery;
mod dpop;
mod forward_auth;
mod introspect;
mod logout;
mod protected_resource;
mod realm;
mod receive;
mod registration;
mod respond;
mod revocations;
mod revoke;
mod router;
mod token;

pub use admin::admin_router;
pub use router::{Http, Route, router};
