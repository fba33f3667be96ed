//! The store of Jeton, and all SQL there is: [`Store::load`] gathers what a decision can depend on,
//! [`Store::commit`] makes the changes it asks for under their guards, and a file per noun administers the rest.
//!
//! - Reading: [`facts`](Store::load) of one moment, in place on the calling thread; what hardly changes is kept in
//!   memory (`cache.rs`) and believed while one number, the version of the configuration, stands.
//! - Writing: one thread commits whatever waits together (`writer.rs`); an answer comes after the data is on the disk.
//! - A request's changes are steps, each with what it takes for granted; where that does not hold, none is made.
//!
//! What each table means stands in `docs/data-model.md`.

mod api_key;
mod audit;
mod cache;
mod client;
mod commit;
mod config;
mod db;
mod error;
mod facts;
mod key;
mod meta;
mod migrate;
mod open;
mod principal;
mod readers;
mod realm;
mod secret;
mod session;
mod stamp;
mod store;
mod sweep;
mod target;
mod throttle;
mod writer;

pub use api_key::NewApiKey;
pub use audit::AuditLine;
pub use client::NewClient;
pub use error::Error;
pub use key::Sealed;
pub use principal::{NewPrincipal, Service};
pub use secret::Owner;
pub use session::{ListedSession, Sessions};
pub use store::Store;

#[cfg(test)]
mod prepare_all;
