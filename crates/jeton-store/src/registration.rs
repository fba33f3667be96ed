//! Initial access tokens, and clients that register, update and remove themselves.

use jeton_core::change::Audit;
use jeton_core::domain::client::{Client, ClientSettings};
use jeton_core::domain::id::{Digest, Id};
use jeton_core::domain::registration::{InitialAccessToken, Registration};
use jeton_core::rules::registration::SecretChange;
use jeton_core::time::Timestamp;

use crate::client::{self, NewClient};
use crate::db::{Row, Value, statements};
use crate::error::Error;
use crate::secret::{self, Owner};
use crate::step::{Needs, Step};
use crate::store::Store;
use crate::{config, principal, revocation};

macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT id, realm_id, digest, bounds, uses_left, created_at, expires_at FROM initial_access_token WHERE ",
            $which
        )
    };
}

statements! {
    ADD = "INSERT INTO initial_access_token (id, realm_id, digest, bounds, uses_left, created_at, expires_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    OF_REALM = select!("realm_id = $1 ORDER BY created_at");
    BY_DIGEST = select!("digest = $1 AND realm_id = $2");
    // Of two who use the last one up, one changes the row.
    USE = "UPDATE initial_access_token SET uses_left = uses_left - 1 WHERE id = $1 AND uses_left > 0 AND expires_at > $2";
    REMOVE = "DELETE FROM initial_access_token WHERE id = $1";
    UPDATE = "UPDATE client SET settings = $1, registration = $2 WHERE id = $3";
}

impl Store {
    /// Adds an initial access token.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such realm.
    pub async fn add_initial_access_token(&self, new: &InitialAccessToken, record: Audit) -> Result<(), Error> {
        let values = vec![
            new.id.into(),
            new.realm_id.into(),
            new.digest.into(),
            Value::json(&new.bounds)?,
            new.uses_left.into(),
            new.created_at.into(),
            new.expires_at.into(),
        ];
        let add = Step::new(ADD, values, Needs::New("initial access token", "realm"));
        self.configure(vec![add], record).await
    }

    /// Every initial access token of a realm, oldest first, used up or not.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn initial_access_tokens(&self, realm_id: Id) -> Result<Vec<InitialAccessToken>, Error> {
        self.snapshot().await?.all(OF_REALM, &[realm_id.into()], read).await
    }

    /// The initial access token of this digest, used up or not.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn initial_access_token(
        &self,
        realm_id: Id,
        digest: Digest,
    ) -> Result<Option<InitialAccessToken>, Error> {
        self.snapshot().await?.one(BY_DIGEST, &[digest.into(), realm_id.into()], read).await
    }

    /// Removes an initial access token. The clients that it registered stay.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such token.
    pub async fn remove_initial_access_token(&self, id: Id, record: Audit) -> Result<(), Error> {
        let remove = Step::new(REMOVE, vec![id.into()], Needs::Row("initial access token"));
        self.configure(vec![remove], record).await
    }

    /// Adds a client and takes one from what the initial access token of this id has left.
    ///
    /// # Errors
    /// [`Error::Conflict`] if it has nothing left, or is over at `now`: nothing is added then.
    pub async fn register_client(
        &self,
        new: &NewClient,
        token_id: Id,
        now: Timestamp,
        record: Audit,
    ) -> Result<Client, Error> {
        let mut steps = vec![Step::new(USE, vec![token_id.into(), now.into()], Needs::Guard)];
        steps.extend(client::add(new)?);
        self.configure(steps, record).await?;
        self.client(new.realm_id, &new.client_id).await?.ok_or(Error::Conflict)
    }

    /// Changes a client as it asked to be.
    ///
    /// # Errors
    /// [`Error::Conflict`] if anything was configured since `config_version`: it may not ask any more.
    pub async fn update_registered_client(
        &self,
        config_version: i64,
        id: Id,
        (settings, registration): (&ClientSettings, &Registration),
        secrets: &SecretChange,
        record: Audit,
    ) -> Result<(), Error> {
        let values = vec![Value::json(settings)?, Value::json(registration)?, id.into()];
        let secrets = match secrets {
            SecretChange::Keep => None,
            SecretChange::Remove => Some(secret::remove_of_client(id)),
            SecretChange::Add(new) => Some(secret::add(Owner::Client(id), &new.stored)),
        };
        let mut steps = vec![config::hold(config_version), Step::new(UPDATE, values, Needs::Row("client"))];
        steps.extend(secrets);
        // A scope that it gave up is gone from its tokens, too.
        steps.push(revocation::of_client(id, Some(record.at), record.at));
        self.configure(steps, record).await
    }

    /// Removes a client that asked for it, with its tokens, and its service unless something else speaks for that.
    ///
    /// # Errors
    /// [`Error::Conflict`] if anything was configured since `config_version`.
    pub async fn remove_registered_client(
        &self,
        config_version: i64,
        client: &Client,
        record: Audit,
    ) -> Result<(), Error> {
        let steps = vec![
            config::hold(config_version),
            revocation::of_client(client.id, None, record.at),
            client::remove(client.id),
            principal::remove_unused(client.service.id),
        ];
        self.configure(steps, record).await
    }
}

fn read(row: &mut Row<'_>) -> Result<InitialAccessToken, Error> {
    Ok(InitialAccessToken {
        id: row.take()?,
        realm_id: row.take()?,
        digest: row.take()?,
        bounds: row.take_json()?,
        uses_left: row.take()?,
        created_at: row.take()?,
        expires_at: row.take()?,
    })
}
