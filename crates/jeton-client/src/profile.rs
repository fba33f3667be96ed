//! Profiles: which API, by which dialect or issuer, as whom. Nothing in them is secret.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jeton_core::dialect::Dialect;
use serde::{Deserialize, Serialize};

use crate::address;
use crate::error::Error;
use crate::flow::{ClientAuth, Grant};
use crate::vault::{KeyPlace, Keyring, Vault, VaultError, write_private};

/// What is known of one API. Stands in `profiles.toml` as a table of its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The address of the API: calls go below it, and the dialect's exchanges too.
    pub url: String,
    /// A dialect of the binary by its name, or a dialect file by its absolute path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    /// The OAuth issuer that gives the tokens; without one the dialect's own sign-in does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// What the client shows the issuer for a first token; without it itself, by client credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
    /// How the client proves itself to the issuer, where that is not what the issuer's metadata say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<ClientAuth>,
    /// A PEM file with the only certificates to trust; without one the public CAs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Hosts beside that of `url` that an answer may send calls to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// What the sign-in says beside its secrets, such as `username` or `client_id`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
}

/// A folder with profiles, and beside them what is sealed.
#[derive(Clone, Debug)]
pub struct Profiles {
    vault: Vault,
    file: PathBuf,
}

/// What is wrong with a profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Not a name.
    #[error(
        "`{0}` is not a name for a profile; use 1 to 64 letters, digits, `-`, `_` and dots, a letter or digit first"
    )]
    Name(String),
    /// Nothing of this name.
    #[error("no profile `{name}`; {known}")]
    Unknown {
        /// The name.
        name: String,
        /// Which there are.
        known: String,
    },
    /// There is one.
    #[error("there is a profile `{0}` already; remove it first, or say that the new one replaces it")]
    Exists(String),
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not what it should be.
    #[error("{path}: {why}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Neither a dialect with a sign-in nor an issuer.
    #[error("the profile names neither a dialect nor an issuer; give it one of them")]
    NoSource,
    /// No dialect of this name.
    #[error("no dialect `{name}`; the binary has {known}, and a path with a slash names a file")]
    Dialect {
        /// The name.
        name: String,
        /// Those of the binary.
        known: String,
    },
}

/// Words that `jeton token` has a meaning for already.
const TAKEN: [&str; 2] = ["inspect", "help"];

impl Profiles {
    /// The profiles in this folder. Nothing is read or made before it is needed.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        Self { file: folder.join("profiles.toml"), vault: Vault::at(folder) }
    }

    /// The same, with the key of a new folder in the keyring of the operating system, if there is one that works.
    ///
    /// Only the feature `keyring` brings one, and only on Linux. A folder that has a key stays with it.
    #[must_use]
    pub fn with_keyring(self) -> Self {
        Self { vault: self.vault.with_keyring(Keyring::system()), ..self }
    }

    /// Where secrets and tokens are.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// All profiles by name.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub fn all(&self) -> Result<BTreeMap<String, Profile>, ProfileError> {
        let path = || self.file.clone();
        let text = match fs::read_to_string(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(source) => return Err(ProfileError::Io { path: path(), source }),
        };
        toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            ProfileError::Malformed { path: path(), why: format!("line {line}: {}", error.message()) }
        })
    }

    /// The profile of this name.
    ///
    /// # Errors
    /// There is none, or the file cannot be read.
    pub fn get(&self, name: &str) -> Result<Profile, ProfileError> {
        let mut all = self.all()?;
        all.remove(name).ok_or_else(|| {
            let names: Vec<String> = all.into_keys().collect();
            let known = match names.is_empty() {
                true => "there is none yet".to_owned(),
                false => format!("known: {}", names.join(", ")),
            };
            ProfileError::Unknown { name: name.to_owned(), known }
        })
    }

    /// Puts a profile with its secrets under this name. What was sealed there before is forgotten. The first profile of
    /// all gives where the key was put.
    ///
    /// # Errors
    /// The name or the profile is wrong, there is one of this name and `replace` is not said, or nothing can be written.
    pub fn put(
        &self,
        name: &str,
        profile: &Profile,
        secrets: crate::vault::Secrets,
        replace: bool,
    ) -> Result<Option<KeyPlace>, Error> {
        check_name(name)?;
        profile.check()?;
        let _all = self.vault.lock_all()?;
        let mut all = self.all()?;
        if all.contains_key(name) && !replace {
            return Err(ProfileError::Exists(name.to_owned()).into());
        }
        let lock = self.vault.lock(name)?;
        let place = self.vault.begin(&lock, profile, secrets)?;
        all.insert(name.to_owned(), profile.clone());
        self.write(&all)?;
        Ok(place)
    }

    /// Removes the profile of this name and what is sealed for it. A token that it still has is not ended at the API.
    ///
    /// # Errors
    /// There is none, or the files cannot be written.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        self.get(name)?;
        let _all = self.vault.lock_all()?;
        let mut all = self.all()?;
        let lock = self.vault.lock(name)?;
        self.vault.forget(&lock)?;
        all.remove(name);
        Ok(self.write(&all)?)
    }

    fn write(&self, all: &BTreeMap<String, Profile>) -> Result<(), VaultError> {
        let text = toml::to_string(all).unwrap_or_default();
        write_private(&self.file, text.as_bytes())
    }
}

