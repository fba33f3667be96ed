//! `jeton restore`

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use jeton_core::change::Audit;
use jeton_core::domain::id::Id;
use jeton_core::domain::key::{KeyState, SealedKey};
use jeton_core::domain::policy::Alg;
use jeton_core::time::Timestamp;
use jeton_server::clock::Clock;
use jeton_server::keyring::Keyring;
use jeton_server::keys::{self, seal_context};
use jeton_store::{Changed, Claim, Database, How, Noun, Store, Unpacked};
use serde_json::Value;

use super::Shared;
use super::print::{Record, record, say, show, show_table, texts, time};
use crate::config::Config;

/// Put the store back from a backup, with the server stopped
///
/// What the store forgot since the backup must not come back to life: tokens that were issued before now are refused,
/// signing keys are made anew, and who was disabled or lost a secret since is listed. A store that is there is
/// replaced with --replace only, and kept beside the new one.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    shared: Shared,
    /// The backup
    #[arg(required_unless_present = "mark_only")]
    file: Option<PathBuf>,
    /// Put it in the place of the store that is there
    #[arg(long)]
    replace: bool,
    /// Disable whatever was disabled, removed or changed since the backup, without asking
    #[arg(long)]
    disable_changed: bool,
    /// Let the tokens and signing keys of the backup be good, those too that were ended since
    #[arg(long)]
    keep_tokens: bool,
    /// Copy nothing: refuse the older tokens of a store that was put back by other means, such as PostgreSQL's
    #[arg(long, conflicts_with_all = ["file", "replace", "disable_changed", "keep_tokens"])]
    mark_only: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let (config, database) = args.shared.settings()?;
    let master = Keyring::load(&config.master_key)?;
    match (&args.file, &database) {
        (Some(file), Database::File(place)) => restore(&args, file, place, &config, &master).await,
        (Some(_), Database::Postgres(_)) => {
            bail!("{database} is put back with PostgreSQL's own tools; then run: jeton restore --mark-only")
        }
        (None, database) => mark_only(&args, database, &master).await,
    }
}

async fn restore(args: &Args, file: &Path, place: &Path, config: &Config, master: &Keyring) -> anyhow::Result<()> {
    if Claim::is_taken(place) && !args.replace {
        bail!("there is a store at {}; with `--replace` the backup takes its place, and it is kept", place.display());
    }
    let unpacked = Unpacked::new(file, place)?;
    let store = Store::open(&Database::file(unpacked.path())).await?;
    let signing = check_master_key(&store, master).await.with_context(|| {
        format!("{} does not open the backup {}; nothing was changed", config.master_key.display(), file.display())
    })?;
    let claim = Claim::new(place)?;
    let now = Clock::system().now();
    let changed = compare(&claim, &unpacked, now);
    if changed.is_none() && args.disable_changed {
        bail!("there is no newer store to compare the backup with; leave out --disable-changed to see what is in it");
    }

    let taken_at = unpacked.backup().taken_at;
    let tokens = if args.keep_tokens { "kept" } else { "refused" };
    let record = record_of("store.restored", None, now, &format!("backup of {taken_at}, tokens {tokens}"));
    match args.keep_tokens {
        true => store.append_audit(record).await?,
        false => refuse_older(&store, master, &signing, now, record).await?,
    }
    let changed: Option<Vec<Changed>> = changed.map(|changed| {
        let counts = |item: &Changed| args.keep_tokens || item.how.iter().any(|how| *how != How::Revoked);
        changed.into_iter().filter(counts).collect()
    });
    let disabled = disable(args, &store, changed.as_deref().unwrap_or_default(), now).await?;
    let programs = if changed.is_none() { programs(&store).await? } else { Vec::new() };
    store.close().await;
    drop(store);
    let replaced = claim.replace_by(unpacked, now)?;

    tell_tokens(args.keep_tokens, taken_at);
    let replaced = replaced.map(|path| path.display().to_string());
    let mut shown = record! {
        "store": place.display().to_string(),
        "backup_of": time(taken_at),
        "restored_at": time(now),
        "tokens": tokens,
        "new_signing_keys": if args.keep_tokens { 0 } else { signing.len() },
        "replaced": replaced,
    };
    match changed {
        Some(changed) => {
            let rows = changed.iter().map(|item| changed_row(item, disabled)).collect();
            tell_changed(&changed, taken_at, disabled);
            finish(&mut shown, "changed", rows, args.shared.json)
        }
        None => {
            tell_programs(taken_at);
            finish(&mut shown, "programs", programs, args.shared.json)
        }
    }
}

