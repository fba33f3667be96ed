//! Where a store is: in a file of this machine, or in a PostgreSQL that any number of nodes share.

mod url;

use std::fmt;
use std::path::PathBuf;

use jeton_core::secret::Secret;

use crate::error::Error;
use crate::postgres::connect::Postgres;

pub(crate) use url::{Host, SslMode, Url};

/// Where a store is. Shown without any password.
#[derive(Clone, Debug)]
pub enum Database {
    /// SQLite, in this file.
    File(PathBuf),
    /// PostgreSQL 15 or newer, or what speaks its protocol.
    Postgres(Box<Postgres>),
}

impl Database {
    /// How many connections a node keeps open if it is told nothing.
    pub const DEFAULT_CONNECTIONS: usize = 16;

    /// SQLite, in the file at `path`.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::File(path.into())
    }

    /// PostgreSQL at `url`: `postgres://user@host1:5432,host2:5432/name?parameter=value`. Of several hosts the first
    /// that answers and can be written to is used. `password` goes before one in the URL; `connections` is the most
    /// that this process keeps open for requests.
    ///
    /// Between machines the connection is always encrypted and the server's certificate and name are verified;
    /// to loopback addresses and sockets it is plain, unless `sslmode` in the URL asks for TLS.
    ///
    /// # Errors
    /// [`Error::Open`] if something in the URL is unknown, contradictory, or weaker than that. The text never
    /// holds a password.
    pub fn postgres(url: &str, password: Option<Secret<String>>, connections: usize) -> Result<Self, Error> {
        let url = url.parse().map_err(Error::Open)?;
        Ok(Self::Postgres(Box::new(Postgres::new(url, password, connections)?)))
    }

    /// Whether `url` carries a password, which must then be kept from the eyes of others. Said of anything that may
    /// be one, whether or not [`Database::postgres`] takes the URL.
    pub fn holds_password(url: &str) -> bool {
        url::holds_password(url)
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(postgres) => postgres.fmt(f),
        }
    }
}
