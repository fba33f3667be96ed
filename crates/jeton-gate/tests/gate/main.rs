//! The gate over real connections: attacks, proxying, forward-auth, introspection.

#![expect(clippy::unwrap_used, reason = "a test may end where something is not as it should be")]

mod attacks;
mod dialect;
mod forward;
mod harness;
mod introspection;
mod proxy;
