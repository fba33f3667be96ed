use std::time::Duration;

use jeton_core::domain::key::{KeyState, SealedKey, SigningKey};
use jeton_core::domain::policy::Alg;
use jeton_core::rules::rotate_keys::KeyChange;
use jeton_store::Error;

use crate::world::{World, at, audit, id, worlds};

#[tokio::test]
async fn one_key_of_an_algorithm_is_current() {
    for world in worlds().await {
        let store = &world.store;
        let (a, b, rsa) = (key(&world, "a", Alg::ES256), key(&world, "b", Alg::ES256), key(&world, "r", Alg::RS256));
        for (put, current) in [(&a, &a), (&b, &a), (&a, &a), (&rsa, &rsa)] {
            let found = store.put_key_if_none_current(put, audit("key.added")).await;
            assert_eq!(found.as_ref(), Ok(&current.key), "putting {}", put.key.kid);
        }
        let mut lost = key(&world, "z", Alg::ES256);
        lost.key.realm_id = id(99);
        assert_eq!(store.put_key_if_none_current(&lost, audit("x")).await, Err(Error::Conflict));
    }
}

/// Changes in turn, what each gives, and the keys after it.
#[tokio::test]
async fn a_change_holds_what_it_assumes() {
    for world in worlds().await {
        let (store, realm_id) = (&world.store, world.realm.id);
        store.put_key_if_none_current(&key(&world, "a", Alg::ES256), audit("x")).await.expect("a key");
        let retire = |kid: &str| KeyChange::Retire { kid: kid.to_owned(), at: at(50) };
        let promote = |kid: &str| KeyChange::Promote { kid: kid.to_owned(), at: at(50) };
        let remove = |kid: &str| KeyChange::Remove { kid: kid.to_owned() };
        let replace = |kid: &str| KeyChange::Replace { kid: kid.to_owned(), at: at(40) };
        let make = |state| KeyChange::Make { alg: Alg::ES256, state, signs_from: at(30) };
        let rows: &[(&[KeyChange], &[&str], Result<(), Error>, &str)] = &[
            (&[make(KeyState::Current)], &["b"], Err(Error::Conflict), "a current"),
            (&[make(KeyState::Next)], &["b"], Ok(()), "a current, b next"),
            (&[make(KeyState::Next)], &["c"], Err(Error::Conflict), "a current, b next"),
            (&[make(KeyState::Next)], &[], Err(missing()), "a current, b next"),
            (&[promote("b")], &[], Err(Error::Conflict), "a current, b next"),
            (&[retire("b")], &[], Err(Error::Conflict), "a current, b next"),
            (&[replace("b")], &[], Err(Error::Conflict), "a current, b next"),
            (&[replace("a")], &[], Ok(()), "a current until 40, b next"),
            (
                &[retire("a"), promote("b"), make(KeyState::Next)],
                &["c"],
                Ok(()),
                "b current, c next, a retired until 50",
            ),
            // All or nothing.
            (&[remove("a"), promote("a")], &[], Err(Error::Conflict), "b current, c next, a retired until 50"),
            (&[retire("a")], &[], Err(Error::Conflict), "b current, c next, a retired until 50"),
            (&[remove("a"), remove("b"), promote("c")], &[], Ok(()), "c current"),
            (&[remove("b")], &[], Err(Error::Conflict), "c current"),
            (&[], &[], Ok(()), "c current"),
        ];
        for (changes, made, wanted, keys) in rows {
            let made: Vec<SealedKey> = made.iter().map(|kid| next(&world, kid, changes)).collect();
            let records = changes.iter().map(|_| audit("key.changed")).collect();
            let done = store.change_keys(realm_id, changes, &made, records).await;
            assert_eq!(done, *wanted, "{changes:?}");
            assert_eq!(told(&store.keys(realm_id).await.expect("keys")), *keys, "after {changes:?}");
        }
        let found = store.keys(realm_id).await.expect("keys");
        assert_eq!(found, store.all_keys().await.expect("keys"));
        let sealed = store.sealed_keys(realm_id).await.expect("keys");
        assert_eq!(sealed.iter().map(|row| &row.key).collect::<Vec<_>>(), found.iter().collect::<Vec<_>>());
        assert_eq!((found[0].signs_from, found[0].created_at), (at(50), at(7)));
    }
}

