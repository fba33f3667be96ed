//! `jeton doctor`

use std::time::Duration;

use anyhow::bail;
use jeton_core::dialect::GrantName;
use jeton_core::domain::grant::GrantType;
use jeton_core::domain::key::{SealedKey, SigningKey};
use jeton_core::domain::policy::Alg;
use jeton_core::domain::realm::{ClientErrors, Profile, Realm};
use jeton_core::rules::forecast_keys::{Debut, debuts};
use jeton_core::rules::rotate_keys::{self, KeyChange, KeyPlan};
use jeton_core::time::Timestamp;
use jeton_server::clock::Clock;
use jeton_server::key_rotation::pairs;
use jeton_server::keyring::Keyring;
use jeton_server::keys::seal_context;
use jeton_store::Store;

use super::print::{Record, list, record};
use super::{Local, Shared, arguments};

/// Look whether the installation is as it should be, and whether verifiers survive the rotation of signing keys
///
/// Changes nothing. Each line is `ok`, `note` (meant so, or not yet) or `bad`; the exit status is 1 if one is `bad`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    shared: Shared,
    /// Somebody who verifies tokens keeps the key set for this long, whatever its `max-age` says, and never asks again
    /// before: `12h`, for example
    #[arg(long, value_name = "TIME", value_parser = arguments::span)]
    verifier_caches: Option<Duration>,
}

/// What is due for longer than this was not done by any server.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) async fn run(args: &Args) -> anyhow::Result<()> {
    let (config, database) = args.shared.settings()?;
    let mut report = Report::default();
    report.ok("configuration", "", format!("{} can be read", args.shared.config.display()));
    if config.expose && config.tls.is_none() {
        report.note("listener", "", "plain HTTP on an address that others reach, since `expose` says so");
    }
    let pending = Store::pending_migrations(&database).await?;
    if pending.is_empty() {
        let local = Local::open(&args.shared).await?;
        report.ok("store", "", format!("{database}: the tables are up to date"));
        look(&local, args.verifier_caches, &mut report).await?;
        local.store().close().await;
    } else {
        Keyring::load(&config.master_key)?;
        report.note("store", "", format!("{} to take: `jeton migrate` or the next start does", pending.join(", ")));
        report.note("realms", "", "not looked at, since this would bring the tables up to date: run this again then");
    }
    report.tell(args.shared.json)
}

/// Everything that the opened store can tell.
async fn look(local: &Local, verifier_caches: Option<Duration>, report: &mut Report) -> anyhow::Result<()> {
    master_key(local, report).await?;
    let now = Clock::system().now();
    for realm in local.store().realms().await? {
        let keys = local.store().keys(realm.id).await?;
        rotation(&realm, &keys, now, report);
        verifiers(&realm, &keys, verifier_caches, now, report);
        if let Some(caches) = verifier_caches {
            by_hand(&realm, &keys, caches, now, report);
        }
        deviations(local, &realm, &keys, report).await?;
    }
    Ok(())
}

async fn master_key(local: &Local, report: &mut Report) -> anyhow::Result<()> {
    let sealed = local.store().sealed().await?;
    let keys = sealed.keys.iter().map(|SealedKey { key, sealed, .. }| (seal_context(key.realm_id, &key.kid), sealed));
    let blobs = sealed.blobs.iter().map(|(name, blob)| (name.clone(), blob));
    let shut: Vec<String> = keys
        .chain(blobs)
        .filter(|(place, value)| local.app.master.open(place, value).is_err())
        .map(|it| it.0)
        .collect();
    match shut.as_slice() {
        [] => report.ok("master key", "", "opens all that is sealed in the store"),
        shut => report.bad(
            "master key",
            "",
            format!("{} does not open {}: put the right one there", local.config.master_key.display(), shut.join(", ")),
        ),
    }
    Ok(())
}

/// Whether keys are rotated when they should be.
fn rotation(realm: &Realm, keys: &[SigningKey], now: Timestamp, report: &mut Report) {
    let plan = KeyPlan::of(&realm.settings);
    let Some(every) = plan.every else {
        report.note(
            "rotation",
            &realm.name,
            "keys sign until `jeton signing-key rotate`, since `key_rotation_secs` is 0",
        );
        return;
    };
    // That there is no next key yet says nothing: it may have been a moment.
    let late = |change: &KeyChange| !matches!(change, KeyChange::Make { .. });
    if rotate_keys::due(keys, &plan, now - PATIENCE).iter().any(late) {
        let what = "something is due and was not done: is a server running that can write to this store?";
        report.bad("rotation", &realm.name, what);
    } else if rotate_keys::due(keys, &plan, now).is_empty() {
        let at = rotate_keys::due_at(keys, &plan).map_or("none".to_owned(), |at| at.whole_secs().to_string());
        report.ok("rotation", &realm.name, format!("every {}; next change {at}", told(every)));
    } else {
        report.note("rotation", &realm.name, "something is due: a running server does it within seconds");
    }
}

