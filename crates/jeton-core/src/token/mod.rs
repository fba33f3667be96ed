//! What a token is: random text or a signed JWT, and what the store keeps of it.

pub mod assertion;
pub mod claims;
pub mod dpop;
pub mod jwk;
pub mod jwk_set;
mod jws;
pub mod jwt;
pub mod opaque;
pub mod pepper;
