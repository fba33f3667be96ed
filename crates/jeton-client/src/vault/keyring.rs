//! The keyring of the operating system: Secret Service over D-Bus, as GNOME Keyring and KWallet offer it.
//!
//! Each act runs on a thread of its own: the store blocks, it must not run inside an async runtime, and a keyring that
//! waits for a person who is not there never answers.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use jeton_core::secret::Secret;
use keyring_core::{CredentialStore, Entry, Error};

use crate::clock::uuid;

/// Opens the keyring; nothing is kept open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keyring(fn() -> Result<Arc<CredentialStore>, Error>);

/// Why the keyring cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// It said so.
    #[error("{0}")]
    Refused(String),
    /// It did not answer.
    #[error("no answer within {} s", .0.as_secs())]
    Late(Duration),
}

const SERVICE: &str = "jeton";
/// A machine with nobody at it shall not wait long for its first profile.
const PROBE: Duration = Duration::from_secs(2);
/// Somebody may have to type the keyring's password first.
const UNLOCK: Duration = Duration::from_secs(60);

impl Keyring {
    /// The keyring of whoever is signed in at this machine.
    pub(crate) fn system() -> Self {
        Self(open_system)
    }

    /// Makes sure that what is written can be read again and removed.
    pub(super) fn probe(self) -> Result<(), KeyringError> {
        let name = uuid().map_err(|error| KeyringError::Refused(error.to_string()))?;
        self.act(PROBE, move |open| {
            let entry = || open()?.build(SERVICE, &format!("probe {name}"), None);
            entry()?.set_password(&name)?;
            // Opened anew, as the next process will: some stores keep what they have in memory alone.
            let read = entry()?.get_password();
            entry()?.delete_credential()?;
            match read? == name {
                true => Ok(()),
                false => Err(Error::BadStoreFormat("it gives back another value than it was given".to_owned())),
            }
        })
    }

    /// Keeps a text under this name.
    pub(super) fn write(self, name: &str, text: Secret<String>) -> Result<(), KeyringError> {
        let name = name.to_owned();
        self.act(PROBE, move |open| entry(open, &name)?.set_password(text.expose()))
    }

    /// The text under this name.
    pub(super) fn read(self, name: &str) -> Result<Secret<String>, KeyringError> {
        let name = name.to_owned();
        self.act(UNLOCK, move |open| entry(open, &name)?.get_password().map(Secret::new))
    }

    fn act<T: Send + 'static>(
        self,
        limit: Duration,
        act: impl FnOnce(fn() -> Result<Arc<CredentialStore>, Error>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, KeyringError> {
        let (done, finished) = mpsc::sync_channel(1);
        let open = self.0;
        let refused = |error: &dyn std::error::Error| KeyringError::Refused(error.to_string());
        std::thread::Builder::new()
            .name("keyring".to_owned())
            // Nobody waits for an answer that comes too late.
            .spawn(move || done.send(act(open)))
            .map_err(|error| refused(&error))?;
        match finished.recv_timeout(limit) {
            Ok(result) => result.map_err(|error| refused(&error)),
            Err(mpsc::RecvTimeoutError::Timeout) => Err(KeyringError::Late(limit)),
            Err(error @ mpsc::RecvTimeoutError::Disconnected) => Err(refused(&error)),
        }
    }
}

fn entry(open: fn() -> Result<Arc<CredentialStore>, Error>, name: &str) -> Result<Entry, Error> {
    open()?.build(SERVICE, name, None)
}

#[cfg(all(feature = "keyring", target_os = "linux"))]
fn open_system() -> Result<Arc<CredentialStore>, Error> {
    let store: Arc<CredentialStore> = zbus_secret_service_keyring_store::Store::new()?;
    Ok(store)
}

#[cfg(not(all(feature = "keyring", target_os = "linux")))]
fn open_system() -> Result<Arc<CredentialStore>, Error> {
    Err(Error::NotSupportedByStore("this program was built without one".to_owned()))
}

/// Keyrings that work and that do not.
#[cfg(test)]
pub(super) mod mock {
    use std::sync::OnceLock;

    use super::*;

    pub(in super::super) const WORKING: Keyring = Keyring(|| {
        static STORE: OnceLock<Arc<CredentialStore>> = OnceLock::new();
        Ok(Arc::clone(STORE.get_or_init(|| keyring_core::mock::Store::new().unwrap())))
    });
    pub(in super::super) const MISSING: Keyring =
        Keyring(|| Err(Error::NotSupportedByStore("no session bus".to_owned())));
    pub(in super::super) const FORGETFUL: Keyring = Keyring(|| Ok(keyring_core::mock::Store::new()?));
    pub(in super::super) const SILENT: Keyring = Keyring(|| {
        loop {
            std::thread::park();
        }
    });
    pub(in super::super) const PANICKING: Keyring = Keyring(|| panic!("a store that panics"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_work_is_found_by_the_probe() {
        for (keyring, expected) in [
            (mock::WORKING, Ok(())),
            (mock::MISSING, Err("no session bus")),
            (mock::FORGETFUL, Err("No matching")),
            (mock::SILENT, Err("no answer within 2 s")),
            (mock::PANICKING, Err("channel is empty and sending half is closed")),
        ] {
            match (keyring.probe(), expected) {
                (Ok(()), Ok(())) => {}
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (probed, expected) => panic!("{probed:?}, not {expected:?}"),
            }
        }
        mock::WORKING.write("a", Secret::from("text")).unwrap();
        assert_eq!(mock::WORKING.read("a").unwrap(), Secret::from("text"));
        assert!(mock::WORKING.read("b").is_err());
    }
}
