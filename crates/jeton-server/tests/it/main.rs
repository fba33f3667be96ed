//! The server from end to end: real sockets, a store on disk, a clock that the tests move.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod harness;

mod inevent;
mod ion;
mod pitchpoint;
mod zro;

mod security;
