//! Secrets of clients and API keys, as keyed hashes. Several can live side by side while one replaces another.

use jeton_core::change::Audit;
use jeton_core::domain::client::StoredSecret;
use jeton_core::domain::id::Id;
use jeton_core::time::Timestamp;

use crate::db::{Value, statements};
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::step::{Needs, Step};
use crate::store::Store;

statements! {
    ADD = "INSERT INTO secret (id, client_id, api_key_id, digest, created_at, expires_at) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    OF_CLIENT = "SELECT id, digest, created_at, expires_at FROM secret WHERE client_id = $1 ORDER BY id";
    OF_API_KEY = "SELECT id, digest, created_at, expires_at FROM secret WHERE api_key_id = $1 ORDER BY id";
    END_OF_CLIENT = "UPDATE secret SET expires_at = $1 \
        WHERE client_id = $2 AND (expires_at IS NULL OR expires_at > $1)";
    END_OF_API_KEY = "UPDATE secret SET expires_at = $1 \
        WHERE api_key_id = $2 AND (expires_at IS NULL OR expires_at > $1)";
    REMOVE = "DELETE FROM secret WHERE id = $1";
    REMOVE_OF_CLIENT = "DELETE FROM secret WHERE client_id = $1";
    REMOVE_OF_API_KEY = "DELETE FROM secret WHERE api_key_id = $1";
}

/// Whose secret it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The client of this row.
    Client(Id),
    /// The API key of this row.
    ApiKey(Id),
}

impl Store {
    /// Adds a secret. With `others_until`, those that are there prove nothing from that instant on.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such client or API key.
    pub async fn add_secret(
        &self,
        owner: Owner,
        secret: &StoredSecret,
        others_until: Option<Timestamp>,
        record: Audit,
    ) -> Result<(), Error> {
        let end = others_until.map(|at| match owner {
            Owner::Client(id) => Step::new(END_OF_CLIENT, vec![at.into(), id.into()], Needs::Nothing),
            Owner::ApiKey(id) => Step::new(END_OF_API_KEY, vec![at.into(), id.into()], Needs::Nothing),
        });
        let steps = end.into_iter().chain([add(owner, secret)]).collect();
        self.configure(steps, record).await
    }

    /// Removes a secret.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such secret.
    pub async fn remove_secret(&self, id: Id, record: Audit) -> Result<(), Error> {
        self.configure(vec![Step::new(REMOVE, vec![id.into()], Needs::Row("secret"))], record).await
    }

    /// Removes every secret of a client or API key.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn remove_secrets(&self, owner: Owner, record: Audit) -> Result<(), Error> {
        let step = match owner {
            Owner::Client(id) => remove_of_client(id),
            Owner::ApiKey(id) => Step::new(REMOVE_OF_API_KEY, vec![id.into()], Needs::Nothing),
        };
        self.configure(vec![step], record).await
    }
}

/// The step that removes every secret of a client.
pub(crate) fn remove_of_client(id: Id) -> Step {
    Step::new(REMOVE_OF_CLIENT, vec![id.into()], Needs::Nothing)
}

pub(crate) fn add(owner: Owner, secret: &StoredSecret) -> Step {
    let (client, api_key, noun) = match owner {
        Owner::Client(id) => (Some(id), None, "client"),
        Owner::ApiKey(id) => (None, Some(id), "API key"),
    };
    let values: Vec<Value> = vec![
        secret.id.into(),
        client.into(),
        api_key.into(),
        secret.digest.into(),
        secret.created_at.into(),
        secret.expires_at.into(),
    ];
    Step::new(ADD, values, Needs::New("secret", noun))
}

/// Every secret that is stored for `owner`, oldest first; whether one has expired is for the rules to say.
pub(crate) async fn of(tx: &mut Snapshot, owner: Owner) -> Result<Vec<StoredSecret>, Error> {
    let (sql, id) = match owner {
        Owner::Client(id) => (OF_CLIENT, id),
        Owner::ApiKey(id) => (OF_API_KEY, id),
    };
    tx.all(sql, &[id.into()], |row| {
        Ok(StoredSecret { id: row.take()?, digest: row.take()?, created_at: row.take()?, expires_at: row.take()? })
    })
    .await
}
