//! What every engine must do, said through [`jeton_store::Store`] alone.

mod audit;
mod backup;
mod client;
mod commit;
mod copy;
mod facts;
mod key;
mod open;
mod postgres;
mod principal;
mod races;
mod realm;
mod registration;
mod revocation;
mod session;
mod stats;
mod sweep;
mod target;
mod upgrade;
mod world;
