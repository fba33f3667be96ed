//! Signing keys, sealed. At most one per realm and algorithm is current: the index says so, not care.

use jeton_core::change::Audit;
use jeton_core::domain::id::Id;
use jeton_core::domain::key::{KeyState, SigningKey};
use jeton_core::domain::policy::Alg;

use crate::db::{Row, Value, statements};
use crate::error::Error;
use crate::step::{Needs, Step};
use crate::store::Store;
use crate::{config, meta};

macro_rules! columns {
    () => {
        "kid, realm_id, alg, state, public_jwk, sealed, created_at"
    };
}

statements! {
    ADD = "INSERT INTO signing_key (kid, realm_id, alg, state, public_jwk, sealed, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    CURRENT = "SELECT ", columns!(), " FROM signing_key WHERE realm_id = $1 AND alg = $2 AND state = 'current'";
    LIST = "SELECT ", columns!(), " FROM signing_key WHERE realm_id = $1 ORDER BY created_at DESC, kid";
    LIST_ALL = "SELECT ", columns!(), " FROM signing_key ORDER BY realm_id, created_at DESC, kid";
    RETIRE = "UPDATE signing_key SET state = 'retired' WHERE realm_id = $1 AND kid = $2 AND state = 'current'";
    REMOVE = "DELETE FROM signing_key WHERE realm_id = $1 AND kid = $2 AND state = 'retired'";
    RESEAL = "UPDATE signing_key SET sealed = $1 WHERE realm_id = $2 AND kid = $3";
}

/// Everything that is sealed under the master key, and the version it was read at.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// The version of the configuration: what is put back must still be the whole.
    pub version: i64,
    /// The keys of every realm.
    pub keys: Vec<SigningKey>,
    /// Named blobs.
    pub blobs: Vec<(String, Vec<u8>)>,
}

impl Store {
    /// Adds `key` as current if its realm has no current key of its algorithm. Returns the one that is current then,
    /// so that several nodes that start together agree.
    ///
    /// # Errors
    /// [`Error::Conflict`] if there is no such realm.
    pub async fn put_key_if_none_current(&self, key: &SigningKey, record: Audit) -> Result<SigningKey, Error> {
        match self.configure(vec![add(key, KeyState::Current, Needs::Guard)], record).await {
            Ok(()) | Err(Error::Conflict) => {}
            Err(error) => return Err(error),
        }
        self.snapshot()
            .await?
            .one(CURRENT, &[key.realm_id.into(), key.alg.name().into()], read)
            .await?
            .ok_or(Error::Conflict)
    }

    /// Retires the current key `kid` of the realm of `next`, and makes `next` the current one.
    ///
    /// # Errors
    /// [`Error::Conflict`] if `kid` is not current: somebody else was faster.
    pub async fn rotate_key(&self, kid: &str, next: &SigningKey, record: Audit) -> Result<(), Error> {
        let retire = Step::new(RETIRE, vec![next.realm_id.into(), kid.into()], Needs::Guard);
        self.configure(vec![retire, add(next, KeyState::Current, Needs::Guard)], record).await
    }

    /// Retires a current key: it signs no more.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such current key.
    pub async fn retire_key(&self, realm_id: Id, kid: &str, record: Audit) -> Result<(), Error> {
        let step = Step::new(RETIRE, vec![realm_id.into(), kid.into()], Needs::Row("current key"));
        self.configure(vec![step], record).await
    }

    /// Removes a retired key: what it signed is refused from now on.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such retired key.
    pub async fn remove_key(&self, realm_id: Id, kid: &str, record: Audit) -> Result<(), Error> {
        let step = Step::new(REMOVE, vec![realm_id.into(), kid.into()], Needs::Row("retired key"));
        self.configure(vec![step], record).await
    }

    /// The keys of a realm, newest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn keys(&self, realm_id: Id) -> Result<Vec<SigningKey>, Error> {
        self.snapshot().await?.all(LIST, &[realm_id.into()], read).await
    }

    /// Everything that is sealed under the master key.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn sealed(&self) -> Result<Sealed, Error> {
        let mut tx = self.snapshot().await?;
        let version = config::version(&mut tx).await?;
        Ok(Sealed { version, keys: tx.all(LIST_ALL, &[], read).await?, blobs: meta::all(&mut tx).await? })
    }

    /// Puts everything back as it is sealed under another master key, in one transaction.
    ///
    /// # Errors
    /// [`Error::Conflict`] if anything was configured since [`sealed`](Self::sealed) read it: read and seal again.
    pub async fn reseal(&self, sealed: &Sealed, record: Audit) -> Result<(), Error> {
        let mut steps = vec![config::hold(sealed.version)];
        steps.extend(sealed.keys.iter().map(|key| {
            let values: Vec<Value> = vec![key.sealed.as_slice().into(), key.realm_id.into(), key.kid.as_str().into()];
            Step::new(RESEAL, values, Needs::Guard)
        }));
        steps.extend(sealed.blobs.iter().map(|(name, blob)| meta::put(name, blob)));
        self.configure(steps, record).await
    }
}

fn add(key: &SigningKey, state: KeyState, needs: Needs) -> Step {
    let state = match state {
        KeyState::Current => "current",
        KeyState::Retired => "retired",
    };
    let values = vec![
        key.kid.as_str().into(),
        key.realm_id.into(),
        key.alg.name().into(),
        state.into(),
        key.public_jwk.as_str().into(),
        key.sealed.as_slice().into(),
        key.created_at.into(),
    ];
    Step::new(ADD, values, needs)
}

fn read(row: &mut Row<'_>) -> Result<SigningKey, Error> {
    Ok(SigningKey {
        kid: row.take()?,
        realm_id: row.take()?,
        alg: {
            let name: String = row.take()?;
            Alg::named(&name).ok_or_else(|| Error::Corrupt(format!("{name} is no algorithm")))?
        },
        state: match row.take::<String>()?.as_str() {
            "current" => KeyState::Current,
            "retired" => KeyState::Retired,
            other => return Err(Error::Corrupt(format!("{other} is no state of a key"))),
        },
        public_jwk: row.take()?,
        sealed: row.take()?,
        created_at: row.take()?,
    })
}
