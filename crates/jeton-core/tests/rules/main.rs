//! The rules as tables: facts, a request and an instant in; an answer and changes out.

#![expect(clippy::unwrap_used, reason = "a panic is the failure")]

mod dpop;
mod exchange;
mod family;
mod fixture;
mod jws;
mod keys;
mod midnight;
mod refresh;
mod rotation;
mod state;
mod trust;
mod vectors;
