//! The server from end to end: real sockets, a store on disk, a clock that the tests move.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod harness;

mod beside;
mod chains;
mod client_and_server;
mod cors;
mod custom_dialect;
mod feed;
mod gate;
mod inevent;
mod ion;
mod limits;
mod oauth;
mod offline;
mod pitchpoint;
mod refresh;
mod rotation;
mod security;
mod trust;
mod two_servers;
mod upgrade;
mod zro;
