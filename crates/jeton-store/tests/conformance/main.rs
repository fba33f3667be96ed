//! What every engine must do, said through [`jeton_store::Store`] alone.

mod audit;
mod client;
mod commit;
mod facts;
mod key;
mod open;
mod principal;
mod races;
mod realm;
mod session;
mod sweep;
mod target;
mod world;
