//! The master key file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{MasterKey, MasterKeys};

impl MasterKeys {
    /// Makes a key and the file `path` with it. A file that is there is never touched.
    pub fn generate(path: &Path) -> Result<Self, MasterKeyError> {
        let keys = Self { current: MasterKey::random()?, old: Vec::new() };
        keys.write_new(path)?;
        Ok(keys)
    }

    /// Reads the file `path`; refuses one that others could read or write.
    pub fn load(path: &Path) -> Result<Self, MasterKeyError> {
        let failed = |source| MasterKeyError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        check_owner_and_mode(path, &file)?;
        // Room from the start: a buffer that grows leaves copies of the keys behind.
        let mut text = Zeroizing::new(Vec::with_capacity(LONGEST_FILE + 1));
        let length = file.take(LONGEST_FILE as u64 + 1).read_to_end(&mut text).map_err(failed)?;
        let malformed = |line, problem| MasterKeyError::Malformed { path: path.to_owned(), line, problem };
        if length > LONGEST_FILE {
            return Err(malformed(1, "the file is too long to hold master keys"));
        }
        let text = str::from_utf8(&text).map_err(|_| malformed(1, "the file is not text"))?;
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                keys.push(MasterKey::parse(line).map_err(|problem| malformed(index + 1, problem))?);
            }
        }
        let mut keys = keys.into_iter();
        let current = keys.next().ok_or_else(|| malformed(1, "there is no key in it"))?;
        Ok(Self { current, old: keys.collect() })
    }

    /// Puts a new key first in the file `path`; those of `self` stay as old ones.
    pub fn rotate(&self, path: &Path) -> Result<Self, MasterKeyError> {
        let old = [&self.current].into_iter().chain(&self.old).cloned().collect();
        let keys = Self { current: MasterKey::random()?, old };
        keys.replace(path)?;
        Ok(keys)
    }

    /// Leaves only the current key in the file `path`, for when nothing is sealed with the others any more.
    pub fn forget_old(&self, path: &Path) -> Result<Self, MasterKeyError> {
        let keys = Self { current: self.current.clone(), old: Vec::new() };
        keys.replace(path)?;
        Ok(keys)
    }

    fn write_new(&self, path: &Path) -> Result<(), MasterKeyError> {
        let failed = |source| MasterKeyError::Io { path: path.to_owned(), source };
        let mut text = Zeroizing::new(Vec::with_capacity(LONGEST_FILE));
        text.extend_from_slice(HEADING.as_bytes());
        for key in [&self.current].into_iter().chain(&self.old) {
            let line = key.to_line();
            if text.len() + line.len() > LONGEST_FILE {
                return Err(MasterKeyError::TooMany { path: path.to_owned() });
            }
            text.extend_from_slice(line.as_bytes());
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|source| {
            match source.kind() {
                io::ErrorKind::AlreadyExists => MasterKeyError::Exists { path: path.to_owned() },
                _ => failed(source),
            }
        })?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(failed)?;
        sync_folder(path).map_err(failed)
    }

    /// Replaces the file in one step: whenever the machine stops, there is the old file or the new one.
    fn replace(&self, path: &Path) -> Result<(), MasterKeyError> {
        let mut new = path.as_os_str().to_owned();
        new.push(".new");
        let new = PathBuf::from(new);
        // Left by a replacement that was cut short. Its key never became current, so nothing needs it.
        match fs::remove_file(&new) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(MasterKeyError::Io { path: new, source });
            }
            _ => self.write_new(&new)?,
        }
        fs::rename(&new, path)
            .and_then(|()| sync_folder(path))
            .map_err(|source| MasterKeyError::Io { path: path.to_owned(), source })
    }
}

/// Why there are no master keys.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The file could not be read or written.
    #[error("master key file {path}: {source}{}", advice(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A new file was to be made where there is one.
    #[error("master key file {path} exists and is kept; move it away first, and keep it: what it sealed needs it")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Others could read or write the file.
    #[error("master key file {path} has mode {mode:03o}, so others can get at it; run: chmod 600 {path}")]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file belongs to another user.
    #[error("master key file {path} belongs to user {owner}, not to {user}, who runs this; run: chown {user} {path}")]
    Owner {
        /// The file.
        path: PathBuf,
        /// The user id of its owner.
        owner: u32,
        /// The user id of this process.
        user: u32,
    },
    /// The file is not as it should be.
    #[error("master key file {path}, line {line}: {problem}; put back your copy of the file")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where.
        line: usize,
        /// What is wrong; nothing of the line itself.
        problem: &'static str,
    },
    /// There are too many old keys.
    #[error("master key file {path} would get too long; let go of the old keys first")]
    TooMany {
        /// The file.
        path: PathBuf,
    },
    /// The system gave no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "; check the path, or put back your copy of the file",
        io::ErrorKind::PermissionDenied => "; run this as the user that the file belongs to",
        _ => "",
    }
}

const MARK: &str = "jeton-master-key";
const HEADING: &str =
    "# Jeton's master keys: the first seals, all open. Keep a copy, away from the backups of the data.\n";
const LONGEST_FILE: usize = 16 * 1024;

impl MasterKey {
    fn random() -> Result<Self, MasterKeyError> {
        let mut key = Zeroizing::new([0; 32]);
        rand::fill(&mut *key).map_err(|_| MasterKeyError::NoRandomness)?;
        Ok(Self::new(&key))
    }

