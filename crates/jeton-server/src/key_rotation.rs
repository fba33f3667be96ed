//! Carries out what the plan says of signing keys. The decision is [`rotate_keys`]'s; several nodes may do this at
//! the same time: what one has changed, the others find changed, and leave.

use std::collections::HashMap;
use std::time::Duration;

use jeton_core::change::Audit;
use jeton_core::domain::id::Id;
use jeton_core::domain::key::{KeyState, SigningKey};
use jeton_core::domain::realm::Realm;
use jeton_core::rules::rotate_keys::{self, KeyChange, KeyPlan};
use jeton_core::time::Timestamp;

use crate::app::App;
use crate::fault::Fault;
use crate::keys;

/// When a realm is looked at again whose keys could not be changed.
const RETRY: Duration = Duration::from_secs(60);

/// Changes the keys of every realm as far as it is due. Returns when something will be due, if nobody configures
/// anything before.
///
/// What fails in one realm is logged, and holds up no other.
pub async fn rotate_all(app: &App) -> Result<Option<Timestamp>, Fault> {
    let now = app.clock.now();
    let realms: HashMap<Id, Realm> = app.store.realms().await?.into_iter().map(|realm| (realm.id, realm)).collect();
    let mut again = Vec::new();
    for keys in app.store.all_keys().await?.chunk_by(|one, other| one.realm_id == other.realm_id) {
        let Some(realm) = keys.first().and_then(|key| realms.get(&key.realm_id)) else { continue };
        let plan = KeyPlan::of(&realm.settings);
        let changes = rotate_keys::due(keys, &plan, now);
        if changes.is_empty() {
            again.extend(rotate_keys::due_at(keys, &plan));
            continue;
        }
        match change(app, realm, &changes, "schedule").await {
            Ok(_) => again.push(now),
            Err(fault) => {
                tracing::error!(%fault, realm = realm.name, "signing keys not rotated; those in use stay for now");
                again.push(now + RETRY);
            }
        }
    }
    Ok(again.into_iter().min())
}

/// Makes these changes of a realm's keys, and writes down that `source` did. Tells whether they were made: they are
/// not if others have changed the keys since `changes` were decided.
pub async fn change(app: &App, realm: &Realm, changes: &[KeyChange], source: &str) -> Result<bool, Fault> {
    let now = app.clock.now();
    let plan = KeyPlan::of(&realm.settings);
    let mut made = Vec::new();
    for change in changes {
        if let KeyChange::Make { alg, state, signs_from } = change {
            let times = (now, *signs_from);
            made.push(keys::make(&app.master, realm.id, *alg, *state, times, plan.token_life).await?);
        }
    }
    let mut kids = made.iter().map(|made| made.key.kid.as_str());
    let records = changes.iter().map(|change| {
        let (event, detail) = match change {
            KeyChange::Retire { kid, .. } => ("signing_key.retired", kid.clone()),
            KeyChange::Promote { kid, .. } => ("signing_key.promoted", kid.clone()),
            KeyChange::Remove { kid } => ("signing_key.removed", kid.clone()),
            KeyChange::Replace { kid, .. } => ("signing_key.rotation_asked", kid.clone()),
            KeyChange::Make { state, .. } => {
                ("signing_key.made", format!("{}, {}", kids.next().unwrap_or_default(), state.name()))
            }
        };
        Audit {
            at: now,
            realm_id: Some(realm.id),
            event,
            principal_id: None,
            session_id: None,
            source: source.to_owned(),
            detail,
        }
    });
    let records: Vec<Audit> = records.collect();
    let told: Vec<(&str, String)> = records.iter().map(|record| (record.event, record.detail.clone())).collect();
    match app.store.change_keys(realm.id, changes, &made, records).await {
        Ok(()) => {
            told.iter().for_each(|(event, key)| tracing::info!(realm = realm.name, event, key, "signing key"));
            Ok(true)
        }
        Err(jeton_store::Error::Conflict) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The current key of each algorithm of a realm, and the one that comes after it.
pub fn pairs(keys: &[SigningKey]) -> impl Iterator<Item = (&SigningKey, Option<&SigningKey>)> {
    let current = keys.iter().filter(|key| key.state == KeyState::Current);
    current.map(|current| (current, keys.iter().find(|key| key.state == KeyState::Next && key.alg == current.alg)))
}
