//! OAuth's bytes: requests read, answers written. No rule stands here.

pub mod client_auth;
pub mod device_authorization;
pub mod form;
pub mod introspection;
pub mod metadata;
pub mod oauth;
pub mod protected_resource;
pub mod registration;
pub mod revocations;
pub mod token_request;
