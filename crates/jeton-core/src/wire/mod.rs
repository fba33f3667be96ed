//! OAuth's bytes: requests read, answers written. No rule stands here.

pub mod form;
pub mod introspection;
pub mod metadata;
pub mod oauth;
