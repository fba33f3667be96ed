use jeton_core::domain::target::{Membership, Target};
use jeton_core::facts::Query;
use jeton_store::Error;

use crate::world::{at, audit, id, person, realm, worlds};

#[tokio::test]
async fn targets_and_who_is_a_member() {
    for world in worlds().await {
        let (store, realm_id) = (&world.store, world.realm.id);
        let small = Target { id: id(20), number: 5, name: "Fair".to_owned(), enabled: true, created_at: at(1) };
        store.add_target(realm_id, &small, audit("x")).await.expect("a target");
        let twice = Target { id: id(21), ..small.clone() };
        assert_eq!(store.add_target(realm_id, &twice, audit("x")).await, Err(Error::Exists("target")));
        assert_eq!(store.add_target(id(99), &twice, audit("x")).await, Err(Error::Missing("realm")));
        assert_eq!(store.targets(realm_id).await, Ok(vec![small.clone(), world.target.clone()]));

        store.set_target_enabled(small.id, false, audit("x")).await.expect("disabled");
        let small = Target { enabled: false, ..small };
        assert_eq!(store.target(realm_id, 5).await, Ok(Some(small.clone())));
        let query = Query { target: Some(5), username: Some("ann"), ..Query::default() };
        let facts = world.load(query.clone()).await;
        assert_eq!((facts.target, facts.membership), (Some(small.clone().into()), None));

        let mut membership = Membership { level: "User".to_owned(), password: None };
        store.put_membership(small.id, world.ann.id, &membership, audit("x")).await.expect("a member");
        membership.level = "Team".to_owned();
        store.put_membership(small.id, world.ann.id, &membership, audit("x")).await.expect("a member still");
        assert_eq!(store.memberships(small.id).await, Ok(vec![(world.ann.id, membership.clone())]));
        assert_eq!(world.load(query.clone()).await.membership, Some(membership.clone()));
        store.remove_membership(small.id, world.ann.id, audit("x")).await.expect("no member");
        assert_eq!(world.load(query).await.membership, None);

        let other = realm(50, "other");
        store.add_realm(&other, audit("x")).await.expect("another realm");
        let bob = store.add_principal(&person(&other, 51, "Bob"), audit("x")).await.expect("bob");
        let foreign = store.put_membership(small.id, bob.id, &membership, audit("x")).await;
        assert!(matches!(foreign, Err(Error::Missing(_))), "nobody of another realm");

        store.remove_target(world.target.id, audit("x")).await.expect("removed");
        assert_eq!(store.memberships(world.target.id).await, Ok(vec![]));
        assert_eq!(store.remove_target(id(99), audit("x")).await, Err(Error::Missing("target")));
    }
}
