#![allow(clippy::unwrap_used, dead_code, unused_imports)]
mod cors;
mod gate;
mod harness;
mod inevent;
mod ion;
mod pitchpoint;
mod limits;
mod two_servers;
mod zro;
