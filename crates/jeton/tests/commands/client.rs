//! The client's commands, each in a process of its own, against the demo's four APIs and against small ones made here.

mod calls;
mod formats;
mod four_apis;
mod login;
mod machine;
mod oauth;
mod profiles;
mod proxy;
mod together;
