//! Signing keys, sealed. At most one per realm and algorithm is current, and one is next: indexes say so, not care.

use std::time::Duration;

use jeton_core::change::Audit;
use jeton_core::domain::id::Id;
use jeton_core::domain::key::{KeyState, SealedKey, SigningKey};
use jeton_core::domain::policy::Alg;
use jeton_core::rules::rotate_keys::KeyChange;
use jeton_core::time::Timestamp;

use crate::db::{Row, Value, statements};
use crate::error::Error;
use crate::step::{Needs, Step};
use crate::store::Store;
use crate::{config, meta, revocation};

macro_rules! columns {
    () => {
        "kid, realm_id, alg, state, created_at, signs_from, signs_until, token_secs"
    };
}

macro_rules! is_next {
    () => {
        "state = 'retired' AND signs_until IS NULL"
    };
}

// Whoever takes the first key of a set takes one that signs; what it is followed by stays in its order.
macro_rules! in_order {
    () => {
        "ORDER BY realm_id, CASE WHEN state = 'current' THEN 0 WHEN signs_until IS NULL THEN 1 ELSE 2 END, \
        created_at DESC, kid"
    };
}

statements! {
    ADD = "INSERT INTO signing_key (kid, realm_id, alg, state, created_at, signs_from, signs_until, token_secs, \
        public_jwk, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    CURRENT = "SELECT ", columns!(), " FROM signing_key WHERE realm_id = $1 AND alg = $2 AND state = 'current'";
    LIST = "SELECT ", columns!(), " FROM signing_key WHERE realm_id = $1 ", in_order!();
    LIST_ALL = "SELECT ", columns!(), " FROM signing_key ", in_order!();
    SEALED = "SELECT ", columns!(), ", public_jwk, sealed FROM signing_key WHERE realm_id = $1 ", in_order!();
    SEALED_ALL = "SELECT ", columns!(), ", public_jwk, sealed FROM signing_key ", in_order!();
    RETIRE = "UPDATE signing_key SET state = 'retired', signs_until = $1 \
        WHERE realm_id = $2 AND kid = $3 AND state = 'current'";
    PROMOTE = "UPDATE signing_key SET state = 'current', signs_from = $1 \
        WHERE realm_id = $2 AND kid = $3 AND ", is_next!();
    REPLACE = "UPDATE signing_key SET signs_until = $1 WHERE realm_id = $2 AND kid = $3 AND state = 'current'";
    REMOVE = "DELETE FROM signing_key WHERE realm_id = $1 AND kid = $2";
    // Never goes down: what was signed has to verify.
    COVER = "UPDATE signing_key SET token_secs = CASE WHEN token_secs > $1 THEN token_secs ELSE $1 END \
        WHERE realm_id = $2 AND kid = $3";
    RESEAL = "UPDATE signing_key SET sealed = $1 WHERE realm_id = $2 AND kid = $3";
}

/// Everything that is sealed under the master key, and the version it was read at.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// The version of the configuration: what is put back must still be the whole.
    pub version: i64,
    /// The keys of every realm.
    pub keys: Vec<SealedKey>,
    /// Named blobs.
    pub blobs: Vec<(String, Vec<u8>)>,
}

impl Store {
    /// Adds `key` as current if its realm has no current key of its algorithm. Returns the one that is current then,
    /// so that several nodes that start together agree.
    ///
    /// # Errors
    /// [`Error::Conflict`] if there is no such realm.
    pub async fn put_key_if_none_current(&self, sealed: &SealedKey, record: Audit) -> Result<SigningKey, Error> {
        let SealedKey { key, .. } = sealed;
        let current = SealedKey { key: SigningKey { state: KeyState::Current, ..key.clone() }, ..sealed.clone() };
        match self.configure(vec![add(&current)], record).await {
            Ok(()) | Err(Error::Conflict) => {}
            Err(error) => return Err(error),
        }
        self.snapshot()
            .await?
            .one(CURRENT, &[key.realm_id.into(), key.alg.name().into()], read)
            .await?
            .ok_or(Error::Conflict)
    }

    /// Makes the changes of a realm's keys, all or none, each with its line of the trail. `made` are the keys that
    /// [`KeyChange::Make`] asks for, in their order.
    ///
    /// # Errors
    /// [`Error::Conflict`] if something that a change assumes does not hold: somebody else was faster.
    pub async fn change_keys(
        &self,
        realm_id: Id,
        changes: &[KeyChange],
        made: &[SealedKey],
        records: Vec<Audit>,
    ) -> Result<(), Error> {
        let mut made = made.iter();
        let mut steps = Vec::with_capacity(changes.len());
        for change in changes {
            let of = |kid: &str| [Value::from(realm_id), Value::from(kid)];
            let at = |at: Timestamp, kid: &str| [vec![at.into()], of(kid).to_vec()].concat();
            steps.push(match change {
                KeyChange::Retire { kid, at: when } => Step::new(RETIRE, at(*when, kid), Needs::Guard),
                KeyChange::Promote { kid, at: when } => Step::new(PROMOTE, at(*when, kid), Needs::Guard),
                KeyChange::Replace { kid, at: when } => Step::new(REPLACE, at(*when, kid), Needs::Guard),
                KeyChange::Remove { kid } => Step::new(REMOVE, of(kid).to_vec(), Needs::Guard),
                KeyChange::Make { .. } => {
                    let missing = || Error::Invalid("a key that was to be added was not made".to_owned());
                    add(made.next().ok_or_else(missing)?)
                }
            });
        }
        // Whoever verifies by itself must hear of it.
        let gone = changes.iter().filter_map(|change| match change {
            KeyChange::Remove { kid } => Some(kid),
            _ => None,
        });
        if let Some(record) = records.first() {
            steps.extend(gone.map(|kid| revocation::of_key(realm_id, kid, record.at)));
        }
        self.configure_all(steps, records).await
    }

