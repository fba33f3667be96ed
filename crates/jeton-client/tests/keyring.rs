//! The key in the keyring of the operating system.

#![expect(clippy::unwrap_used, reason = "a panic is the failure")]

use std::collections::BTreeMap;
use std::path::Path;

use jeton_client::vault::KeyPlace;
use jeton_client::{Profile, Profiles};
use jeton_core::secret::Secret;

fn put(folder: &Path, name: &str) -> Option<KeyPlace> {
    let profile = Profile {
        url: "https://a.example".to_owned(),
        issuer: Some("https://id.example.com".to_owned()),
        ..Profile::default()
    };
    let secrets = BTreeMap::from([("client_secret".to_owned(), Secret::from("the-secret"))]);
    Profiles::at(folder).with_keyring().put(name, &profile, secrets, false).unwrap()
}

/// As another process would.
fn secret(folder: &Path, name: &str) -> Secret<String> {
    let profiles = Profiles::at(folder);
    let state = profiles.vault().load(name, &profiles.get(name).unwrap()).unwrap();
    state.secrets["client_secret"].clone()
}

#[test]
#[ignore = "interop/keyring/run starts a keyring"]
fn a_keyring_keeps_the_key() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(put(folder.path(), "a"), Some(KeyPlace::Keyring));
    assert_eq!(put(folder.path(), "b"), None);
    assert_eq!(secret(folder.path(), "a"), Secret::from("the-secret"));
    assert_eq!(secret(folder.path(), "b"), Secret::from("the-secret"));
    let key = std::fs::read_to_string(folder.path().join("client.key")).unwrap();
    assert!(key.starts_with("keyring:") && key.len() < 60, "{key}");
}
