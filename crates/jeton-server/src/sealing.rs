//! Sealing what must be kept secret in the store: signing keys, the pepper of token hashes.
//!
//! AES-256-GCM under a master key that lives in a file of its own and never in a backup of the store. Every
//! sealed value names its key, so keys can be changed one after the other.

mod file;

use std::fmt;
use std::io;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::digest;
use jeton_core::secret::Secret;
use zeroize::Zeroizing;

pub use self::file::MasterKeyError;

/// The master keys of one file: the first seals, all open.
///
/// The file has a line `jeton-master-key 1 ID BASE64` for each key; empty lines and lines that begin with `#`
/// are left out. It belongs to the user that runs the server and has mode 0600.
#[derive(Clone, Debug)]
pub struct MasterKeys {
    current: MasterKey,
    old: Vec<MasterKey>,
}

impl MasterKeys {
    /// The key that seals.
    pub fn current_id(&self) -> KeyId {
        self.current.id
    }

    /// Seals `plaintext` for one place, named by `aad` (table and row): elsewhere it does not open.
    ///
    /// The result is a version byte, four bytes of key id, twelve of nonce, the ciphertext, a tag of sixteen.
    ///
    /// # Errors
    /// [`SealError::Failed`], for want of memory or random bytes.
    pub fn seal(&self, aad: &str, plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        let MasterKey { id, key } = &self.current;
        let cipher = RandomizedNonceKey::new(&AES_256_GCM, key.expose()).map_err(|_| SealError::Failed)?;
        let mut ciphertext = Zeroizing::new(Vec::with_capacity(plaintext.len() + AES_256_GCM.tag_len()));
        ciphertext.extend_from_slice(plaintext);
        let nonce =
            cipher.seal_in_place_append_tag(full_aad(*id, aad), &mut *ciphertext).map_err(|_| SealError::Failed)?;
        Ok([&[VERSION], id.0.as_slice(), nonce.as_ref(), &ciphertext].concat())
    }

    /// Opens what [`seal`](Self::seal) gave for the same place.
    pub fn open(&self, aad: &str, sealed: &[u8]) -> Result<Secret<Vec<u8>>, SealError> {
        let (id, rest) = key_id(sealed)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::UnknownForm)?;
        let key = [&self.current].into_iter().chain(&self.old).find(|key| key.id == id);
        let key = key.ok_or(SealError::KeyMissing { id })?;
        let cipher = RandomizedNonceKey::new(&AES_256_GCM, key.key.expose()).map_err(|_| SealError::Failed)?;
        let mut plaintext = Zeroizing::new(ciphertext.to_vec());
        let length = cipher
            .open_in_place(Nonce::assume_unique_for_key(*nonce), full_aad(id, aad), &mut plaintext)
            .map_err(|_| SealError::Damaged { id })?
            .len();
        Ok(Secret::new(plaintext[..length].to_vec()))
    }

    /// Whether `sealed` was sealed with the current key; if not, seal it anew when keys are rotated.
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        key_id(sealed).is_ok_and(|(id, _)| id == self.current.id)
    }
}

/// A short name of a key, which gives nothing of it away: the first four bytes of its SHA-256, shown in hex.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 4]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why something was not sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The key it was sealed with is not in the file.
    #[error("this was sealed with master key {id}, which the master key file lacks; put back the file with that key")]
    KeyMissing {
        /// The key that is needed.
        id: KeyId,
    },
    /// The key is there and does not fit.
    #[error("this does not open with master key {id}: it was changed, or it belongs to another row; restore a backup")]
    Damaged {
        /// The key it names.
        id: KeyId,
    },
    /// Not made by this version of [`MasterKeys::seal`].
    #[error(
        "this was not sealed by a version of Jeton that this one knows; run the newer version, or restore a backup"
    )]
    UnknownForm,
    /// The cryptographic library failed.
    #[error("the cryptographic library failed; see whether the machine is out of memory")]
    Failed,
}

/// From here on the system writes no memory dump of this process, and no other process of the user can look
/// into it. Does nothing where the system has no such switch.
///
/// # Errors
/// The system refuses.
pub fn no_core_dumps() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

const VERSION: u8 = 1;
#[derive(Clone, Debug)]
struct MasterKey {
    id: KeyId,
    key: Secret<[u8; 32]>,
}

impl MasterKey {
    fn new(key: &[u8; 32]) -> Self {
        let mut id = [0; 4];
        id.iter_mut().zip(digest::digest(&digest::SHA256, key).as_ref()).for_each(|(to, from)| *to = *from);
        Self { id: KeyId(id), key: Secret::new(*key) }
    }
}

fn key_id(sealed: &[u8]) -> Result<(KeyId, &[u8]), SealError> {
    let (version, rest) = sealed.split_first().ok_or(SealError::UnknownForm)?;
    let (id, rest) = rest.split_first_chunk().ok_or(SealError::UnknownForm)?;
    if *version == VERSION { Ok((KeyId(*id), rest)) } else { Err(SealError::UnknownForm) }
}

/// The header is authenticated, too.
fn full_aad(id: KeyId, aad: &str) -> Aad<Vec<u8>> {
    Aad::from([&[VERSION], id.0.as_slice(), aad.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        (folder, path)
    }

    #[test]
    fn what_is_sealed_opens_after_a_restart() {
        let (_folder, path) = folder();
        let made = MasterKeys::generate(&path).unwrap();
        let sealed = made.seal("keys/1", b"secret").unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_ne!(sealed, made.seal("keys/1", b"secret").unwrap());
        let loaded = MasterKeys::load(&path).unwrap();
        assert_eq!(loaded.current_id(), made.current_id());
        assert_eq!(loaded.open("keys/1", &sealed).unwrap().expose(), b"secret");
        assert_eq!(loaded.open("", &loaded.seal("", b"").unwrap()).unwrap().expose(), b"");
    }

    #[test]
    fn nothing_else_opens() {
        let (_folder, path) = folder();
        let keys = MasterKeys::generate(&path).unwrap();
        let id = keys.current_id();
        let sealed = keys.seal("keys/1", b"secret").unwrap();
        assert_eq!(keys.open("keys/2", &sealed).unwrap_err(), SealError::Damaged { id });
        for length in 0..sealed.len() {
            assert!(keys.open("keys/1", &sealed[..length]).is_err(), "{length}");
        }
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let expected = match bit / 8 {
                0 => SealError::UnknownForm,
                byte @ 1..5 => {
                    let mut id = id.0;
                    id[byte - 1] = changed[byte];
                    SealError::KeyMissing { id: KeyId(id) }
                }
                _ => SealError::Damaged { id },
            };
            assert_eq!(keys.open("keys/1", &changed).unwrap_err(), expected, "{bit}");
        }
        let other = MasterKeys { current: MasterKey::new(&[9; 32]), old: Vec::new() };
        let error = other.open("keys/1", &sealed).unwrap_err();
        assert_eq!(error, SealError::KeyMissing { id });
        assert!(error.to_string().contains(&id.to_string()), "{error}");
    }

    #[test]
    fn debug_shows_no_key() {
        let keys = MasterKeys { current: MasterKey::new(&[42; 32]), old: Vec::new() };
        let shown = format!("{keys:?}");
        assert!(shown.contains(&keys.current_id().to_string()) && !shown.contains("42, 42"), "{shown}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_is_not_dumped() {
        no_core_dumps().unwrap();
        assert_eq!(rustix::process::dumpable_behavior().unwrap(), rustix::process::DumpableBehavior::NotDumpable);
    }
}
