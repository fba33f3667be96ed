//! The store of Jeton, and all SQL there is: [`Store::load`] gathers what a decision can depend on,
//! [`Store::commit`] makes the changes it asks for under their guards, and a file per noun administers the rest.
//!
//! - Two engines under one SQL text (`engine.rs`): SQLite in a file (`sqlite/`), PostgreSQL for many nodes
//!   (`postgres/`). Everything above them is written once.
//! - Reading: [`facts`](Store::load) of one moment; what hardly changes is kept in memory (`cache.rs`) and believed
//!   while one number, the version of the configuration, stands.
//! - Writing: a request's changes are steps (`step.rs`), each with what it takes for granted; where that does not
//!   hold, none is made. An answer comes after the data is durable.
//!
//! What each table means stands in `docs/data-model.md`.

mod api_key;
mod audit;
mod backup;
mod cache;
mod client;
mod commit;
mod config;
mod copy;
mod database;
mod db;
mod device;
mod engine;
mod error;
mod event;
mod facts;
mod key;
mod meta;
mod migrate;
mod postgres;
mod principal;
mod realm;
mod registration;
mod revocation;
mod secret;
mod session;
mod snapshot;
mod sqlite;
mod stats;
mod step;
mod store;
mod sweep;
mod target;
mod throttle;

pub use api_key::NewApiKey;
pub use audit::AuditLine;
pub use backup::{Backup, Changed, Claim, How, Noun, Unpacked, backup};
pub use client::NewClient;
pub use copy::{Copied, copy};
pub use database::Database;
pub use error::Error;
pub use key::Sealed;
pub use principal::{NewPrincipal, Service};
pub use revocation::Reader as RevocationReader;
pub use secret::Owner;
pub use session::{ListedSession, Sessions};
pub use stats::{Begun, Lasting, Passing, Size, Stats};
pub use store::Store;

#[cfg(test)]
mod prepare_all;