impl Profile {
    /// Whether it could give a token.
    ///
    /// # Errors
    /// An address that no secret is sent to, a dialect that there is not, or values of the wrong form.
    pub fn check(&self) -> Result<(), Error> {
        address::check(&self.url)?;
        let dialect = self.load_dialect()?;
        match (&self.issuer, dialect) {
            (Some(issuer), _) => Ok(address::check(issuer)?),
            (None, Some(dialect)) => {
                crate::flow::DialectFlow::new(dialect.into(), self)?;
                Ok(())
            }
            (None, None) => Err(ProfileError::NoSource.into()),
        }
    }

    /// The dialect that it names.
    ///
    /// # Errors
    /// There is none of this name, or the file has mistakes.
    pub fn load_dialect(&self) -> Result<Option<Dialect>, ProfileError> {
        let Some(name) = &self.dialect else { return Ok(None) };
        let built_in = Dialect::built_in();
        let text = match built_in.iter().find(|(known, _)| known == name) {
            Some((_, text)) => (*text).to_owned(),
            None if name.contains('/') => {
                let path = PathBuf::from(name);
                fs::read_to_string(&path).map_err(|source| ProfileError::Io { path, source })?
            }
            None => {
                let known: Vec<&str> = built_in.iter().map(|(name, _)| *name).collect();
                return Err(ProfileError::Dialect { name: name.clone(), known: known.join(", ") });
            }
        };
        Dialect::parse(&text).map(Some).map_err(|mistakes| {
            let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            ProfileError::Malformed { path: Path::new(name).to_owned(), why: lines.join("\n") }
        })
    }
}

fn check_name(name: &str) -> Result<(), ProfileError> {
    let first = name.starts_with(|first: char| first.is_ascii_alphanumeric());
    let rest = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    match first && rest && name.len() <= 64 && !TAKEN.contains(&name) {
        true => Ok(()),
        false => Err(ProfileError::Name(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(url: &str) -> Profile {
        Profile {
            url: url.to_owned(),
            dialect: None,
            issuer: Some("https://id.example.com".to_owned()),
            grant: Some(Grant::DeviceCode),
            auth: Some(ClientAuth::Post),
            ca_file: None,
            hosts: vec!["b.example".to_owned()],
            values: [("client_id".to_owned(), "me".to_owned())].into_iter().collect(),
        }
    }

    #[test]
    fn what_is_put_is_read_again_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let profiles = Profiles::at(folder.path().join("new/deep"));
        assert!(profiles.all().unwrap().is_empty());
        let (first, second) = (profile("https://a.example"), profile("https://b.example"));
        profiles.put("a.b-c", &first, BTreeMap::new(), false).unwrap();
        profiles.put("other", &second, BTreeMap::new(), false).unwrap();
        assert!(matches!(
            profiles.put("other", &first, BTreeMap::new(), false),
            Err(Error::Profile(ProfileError::Exists(_)))
        ));
        assert_eq!(profiles.get("a.b-c").unwrap(), first);
        profiles.remove("a.b-c").unwrap();
        assert!(profiles.get("a.b-c").unwrap_err().to_string().contains("known: other"));
        profiles.put("other", &first, BTreeMap::new(), true).unwrap();
        assert_eq!(profiles.get("other").unwrap(), first);
    }

    #[test]
    fn names_make_no_paths_and_mistakes_have_lines() {
        for name in ["", ".", "..", ".hidden", "a/b", "a b", "-x", "é", "inspect", &"x".repeat(65)] {
            assert!(check_name(name).is_err(), "{name}");
        }
        for name in ["a", "7", "my.api-2_x", &"x".repeat(64)] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        let folder = tempfile::tempdir().unwrap();
        for (text, part) in
            [("[a]\nurl = 'https://a.example'\nsecret = 'x'\n", "line 3: unknown field"), ("[a\n", "line 1")]
        {
            fs::write(folder.path().join("profiles.toml"), text).unwrap();
            let error = Profiles::at(folder.path()).all().unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("profiles.toml"), "{error}");
        }
    }

    #[test]
    fn a_profile_that_could_not_work_is_refused() {
        let good = profile("https://a.example");
        for (profile, part) in [
            (Profile { url: "http://a.example".to_owned(), ..good.clone() }, "plain HTTP"),
            (Profile { issuer: Some("x".to_owned()), ..good.clone() }, "not an address"),
            (Profile { issuer: None, ..good.clone() }, "give it one of them"),
            (Profile { dialect: Some("none".to_owned()), ..good.clone() }, "the binary has"),
            (Profile { dialect: Some("/nonexistent/d.toml".to_owned()), ..good.clone() }, "/nonexistent/d.toml"),
        ] {
            let error = profile.check().unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        good.check().unwrap();
    }
}
