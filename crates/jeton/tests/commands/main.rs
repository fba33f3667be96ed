//! The commands of the real binary, each in a process of its own, and beside them a real `jeton serve` that must see
//! every change at its next request.

#![expect(clippy::unwrap_used, reason = "a test may end where something is not as it should be")]

mod administration;
mod backup;
#[cfg(feature = "demo")]
mod client;
mod copy;
#[cfg(feature = "demo")]
mod database;
#[cfg(feature = "demo")]
mod demo;
mod device;
mod dialect_check;
#[cfg(feature = "demo")]
mod dialect_try;
mod four_realms;
mod gate;
mod harness;
mod master_key;
mod migrate;
mod registration;
mod reload;
mod secrets;
mod signer;
mod signing_key;
mod start;
mod store;
mod trust;
mod upgrade;
