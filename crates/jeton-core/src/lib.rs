//! The rules of Jeton: what may be issued, refused and revoked, and how bytes become requests.
//!
//! Everything here is a function of its arguments. No I/O, no clock, no environment, no randomness of
//! its own, and nothing async: whoever calls passes `now` and a random source.
//!
//! - [`domain`]: the nouns. [`rules`]: the decisions. [`change`]: what a decision asks the store to do.
//! - [`token`]: what a token is. [`wire`]: OAuth's bytes. [`dialect`]: any other API's bytes, from a file.

pub mod change;
pub mod dialect;
pub mod domain;
pub mod facts;
pub mod rules;
pub mod secret;
pub mod time;
pub mod token;
pub mod wire;
