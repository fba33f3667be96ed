//! The connections that requests share: a bounded number, each with its statements prepared once.

use std::time::Duration;

use deadpool_postgres::{Object, PoolError};

use super::connect::{Postgres, explain};
use super::error::Failure;
use crate::error::Error;

/// How long anything may take: beyond it the server is as good as gone.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// The connections to whichever of the hosts takes writes.
#[derive(Clone)]
pub(super) struct Pool(deadpool_postgres::Pool);

impl Pool {
    pub(super) fn new(place: &Postgres) -> Result<Self, Error> {
        place.pool().map(Self)
    }

    /// A connection nobody uses.
    pub(super) async fn get(&self) -> Result<Object, Failure> {
        self.0.get().await.map_err(|error| match error {
            PoolError::Backend(error) => Failure::of_connecting(&error, explain(&error)),
            PoolError::Timeout(_) => Failure::Final(Error::Unavailable(
                "no connection to the database came free: it does not answer, or is asked too much".to_owned(),
            )),
            other => Failure::Final(Error::Unavailable(other.to_string())),
        })
    }

    pub(super) fn close(&self) {
        self.0.close();
    }
}