#[tokio::test]
async fn what_a_key_signs_for_never_goes_down() {
    for world in worlds().await {
        let (store, realm_id) = (&world.store, world.realm.id);
        store.put_key_if_none_current(&key(&world, "a", Alg::ES256), audit("x")).await.expect("a key");
        let version = store.config_version().await.expect("a version");
        for (life, wanted) in [(Duration::from_secs(300), 300), (Duration::from_micros(300_000_001), 301)] {
            for life in [life, Duration::ZERO, Duration::from_secs(10)] {
                store.cover_tokens(realm_id, "a", life, at(1)).await.expect("a note");
            }
            let found = store.keys(realm_id).await.expect("keys");
            assert_eq!(found[0].token_life, Duration::from_secs(wanted));
        }
        assert!(store.config_version().await.expect("a version") > version, "others read it anew");
        let gone = store.cover_tokens(realm_id, "b", Duration::from_secs(1), at(1)).await;
        assert_eq!(gone, Err(Error::Conflict));
    }
}

/// A key that the version before this one made says neither since when it signs nor what for.
#[tokio::test]
async fn a_key_of_the_version_before_signs_from_the_beginning_for_long() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("jeton.db");
    let store = jeton_store::Store::open(&jeton_store::Database::file(&path)).await.expect("a store");
    let realm = crate::world::realm(1, "acme");
    store.add_realm(&realm, audit("x")).await.expect("a realm");
    let db = rusqlite::Connection::open(&path).expect("a connection");
    let statement = "INSERT INTO signing_key (kid, realm_id, alg, state, public_jwk, sealed, created_at) \
        VALUES ('a', $1, 'ES256', 'current', '{}', x'00', $2)";
    db.execute(statement, rusqlite::params![realm.id.to_string(), at(5).as_micros()]).expect("a row");
    let found = store.keys(realm.id).await.expect("keys");
    let week = Duration::from_secs(7 * 24 * 3600);
    assert_eq!((found[0].state, found[0].signs_from, found[0].token_life), (KeyState::Current, at(5), week));
}

#[tokio::test]
async fn two_nodes_that_start_together_have_one_key_and_one_pepper() {
    for world in worlds().await {
        let other = world.fresh.again().await;
        let (a, b) = (key(&world, "a", Alg::ES256), key(&world, "b", Alg::ES256));
        let (one, two) = tokio::join!(
            world.store.put_key_if_none_current(&a, audit("x")),
            other.put_key_if_none_current(&b, audit("x"))
        );
        assert_eq!(one.expect("a key"), two.expect("a key"));
        let (one, two) = tokio::join!(
            world.store.put_meta_if_absent("pepper", b"one", audit("x")),
            other.put_meta_if_absent("pepper", b"two", audit("x"))
        );
        assert_eq!(one.expect("a pepper"), two.expect("a pepper"));
        assert_eq!(world.store.keys(world.realm.id).await.expect("keys").len(), 1);
    }
}

