//! What a token is: random text or a signed JWT, and what the store keeps of it.

pub mod claims;
pub mod jwk;
pub mod jwt;
pub mod opaque;
pub mod pepper;
