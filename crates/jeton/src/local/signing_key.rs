//! `jeton signing-key`

use std::time::Duration;

use anyhow::bail;
use clap::Subcommand;
use jeton_core::domain::key::{KeyState, SigningKey};
use jeton_core::domain::policy::Alg;
use jeton_core::domain::realm::Realm;
use jeton_core::rules::rotate_keys::{self, KeyChange, KeyPlan};
use jeton_core::time::Timestamp;
use jeton_server::key_rotation::{change, pairs};
use jeton_server::keys;

use super::print::{Record, maybe_time, record, say, time};
use super::{Local, arguments};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List signing keys: which signs, which comes next and when, which still verify and until when
    List {
        /// Those of this realm only
        realm: Option<String>,
    },
    /// Make and publish a realm's first key of an algorithm, before anything is signed with it
    ///
    /// Verifiers can know it then when the realm or a client is set to that algorithm. Give them twice `jwks_max_age_secs`.
    Add {
        /// The realm
        realm: String,
        /// The algorithm
        #[arg(value_parser = arguments::alg())]
        alg: Alg,
    },
    /// Let the next keys of a realm sign as soon as every verifier can know them
    ///
    /// That is at once where they have been published for long enough, and otherwise a running server does it when they
    /// have. What the old keys signed stays good to its end.
    Rotate {
        /// The realm
        realm: String,
        /// Only the key of this algorithm
        #[arg(long, value_parser = arguments::alg())]
        alg: Option<Alg>,
        /// Do not wait: verifiers that keep an older key set refuse new tokens until they ask for another
        #[arg(long)]
        now: bool,
    },
    /// Take a key away that others may have: whatever it signed is refused from now on
    ///
    /// Jeton refuses it from the next request on (on PostgreSQL, within a second). Verifiers of others do so when they next
    /// ask for the key set. If a current key goes, the next one signs at once; where more than one may be known to
    /// others, take the next one away first.
    Revoke {
        /// The key, as `list` shows it; a thumbprint can begin with a hyphen
        #[arg(allow_hyphen_values = true)]
        kid: String,
        /// There is no later: everything that it signed ends now
        #[arg(long, required = true)]
        now: bool,
    },
}

/// How often a change is decided anew because a server changed the keys meanwhile.
const TRIES: usize = 8;

pub(super) async fn run(local: &Local, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { realm: Some(realm) } => list(local, &[local.realm(&realm).await?]).await,
        Command::List { realm: None } => list(local, &local.store().realms().await?).await,
        Command::Add { realm, alg } => add(local, &local.realm(&realm).await?, alg).await,
        Command::Rotate { realm, alg, now } => rotate(local, &local.realm(&realm).await?, alg, now).await,
        Command::Revoke { kid, now: _ } => revoke(local, &kid).await,
    }
}

async fn list(local: &Local, realms: &[Realm]) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for realm in realms {
        let keys = local.store().keys(realm.id).await?;
        let plan = KeyPlan::of(&realm.settings);
        rows.extend(keys.iter().map(|key| row(realm, key, &keys, &plan)));
    }
    local.list(rows, "there is no signing key yet: one is made when it is first needed")
}

fn row(realm: &Realm, key: &SigningKey, keys: &[SigningKey], plan: &KeyPlan) -> Record {
    let pair = pairs(keys).find(|(current, _)| current.alg == key.alg);
    let promoted = pair.and_then(|(current, next)| rotate_keys::promoted_at(current, next?, plan));
    let (from, until) = match key.state {
        KeyState::Next => (promoted, None),
        KeyState::Current => (Some(key.signs_from), promoted),
        KeyState::Retired => (Some(key.signs_from), key.signs_until),
    };
    record! {
        "realm": realm.name.as_str(),
        "alg": key.alg.name(),
        "kid": key.kid.as_str(),
        "state": key.state.name(),
        "made": time(key.created_at),
        "signs_from": maybe_time(from),
        "signs_until": maybe_time(until),
        "gone": maybe_time(rotate_keys::gone_at(key)),
    }
}

async fn add(local: &Local, realm: &Realm, alg: Alg) -> anyhow::Result<()> {
    let keys = local.store().keys(realm.id).await?;
    if pairs(&keys).any(|(current, _)| current.alg == alg) {
        bail!(
            "realm `{0}` has a key for {1}; another is made with: jeton signing-key rotate {0}",
            realm.name,
            alg.name()
        );
    }
    let (life, now) = (KeyPlan::of(&realm.settings).token_life, local.now());
    keys::create(local.store(), &local.app.master, realm.id, alg, life, now).await?;
    list(local, std::slice::from_ref(realm)).await
}

