use std::collections::BTreeMap;

use jeton_core::domain::realm::{Mount, Settings};
use jeton_core::facts::Query;
use jeton_store::{Error, Sessions};

use crate::world::{at, audit, digest, id, person, realm, stores, token, worlds};

#[tokio::test]
async fn added_found_listed_and_changed() {
    for fresh in stores().await {
        let store = &fresh.store;
        let (mut b, a) = (realm(1, "b"), realm(2, "a"));
        store.add_realm(&b, audit("realm.added")).await.expect("b");
        store.add_realm(&a, audit("realm.added")).await.expect("a");
        assert_eq!(store.add_realm(&realm(3, "b"), audit("realm.added")).await, Err(Error::Exists("realm")));
        assert_eq!(store.realms().await, Ok(vec![a, b.clone()]));

        b.settings = Settings {
            dialects: vec![Mount { dialect: "pitchpoint".to_owned(), host: None, prefix: "/legacy".to_owned() }],
            session_cap: Some(3),
            values: BTreeMap::from([("company".to_owned(), "Ω \"quoted\"".to_owned())]),
            ..Settings::default()
        };
        b.enabled = false;
        b.not_before = at(5);
        store.set_realm_settings(b.id, &b.settings, audit("realm.set")).await.expect("settings");
        store.set_realm_enabled(b.id, false, audit("realm.disabled")).await.expect("disabled");
        store.set_realm_not_before(b.id, at(5), audit("realm.not_before")).await.expect("not before");
        store.set_realm_not_before(b.id, at(4), audit("realm.not_before")).await.expect("no step back");
        assert_eq!(store.realm("b").await, Ok(Some(b.clone())));
        let facts = store.load(&Query { realm: "b", ..Query::default() }).await.expect("a read").expect("facts");
        assert_eq!(*facts.realm, b, "a disabled realm is loaded too");
        assert_eq!(store.set_realm_enabled(id(99), true, audit("x")).await, Err(Error::Missing("realm")));
    }
}

#[tokio::test]
async fn removing_one_removes_everything_in_it_and_nothing_else() {
    for world in worlds().await {
        let store = &world.store;
        let other = realm(50, "other");
        store.add_realm(&other, audit("realm.added")).await.expect("another realm");
        let bob = store.add_principal(&person(&other, 51, "Bob"), audit("principal.added")).await.expect("bob");
        let session = world.session(60, 0);
        world.start(session.clone()).await;
        store.commit(vec![jeton_core::change::Change::PutToken(token(1, &session, 0, 0))]).await.expect("a token");

        store.remove_realm(world.realm.id, audit("realm.removed")).await.expect("removed");
        assert!(store.load(&Query { realm: "acme", ..Query::default() }).await.expect("a read").is_none());
        assert_eq!(store.principal(world.ann.id).await, Ok(None));
        assert_eq!(store.clients(world.realm.id).await, Ok(vec![]));
        assert_eq!(store.api_keys(world.realm.id).await, Ok(vec![]));
        assert_eq!(store.targets(world.realm.id).await, Ok(vec![]));
        assert_eq!(store.sessions(Sessions::OfRealm(world.realm.id), None, 9).await, Ok(vec![]));
        assert_eq!(store.principal(bob.id).await, Ok(Some(bob)));
        let trail = store.newest_audit(99).await.expect("the trail");
        assert!(trail.iter().any(|line| line.event == "target.added"), "the trail stays");

        let again = realm(70, "acme");
        store.add_realm(&again, audit("realm.added")).await.expect("the name is free again");
        let query = Query { realm: "acme", token: Some(digest(1)), client_id: Some("web"), ..Query::default() };
        let facts = store.load(&query).await.expect("a read").expect("the new realm");
        assert_eq!(
            (facts.realm, facts.client, facts.token),
            (again.into(), None, None),
            "nothing of the old one shows through"
        );
    }
}
