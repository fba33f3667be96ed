//! A whole server on a free port, with five realms, and a client that shows every byte of the answer.
//!
//! ```text
//! let server = Server::start().await;
//! let answer = server.post("/auth/signin").json(r#"{"api_id":"…","api_key":"…"}"#).await;
//! assert_eq!(answer.status, 200);
//! server.clock.advance(HOUR);
//! ```
//!
//! Nothing sleeps: time is [`Server::clock`], which stands until it is moved.

mod client;
mod database;
mod logs;
mod machine;
mod seed;
mod server;
mod sign_in;

pub(crate) use client::{Answer, Call, form};
pub(crate) use database::postgres;
pub(crate) use logs::logs;
pub(crate) use machine::Machine;
pub(crate) use seed::{ADA, BOB, EVENT, EVENT_PASSWORD, GRACE, Key, Person, mount, rules};
pub(crate) use server::{NOW, Options, PUBLIC_URL, Server};
pub(crate) use sign_in::{ORDERS, REFRESH, SIGN_IN, Tokens};

use std::time::Duration;

/// One second.
pub(crate) const SECOND: Duration = Duration::from_secs(1);
/// One minute.
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
/// One hour.
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
/// One day of 86 400 seconds.
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);
