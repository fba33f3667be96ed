//! Realms. Removing one removes everything in it; the trail of what happened stays.

use jeton_core::change::Audit;
use jeton_core::domain::id::Id;
use jeton_core::domain::realm::{Realm, Settings};
use jeton_core::time::Timestamp;

use crate::db::{Row, Sql, Value, statements};
use crate::error::Error;
use crate::revocation;
use crate::snapshot::Snapshot;
use crate::step::{Needs, Step};
use crate::store::Store;

macro_rules! columns {
    () => {
        "id, name, enabled, not_before, created_at, settings"
    };
}

statements! {
    // Numbers that are given out begin at 1000; smaller ones are for who is given a number.
    ADD = "INSERT INTO realm (id, name, enabled, not_before, created_at, settings, next_number) \
        VALUES ($1, $2, $3, $4, $5, $6, 1000)";
    LIST = "SELECT ", columns!(), " FROM realm ORDER BY name";
    NAMED = "SELECT ", columns!(), " FROM realm WHERE name = $1";
    SET_SETTINGS = "UPDATE realm SET settings = $1 WHERE id = $2";
    SET_ENABLED = "UPDATE realm SET enabled = $1 WHERE id = $2";
    // Never moved back: what was refused once stays refused.
    SET_NOT_BEFORE = "UPDATE realm SET not_before = CASE WHEN not_before > $1 THEN not_before ELSE $1 END \
        WHERE id = $2";
    REMOVE = "DELETE FROM realm WHERE id = $1";
}

impl Store {
    /// Adds a realm.
    ///
    /// # Errors
    /// [`Error::Exists`] if its name is taken.
    pub async fn add_realm(&self, realm: &Realm, record: Audit) -> Result<(), Error> {
        let values = vec![
            realm.id.into(),
            realm.name.as_str().into(),
            realm.enabled.into(),
            realm.not_before.into(),
            realm.created_at.into(),
            Value::json(&realm.settings)?,
        ];
        self.configure(vec![Step::new(ADD, values, Needs::Row("realm"))], record).await
    }

    /// Every realm, by name.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn realms(&self) -> Result<Vec<Realm>, Error> {
        self.snapshot().await?.all(LIST, &[], read).await
    }

    /// The realm of this name.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn realm(&self, name: &str) -> Result<Option<Realm>, Error> {
        named(&mut self.snapshot().await?, name).await
    }

    /// Sets what can be set.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such realm.
    pub async fn set_realm_settings(&self, id: Id, settings: &Settings, record: Audit) -> Result<(), Error> {
        self.set_realm(SET_SETTINGS, Value::json(settings)?, id, record).await
    }

    /// Enables or disables a realm.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such realm.
    pub async fn set_realm_enabled(&self, id: Id, enabled: bool, record: Audit) -> Result<(), Error> {
        self.set_realm(SET_ENABLED, enabled.into(), id, record).await
    }

    /// Refuses every token of the realm that was issued before `at`. An earlier instant than the last changes nothing.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such realm.
    pub async fn set_realm_not_before(&self, id: Id, at: Timestamp, record: Audit) -> Result<(), Error> {
        let told = revocation::of_realm(id, at, record.at);
        self.configure(vec![set_not_before(id, at), told], record).await
    }

    /// Removes a realm and everything in it.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such realm.
    pub async fn remove_realm(&self, id: Id, record: Audit) -> Result<(), Error> {
        self.configure(vec![Step::new(REMOVE, vec![id.into()], Needs::Row("realm"))], record).await
    }

    async fn set_realm(&self, sql: Sql, value: Value, id: Id, record: Audit) -> Result<(), Error> {
        self.configure(vec![Step::new(sql, vec![value, id.into()], Needs::Row("realm"))], record).await
    }
}

/// Everything issued before `at` is refused.
pub(crate) fn set_not_before(id: Id, at: Timestamp) -> Step {
    Step::new(SET_NOT_BEFORE, vec![at.into(), id.into()], Needs::Row("realm"))
}

pub(crate) async fn named(tx: &mut Snapshot, name: &str) -> Result<Option<Realm>, Error> {
    tx.one(NAMED, &[name.into()], read).await
}

fn read(row: &mut Row<'_>) -> Result<Realm, Error> {
    Ok(Realm {
        id: row.take()?,
        name: row.take()?,
        enabled: row.take()?,
        not_before: row.take()?,
        created_at: row.take()?,
        settings: row.take_json()?,
    })
}
