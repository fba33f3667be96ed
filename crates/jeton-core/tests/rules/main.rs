//! The rules as tables: facts, a request and an instant in; an answer and changes out.

mod exchange;
mod fixture;
mod jws;
mod midnight;
mod state;
mod storm;