    /// Notes at `now` that something which the key signs has to verify for `life`, before it is handed out.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the key is gone.
    pub async fn cover_tokens(&self, realm_id: Id, kid: &str, life: Duration, now: Timestamp) -> Result<(), Error> {
        let step = Step::new(COVER, vec![secs(life).into(), realm_id.into(), kid.into()], Needs::Guard);
        self.configure_silently(vec![step], now).await
    }

    /// The keys of a realm: those that sign, those that will, those that did.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn keys(&self, realm_id: Id) -> Result<Vec<SigningKey>, Error> {
        self.snapshot().await?.all(LIST, &[realm_id.into()], read).await
    }

    /// The keys of every realm, those of one beside each other.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn all_keys(&self) -> Result<Vec<SigningKey>, Error> {
        self.snapshot().await?.all(LIST_ALL, &[], read).await
    }

    /// The keys of a realm with what they sign with, in the order of [`keys`](Self::keys).
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn sealed_keys(&self, realm_id: Id) -> Result<Vec<SealedKey>, Error> {
        self.snapshot().await?.all(SEALED, &[realm_id.into()], read_sealed).await
    }

    /// Everything that is sealed under the master key.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn sealed(&self) -> Result<Sealed, Error> {
        let mut tx = self.snapshot().await?;
        let version = config::version(&mut tx).await?;
        let keys = tx.all(SEALED_ALL, &[], read_sealed).await?;
        Ok(Sealed { version, keys, blobs: meta::all(&mut tx).await? })
    }

    /// Puts everything back as it is sealed under another master key, in one transaction.
    ///
    /// # Errors
    /// [`Error::Conflict`] if anything was configured since [`sealed`](Self::sealed) read it: read and seal again.
    pub async fn reseal(&self, sealed: &Sealed, record: Audit) -> Result<(), Error> {
        let mut steps = vec![config::hold(sealed.version)];
        steps.extend(sealed.keys.iter().map(|SealedKey { key, sealed, .. }| {
            let values: Vec<Value> = vec![sealed.as_slice().into(), key.realm_id.into(), key.kid.as_str().into()];
            Step::new(RESEAL, values, Needs::Guard)
        }));
        steps.extend(sealed.blobs.iter().map(|(name, blob)| meta::put(name, blob)));
        self.configure(steps, record).await
    }
}

fn add(SealedKey { key, public_jwk, sealed }: &SealedKey) -> Step {
    let state = match key.state {
        KeyState::Current => "current",
        KeyState::Next | KeyState::Retired => "retired",
    };
    let values = vec![
        key.kid.as_str().into(),
        key.realm_id.into(),
        key.alg.name().into(),
        state.into(),
        key.created_at.into(),
        key.signs_from.into(),
        key.signs_until.into(),
        secs(key.token_life).into(),
        public_jwk.as_str().into(),
        sealed.as_slice().into(),
    ];
    Step::new(ADD, values, Needs::Guard)
}

fn read(row: &mut Row<'_>) -> Result<SigningKey, Error> {
    let (kid, realm_id) = (row.take()?, row.take()?);
    let alg: String = row.take()?;
    let alg = Alg::named(&alg).ok_or_else(|| Error::Corrupt(format!("{alg} is no algorithm")))?;
    let state: String = row.take()?;
    let created_at = row.take()?;
    let signs_from: Option<Timestamp> = row.take()?;
    let signs_until: Option<Timestamp> = row.take()?;
    let token_secs: i64 = row.take()?;
    Ok(SigningKey {
        kid,
        realm_id,
        alg,
        state: match (state.as_str(), signs_until) {
            ("current", _) => KeyState::Current,
            ("retired", None) => KeyState::Next,
            ("retired", Some(_)) => KeyState::Retired,
            (other, _) => return Err(Error::Corrupt(format!("{other} is no state of a key"))),
        },
        created_at,
        signs_from: signs_from.unwrap_or(created_at),
        signs_until,
        token_life: Duration::from_secs(u64::try_from(token_secs).unwrap_or_default()),
    })
}

fn read_sealed(row: &mut Row<'_>) -> Result<SealedKey, Error> {
    Ok(SealedKey { key: read(row)?, public_jwk: row.take()?, sealed: row.take()? })
}

/// Rounded up: what is kept too long does no harm.
fn secs(life: Duration) -> i64 {
    i64::try_from(life.as_secs().saturating_add(u64::from(life.subsec_nanos() > 0))).unwrap_or(i64::MAX)
}
