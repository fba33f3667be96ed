use jeton_core::domain::key::{KeyState, SigningKey};
use jeton_core::domain::policy::Alg;
use jeton_store::Error;

use crate::world::{World, at, audit, id, worlds};

#[tokio::test]
async fn one_key_of_an_algorithm_is_current() {
    for world in worlds().await {
        let (store, realm_id) = (&world.store, world.realm.id);
        let (a, b, rsa) = (key(&world, "a", Alg::ES256), key(&world, "b", Alg::ES256), key(&world, "r", Alg::RS256));
        for (put, current) in [(&a, &a), (&b, &a), (&a, &a), (&rsa, &rsa)] {
            let found = store.put_key_if_none_current(put, audit("key.added")).await;
            assert_eq!(found.as_ref(), Ok(current), "putting {}", put.kid);
        }
        store.rotate_key("a", &b, audit("key.rotated")).await.expect("a rotation");
        let late = store.rotate_key("a", &key(&world, "c", Alg::ES256), audit("x")).await;
        assert_eq!(late, Err(Error::Conflict), "somebody else rotated");
        let states: Vec<_> =
            store.keys(realm_id).await.expect("keys").into_iter().map(|key| (key.kid, key.state)).collect();
        let retired = ("a".to_owned(), KeyState::Retired);
        assert_eq!(states, [retired.clone(), ("b".to_owned(), KeyState::Current), ("r".to_owned(), KeyState::Current)]);

        store.retire_key(realm_id, "r", audit("x")).await.expect("retired");
        assert_eq!(store.retire_key(realm_id, "r", audit("x")).await, Err(Error::Missing("current key")));
        assert_eq!(store.remove_key(realm_id, "b", audit("x")).await, Err(Error::Missing("retired key")));
        store.remove_key(realm_id, "r", audit("x")).await.expect("removed");
        let kids: Vec<_> = store.keys(realm_id).await.expect("keys").into_iter().map(|key| key.kid).collect();
        assert_eq!(kids, ["a", "b"]);
        let lost = SigningKey { realm_id: id(99), ..key(&world, "z", Alg::ES256) };
        assert_eq!(store.put_key_if_none_current(&lost, audit("x")).await, Err(Error::Conflict));
    }
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
        let keys = store.keys(world.realm.id).await.expect("keys");
        assert_eq!(keys.iter().map(|key| key.sealed.as_slice()).collect::<Vec<_>>(), [b"anew".as_slice(), b"sealed"]);
    }
}

fn key(world: &World, kid: &str, alg: Alg) -> SigningKey {
    SigningKey {
        kid: kid.to_owned(),
        realm_id: world.realm.id,
        alg,
        state: KeyState::Current,
        public_jwk: "{}".to_owned(),
        sealed: b"sealed".to_vec(),
        created_at: at(0),
    }
}
