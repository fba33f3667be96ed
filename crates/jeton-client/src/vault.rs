//! Secrets and tokens on disk, sealed, and the lock that lets one process at a time ask an API.
//!
//! Beside `profiles.toml` lie `client.key` and for each profile `NAME.sealed` and `NAME.lock`, in a folder of mode 0700
//! and as files of mode 0600. A sealed file is AES-256-GCM under the key, bound to the profile's name. The key is in the
//! keyring of the operating system, and `client.key` names it there; or, where there is no keyring, it is in
//! `client.key` itself, which protects a copy of the sealed files without it, such as a carelessly shared backup, and
//! not from who can read the whole folder.

mod keyring;
mod sealed;

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;
use zeroize::Zeroizing;

pub(crate) use self::keyring::Keyring;
pub use self::keyring::KeyringError;
use crate::clock::{random, uuid};
use crate::profile::Profile;
use crate::token::{Need, Token};

/// A profile's secrets by the names that its sign-in has for them.
pub type Secrets = BTreeMap<String, Secret<String>>;

/// A folder for what is sealed.
#[derive(Clone, Debug)]
pub struct Vault {
    folder: PathBuf,
    /// Where a first key is put, if it works.
    keyring: Option<Keyring>,
    /// The key, once the keyring gave it: asking it takes longer than a file.
    key: Arc<OnceLock<Secret<[u8; 32]>>>,
}

/// Where the key of all sealed files was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// In the keyring of the operating system.
    Keyring,
    /// In the file `client.key`; the reason, if that is because the keyring cannot be used.
    File(Option<KeyringError>),
}

/// Says that no other process asks for this profile's token now. Ends with the process at the latest.
#[derive(Debug)]
pub struct Lock {
    name: String,
    _file: File,
}

/// What is sealed for one profile.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// What proves who asks.
    pub secrets: Secrets,
    /// The token, if there is one.
    pub token: Option<Token>,
    /// No request before this time.
    pub not_before: Option<Timestamp>,
    /// How many tries in a row failed.
    pub failures: u32,
}

/// What is wrong with what is on disk.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others could read the key.
    #[error("{path} has mode {mode:03o}, so others can get at it; run: chmod 600 {path}")]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The key is in the keyring, and the keyring does not give it.
    #[error(
        "the key that opens your secrets is in the keyring, which does not give it ({0}); unlock the keyring of your \
         desktop session, or where there is none put the profiles into another folder"
    )]
    Keyring(#[from] KeyringError),
    /// The key is not one, or the sealed file does not open with it.
    #[error("{0} cannot be opened: it was changed, or client.key was; put the profile there again with its secrets")]
    Damaged(PathBuf),
    /// Nothing is sealed for this profile.
    #[error("the secrets of `{0}` are not there; put the profile there again with its secrets")]
    Missing(String),
    /// The cryptographic library failed.
    #[error("the cryptographic library failed; see whether the machine is out of memory")]
    Failed,
}

impl State {
    /// What must be done before a call at `now`.
    pub fn need(&self, now: Timestamp) -> Need {
        self.token.as_ref().map_or(Need::Obtain, |token| token.need(now))
    }

    /// The token, if it is good at `now`.
    pub fn good_token(&self, now: Timestamp) -> Option<&Token> {
        self.token.as_ref().filter(|token| token.is_good(now))
    }

    /// How long nothing may be asked for.
    pub fn pause(&self, now: Timestamp) -> Option<Duration> {
        self.not_before.map(|until| until.since(now)).filter(|wait| !wait.is_zero())
    }
}

impl Vault {
    pub(crate) fn at(folder: PathBuf) -> Self {
        Self { folder, keyring: None, key: Arc::default() }
    }

    pub(crate) fn with_keyring(self, keyring: Keyring) -> Self {
        Self { keyring: Some(keyring), ..self }
    }

    /// Waits until no other process asks for this profile. A process that dies lets go.
    ///
    /// # Errors
    /// The lock file cannot be made.
    pub fn lock(&self, name: &str) -> Result<Lock, VaultError> {
        let (path, file) = self.lock_file(name)?;
        file.lock().map_err(|source| VaultError::Io { path, source })?;
        Ok(Lock { name: name.to_owned(), _file: file })
    }

    /// The same without waiting; nothing if another process has it.
    ///
    /// # Errors
    /// The lock file cannot be made.
    pub fn try_lock(&self, name: &str) -> Result<Option<Lock>, VaultError> {
        let (path, file) = self.lock_file(name)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { name: name.to_owned(), _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(VaultError::Io { path, source }),
        }
    }

