//! Jeton's client: one place that obtains, keeps and refreshes the tokens of many APIs.
//!
//! A [`Profile`] says which API, by which [dialect](jeton_core::dialect) or OAuth issuer, and as whom; its secrets and
//! its token lie sealed beside it. A [`TokenSource`] gives a valid token and asks the API only when it must, once for
//! all processes that use the profile.
//!
//! - [`profile`]: what is known of an API. [`vault`]: secrets and tokens on disk, and the lock between processes.
//! - [`flow`]: an exchange as a request to send and an answer to read, without any I/O: works with every HTTP client.
//! - [`call`]: the token in calls, by reqwest (feature `reqwest`), tower, or any client that has `http`'s types.
//! - [`token`]: how long a token is used. [`transport`]: sending, over hyper and rustls.
//!
//! ```no_run
//! # async fn example() -> Result<(), jeton_client::Error> {
//! use jeton_client::{Clock, Profiles, TokenSource};
//!
//! let profiles = Profiles::at("/home/ada/.config/jeton");
//! let source = TokenSource::open(&profiles, "meadow", Clock::system())?;
//! let given = source.token().await?;
//! let placed = source.show(&given.token, &http::Method::GET, "/people")?;
//! for (name, _value) in &placed.headers {
//!     println!("this API takes its token in {name}");
//! }
//! # Ok(())
//! # }
//! ```

mod address;
pub mod call;
mod clock;
mod error;
pub mod flow;
mod jws;
pub mod profile;
mod source;
pub mod token;
pub mod transport;
pub mod vault;

pub use address::{AddressError, check as check_address};
pub use clock::Clock;
pub use error::Error;
pub use profile::{Profile, Profiles};
pub use source::{Ended, Given, Prompt, TokenSource};
pub use token::Token;
