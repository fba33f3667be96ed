//! The master keys of a running process: read again when their file has changed under it.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use jeton_core::secret::Secret;

use crate::sealing::{MasterKeyError, MasterKeys, SealError};

/// Master keys and the file they came from. After `jeton master-key rotate` in another process, what is sealed under
/// the new key opens at once, and nothing is sealed under the old one any more.
#[derive(Debug)]
pub struct Keyring {
    file: Option<PathBuf>,
    keys: RwLock<MasterKeys>,
}

impl Keyring {
    /// Reads the file.
    pub fn load(file: &Path) -> Result<Self, MasterKeyError> {
        let keys = RwLock::new(MasterKeys::load(file)?);
        Ok(Self { file: Some(file.to_owned()), keys })
    }

    /// The keys as they were last read.
    pub fn keys(&self) -> MasterKeys {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// See [`MasterKeys::seal`]; under the file's current key.
    pub fn seal(&self, aad: &str, plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        self.read_again();
        self.keys().seal(aad, plaintext)
    }

    /// See [`MasterKeys::open`]; the file is read again if the key is not among those known.
    pub fn open(&self, aad: &str, sealed: &[u8]) -> Result<Secret<Vec<u8>>, SealError> {
        match self.keys().open(aad, sealed) {
            Err(SealError::KeyMissing { .. }) if self.read_again() => self.keys().open(aad, sealed),
            result => result,
        }
    }

    /// Whether the file could be read. If not, the keys stay as they are: they still open what they did.
    fn read_again(&self) -> bool {
        match self.file.as_deref().map(MasterKeys::load) {
            Some(Ok(fresh)) => {
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = fresh;
                true
            }
            Some(Err(error)) => {
                tracing::error!(%error, "the master key file could not be read again");
                false
            }
            None => false,
        }
    }
}

/// Keys that no file stands behind.
impl From<MasterKeys> for Keyring {
    fn from(keys: MasterKeys) -> Self {
        Self { file: None, keys: RwLock::new(keys) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_by_another_process_is_seen_at_the_next_use() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("master.key");
        let first = MasterKeys::generate(&file).unwrap();
        let running = Keyring::load(&file).unwrap();
        let old = running.seal("row", b"secret").unwrap();

        let both = first.rotate(&file).unwrap();
        let resealed = both.seal("row", b"secret").unwrap();
        both.forget_old(&file).unwrap();
        assert_eq!(running.open("row", &resealed).unwrap().expose(), b"secret");
        assert!(both.is_current(&running.seal("row", b"more").unwrap()));
        assert!(matches!(running.open("row", &old), Err(SealError::KeyMissing { .. })));
        assert!(matches!(Keyring::from(first).open("row", &resealed), Err(SealError::KeyMissing { .. })));
    }
}
