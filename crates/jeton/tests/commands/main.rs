//! The commands of the real binary, each in a process of its own, and beside them a real `jeton serve` that must see
//! every change at its next request.

mod administration;
mod four_realms;
mod harness;
mod master_key;
mod secrets;
mod start;