/// Whether verifiers that keep the key set know each key when it begins to sign.
fn verifiers(
    realm: &Realm,
    keys: &[SigningKey],
    verifier_caches: Option<Duration>,
    now: Timestamp,
    report: &mut Report,
) {
    let plan = KeyPlan::of(&realm.settings);
    let caches = verifier_caches.unwrap_or(plan.max_age);
    let debuts = debuts(keys, &plan, now);
    let who = format!("a verifier that keeps the key set for {}", told(caches));
    let unknown = debuts.iter().find(|debut| debut.published_at + caches > now.max(debut.signs_at));
    match (unknown, debuts.iter().map(Debut::notice).min()) {
        (Some(debut), _) => report.bad(
            "verifiers",
            &realm.name,
            format!(
                "{who} will not know the {} key that signs from {} on, published {} before; it may until {}",
                debut.alg.name(),
                debut.signs_at.whole_secs(),
                told(debut.notice()),
                (debut.published_at + caches).whole_secs()
            ),
        ),
        (None, Some(notice)) => report.ok(
            "verifiers",
            &realm.name,
            format!("{who} knows each key before it signs; so does any that keeps it for less than {}", told(notice)),
        ),
        (None, None) => report.ok("verifiers", &realm.name, format!("{who} has nothing to learn: no key will change")),
    }
}

/// Whether the same verifier survives that somebody rotates the keys now.
fn by_hand(realm: &Realm, keys: &[SigningKey], caches: Duration, now: Timestamp, report: &mut Report) {
    let plan = KeyPlan::of(&realm.settings);
    // Without a next key, one is made now, and signs as soon as the plan lets it.
    let debut = |next: Option<&SigningKey>| match next {
        Some(next) => (next.created_at, now.max(next.signs_from)),
        None => (now, now + plan.lead()),
    };
    let debuts = pairs(keys).map(|(_, next)| debut(next));
    let unknown =
        debuts.filter(|(published, signs)| *published + caches > *signs).map(|(published, _)| published).max();
    match unknown {
        Some(published) => {
            let from = (published + caches).whole_secs();
            let what = format!("`jeton signing-key rotate {}` loses that verifier: wait until {from}", realm.name);
            report.note("rotation by hand", &realm.name, what);
        }
        None => report.ok("rotation by hand", &realm.name, "that verifier survives it"),
    }
}

/// Where this realm knowingly does other than the standards and security.md ask for; docs/deviations.md says why.
async fn deviations(local: &Local, realm: &Realm, keys: &[SigningKey], report: &mut Report) -> anyhow::Result<()> {
    let settings = &realm.settings;
    let mut tell = |rule: &str, what: String| report.note("deviation", &realm.name, format!("{what} ({rule})"));
    for mount in &settings.dialects {
        let dialect = local.app.dialects.get(&mount.dialect);
        if dialect.is_some_and(|dialect| dialect.exchanges.iter().any(|one| one.grant == GrantName::Password)) {
            tell("RFC 9700 §2.4", format!("`{}` exchanges people's passwords", mount.dialect));
        }
    }
    if settings.grants.contains(&GrantType::Password) {
        let clients = local.store().clients(realm.id).await?.into_iter();
        for client in clients.filter(|client| client.settings.grants.contains(&GrantType::Password)) {
            tell("RFC 9700 §2.4", format!("client `{}` may use the password grant", client.client_id));
        }
    }
    if settings.profile == Profile::Keycloak {
        tell("RFC 9068 §2", "access tokens are shaped as Keycloak's: `typ` is `JWT`".to_owned());
    }
    if settings.client_errors == ClientErrors::Keycloak {
        tell("RFC 9700 §2.5", "an unknown client and a wrong secret can be told apart".to_owned());
    }
    if keys.iter().any(|key| matches!(key.alg, Alg::RS256 | Alg::PS256)) {
        tell("security.md F17", "RSA keys have 2048 bits".to_owned());
    }
    Ok(())
}

/// The lines of the report.
#[derive(Default)]
struct Report {
    rows: Vec<Record>,
    bad: usize,
}

impl Report {
    fn ok(&mut self, check: &str, realm: &str, found: impl AsRef<str>) {
        self.add(check, realm, "ok", found.as_ref());
    }

    fn note(&mut self, check: &str, realm: &str, found: impl AsRef<str>) {
        self.add(check, realm, "note", found.as_ref());
    }

    fn bad(&mut self, check: &str, realm: &str, found: impl AsRef<str>) {
        self.bad += 1;
        self.add(check, realm, "bad", found.as_ref());
    }

    fn add(&mut self, check: &str, realm: &str, state: &str, found: &str) {
        self.rows.push(record! { "check": check, "realm": realm, "state": state, "found": found });
    }

    fn tell(self, json: bool) -> anyhow::Result<()> {
        list(self.rows, "nothing was looked at", json)?;
        match self.bad {
            0 => Ok(()),
            1 => bail!("one thing is bad: see above"),
            bad => bail!("{bad} things are bad: see above"),
        }
    }
}

/// A span of time in its two largest units, rounded down.
fn told(span: Duration) -> String {
    let mut left = span.as_secs();
    let mut parts = Vec::new();
    for (unit, name) in [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")] {
        if left >= unit && parts.len() < 2 {
            parts.push(format!("{} {name}", left / unit));
        }
        left %= unit;
    }
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}