async fn rotate(local: &Local, realm: &Realm, alg: Option<Alg>, at_once: bool) -> anyhow::Result<()> {
    let plan = KeyPlan::of(&realm.settings);
    let keys = local.store().keys(realm.id).await?;
    let current: Vec<&SigningKey> =
        pairs(&keys).map(|(key, _)| key).filter(|key| alg.is_none_or(|alg| key.alg == alg)).collect();
    if current.is_empty() {
        bail!("realm `{0}` has no such key that signs; see its keys with: jeton signing-key list {0}", realm.name);
    }
    for key in current {
        let decide = |keys: &[SigningKey], now: Timestamp| match at_once {
            true => rotate_keys::at_once(keys, &key.kid, false, &plan, now),
            false => rotate_keys::asked(keys, &key.kid, &plan, now),
        };
        let before = make(local, realm, decide).await?;
        if at_once {
            tell_unknown(local, realm, key.alg, &before, &plan).await?;
        }
    }
    tell_waiting(local, realm, alg, &plan).await?;
    list(local, std::slice::from_ref(realm)).await
}

async fn revoke(local: &Local, kid: &str) -> anyhow::Result<()> {
    let keys = local.store().all_keys().await?;
    let Some(key) = keys.iter().find(|key| key.kid == kid) else {
        bail!("no signing key `{kid}`; see them with: jeton signing-key list");
    };
    let Some(realm) = local.store().realms().await?.into_iter().find(|realm| realm.id == key.realm_id) else {
        bail!("the realm of signing key `{kid}` was removed meanwhile, and the key with it");
    };
    let plan = KeyPlan::of(&realm.settings);
    let before = make(local, &realm, |keys, now| rotate_keys::at_once(keys, kid, true, &plan, now)).await?;
    say(&format!(
        "whatever `{kid}` signed is refused; others who verify refuse it {} s from now at the latest, if they heed `max-age`",
        plan.max_age.as_secs()
    ));
    if key.state == KeyState::Current {
        tell_unknown(local, &realm, key.alg, &before, &plan).await?;
    }
    list(local, &[realm]).await
}

/// Makes the changes that `decide` asks for, and returns the keys as they were before.
async fn make(
    local: &Local,
    realm: &Realm,
    decide: impl Fn(&[SigningKey], Timestamp) -> Vec<KeyChange>,
) -> anyhow::Result<Vec<SigningKey>> {
    for _ in 0..TRIES {
        let keys = local.store().keys(realm.id).await?;
        let changes = decide(&keys, local.now());
        if changes.is_empty() {
            bail!("realm `{0}` has no such key any more; see its keys with: jeton signing-key list {0}", realm.name);
        }
        if change(&local.app, realm, &changes, "local").await? {
            return Ok(keys);
        }
    }
    bail!("the keys of realm `{}` were being changed all the time; run this again", realm.name)
}

/// Says for how long verifiers may not know the key of `alg` that signs since a moment ago.
async fn tell_unknown(
    local: &Local,
    realm: &Realm,
    alg: Alg,
    before: &[SigningKey],
    plan: &KeyPlan,
) -> anyhow::Result<()> {
    let keys = local.store().keys(realm.id).await?;
    let Some((current, _)) = pairs(&keys).find(|(current, _)| current.alg == alg) else { return Ok(()) };
    let known = before.iter().any(|key| key.kid == current.kid && key.signs_from <= local.now());
    match known {
        true => say(&format!("`{}` signs from now on; verifiers have had the time to learn it", current.kid)),
        false => say(&format!(
            "`{}` signs from now on; whoever verifies with a key set of before refuses new tokens, for {} s at most",
            current.kid,
            plan.max_age.as_secs()
        )),
    }
    Ok(())
}

/// Says when keys that were asked for will sign.
async fn tell_waiting(local: &Local, realm: &Realm, alg: Option<Alg>, plan: &KeyPlan) -> anyhow::Result<()> {
    let keys = local.store().keys(realm.id).await?;
    let asked = pairs(&keys).filter(|(key, _)| key.signs_until.is_some() && alg.is_none_or(|alg| key.alg == alg));
    for (current, next) in asked {
        let at = next.and_then(|next| rotate_keys::promoted_at(current, next, plan));
        let wait = at.map_or(Duration::ZERO, |at| at.since(local.now()));
        say(&format!(
            "verifiers learn the next key for {}; a running server lets it sign in {} s",
            current.alg.name(),
            wait.as_secs() + 1
        ));
    }
    Ok(())
}