    /// Keeps others from changing the list of profiles.
    pub(crate) fn lock_all(&self) -> Result<Lock, VaultError> {
        let folder = &self.folder;
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|source| VaultError::Io { path: folder.clone(), source })?;
        // No profile has this name: theirs begin with a letter or digit.
        self.lock("-all")
    }

    /// What is sealed for a profile. If the profile is another than when the token was had, the token is left out.
    ///
    /// # Errors
    /// Nothing is sealed for it, or it cannot be opened.
    pub fn load(&self, name: &str, profile: &Profile) -> Result<State, VaultError> {
        let path = self.sealed_path(name);
        let sealed = match fs::read(&path) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(VaultError::Missing(name.to_owned())),
            Err(source) => return Err(VaultError::Io { path, source }),
        };
        let key = self.key()?;
        open(&key, name, &sealed)
            .and_then(|plain| sealed::read(&plain, &sealed::fingerprint(profile)))
            .ok_or(VaultError::Damaged(path))
    }

    /// Seals what is known of a profile in place of what was there, in one step.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn store(&self, lock: &Lock, profile: &Profile, state: &State) -> Result<(), VaultError> {
        let plain = sealed::write(state, &sealed::fingerprint(profile)).ok_or(VaultError::Failed)?;
        let sealed = seal(&self.key()?, &lock.name, &plain)?;
        write_private(&self.sealed_path(&lock.name), &sealed)
    }

    /// Seals the secrets of a new profile, after making a key if there is none: then where it was put. The caller holds
    /// the lock of all.
    pub(crate) fn begin(
        &self,
        lock: &Lock,
        profile: &Profile,
        secrets: Secrets,
    ) -> Result<Option<KeyPlace>, VaultError> {
        let place = match self.key_path().exists() {
            true => None,
            false => Some(self.make_key()?),
        };
        self.store(lock, profile, &State { secrets, ..State::default() })?;
        Ok(place)
    }

    fn make_key(&self) -> Result<KeyPlace, VaultError> {
        let key = Zeroizing::new(random::<32>().map_err(|_| VaultError::Failed)?);
        // As text: some keyrings hold nothing else.
        let text = Secret::new(STANDARD.encode(*key));
        let kept = self.keyring.map(|keyring| {
            let name = uuid().map_err(|error| KeyringError::Refused(error.to_string()))?;
            keyring.probe()?;
            keyring.write(&name, text.clone())?;
            Ok(name)
        });
        let (line, place) = match kept {
            Some(Ok(name)) => (Zeroizing::new(format!("{IN_KEYRING}{name}\n")), KeyPlace::Keyring),
            Some(Err(error)) => (Zeroizing::new(format!("{}\n", text.expose())), KeyPlace::File(Some(error))),
            None => (Zeroizing::new(format!("{}\n", text.expose())), KeyPlace::File(None)),
        };
        write_private(&self.key_path(), line.as_bytes())?;
        Ok(place)
    }

    /// Removes what is sealed. The lock file stays: who waits on it must not wait on another than who comes later.
    pub(crate) fn forget(&self, lock: &Lock) -> Result<(), VaultError> {
        let path = self.sealed_path(&lock.name);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(VaultError::Io { path, source }),
            _ => Ok(()),
        }
    }

    fn key(&self) -> Result<Secret<[u8; 32]>, VaultError> {
        let path = self.key_path();
        let failed = |source| VaultError::Io { path: path.clone(), source };
        let mode = fs::metadata(&path).map_err(failed)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(VaultError::Mode { path, mode });
        }
        let text = Zeroizing::new(fs::read_to_string(&path).map_err(failed)?);
        let key = match text.trim().strip_prefix(IN_KEYRING) {
            Some(name) => self.key_in_keyring(name)?,
            None => decode_key(&text),
        };
        key.ok_or(VaultError::Damaged(path))
    }

    fn key_in_keyring(&self, name: &str) -> Result<Option<Secret<[u8; 32]>>, VaultError> {
        if let Some(key) = self.key.get() {
            return Ok(Some(key.clone()));
        }
        let text = self.keyring.unwrap_or(Keyring::system()).read(name)?;
        let key = decode_key(text.expose());
        Ok(key.map(|key| self.key.get_or_init(|| key).clone()))
    }

    fn lock_file(&self, name: &str) -> Result<(PathBuf, File), VaultError> {
        let path = self.folder.join(format!("{name}.lock"));
        let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        match opened {
            Ok(file) => Ok((path, file)),
            Err(source) => Err(VaultError::Io { path, source }),
        }
    }

    fn key_path(&self) -> PathBuf {
        self.folder.join("client.key")
    }

    fn sealed_path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.sealed"))
    }
}

/// What `client.key` begins with if it only names the key.
const IN_KEYRING: &str = "keyring:";

fn decode_key(text: &str) -> Option<Secret<[u8; 32]>> {
    let bytes = STANDARD.decode(text.trim()).map(Zeroizing::new).ok()?;
    bytes.as_slice().try_into().map(Secret::new).ok()
}

/// Writes a file of mode 0600 in one step: whenever the machine stops, there is the old one or the new one.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), VaultError> {
    let failed = |source| VaultError::Io { path: path.to_owned(), source };
    let folder = path.parent().unwrap_or(Path::new("."));
    // Made with mode 0600 and a name of its own.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

const VERSION: u8 = 1;

fn seal(key: &Secret<[u8; 32]>, name: &str, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
    let cipher = RandomizedNonceKey::new(&AES_256_GCM, key.expose()).map_err(|_| VaultError::Failed)?;
    let mut text = Zeroizing::new(Vec::with_capacity(plain.len() + AES_256_GCM.tag_len()));
    text.extend_from_slice(plain);
    let nonce = cipher.seal_in_place_append_tag(aad(name), &mut *text).map_err(|_| VaultError::Failed)?;
    Ok([&[VERSION], nonce.as_ref().as_slice(), &text].concat())
}

fn open(key: &Secret<[u8; 32]>, name: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let rest = sealed.strip_prefix(&[VERSION])?;
    let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>()?;
    let cipher = RandomizedNonceKey::new(&AES_256_GCM, key.expose()).ok()?;
    let mut plain = Zeroizing::new(text.to_vec());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let length = cipher.open_in_place(nonce, aad(name), &mut plain).ok()?.len();
    plain.truncate(length);
    Some(plain)
}

fn aad(name: &str) -> Aad<Vec<u8>> {
    Aad::from([&[VERSION], b"jeton client ".as_slice(), name.as_bytes()].concat())
}

#[cfg(test)]
mod tests;