/// For a store that is in its place already.
async fn mark_only(args: &Args, database: &Database, master: &Keyring) -> anyhow::Result<()> {
    let store = Store::open(database).await?;
    let signing = check_master_key(&store, master).await?;
    let now = Clock::system().now();
    let record = record_of("store.restored", None, now, "marked only, tokens refused");
    refuse_older(&store, master, &signing, now, record).await?;
    let programs = programs(&store).await?;
    store.close().await;
    say("everything issued before now is refused, and signing keys are new");
    say("what was disabled, removed or replaced since the state that was put back is as it was then; look through:");
    let mut shown = record! {
        "restored_at": time(now),
        "tokens": "refused",
        "new_signing_keys": signing.len(),
    };
    finish(&mut shown, "programs", programs, args.shared.json)
}

/// Whether everything that is sealed opens. Returns which realms sign with which algorithms.
async fn check_master_key(store: &Store, master: &Keyring) -> anyhow::Result<Vec<(Id, Alg)>> {
    let sealed = store.sealed().await?;
    for SealedKey { key, sealed, .. } in &sealed.keys {
        master.open(&seal_context(key.realm_id, &key.kid), sealed)?;
    }
    for (name, blob) in &sealed.blobs {
        master.open(name, blob)?;
    }
    let current = sealed.keys.iter().map(|row| &row.key).filter(|key| key.state == KeyState::Current);
    Ok(current.map(|key| (key.realm_id, key.alg)).collect())
}

/// Refuses what was issued before `now`. Whoever verifies offline learns the new keys, and that the old ones are gone.
async fn refuse_older(
    store: &Store,
    master: &Keyring,
    signing: &[(Id, Alg)],
    now: Timestamp,
    record: Audit,
) -> anyhow::Result<()> {
    store.mark_restored(now, record).await?;
    for (realm_id, alg) in signing {
        keys::create(store, master, *realm_id, *alg, Duration::ZERO, now).await?;
    }
    Ok(())
}

/// What was changed since the backup, if the store that is replaced can tell.
fn compare(claim: &Claim, unpacked: &Unpacked, now: Timestamp) -> Option<Vec<Changed>> {
    match (claim.damage(), claim.changed_since(unpacked, now)) {
        (None, Ok(changed)) => changed,
        (Some(what), _) => {
            say(&format!("the store that is there is damaged ({what}), and nothing can be compared with it"));
            None
        }
        (None, Err(error)) => {
            say(&format!("the store that is there cannot be compared with the backup: {error}"));
            None
        }
    }
}

/// Disables what lives again, if that is wanted.
async fn disable(args: &Args, store: &Store, changed: &[Changed], now: Timestamp) -> anyhow::Result<bool> {
    let revived: Vec<&Changed> = changed.iter().filter(|item| item.revives()).collect();
    if revived.is_empty() || !(args.disable_changed || ask(&revived)?) {
        return Ok(false);
    }
    for item in revived {
        let event = match item.noun {
            Noun::Realm => "realm.disabled",
            Noun::Target => "target.disabled",
            Noun::Person => "person.disabled",
            Noun::Client => "client.disabled",
            Noun::ApiKey => "api_key.disabled",
        };
        let realm = store.realm(&item.realm).await?.map(|realm| realm.id);
        let record = record_of(event, realm, now, &format!("{}, changed since the backup", item.name));
        match item.noun {
            Noun::Realm => store.set_realm_enabled(item.id, false, record).await?,
            Noun::Target => store.set_target_enabled(item.id, false, record).await?,
            Noun::Person => store.set_principal_enabled(item.id, false, record).await?,
            Noun::Client => store.set_client_enabled(item.id, false, record).await?,
            Noun::ApiKey => store.set_api_key_enabled(item.id, false, record).await?,
        }
    }
    Ok(true)
}

