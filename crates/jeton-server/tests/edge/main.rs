//! The server's edge over real sockets: accept loop, limits, draining, TLS.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod limits;
mod shutdown;
mod support;
mod tls;
