//! The rules as tables: facts, a request and an instant in; an answer and changes out.

#![expect(clippy::unwrap_used, reason = "a panic is the failure")]

mod exchange;
mod family;
mod fixture;
mod jws;
mod midnight;
mod refresh;
mod rotation;
mod state;