#[tokio::test]
async fn everything_is_sealed_anew_or_nothing() {
    for world in worlds().await {
        let store = &world.store;
        store.put_key_if_none_current(&key(&world, "a", Alg::ES256), audit("x")).await.expect("a key");
        store.put_meta("pepper", b"old", audit("x")).await.expect("a pepper");
        let mut sealed = store.sealed().await.expect("what is sealed");
        assert_eq!((sealed.keys.len(), sealed.blobs.len()), (1, 1));
        sealed.keys[0].sealed = b"anew".to_vec();
        sealed.blobs[0].1 = b"new".to_vec();

        store.put_key_if_none_current(&key(&world, "r", Alg::RS256), audit("x")).await.expect("a key meanwhile");
        assert_eq!(store.reseal(&sealed, audit("x")).await, Err(Error::Conflict), "it would not be the whole");
        assert_eq!(store.meta("pepper").await, Ok(Some(b"old".to_vec())));

        sealed.version = store.config_version().await.expect("a version");
        store.reseal(&sealed, audit("x")).await.expect("sealed anew");
        assert_eq!(store.meta("pepper").await, Ok(Some(b"new".to_vec())));
        assert_eq!(store.meta("salt").await, Ok(None));
        let keys = store.sealed_keys(world.realm.id).await.expect("keys");
        assert_eq!(keys.iter().map(|key| key.sealed.as_slice()).collect::<Vec<_>>(), [b"anew".as_slice(), b"sealed"]);
    }
}

/// A race for one change: one node makes it, the other is told that it was made.
#[tokio::test]
async fn one_of_two_nodes_rotates() {
    for world in worlds().await {
        let (store, other, realm_id) = (&world.store, world.fresh.again().await, world.realm.id);
        store.put_key_if_none_current(&key(&world, "a", Alg::ES256), audit("x")).await.expect("a key");
        let make = [KeyChange::Make { alg: Alg::ES256, state: KeyState::Next, signs_from: at(30) }];
        let (one, two) = ([next(&world, "b", &make)], [next(&world, "c", &make)]);
        let (one, two) = tokio::join!(
            store.change_keys(realm_id, &make, &one, vec![audit("x")]),
            other.change_keys(realm_id, &make, &two, vec![audit("x")])
        );
        assert!([&one, &two].contains(&&Err(Error::Conflict)) && (one.is_ok() || two.is_ok()), "{one:?} {two:?}");
        let next = store.keys(realm_id).await.expect("keys").remove(1).kid;
        let change = [
            KeyChange::Retire { kid: "a".to_owned(), at: at(50) },
            KeyChange::Promote { kid: next.clone(), at: at(50) },
        ];
        let (one, two) = tokio::join!(
            store.change_keys(realm_id, &change, &[], vec![audit("x")]),
            other.change_keys(realm_id, &change, &[], vec![audit("x")])
        );
        assert!([&one, &two].contains(&&Err(Error::Conflict)) && (one.is_ok() || two.is_ok()), "{one:?} {two:?}");
        let keys = told(&store.keys(realm_id).await.expect("keys"));
        assert_eq!(keys, format!("{next} current, a retired until 50"));
    }
}

fn missing() -> Error {
    Error::Invalid("a key that was to be added was not made".to_owned())
}

/// Keys as one reads them.
fn told(keys: &[SigningKey]) -> String {
    let told = keys.iter().map(|key| {
        let until = key.signs_until.map(|until| format!(" until {}", until.as_secs() - at(0).as_secs()));
        format!("{} {}{}", key.kid, key.state.name(), until.unwrap_or_default())
    });
    told.collect::<Vec<_>>().join(", ")
}

/// The key that `changes` ask for.
fn next(world: &World, kid: &str, changes: &[KeyChange]) -> SealedKey {
    let mut made = key(world, kid, Alg::ES256);
    let wanted = changes.iter().find_map(|change| match change {
        KeyChange::Make { state, signs_from, .. } => Some((*state, *signs_from)),
        _ => None,
    });
    (made.key.state, made.key.signs_from) = wanted.expect("a key to make");
    made.key.created_at = at(7);
    made
}

fn key(world: &World, kid: &str, alg: Alg) -> SealedKey {
    SealedKey {
        key: SigningKey {
            kid: kid.to_owned(),
            realm_id: world.realm.id,
            alg,
            state: KeyState::Current,
            created_at: at(0),
            signs_from: at(0),
            signs_until: None,
            token_life: Duration::ZERO,
        },
        public_jwk: "{}".to_owned(),
        sealed: b"sealed".to_vec(),
    }
}
