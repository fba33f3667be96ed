//! The sample APIs, called as the gate calls them.

mod any_input;
mod call;
mod events;
mod orders;
mod runs;
mod wallets;
