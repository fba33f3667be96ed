//! Named blobs of the installation, such as the sealed key of the hashes.

use jeton_core::change::Audit;

use crate::db::{Value, statements};
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::step::{Needs, Step};
use crate::store::Store;

statements! {
    FIND = "SELECT value FROM meta WHERE name = $1";
    LIST = "SELECT name, value FROM meta ORDER BY name";
    ADD = "INSERT INTO meta (name, value) VALUES ($1, $2)";
    PUT = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = $2";
}

impl Store {
    /// The blob of this name.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        self.snapshot().await?.one(FIND, &[name.into()], |row| row.take()).await
    }

    /// Sets the blob of this name.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn put_meta(&self, name: &str, value: &[u8], record: Audit) -> Result<(), Error> {
        self.configure(vec![put(name, value)], record).await
    }

    /// Sets the blob of this name if there is none. Returns the one that is there then,
    /// so that several nodes that start together agree.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn put_meta_if_absent(&self, name: &str, value: &[u8], record: Audit) -> Result<Vec<u8>, Error> {
        match self.configure(vec![Step::new(ADD, vec![name.into(), value.into()], Needs::Guard)], record).await {
            Ok(()) | Err(Error::Conflict) => self.meta(name).await?.ok_or(Error::Conflict),
            Err(error) => Err(error),
        }
    }
}

pub(crate) fn put(name: &str, value: &[u8]) -> Step {
    Step::new(PUT, vec![Value::from(name), Value::from(value)], Needs::Nothing)
}

pub(crate) async fn all(tx: &mut Snapshot) -> Result<Vec<(String, Vec<u8>)>, Error> {
    tx.all(LIST, &[], |row| Ok((row.take()?, row.take()?))).await
}
