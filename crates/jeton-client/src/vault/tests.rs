//! What is sealed, where its key is, and who holds the lock.

use std::os::unix::fs::PermissionsExt;

use super::keyring::mock;
use super::*;
use crate::flow::Issued;

fn profile(url: &str) -> Profile {
    Profile { url: url.to_owned(), issuer: Some("https://id.example.com".to_owned()), ..Profile::default() }
}

fn filled() -> State {
    let issued = Issued {
        access: Secret::from("the-access-token"),
        refresh: Some(Secret::from("the-refresh-token")),
        lifetime: Some(Duration::from_secs(60)),
        url: Some("https://eu.a.example".to_owned()),
        ..Issued::default()
    };
    State {
        secrets: [("password".to_owned(), Secret::from("the-password"))].into_iter().collect(),
        token: Some(Token::new(issued, Timestamp::from_secs(7), 0, 0.5)),
        not_before: Some(Timestamp::from_secs(9)),
        failures: 3,
    }
}

fn place() -> (tempfile::TempDir, Vault) {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::at(folder.path().join("jeton"));
    let _all = vault.lock_all().unwrap();
    vault.begin(&vault.lock("a").unwrap(), &profile("https://a.example"), Secrets::new()).unwrap();
    (folder, vault)
}

#[test]
fn what_is_sealed_is_read_again_and_stands_nowhere_in_clear() {
    let (_folder, vault) = place();
    let profile = profile("https://a.example");
    vault.store(&vault.lock("a").unwrap(), &profile, &filled()).unwrap();
    let read = vault.load("a", &profile).unwrap();
    let expected = filled();
    assert_eq!((read.token, read.secrets), (expected.token, expected.secrets));
    assert_eq!((read.not_before, read.failures), (expected.not_before, expected.failures));
    for entry in fs::read_dir(&vault.folder).unwrap().map(|entry| entry.unwrap()) {
        assert_eq!(entry.metadata().unwrap().mode() & 0o777, 0o600, "{entry:?}");
        let bytes = fs::read(entry.path()).unwrap();
        assert!(!bytes.windows(4).any(|window| window == b"the-"), "{entry:?}");
    }
    assert_eq!(fs::metadata(&vault.folder).unwrap().mode() & 0o777, 0o700);
}

#[test]
fn another_profile_keeps_the_secrets_and_not_the_token() {
    let (_folder, vault) = place();
    vault.store(&vault.lock("a").unwrap(), &profile("https://a.example"), &filled()).unwrap();
    let read = vault.load("a", &profile("https://b.example")).unwrap();
    assert_eq!((read.secrets, read.token, read.not_before, read.failures), (filled().secrets, None, None, 0));
}

#[test]
fn what_was_changed_does_not_open() {
    let (_folder, vault) = place();
    let profile = profile("https://a.example");
    let path = vault.sealed_path("a");
    let good = fs::read(&path).unwrap();
    for index in 0..good.len() {
        let mut changed = good.clone();
        changed[index] ^= 1;
        fs::write(&path, changed).unwrap();
        assert!(matches!(vault.load("a", &profile), Err(VaultError::Damaged(_))), "{index}");
    }
    fs::write(vault.sealed_path("b"), &good).unwrap();
    assert!(matches!(vault.load("b", &profile), Err(VaultError::Damaged(_))), "another's name");
    assert!(matches!(vault.load("c", &profile), Err(VaultError::Missing(_))));
    fs::set_permissions(vault.key_path(), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(vault.load("b", &profile), Err(VaultError::Mode { mode: 0o640, .. })));
}

#[test]
fn the_key_is_in_the_keyring_if_that_works() {
    let late = KeyringError::Late(Duration::from_secs(2));
    let missing = KeyringError::Refused("Unsupported: no session bus".to_owned());
    for (keyring, expected) in [
        (None, KeyPlace::File(None)),
        (Some(mock::WORKING), KeyPlace::Keyring),
        (Some(mock::MISSING), KeyPlace::File(Some(missing.clone()))),
        (Some(mock::SILENT), KeyPlace::File(Some(late))),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let open = || Vault { keyring, ..Vault::at(folder.path().join("jeton")) };
        let profile = profile("https://a.example");
        let _all = open().lock_all().unwrap();
        let begin = |name| open().begin(&open().lock(name).unwrap(), &profile, filled().secrets).unwrap();
        // Told once.
        assert_eq!((begin("a"), begin("b")), (Some(expected.clone()), None));
        // As another process would.
        let vault = open();
        assert_eq!(vault.load("a", &profile).unwrap().secrets, filled().secrets);
        assert_eq!(vault.load("b", &profile).unwrap().secrets, filled().secrets);
        let written = fs::read_to_string(vault.key_path()).unwrap();
        assert_eq!(written.starts_with(IN_KEYRING), expected == KeyPlace::Keyring, "{written}");
        // The place is the file's word, not the next process's guess.
        let elsewhere = Vault { keyring: Some(mock::MISSING), ..Vault::at(folder.path().join("jeton")) };
        match elsewhere.load("a", &profile) {
            Ok(_) => assert_ne!(expected, KeyPlace::Keyring),
            Err(error) => assert_eq!((error.to_string().contains("unlock"), expected), (true, KeyPlace::Keyring)),
        }
    }
}

#[test]
fn one_holds_the_lock() {
    let (_folder, vault) = place();
    let held = vault.lock("a").unwrap();
    assert!(vault.try_lock("a").unwrap().is_none());
    assert!(vault.try_lock("b").unwrap().is_some());
    drop(held);
    assert!(vault.try_lock("a").unwrap().is_some());
}
