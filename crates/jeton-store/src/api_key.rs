//! API keys: a service's ids and secrets. A service can have several, so that one can replace another.

use jeton_core::change::Audit;
use jeton_core::domain::client::{ApiKey, StoredSecret};
use jeton_core::domain::id::Id;
use jeton_core::time::Timestamp;

use crate::db::{Row, Sql, Value, statements};
use crate::error::Error;
use crate::principal::{self, Service, principal_columns};
use crate::secret::{self, Owner};
use crate::snapshot::Snapshot;
use crate::step::{Needs, Step};
use crate::store::Store;

macro_rules! select {
    () => {
        concat!(
            "SELECT k.id, k.key_id, k.enabled, k.not_before, k.expires_at, k.created_at, ",
            principal_columns!(),
            " FROM api_key k JOIN principal p ON p.id = k.service_id "
        )
    };
}

statements! {
    ADD = "INSERT INTO api_key (id, realm_id, key_id, enabled, expires_at, created_at, service_id) \
        VALUES ($1, $2, $3, 1, $4, $5, $6)";
    LIST = select!(), "WHERE k.realm_id = $1 ORDER BY k.created_at, k.id";
    NAMED = select!(), "WHERE k.realm_id = $1 AND k.key_id = $2";
    BY_ID = select!(), "WHERE k.id = $1";
    SET_EXPIRY = "UPDATE api_key SET expires_at = $1 WHERE id = $2";
    SET_ENABLED = "UPDATE api_key SET enabled = $1 WHERE id = $2";
    // Never moved back: what was refused once stays refused.
    SET_NOT_BEFORE = "UPDATE api_key SET not_before = CASE WHEN not_before > $1 THEN not_before ELSE $1 END \
        WHERE id = $2";
    REMOVE = "DELETE FROM api_key WHERE id = $1";
}

/// An API key to add, enabled.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// Its row: a new id.
    pub id: Id,
    /// The realm it belongs to.
    pub realm_id: Id,
    /// The public part; unique in the realm.
    pub key_id: String,
    /// After this it is of no use.
    pub expires_at: Option<Timestamp>,
    /// Whom it speaks for.
    pub service: Service,
    /// Its secrets.
    pub secrets: Vec<StoredSecret>,
    /// When it is made.
    pub created_at: Timestamp,
}

impl Store {
    /// Adds an API key with its secrets, and its service if that is new.
    ///
    /// # Errors
    /// [`Error::Exists`] if its id or its service's name is taken; [`Error::Missing`] if there is no such realm or service.
    pub async fn add_api_key(&self, new: &NewApiKey, record: Audit) -> Result<ApiKey, Error> {
        let (mut steps, service_id) = principal::service(&new.service, new.realm_id)?;
        let values = vec![
            new.id.into(),
            new.realm_id.into(),
            new.key_id.as_str().into(),
            new.expires_at.into(),
            new.created_at.into(),
            service_id.into(),
        ];
        steps.push(Step::new(ADD, values, Needs::New("API key", "service")));
        steps.extend(new.secrets.iter().map(|secret| secret::add(Owner::ApiKey(new.id), secret)));
        self.configure(steps, record).await?;
        self.api_key(new.realm_id, &new.key_id).await?.ok_or(Error::Conflict)
    }

    /// Every API key of a realm with its secrets, oldest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn api_keys(&self, realm_id: Id) -> Result<Vec<ApiKey>, Error> {
        let mut tx = self.snapshot().await?;
        let mut keys = tx.all(LIST, &[realm_id.into()], read).await?;
        for key in &mut keys {
            key.secrets = secret::of(&mut tx, Owner::ApiKey(key.id)).await?;
        }
        Ok(keys)
    }

    /// The API key of this id with its secrets.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn api_key(&self, realm_id: Id, key_id: &str) -> Result<Option<ApiKey>, Error> {
        named(&mut self.snapshot().await?, realm_id, key_id).await
    }

    /// Sets when it ends, or that it does not.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such key.
    pub async fn set_api_key_expiry(&self, id: Id, at: Option<Timestamp>, record: Audit) -> Result<(), Error> {
        self.set_api_key(SET_EXPIRY, at.into(), id, record).await
    }

    /// Enables or disables an API key.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such key.
    pub async fn set_api_key_enabled(&self, id: Id, enabled: bool, record: Audit) -> Result<(), Error> {
        self.set_api_key(SET_ENABLED, enabled.into(), id, record).await
    }

    /// Refuses every token of its sessions that were begun before `at`. An earlier instant than the last changes nothing.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such key.
    pub async fn set_api_key_not_before(&self, id: Id, at: Timestamp, record: Audit) -> Result<(), Error> {
        self.set_api_key(SET_NOT_BEFORE, at.into(), id, record).await
    }

    /// Removes an API key and its sessions. Its service stays: to remove both, remove the service.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such key.
    pub async fn remove_api_key(&self, id: Id, record: Audit) -> Result<(), Error> {
        self.configure(vec![Step::new(REMOVE, vec![id.into()], Needs::Row("API key"))], record).await
    }

    async fn set_api_key(&self, sql: Sql, value: Value, id: Id, record: Audit) -> Result<(), Error> {
        self.configure(vec![Step::new(sql, vec![value, id.into()], Needs::Row("API key"))], record).await
    }
}

/// The API key of this id, with its secrets.
pub(crate) async fn named(tx: &mut Snapshot, realm_id: Id, key_id: &str) -> Result<Option<ApiKey>, Error> {
    let Some(key) = tx.one(NAMED, &[realm_id.into(), key_id.into()], read).await? else { return Ok(None) };
    let secrets = secret::of(tx, Owner::ApiKey(key.id)).await?;
    Ok(Some(ApiKey { secrets, ..key }))
}

/// The API key of this row, without its secrets.
pub(crate) async fn by_id(tx: &mut Snapshot, id: Id) -> Result<Option<ApiKey>, Error> {
    tx.one(BY_ID, &[id.into()], read).await
}

fn read(row: &mut Row<'_>) -> Result<ApiKey, Error> {
    Ok(ApiKey {
        id: row.take()?,
        key_id: row.take()?,
        enabled: row.take()?,
        not_before: row.take()?,
        expires_at: row.take()?,
        created_at: row.take()?,
        service: principal::read(row)?,
        secrets: Vec::new(),
    })
}
