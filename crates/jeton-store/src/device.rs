//! Device authorizations: rows that live for minutes, each decided on once and used once.

use jeton_core::domain::device::{DeviceAuthorization, Verdict};
use jeton_core::domain::id::{Digest, Id};
use jeton_core::time::Timestamp;

use crate::db::{Row, Value, statements};
use crate::error::Error;
use crate::session;
use crate::snapshot::Snapshot;
use crate::step::{Needs, Step};
use crate::store::Store;

macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT device_code, user_code, realm_id, client_id, scope, bounds, created_at, expires_at, polled_at, \
             interval_secs, verdict, principal_id, principal_version FROM device WHERE ",
            $which
        )
    };
}

statements! {
    BY_DEVICE_CODE = select!("device_code = $1 AND realm_id = $2");
    BY_USER_CODE = select!("user_code = $1 AND realm_id = $2");
    OF_REALM = select!("realm_id = $1 AND expires_at > $2 ORDER BY created_at DESC LIMIT $3");
    START = "INSERT INTO device (device_code, user_code, realm_id, client_id, scope, bounds, created_at, expires_at, \
        interval_secs) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
    POLL = "UPDATE device SET polled_at = $1, interval_secs = $2 WHERE device_code = $3";
    DECIDE = "UPDATE device SET verdict = $1, principal_id = $2, principal_version = $3 \
        WHERE device_code = $4 AND verdict IS NULL";
    USE = "DELETE FROM device WHERE device_code = $1 AND verdict = 'approved'";
}

impl Store {
    /// At most `at_most` device authorizations of a realm whose time is not over at `now`, newest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn devices(&self, realm_id: Id, now: Timestamp, at_most: u32) -> Result<Vec<DeviceAuthorization>, Error> {
        let values = [realm_id.into(), now.into(), i64::from(at_most).into()];
        self.snapshot().await?.all(OF_REALM, &values, read).await
    }
}

/// The device authorization of this device code.
pub(crate) async fn by_device_code(
    tx: &mut Snapshot,
    realm_id: Id,
    code: Digest,
) -> Result<Option<DeviceAuthorization>, Error> {
    tx.one(BY_DEVICE_CODE, &[code.into(), realm_id.into()], read).await
}

/// The device authorization of this user code.
pub(crate) async fn by_user_code(
    tx: &mut Snapshot,
    realm_id: Id,
    code: Digest,
) -> Result<Option<DeviceAuthorization>, Error> {
    tx.one(BY_USER_CODE, &[code.into(), realm_id.into()], read).await
}

/// A new one. A code that another has is a conflict: it is made anew.
pub(crate) fn start(device: &DeviceAuthorization) -> Step {
    let values = vec![
        device.device_code.into(),
        device.user_code.into(),
        device.realm_id.into(),
        device.client_id.into(),
        device.scope.as_str().into(),
        session::bounds(&device.bounds),
        device.created_at.into(),
        device.expires_at.into(),
        device.interval_secs.into(),
    ];
    Step::new(START, values, Needs::Guard)
}

/// Notes a client's question.
pub(crate) fn poll(code: Digest, at: Timestamp, interval_secs: i64) -> Step {
    Step::new(POLL, vec![at.into(), interval_secs.into(), code.into()], Needs::Nothing)
}

/// What a person said, if nobody said anything before.
pub(crate) fn decide(code: Digest, verdict: Verdict) -> Step {
    let (word, principal_id, version): (&str, Option<Id>, Option<i64>) = match verdict {
        Verdict::Approved { principal_id, version } => ("approved", Some(principal_id), Some(version)),
        Verdict::Denied => ("denied", None, None),
    };
    let values: Vec<Value> = vec![word.into(), principal_id.into(), version.into(), code.into()];
    Step::new(DECIDE, values, Needs::Guard)
}

/// It is exchanged for tokens: there is nothing left of it.
pub(crate) fn take(code: Digest) -> Step {
    Step::new(USE, vec![code.into()], Needs::Guard)
}

fn read(row: &mut Row<'_>) -> Result<DeviceAuthorization, Error> {
    let mut device = DeviceAuthorization {
        device_code: row.take()?,
        user_code: row.take()?,
        realm_id: row.take()?,
        client_id: row.take()?,
        scope: row.take()?,
        bounds: session::read_bounds(row)?,
        created_at: row.take()?,
        expires_at: row.take()?,
        polled_at: row.take()?,
        interval_secs: row.take()?,
        verdict: None,
    };
    let (word, principal_id, version): (Option<String>, Option<Id>, Option<i64>) =
        (row.take()?, row.take()?, row.take()?);
    device.verdict = match (word.as_deref(), principal_id, version) {
        (None, ..) => None,
        (Some("denied"), ..) => Some(Verdict::Denied),
        (Some("approved"), Some(principal_id), Some(version)) => Some(Verdict::Approved { principal_id, version }),
        (Some(other), ..) => return Err(Error::Corrupt(format!("a device's verdict cannot be `{other}`"))),
    };
    Ok(device)
}
