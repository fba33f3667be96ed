//! Jeton's server: HTTP endpoints over the core and the store.
//!
//! A request comes in at [`http`], is read by the core's `wire` or `dialect`, goes through the one shell
//! ([`exchange`] for a new token, [`inspect`] for a presented one) and is written by the same core.

pub mod app;
pub mod clock;
pub mod device;
pub mod dialects;
pub mod exchange;
pub mod fault;
pub mod feed;
mod fresh;
pub mod gates;
pub mod hashing;
pub mod http;
pub mod inspect;
pub mod issuer_keys;
pub mod key_rotation;
pub mod keyring;
pub mod keys;
pub mod limiter;
pub mod listen;
pub mod metrics;
pub mod mounts;
pub mod pepper;
pub mod present;
pub mod random;
pub mod sealing;
mod ticket;
pub mod tls;
