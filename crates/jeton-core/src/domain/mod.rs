//! The nouns of Jeton, a file each.

pub mod client;
pub mod id;
pub mod key;
pub mod policy;
pub mod principal;
pub mod realm;
pub mod refusal;
pub mod session;
pub mod target;
pub mod throttle;
