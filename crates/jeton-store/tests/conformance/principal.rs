use jeton_core::change::Change;
use jeton_core::domain::principal::{Kind, PersonProfile};
use jeton_core::facts::Query;
use jeton_store::{Error, NewPrincipal, Store};

use crate::world::{World, at, audit, id, person, realm, service, worlds};

#[tokio::test]
async fn numbers_are_given_once() {
    for world in worlds().await {
        let store = &world.store;
        // Ann, the client's service and the key's service have 1000, 1001 and 1002.
        assert_eq!(world.ann.number, 1000);
        let given = |n, number| NewPrincipal { number: Some(number), ..person(&world.realm, n, &format!("p{n}")) };
        for (new, outcome) in [
            (person(&world.realm, 20, "p20"), Ok(1003)),
            (given(21, 7), Ok(7)),
            (given(22, 1003), Err(Error::Exists("principal"))),
            (given(23, 2000), Ok(2000)),
            (person(&world.realm, 24, "p24"), Ok(2001)),
            (given(25, 1500), Ok(1500)),
            (person(&world.realm, 26, "p26"), Ok(2002)),
        ] {
            let added = store.add_principal(&new, audit("principal.added")).await.map(|principal| principal.number);
            assert_eq!(added, outcome, "{new:?}");
        }
        for number in [0, -1, i64::MIN, i64::MAX, 1 << 53] {
            let added = store.add_principal(&given(30, number), audit("principal.added")).await;
            assert!(matches!(added, Err(Error::Invalid(_))), "{number}");
        }
        let nowhere = person(&realm(99, "nowhere"), 31, "p31");
        assert_eq!(store.add_principal(&nowhere, audit("x")).await, Err(Error::Missing("realm")));

        store.remove_principal(id(21), audit("principal.removed")).await.expect("7 removed");
        store.remove_principal(id(26), audit("principal.removed")).await.expect("2002 removed");
        let same_number = store.add_principal(&given(32, 7), audit("x")).await;
        assert_eq!(same_number, Err(Error::Exists("principal")), "a number is not given to another");
        let same_id = store.add_principal(&person(&world.realm, 21, "p33"), audit("x")).await;
        assert_eq!(same_id, Err(Error::Exists("principal")), "an id is not given to another");
        let next = store.add_principal(&person(&world.realm, 34, "p34"), audit("x")).await.expect("p34");
        assert_eq!(next.number, 2003, "and the failed tries took none");
    }
}

#[tokio::test]
async fn names_are_one_namespace_in_canonical_form() {
    for world in worlds().await {
        let store = &world.store;
        for new in
            [person(&world.realm, 20, "ANN"), person(&world.realm, 20, " Ａnn "), service(&world.realm, 20, "ann")]
        {
            assert_eq!(store.add_principal(&new, audit("x")).await, Err(Error::Exists("principal")), "{new:?}");
        }
        let other = realm(21, "other");
        store.add_realm(&other, audit("x")).await.expect("another realm");
        store.add_principal(&person(&other, 22, "Ann"), audit("x")).await.expect("the same name in another realm");

        let found = store.principal_named(world.realm.id, "aNN").await.expect("a read").expect("ann");
        assert_eq!((&found.username, found.kind, found.id), (&"Ann".to_owned(), Kind::Person, world.ann.id));
        let facts = world.load(Query { username: Some("client-web"), act_as: Some("ann"), ..Query::default() }).await;
        assert_eq!(facts.person, None, "a service does not sign in");
        assert_eq!(facts.act_as, Some(found));
    }
}

