//! Backups of the file, and the way back: this part is about SQLite alone.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jeton_core::change::Change;
use jeton_core::domain::key::{KeyState, SealedKey, SigningKey};
use jeton_core::domain::policy::Alg;
use jeton_core::domain::principal::PersonProfile;
use jeton_core::domain::realm::Realm;
use jeton_core::domain::session::Session;
use jeton_core::domain::target::{Membership, Target};
use jeton_core::facts::Query;
use jeton_core::time::Timestamp;
use jeton_store::{Claim, Database, Error, How, Noun, Owner, Store, Unpacked, backup};

use crate::world::{api_key, at, audit, client, digest, id, load, person, realm, secret, token};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whole_while_another_writes_and_holds_up_nobody() {
    let place = Place::new().await;
    let (done, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let writing = tokio::spawn({
        let (store, realm) = (place.store.clone(), place.realm.clone());
        let (done, stop) = (Arc::clone(&done), Arc::clone(&stop));
        async move {
            while !stop.load(Ordering::Relaxed) {
                let n = done.load(Ordering::Relaxed);
                let new = person(&realm, 1000 + n, &format!("person-{n}"));
                store.add_principal(&new, audit("person.added")).await.expect("a person while a backup is made");
                done.store(n + 1, Ordering::Release);
            }
        }
    });
    for round in 0..20 {
        let acknowledged = i64::try_from(done.load(Ordering::Acquire)).expect("a count");
        let (from, to) = (place.path.clone(), place.file(&format!("{round}.backup")));
        let made = tokio::task::spawn_blocking(move || backup(&from, &to, at(9))).await.expect("a task");
        let made = made.expect("a backup");
        assert!(made.people >= acknowledged, "{} of {acknowledged} are in it", made.people);
        assert_eq!((made.realms, made.taken_at), (1, at(9)));

        let file = place.file(&format!("{round}.backup"));
        assert_eq!(file.metadata().expect("the file").permissions().mode() & 0o777, 0o600);
        assert_eq!(file.metadata().expect("the file").len(), made.bytes);
        let unpacked = Unpacked::new(&file, &place.file("elsewhere/jeton.db")).expect("a sound backup");
        assert_eq!(unpacked.backup(), &made);
        let store = open(unpacked.path()).await;
        let there = store.principals(place.realm.id, 0, 1_000_000).await.expect("a read");
        assert_eq!(i64::try_from(there.len()), Ok(made.people));
        let names: Vec<_> = there.iter().map(|person| person.username.clone()).collect();
        let expected: Vec<_> = (0..there.len()).map(|n| format!("person-{n}")).collect();
        assert_eq!(names, expected, "those that were added first, without a gap");
    }
    stop.store(true, Ordering::Relaxed);
    writing.await.expect("the writer");
    assert!(done.load(Ordering::Acquire) > 20, "it wrote");
    assert_eq!(leftovers(&place.folder.path().join("elsewhere")), Vec::<String>::new());
}

#[tokio::test]
async fn neither_overwrites_nor_leaves_half_a_file() {
    let place = Place::new().await;
    type Make = fn(&Place) -> (PathBuf, PathBuf);
    let rows: [(&str, Make, &str); 4] = [
        ("a file that is there", |place| (place.path.clone(), place.put("old", b"precious")), "overwrites nothing"),
        ("the store itself", |place| (place.path.clone(), place.path.clone()), "overwrites nothing"),
        ("a folder that is not there", |place| (place.path.clone(), place.file("no/where")), "name another place"),
        ("no store", |place| (place.file("no.db"), place.file("new")), "there is no store"),
    ];
    let before = fs::read(&place.path).expect("the store");
    for (name, make, says) in rows {
        let (from, to) = make(&place);
        let error = backup(&from, &to, at(0)).expect_err(name).to_string();
        assert!(error.contains(says), "{name}: {error}");
    }
    let other = place.put("other.db", b"");
    sql(&other, "CREATE TABLE songs (title TEXT)");
    assert!(backup(&other, &place.file("new"), at(0)).expect_err("no store").to_string().contains("no store of Jeton"));
    assert_eq!(fs::read(place.file("old")).expect("the old file"), b"precious");
    assert_eq!(fs::read(&place.path).expect("the store"), before);
    assert_eq!(leftovers(place.folder.path()), Vec::<String>::new());
    assert!(!place.file("new").exists());
}

/// Put in a store's place by hand, it would bring every token in it back to life.
#[tokio::test]
async fn a_backup_is_no_store() {
    let place = Place::new().await;
    let file = place.backup();
    let error = try_open(&file).await.err().expect("a refusal");
    assert!(matches!(error, Error::Open(_)), "{error:?}");
}

#[tokio::test]
async fn what_is_damaged_is_no_backup() {
    let place = Place::new().await;
    place.add_person().await;
    place.store.commit(vec![Change::StartSession(place.session(100))]).await.expect("a session");
    let file = place.backup();
    let sound = fs::read(&file).expect("the backup");
    let refused = |bytes: &[u8]| {
        fs::write(&file, bytes).expect("a file");
        let error = Unpacked::new(&file, &place.file("new/jeton.db")).err().map(|error| error.to_string());
        assert_eq!(leftovers(&place.file("new")), Vec::<String>::new());
        error
    };
    assert_eq!(refused(&sound), None);
    for length in [0, 1, 100, 4096, sound.len() / 2, sound.len() - 4096, sound.len() - 1] {
        let error = refused(&sound[..length]).unwrap_or_else(|| panic!("{length} of {} bytes are taken", sound.len()));
        assert!(error.contains("is damaged") || error.contains("no backup of Jeton"), "{length}: {error}");
    }
    // Every bit of what a row says counts, though most of them do not make the file unsound.
    for text in ["person-of-note", "phc-realm", "\"alg\"", "acme"] {
        let found = sound.windows(text.len()).position(|window| window == text.as_bytes()).expect(text);
        let mut changed = sound.clone();
        changed[found + 2] ^= 1;
        let error = refused(&changed).unwrap_or_else(|| panic!("another {text} is taken"));
        assert!(error.contains("is damaged"), "{text}: {error}");
    }
    let text = refused(&b"no database".repeat(999)).expect("a refusal");
    assert!(text.contains("is damaged"), "{text}");
    fs::copy(&place.path, &file).expect("a store as it is");
    let text = refused(&fs::read(&file).expect("the store")).expect("a refusal");
    assert!(text.contains("no backup of Jeton") || text.contains("is damaged"), "{text}");
}

#[tokio::test]
async fn a_store_is_replaced_in_one_step_and_kept_as_a_backup() {
    let place = Place::new().await;
    let file = place.backup();
    place.store.add_realm(&realm(50, "since"), audit("x")).await.expect("a realm");

    let unpacked = Unpacked::new(&file, &place.path).expect("a backup");
    let error = Claim::new(&place.path).err().expect("a refusal while it is open");
    assert!(error.to_string().contains("is in use: stop the server"), "{error}");
    let (path, folder) = place.close().await;
    let claim = Claim::new(&path).expect("a place");
    assert!(try_open(&path).await.is_err(), "nobody else opens it meanwhile");
    let kept = claim.replace_by(unpacked, at(7)).expect("a new store").expect("the old one");

    assert!(kept.to_str().is_some_and(|name| name.ends_with("jeton.db.replaced-20270115T080007Z")), "{kept:?}");
    let store = open(&path).await;
    assert_eq!(store.realms().await.expect("a read").len(), 1);
    store.close().await;
    drop(store);
    assert!(try_open(&kept).await.is_err(), "the old one is no store any more");
    let back = Unpacked::new(&kept, &path).expect("but a backup");
    assert_eq!((back.backup().realms, back.backup().taken_at), (2, at(7)));
    let undone = Claim::new(&path).and_then(|claim| claim.replace_by(back, at(8)));
    undone.expect("the old store").expect("the one between");
    assert_eq!(open(&path).await.realms().await.expect("a read").len(), 2);
    assert_eq!(leftovers(folder.path()), Vec::<String>::new());
}

#[tokio::test]
async fn where_there_is_none_or_a_damaged_one() {
    let place = Place::new().await;
    let file = place.backup();
    let (path, folder) = place.close().await;
    let log = folder.path().join("jeton.db-wal");
    type Spoil = fn(&Path);
    let rows: [(&str, Spoil, bool, bool); 4] = [
        ("no file", |path| fs::remove_file(path).expect("a file"), false, false),
        ("an empty file", |path| fs::write(path, "").expect("a file"), false, false),
        ("a text", |path| fs::write(path, "x".repeat(9999)).expect("a file"), true, true),
        (
            "half a store",
            |path| {
                let bytes = fs::read(path).expect("a store");
                fs::write(path, &bytes[..bytes.len() / 2]).expect("a file");
            },
            true,
            true,
        ),
    ];
    for (n, (name, spoil, taken, kept)) in (0..).zip(rows) {
        spoil(&path);
        fs::write(&log, "of another database").expect("a log that was left behind");
        assert_eq!(Claim::is_taken(&path), taken, "{name}");
        let unpacked = Unpacked::new(&file, &path).expect("a backup");
        let claim = Claim::new(&path).expect(name);
        assert_eq!(claim.damage().is_some(), kept, "{name}");
        assert_eq!(claim.changed_since(&unpacked, at(0)), Ok(None), "{name}");
        let old = claim.replace_by(unpacked, at(100 + n)).expect(name);
        assert_eq!(old.is_some_and(|old| old.is_file()), kept, "{name}");
        assert!(!log.exists(), "{name}: the log would be played into the new store");
        let store = open(&path).await;
        assert_eq!(store.realms().await.expect("a read").len(), 1, "{name}");
        store.close().await;
        drop(store);
    }
    let other = folder.path().join("other.db");
    sql(&other, "CREATE TABLE songs (title TEXT)");
    assert!(Claim::new(&other).err().expect("a refusal").to_string().contains("is no store of Jeton"));
}

#[tokio::test]
async fn what_was_changed_since_is_found() {
    let place = Place::new().await;
    let (store, acme) = (place.store.clone(), place.realm.clone());
    let log = || audit("x");
    let people = ["same", "disabled", "enabled", "password", "profile", "removed", "member", "signed-out"];
    for (n, name) in (10..).zip(people) {
        store.add_principal(&person(&acme, n, name), log()).await.expect("a person");
    }
    for (n, name) in [(100, "same"), (110, "settings"), (120, "secret"), (130, "ending"), (140, "more")] {
        store.add_client(&client(&acme, n, name), log()).await.expect("a client");
    }
    for (n, name) in [(200, "same"), (210, "expiry"), (220, "disabled"), (230, "removed")] {
        store.add_api_key(&api_key(&acme, n, name), log()).await.expect("a key");
    }
    let target = Target { id: id(9), number: 77, name: "Expo".to_owned(), enabled: true, created_at: at(0) };
    store.add_target(acme.id, &target, log()).await.expect("a target");
    let member = |level: &str| Membership { level: level.to_owned(), password: None };
    store.put_membership(target.id, id(16), &member("Admin"), log()).await.expect("a membership");
    store.set_principal_enabled(id(12), false, log()).await.expect("disabled");
    store.add_realm(&realm(2, "other"), log()).await.expect("a realm");
    let file = place.backup();

    store.set_realm_enabled(id(2), false, log()).await.expect("a realm");
    store.set_target_enabled(target.id, false, log()).await.expect("a target");
    store.set_principal_enabled(id(11), false, log()).await.expect("a person");
    store.set_principal_enabled(id(12), true, log()).await.expect("a person");
    store.set_password(id(13), None, "phc-new", false, at(5), log()).await.expect("a password");
    let profile = PersonProfile { may_act_as: vec!["same".to_owned()], ..PersonProfile::default() };
    store.set_principal_profile(id(14), &profile, log()).await.expect("a profile");
    store.remove_principal(id(15), log()).await.expect("a person");
    store.put_membership(target.id, id(16), &member("User"), log()).await.expect("a membership");
    store.end_principal_sessions(id(17), at(5), log()).await.expect("a person");
    let added = store.add_principal(&person(&acme, 30, "added"), log()).await.expect("a person");
    let settings = store.client(acme.id, "settings").await.expect("a read").expect("the client").settings;
    let settings = jeton_core::domain::client::ClientSettings { scopes: vec!["less".to_owned()], ..settings };
    store.set_client_settings(id(110), &settings, log()).await.expect("a client");
    store.remove_secret(id(122), log()).await.expect("a secret");
    store.add_secret(Owner::Client(id(130)), &secret(133), Some(at(50)), log()).await.expect("a secret");
    store.add_secret(Owner::Client(id(140)), &secret(143), None, log()).await.expect("a secret");
    store.set_api_key_expiry(id(210), Some(at(60)), log()).await.expect("a key");
    store.set_api_key_enabled(id(220), false, log()).await.expect("a key");
    store.remove_api_key(id(230), log()).await.expect("a key");

    let unpacked = Unpacked::new(&file, &place.path).expect("a backup");
    drop(store);
    let (path, _folder) = place.close().await;
    let claim = Claim::new(&path).expect("a place");
    let changed = claim.changed_since(&unpacked, at(6)).expect("two stores").expect("a newer one");
    let found: Vec<_> = changed
        .iter()
        .map(|changed| (changed.noun, changed.name.as_str(), changed.how.clone(), changed.revives()))
        .collect();
    let expected = vec![
        (Noun::Realm, "other", vec![How::Disabled], true),
        (Noun::Target, "77", vec![How::Disabled], true),
        (Noun::Person, "added", vec![How::Added], false),
        (Noun::Person, "disabled", vec![How::Disabled], true),
        (Noun::Person, "enabled", vec![How::Enabled], false),
        (Noun::Person, "member", vec![How::Membership], true),
        (Noun::Person, "password", vec![How::Password], true),
        (Noun::Person, "profile", vec![How::Settings], true),
        (Noun::Person, "removed", vec![How::Removed], true),
        (Noun::Person, "signed-out", vec![How::Revoked], true),
        (Noun::Client, "ending", vec![How::SecretRemoved, How::SecretAdded], true),
        (Noun::Client, "more", vec![How::SecretAdded], false),
        (Noun::Client, "secret", vec![How::SecretRemoved], true),
        (Noun::Client, "settings", vec![How::Settings], true),
        (Noun::ApiKey, "disabled", vec![How::Disabled], true),
        (Noun::ApiKey, "expiry", vec![How::Expiry], true),
        (Noun::ApiKey, "removed", vec![How::Removed], true),
    ];
    assert_eq!(found, expected);
    assert!(changed.iter().all(|changed| changed.noun == Noun::Realm || changed.realm == "acme"), "{changed:?}");

    let restored = open(unpacked.path()).await;
    let next = restored.add_principal(&person(&acme, 31, "next"), log()).await.expect("a person");
    assert!(next.number > added.number, "the number of somebody who is lost is not given to another");
    let again = person(&acme, 30, "again");
    assert_eq!(restored.add_principal(&again, log()).await.map(|found| found.id), Err(Error::Exists("principal")));
}

#[tokio::test]
async fn after_a_restore_nothing_of_before_is_good() {
    let place = Place::new().await;
    place.add_person().await;
    let (store, realm) = (&place.store, &place.realm);
    let [old, ahead] = [place.session(100), Session { started_at: at(5000), ..place.session(101) }];
    for (n, session) in [(1, &old), (2, &ahead)] {
        let issued = token(n, session, 0, session.started_at.since(at(0)).as_secs().try_into().expect("seconds"));
        let changes = vec![Change::StartSession(session.clone()), Change::PutToken(issued)];
        store.commit(changes).await.expect("a session");
    }
    let key = SigningKey {
        kid: "one".to_owned(),
        realm_id: realm.id,
        alg: Alg::ES256,
        state: KeyState::Current,
        created_at: at(0),
        signs_from: at(0),
        signs_until: None,
        token_life: Duration::ZERO,
    };
    let key = SealedKey { key, public_jwk: "{}".to_owned(), sealed: vec![1] };
    store.put_key_if_none_current(&key, audit("x")).await.expect("a key");
    store.set_realm_not_before(id(1), at(3), audit("x")).await.expect("an epoch");

    let noon = Timestamp::from_micros(at(1000).as_micros() + 700_000);
    store.mark_restored(noon, audit("store.restored")).await.expect("a mark");
    let facts = load(store, Query { token: Some(digest(1)), ..Query::default() }).await;
    assert_eq!(facts.realm.not_before, at(1000), "a token of the same second is of after it");
    for session in [old, ahead] {
        let found = store.session(session.id).await.expect("a read").expect("the session");
        assert_eq!(found.ended_at, Some(noon), "whatever clock it was begun by");
    }
    assert_eq!(store.keys(realm.id).await.expect("a read"), []);
    assert_eq!(store.newest_audit(1).await.expect("a read")[0].event, "store.restored");
    store.mark_restored(at(500), audit("x")).await.expect("a mark");
    assert_eq!(load(store, Query::default()).await.realm.not_before, at(1000), "never moved back");
}

/// A store with a realm `acme` in a folder of its own.
struct Place {
    folder: tempfile::TempDir,
    path: PathBuf,
    store: Store,
    realm: Realm,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("jeton.db");
        let store = open(&path).await;
        let realm = realm(1, "acme");
        store.add_realm(&realm, audit("x")).await.expect("a realm");
        Self { folder, path, store, realm }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.file(name);
        fs::write(&path, bytes).expect("a file");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("a mode");
        path
    }

    fn backup(&self) -> PathBuf {
        let file = self.file("a.backup");
        backup(&self.path, &file, at(1)).expect("a backup");
        file
    }

    async fn add_person(&self) {
        let new = person(&self.realm, 2, "person-of-note");
        self.store.add_principal(&new, audit("x")).await.expect("a person");
    }

    /// A session of that person's.
    fn session(&self, n: u64) -> Session {
        Session {
            id: id(n),
            realm_id: self.realm.id,
            principal_id: id(2),
            actor_id: None,
            api_key_id: None,
            client_id: None,
            target_id: None,
            dialect: "oauth".to_owned(),
            scope: "read".to_owned(),
            bounds: jeton_core::domain::session::Bounds::default(),
            started_at: at(0),
            expires_at: at(90_000),
            last_used_at: at(0),
            idle_secs: None,
            generation: 0,
            renewed_at: None,
            ended_at: None,
        }
    }

    /// Closes the store, as a server does when it stops.
    async fn close(self) -> (PathBuf, tempfile::TempDir) {
        self.store.close().await;
        (self.path, self.folder)
    }
}

async fn open(path: &Path) -> Store {
    try_open(path).await.expect("a store")
}

async fn try_open(path: &Path) -> Result<Store, Error> {
    Store::open(&Database::file(path)).await
}

/// What was begun and not finished.
fn leftovers(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    names.map(|name| name.to_string_lossy().into_owned()).filter(|name| name.starts_with(".jeton-")).collect()
}

fn sql(path: &Path, text: &str) {
    rusqlite::Connection::open(path).expect("a connection").execute_batch(text).expect("a statement");
}