    fn parse(line: &str) -> Result<Self, &'static str> {
        let mut words = line.split_ascii_whitespace();
        if words.next() != Some(MARK) {
            return Err("this is not a master key");
        }
        if words.next() != Some("1") {
            return Err("this is a master key of another version");
        }
        let (Some(id), Some(key), None) = (words.next(), words.next(), words.next()) else {
            return Err("a master key has four words");
        };
        let key = Zeroizing::new(STANDARD.decode(key).map_err(|_| "the key is not in Base64")?);
        let key: &[u8; 32] = key.as_slice().try_into().map_err(|_| "the key has not 32 bytes")?;
        let key = Self::new(key);
        if key.id.to_string() != id {
            return Err("key and id do not belong together");
        }
        Ok(key)
    }

    fn to_line(&self) -> Zeroizing<String> {
        let key = Zeroizing::new(STANDARD.encode(self.key.expose()));
        Zeroizing::new(format!("{MARK} 1 {} {}\n", self.id, *key))
    }
}

fn check_owner_and_mode(path: &Path, file: &File) -> Result<(), MasterKeyError> {
    let path = path.to_owned();
    let metadata = match file.metadata() {
        Ok(metadata) => metadata,
        Err(source) => return Err(MasterKeyError::Io { path, source }),
    };
    let (mode, owner) = (metadata.mode() & 0o7777, metadata.uid());
    let user = rustix::process::geteuid().as_raw();
    if owner != user {
        return Err(MasterKeyError::Owner { path, owner, user });
    }
    if mode & 0o077 != 0 {
        return Err(MasterKeyError::Mode { path, mode });
    }
    Ok(())
}

/// A file's name is on disk only when its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::sealing::SealError;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        (folder, path)
    }

    #[test]
    fn rotation_keeps_the_old_key_until_it_is_forgotten() {
        let (_folder, path) = folder();
        let first = MasterKeys::generate(&path).unwrap();
        let sealed = first.seal("a", b"secret").unwrap();
        fs::write(path.with_extension("key.new"), "left behind").unwrap();
        first.rotate(&path).unwrap();
        let second = MasterKeys::load(&path).unwrap();
        assert_ne!(second.current_id(), first.current_id());
        assert_eq!(second.open("a", &sealed).unwrap().expose(), b"secret");
        assert!(!second.is_current(&sealed));
        let renewed = second.seal("a", b"secret").unwrap();
        assert!(second.is_current(&renewed));
        assert_eq!(first.open("a", &renewed).unwrap_err(), SealError::KeyMissing { id: second.current_id() });
        second.forget_old(&path).unwrap();
        let third = MasterKeys::load(&path).unwrap();
        assert_eq!(third.open("a", &sealed).unwrap_err(), SealError::KeyMissing { id: first.current_id() });
        assert_eq!(third.open("a", &renewed).unwrap().expose(), b"secret");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    }

    #[test]
    fn a_file_is_never_overwritten() {
        let (_folder, path) = folder();
        let made = MasterKeys::generate(&path).unwrap();
        assert!(matches!(MasterKeys::generate(&path), Err(MasterKeyError::Exists { .. })));
        assert_eq!(MasterKeys::load(&path).unwrap().current_id(), made.current_id());
    }

    #[test]
    fn a_missing_file_is_explained() {
        let (_folder, path) = folder();
        let error = MasterKeys::load(&path).unwrap_err().to_string();
        assert!(error.contains(&path.display().to_string()) && error.contains("put back your copy"), "{error}");
    }

    #[test]
    fn a_file_that_others_can_get_at_is_refused() {
        let (_folder, path) = folder();
        MasterKeys::generate(&path).unwrap();
        for (mode, accepted) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o620, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            match MasterKeys::load(&path) {
                Ok(_) => assert!(accepted, "{mode:o}"),
                Err(error) => {
                    assert!(!accepted, "{mode:o}: {error}");
                    assert!(error.to_string().contains(&format!("chmod 600 {}", path.display())), "{error}");
                }
            }
        }
    }

    #[test]
    fn a_file_that_is_damaged_is_refused_without_showing_it() {
        let (_folder, path) = folder();
        MasterKeys::generate(&path).unwrap();
        let good = fs::read_to_string(&path).unwrap();
        let key = good.split_ascii_whitespace().last().unwrap();
        let id = MasterKeys::load(&path).unwrap().current_id().to_string();
        for (text, part) in [
            (String::new(), "no key"),
            (HEADING.to_owned(), "no key"),
            (good.replace(MARK, "key"), "line 2: this is not a master key"),
            (good.replace(" 1 ", " 2 "), "another version"),
            (good.replace(&id, "00000000"), "do not belong together"),
            (good.replace(key, &key[1..]), "not in Base64"),
            (good.replace(key, "AAAA"), "not 32 bytes"),
            (good.replace(key, ""), "four words"),
            (good.replace(key, &format!("{key} more")), "four words"),
            ("#".repeat(LONGEST_FILE + 1), "too long"),
            (format!("{good}\u{0}"), "line 3"),
        ] {
            fs::write(&path, &text).unwrap();
            let error = MasterKeys::load(&path).unwrap_err().to_string();
            assert!(error.contains(part), "{part}: {error}");
            assert!(!error.contains(&key[..8]), "{error}");
        }
    }
}
