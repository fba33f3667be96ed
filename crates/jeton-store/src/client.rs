//! OAuth clients.

use jeton_core::change::Audit;
use jeton_core::domain::client::{Client, ClientSettings, StoredSecret};
use jeton_core::domain::id::Id;
use jeton_core::domain::registration::Registration;
use jeton_core::time::Timestamp;

use crate::db::{Row, Sql, Value, statements};
use crate::error::Error;
use crate::principal::{self, Service, principal_columns};
use crate::revocation;
use crate::secret::{self, Owner};
use crate::snapshot::Snapshot;
use crate::step::{Needs, Step};
use crate::store::Store;

macro_rules! select {
    () => {
        concat!(
            "SELECT c.id, c.client_id, c.enabled, c.not_before, c.created_at, c.settings, c.registration, ",
            "c.registration_token, ",
            principal_columns!(),
            " FROM client c JOIN principal p ON p.id = c.service_id "
        )
    };
}

statements! {
    ADD = "INSERT INTO client (id, realm_id, client_id, enabled, not_before, created_at, settings, registration, \
        registration_token, service_id) VALUES ($1, $2, $3, 1, 0, $4, $5, $6, $7, $8)";
    LIST = select!(), "WHERE c.realm_id = $1 ORDER BY c.client_id";
    NAMED = select!(), "WHERE c.realm_id = $1 AND c.client_id = $2";
    BY_ID = select!(), "WHERE c.id = $1";
    // What an operator has set, a client that registered itself cannot change back.
    SET_SETTINGS = "UPDATE client SET settings = $1, registration_token = NULL WHERE id = $2";
    SET_ENABLED = "UPDATE client SET enabled = $1 WHERE id = $2";
    // Never moved back: what was refused once stays refused.
    SET_NOT_BEFORE = "UPDATE client SET not_before = CASE WHEN not_before > $1 THEN not_before ELSE $1 END \
        WHERE id = $2";
    REMOVE = "DELETE FROM client WHERE id = $1";
}

/// A client to add, enabled.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// Its row: a new id.
    pub id: Id,
    /// The realm it belongs to.
    pub realm_id: Id,
    /// What it calls itself on the wire; unique in the realm.
    pub client_id: String,
    /// What can be set.
    pub settings: ClientSettings,
    /// What its own tokens speak for.
    pub service: Service,
    /// Its secrets; none for a public client.
    pub secrets: Vec<StoredSecret>,
    /// That it registers itself, if it does.
    pub registration: Option<Registration>,
    /// When it is made.
    pub created_at: Timestamp,
}

impl Store {
    /// Adds a client with its secrets, and its service if that is new.
    ///
    /// # Errors
    /// [`Error::Exists`] if its name or its service's is taken; [`Error::Missing`] if there is no such realm or service.
    pub async fn add_client(&self, new: &NewClient, record: Audit) -> Result<Client, Error> {
        self.configure(add(new)?, record).await?;
        self.client(new.realm_id, &new.client_id).await?.ok_or(Error::Conflict)
    }

    /// Every client of a realm with its secrets, by name.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn clients(&self, realm_id: Id) -> Result<Vec<Client>, Error> {
        let mut tx = self.snapshot().await?;
        let mut clients = tx.all(LIST, &[realm_id.into()], read).await?;
        for client in &mut clients {
            client.secrets = secret::of(&mut tx, Owner::Client(client.id)).await?;
        }
        Ok(clients)
    }

    /// The client of this name with its secrets.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn client(&self, realm_id: Id, client_id: &str) -> Result<Option<Client>, Error> {
        named(&mut self.snapshot().await?, realm_id, client_id).await
    }

    /// Sets what can be set. A client that registered itself manages itself no more.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such client.
    pub async fn set_client_settings(&self, id: Id, settings: &ClientSettings, record: Audit) -> Result<(), Error> {
        // A scope that was taken away is gone from tokens, too.
        let told = revocation::of_client(id, Some(record.at), record.at);
        self.set_client(SET_SETTINGS, Value::json(settings)?, id, Some(told), record).await
    }

    /// Enables or disables a client.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such client.
    pub async fn set_client_enabled(&self, id: Id, enabled: bool, record: Audit) -> Result<(), Error> {
        let told = (!enabled).then(|| revocation::of_client(id, None, record.at));
        self.set_client(SET_ENABLED, enabled.into(), id, told, record).await
    }

    /// Refuses every token that was issued to it before `at`. An earlier instant than the last changes nothing.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such client.
    pub async fn set_client_not_before(&self, id: Id, at: Timestamp, record: Audit) -> Result<(), Error> {
        let told = revocation::of_client(id, Some(at), record.at);
        self.set_client(SET_NOT_BEFORE, at.into(), id, Some(told), record).await
    }

    /// Removes a client and its sessions. Its service stays: to remove both, remove the service.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such client.
    pub async fn remove_client(&self, id: Id, record: Audit) -> Result<(), Error> {
        let told = revocation::of_client(id, None, record.at);
        self.configure(vec![told, remove(id)], record).await
    }

    async fn set_client(&self, sql: Sql, value: Value, id: Id, told: Option<Step>, record: Audit) -> Result<(), Error> {
        let set = Step::new(sql, vec![value, id.into()], Needs::Row("client"));
        self.configure(std::iter::once(set).chain(told).collect(), record).await
    }
}

/// The steps that add `new`.
pub(crate) fn add(new: &NewClient) -> Result<Vec<Step>, Error> {
    let (mut steps, service_id) = principal::service(&new.service, new.realm_id)?;
    let values = vec![
        new.id.into(),
        new.realm_id.into(),
        new.client_id.as_str().into(),
        new.created_at.into(),
        Value::json(&new.settings)?,
        new.registration.as_ref().map(Value::json).transpose()?.unwrap_or(Value::Null),
        new.registration.as_ref().and_then(|registration| registration.token).into(),
        service_id.into(),
    ];
    steps.push(Step::new(ADD, values, Needs::New("client", "service")));
    steps.extend(new.secrets.iter().map(|secret| secret::add(Owner::Client(new.id), secret)));
    Ok(steps)
}

/// The step that removes a client.
pub(crate) fn remove(id: Id) -> Step {
    Step::new(REMOVE, vec![id.into()], Needs::Row("client"))
}

/// The client of this name, with its secrets.
pub(crate) async fn named(tx: &mut Snapshot, realm_id: Id, client_id: &str) -> Result<Option<Client>, Error> {
    let Some(client) = tx.one(NAMED, &[realm_id.into(), client_id.into()], read).await? else { return Ok(None) };
    let secrets = secret::of(tx, Owner::Client(client.id)).await?;
    Ok(Some(Client { secrets, ..client }))
}

/// The client of this row, without its secrets.
pub(crate) async fn by_id(tx: &mut Snapshot, id: Id) -> Result<Option<Client>, Error> {
    tx.one(BY_ID, &[id.into()], read).await
}

fn read(row: &mut Row<'_>) -> Result<Client, Error> {
    Ok(Client {
        id: row.take()?,
        client_id: row.take()?,
        enabled: row.take()?,
        not_before: row.take()?,
        created_at: row.take()?,
        settings: row.take_json()?,
        registration: read_registration(row)?,
        service: principal::read(row)?,
        secrets: Vec::new(),
    })
}

fn read_registration(row: &mut Row<'_>) -> Result<Option<Registration>, Error> {
    let registration: Option<Registration> = row.take_optional_json()?;
    let token = row.take()?;
    Ok(registration.map(|registration| Registration { token, ..registration }))
}
