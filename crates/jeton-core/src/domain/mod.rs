//! The nouns of Jeton, a file each.

pub mod certificate;
pub mod client;
pub mod device;
pub mod grant;
pub mod id;
pub mod key;
pub mod policy;
pub mod principal;
pub mod realm;
pub mod refusal;
pub mod registration;
pub mod revocation;
pub mod session;
pub mod target;
pub mod throttle;
pub mod trust;