#[tokio::test]
async fn listed_in_pages() {
    for world in worlds().await {
        for n in 20..25 {
            let new = person(&world.realm, n, &format!("p{n}"));
            world.store.add_principal(&new, audit("x")).await.expect("a person");
        }
        let (mut after, mut numbers) = (0, Vec::new());
        loop {
            let page = world.store.principals(world.realm.id, after, 3).await.expect("a page");
            let Some(last) = page.last() else { break };
            after = last.number;
            numbers.extend(page.iter().map(|principal| principal.number));
        }
        assert_eq!(numbers, (1000..1008).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn every_change_ends_what_was_decided_before() {
    for world in worlds().await {
        let (ann, target) = (world.ann.id, world.target.id);
        let store = &world.store;
        let mut profile = PersonProfile::default();
        profile.attributes.insert("email".to_owned(), "ann@example.org".to_owned());
        profile.may_act_as.push("bob".to_owned());

        let version = held(&world).await;
        store.set_principal_profile(ann, &profile, audit("x")).await.expect("a profile");
        assert_eq!(hold(store, &world, version).await, Err(Error::Conflict), "a profile");
        let version = held(&world).await;
        store.set_principal_enabled(ann, false, audit("x")).await.expect("disabled");
        assert_eq!(hold(store, &world, version).await, Err(Error::Conflict), "disabled");
        let version = held(&world).await;
        store.set_password(ann, None, "phc-2", false, at(1), audit("x")).await.expect("a password");
        assert_eq!(hold(store, &world, version).await, Err(Error::Conflict), "a password");
        let version = held(&world).await;
        store.set_password(ann, Some(target), "phc-3", false, at(1), audit("x")).await.expect("a password");
        assert_eq!(hold(store, &world, version).await, Err(Error::Conflict), "a target's password");
        let version = held(&world).await;
        store.end_principal_sessions(ann, at(2), audit("x")).await.expect("signed out");
        assert_eq!(hold(store, &world, version).await, Err(Error::Conflict), "signed out");

        let query = Query { username: Some("ann"), target: Some(77), ..Query::default() };
        let facts = world.load(query).await;
        let person = facts.person.expect("ann");
        assert_eq!(person.principal.profile, profile);
        assert_eq!((person.principal.enabled, person.principal.not_before), (false, at(2)));
        assert_eq!(person.password.as_deref(), Some("phc-2"));
        let membership = facts.membership.expect("a membership");
        assert_eq!((membership.level.as_str(), membership.password.as_deref()), ("Admin", Some("phc-3")));

        let version = held(&world).await;
        store.remove_principal(ann, audit("x")).await.expect("removed");
        assert_eq!(hold(store, &world, version).await, Err(Error::Conflict), "removed");
        let start = store.commit(vec![Change::StartSession(world.session(40, 3))]).await;
        assert_eq!(start, Err(Error::Conflict), "no session without a principal");
    }
}

#[tokio::test]
async fn a_new_password_signs_out_where_asked() {
    for world in worlds().await {
        for (n, end_sessions) in [(40, false), (41, true)] {
            world.start(world.session(n, 0)).await;
            world.store.set_password(world.ann.id, None, "phc", end_sessions, at(1), audit("x")).await.expect("set");
            let session = world.store.session(id(n)).await.expect("a read").expect("the session");
            assert_eq!(session.ended_at, end_sessions.then(|| at(1)));
        }
        let session = world.store.session(id(40)).await.expect("a read").expect("the session");
        assert_eq!(session.ended_at, Some(at(1)), "the second time, all");
        let outsider = world.key.service.id;
        let refused = world.store.set_password(outsider, Some(world.target.id), "phc", true, at(1), audit("x")).await;
        assert_eq!(refused, Err(Error::Missing("membership")), "no member, no password there");
    }
}

/// Ann's version, which can be held now.
async fn held(world: &World) -> i64 {
    let ann = world.store.principal(world.ann.id).await.expect("a read").expect("ann");
    assert_eq!(hold(&world.store, world, ann.version).await, Ok(()));
    let after = world.store.principal(world.ann.id).await.expect("a read").expect("ann");
    assert_eq!(after, ann, "holding changes nothing");
    ann.version
}

async fn hold(store: &Store, world: &World, version: i64) -> Result<(), Error> {
    store.commit(vec![Change::HoldPrincipal { id: world.ann.id, version }]).await
}

#[tokio::test]
async fn a_hash_is_renewed_only_where_it_is_still_the_one_that_was_checked() {
    for world in worlds().await {
        let (store, ann, target) = (&world.store, world.ann.id, world.target.id);
        for place in [None, Some(target)] {
            store.set_password(ann, place, "old", false, at(1), audit("x")).await.expect("a password");
            store.renew_password_hash(ann, place, "old", "new", audit("x")).await.expect("renewed");
            let late = store.renew_password_hash(ann, place, "old", "older", audit("x")).await;
            assert_eq!(late, Err(Error::Conflict), "changed meanwhile: {place:?}");
        }
        let facts = world.load(Query { username: Some("ann"), target: Some(77), ..Query::default() }).await;
        assert_eq!(facts.person.expect("ann").password.as_deref(), Some("new"));
        assert_eq!(facts.membership.expect("a member").password.as_deref(), Some("new"));
    }
}