/// Asks on a terminal; elsewhere nobody can answer.
fn ask(revived: &[&Changed]) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        return Ok(false);
    }
    for item in revived {
        say(&format!("  {} {} {}: {}", item.noun, item.realm, item.name, how(item).join(", ")));
    }
    say(&format!("these {} were changed since the backup and live again; disable them? [y/N]", revived.len()));
    let mut typed = String::new();
    io::stdin().read_line(&mut typed).context("the answer could not be read; give --disable-changed")?;
    Ok(matches!(typed.trim(), "y" | "Y" | "yes"))
}

/// Every client and API key.
async fn programs(store: &Store) -> anyhow::Result<Vec<Record>> {
    let mut rows = Vec::new();
    for realm in store.realms().await? {
        let mut add = |noun: Noun, name: &str, enabled: bool, created_at: Timestamp| {
            rows.push(record! {
                "what": noun.to_string(),
                "realm": realm.name.as_str(),
                "name": name,
                "enabled": enabled,
                "created": time(created_at),
            });
        };
        for client in store.clients(realm.id).await? {
            add(Noun::Client, &client.client_id, client.enabled, client.created_at);
        }
        for key in store.api_keys(realm.id).await? {
            add(Noun::ApiKey, &key.key_id, key.enabled, key.created_at);
        }
    }
    Ok(rows)
}

fn changed_row(item: &Changed, disabled: bool) -> Record {
    record! {
        "what": item.noun.to_string(),
        "realm": item.realm.as_str(),
        "name": item.name.as_str(),
        "changed": texts(how(item)),
        "lives_again": item.revives() && !disabled,
        "disabled": item.revives() && disabled,
    }
}

fn how(item: &Changed) -> Vec<String> {
    item.how.iter().map(ToString::to_string).collect()
}

fn tell_tokens(kept: bool, taken_at: Timestamp) {
    match kept {
        true => say(&format!(
            "WARNING: every token of the backup is good again, also those that were ended after {}; \
             `jeton realm revoke-tokens REALM` ends a realm's",
            taken_at.whole_secs()
        )),
        false => say("everything issued before now is refused, and signing keys are new: everybody signs in again"),
    }
}

fn tell_changed(changed: &[Changed], taken_at: Timestamp, disabled: bool) {
    let taken_at = taken_at.whole_secs();
    if changed.is_empty() {
        say(&format!("nothing was configured between {taken_at} and the end of the store that was replaced"));
        return;
    }
    say(&format!("changed between {taken_at} and the end of the store that was replaced:"));
    if !disabled && changed.iter().any(Changed::revives) {
        say("what `lives again` is as it was in the backup; disable each with: jeton WHAT disable REALM NAME");
    }
}

fn tell_programs(taken_at: Timestamp) {
    say(&format!(
        "there was no newer store to compare with: what was disabled, removed or replaced after {} is as it was then; \
         look through these, and give them new secrets (`add-secret`, `remove-secret`):",
        taken_at.whole_secs()
    ));
}

/// Prints the summary and the rows: one object, or lines and a table below them.
fn finish(shown: &mut Record, rows_are: &str, rows: Vec<Record>, json: bool) -> anyhow::Result<()> {
    let mut shown = std::mem::take(shown);
    if json {
        shown.insert(rows_are.to_owned(), Value::Array(rows.into_iter().map(Value::Object).collect()));
        return show(shown, json);
    }
    show(shown, json)?;
    match rows.is_empty() {
        true => Ok(()),
        false => show_table(&rows),
    }
}

fn record_of(event: &'static str, realm_id: Option<Id>, now: Timestamp, detail: &str) -> Audit {
    Audit {
        at: now,
        realm_id,
        event,
        principal_id: None,
        session_id: None,
        source: "local".to_owned(),
        detail: detail.to_owned(),
    }
}
