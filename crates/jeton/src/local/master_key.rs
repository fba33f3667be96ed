//! `jeton master-key`

use anyhow::bail;
use clap::Subcommand;
use jeton_server::keys::seal_context;
use jeton_server::sealing::MasterKeys;
use jeton_store::{Error, Sealed};

use super::Local;
use super::print::{record, say};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Change the master key, and seal everything anew under it
    ///
    /// Tokens, signing keys and passwords stay good. Wherever it is cut short, the file still opens everything:
    /// run it again. A running server reads the file again by itself. Keep a copy of the new file, and of the old one
    /// for as long as backups are kept that need it.
    Rotate {
        /// Leave the old key in the file, for backups that are still to be restored with it
        #[arg(long)]
        keep_old: bool,
    },
}

/// How often everything is sealed anew because something was configured meanwhile.
const TRIES: usize = 16;

pub(super) async fn run(local: &Local, command: Command) -> anyhow::Result<()> {
    let Command::Rotate { keep_old } = command;
    let path = &local.config.master_key;
    let old = local.app.master.keys().current_id();
    // The file first: whenever this ends, it has the key of every row.
    let both = local.app.master.keys().rotate(path)?;
    let sealed = reseal(local, &both).await?;
    if !keep_old {
        both.forget_old(path)?;
        // A server may have sealed a new signing key under the old one until a moment ago.
        reseal(local, &both).await?;
    }
    say(&format!("{sealed} values are sealed under a new master key; keep a copy of {}", path.display()));
    local.show(record! {
        "file": path.display().to_string(),
        "key": both.current_id().to_string(),
        "old_key": old.to_string(),
        "old_key_kept": keep_old,
    })
}

/// Seals under the current key whatever is not, all in one transaction. Returns how many values there are.
async fn reseal(local: &Local, master: &MasterKeys) -> anyhow::Result<usize> {
    for _ in 0..TRIES {
        let mut sealed = local.store().sealed().await?;
        let count = sealed.keys.len() + sealed.blobs.len();
        if !seal_anew(master, &mut sealed)? {
            return Ok(count);
        }
        let record = local.record("master_key.rotated", None, master.current_id().to_string());
        match local.store().reseal(&sealed, record).await {
            Ok(()) => return Ok(count),
            Err(Error::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    bail!("the store was being configured all the time; both keys are in the file, so run this again")
}

/// Whether anything was not under the current key.
fn seal_anew(master: &MasterKeys, sealed: &mut Sealed) -> anyhow::Result<bool> {
    let keys = sealed.keys.iter_mut();
    let keys = keys.map(|row| (seal_context(row.key.realm_id, &row.key.kid), &mut row.sealed));
    let blobs = sealed.blobs.iter_mut().map(|(name, blob)| (name.clone(), blob));
    let mut changed = false;
    for (place, value) in keys.chain(blobs) {
        if !master.is_current(value) {
            let plain = master.open(&place, value)?;
            *value = master.seal(&place, plain.expose())?;
            changed = true;
        }
    }
    Ok(changed)
}
