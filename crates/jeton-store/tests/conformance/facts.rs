use std::time::Duration;

use jeton_core::change::Change;
use jeton_core::domain::client::{ApiKey, Client, ClientSettings};
use jeton_core::domain::session::Session;
use jeton_core::facts::{Facts, Person, Query};
use jeton_store::Database;

use crate::world::{World, at, audit, digest, id, load, person, realm, token, worlds};

#[tokio::test]
async fn what_is_not_there_is_nothing() {
    for world in worlds().await {
        let nowhere = Query { realm: "nowhere", client_id: Some("web"), ..Query::default() };
        assert!(world.store.load(&nowhere).await.expect("a read").is_none());
        let query = Query {
            client_id: Some("x"),
            key_id: Some("x"),
            username: Some("x"),
            act_as: Some("x"),
            target: Some(-1),
            token: Some(digest(1)),
            ..Query::default()
        };
        let facts = world.load(query).await;
        assert_eq!((facts.client, facts.api_key, facts.person), (None, None, None));
        assert_eq!((facts.act_as, facts.target, facts.membership, facts.token), (None, None, None, None));
    }
}

#[tokio::test]
async fn everything_that_is_asked_for_and_nothing_else() {
    for world in worlds().await {
        let query = Query {
            client_id: Some("web"),
            key_id: Some("k-1"),
            username: Some("ann"),
            target: Some(77),
            ..Query::default()
        };
        // The second time, from memory.
        for _ in 0..2 {
            let facts = world.load(query.clone()).await;
            assert_eq!((&*facts.realm, facts.target.as_deref()), (&world.realm, Some(&world.target)));
            assert_eq!(facts.client.as_deref(), Some(&world.client));
            assert_eq!(facts.api_key.as_deref(), Some(&world.key));
            let ann = Person { principal: world.ann.clone(), password: Some("phc-realm".to_owned()) };
            assert_eq!(facts.person, Some(ann));
            assert_eq!(facts.membership.expect("a membership").password.as_deref(), Some("phc-expo"));
        }
        let facts = world.load(Query { target: Some(77), ..Query::default() }).await;
        assert_eq!((facts.client, facts.api_key, facts.person, facts.membership), (None, None, None, None));
    }
}

#[tokio::test]
async fn a_token_comes_with_all_it_hangs_on() {
    for world in worlds().await {
        let session = Session {
            actor_id: Some(world.key.service.id),
            api_key_id: Some(world.key.id),
            client_id: Some(world.client.id),
            target_id: Some(world.target.id),
            ..world.session(40, 0)
        };
        let put = Change::PutToken(token(1, &session, 0, 0));
        world.store.commit(vec![Change::StartSession(session.clone()), put]).await.expect("a session");
        for _ in 0..2 {
            let facts = world.token(1).await.expect("the token");
            assert_eq!((&*facts.principal, facts.actor.as_deref()), (&world.ann, Some(&world.key.service)));
            let client = Client { secrets: vec![], ..world.client.clone() };
            assert_eq!(facts.client.as_deref(), Some(&client), "without secrets");
            let api_key = ApiKey { secrets: vec![], ..world.key.clone() };
            assert_eq!(facts.api_key.as_deref(), Some(&api_key), "without secrets");
            let (target, membership) = facts.target.expect("a target");
            assert_eq!(
                (target, membership.expect("a membership").level.as_str()),
                (world.target.clone().into(), "Admin")
            );
        }
        let other = realm(50, "other");
        world.store.add_realm(&other, audit("x")).await.expect("another realm");
        let query = Query { realm: "other", token: Some(digest(1)), ..Query::default() };
        assert_eq!(world.store.load(&query).await.expect("a read").expect("facts").token, None, "not in another realm");
    }
}

#[tokio::test]
async fn an_old_token_comes_with_its_successor() {
    for world in worlds().await {
        let session = world.session(40, 0);
        let put = |n, generation, issued| Change::PutToken(token(n, &session, generation, issued));
        world.store.commit(vec![Change::StartSession(session.clone()), put(1, 0, 0)]).await.expect("a session");
        assert_eq!(world.token(1).await.expect("the token").successor, None);
        let renew = Change::RenewSession { id: session.id, generation: 0, at: at(9) };
        world.store.commit(vec![renew, put(2, 1, 9)]).await.expect("a renewal");
        assert_eq!(world.token(1).await.expect("the old one").successor, Some(token(2, &session, 1, 9)));
        assert_eq!(world.token(2).await.expect("the new one").successor, None);
    }
}

#[tokio::test]
async fn what_another_process_changes_is_seen_by_the_next_load() {
    for world in worlds().await {
        let other = world.fresh.again().await;
        let query = || Query { client_id: Some("web"), key_id: Some("k-1"), ..Query::default() };
        let session =
            Session { client_id: Some(world.client.id), target_id: Some(world.target.id), ..world.session(40, 0) };
        let put = Change::PutToken(token(1, &session, 0, 0));
        world.store.commit(vec![Change::StartSession(session), put]).await.expect("a session");
        assert!(world.load(query()).await.client.expect("the client").enabled);
        assert!(world.token(1).await.expect("the token").principal.enabled);
        let before = world.store.config_version().await.expect("a version");

        other.set_client_enabled(world.client.id, false, audit("x")).await.expect("disabled");
        assert!(told(&world, query(), |facts| !facts.client.as_ref().expect("the client").enabled).await);
        assert!(!world.token(1).await.expect("the token").client.expect("the client").enabled);
        other.set_api_key_enabled(world.key.id, false, audit("x")).await.expect("disabled");
        assert!(told(&world, query(), |facts| !facts.api_key.as_ref().expect("the key").enabled).await);
        other.set_principal_enabled(world.ann.id, false, audit("x")).await.expect("disabled");
        assert!(!world.token(1).await.expect("the token").principal.enabled);
        other.set_target_enabled(world.target.id, false, audit("x")).await.expect("disabled");
        assert!(!world.token(1).await.expect("the token").target.expect("the target").0.enabled);
        other.set_realm_enabled(world.realm.id, false, audit("x")).await.expect("disabled");
        assert!(told(&world, query(), |facts| !facts.realm.enabled).await);
        let settings = ClientSettings { scopes: vec!["write".to_owned()], ..ClientSettings::default() };
        other.set_client_settings(world.client.id, &settings, audit("x")).await.expect("settings");
        assert!(told(&world, query(), |facts| facts.client.as_ref().expect("the client").settings == settings).await);
        assert!(world.store.config_version().await.expect("a version") > before);

        other.commit(vec![Change::EndSession { id: id(40), at: at(1) }]).await.expect("an end");
        assert_eq!(world.token(1).await.expect("the token").session.ended_at, Some(at(1)));
        other.add_principal(&person(&world.realm, 20, "Bob"), audit("x")).await.expect("bob");
        let bob = load(&world.store, Query { username: Some("bob"), ..Query::default() }).await.person;
        assert!(bob.is_some());
        other.remove_client(world.client.id, audit("x")).await.expect("removed");
        assert!(told(&world, query(), |facts| facts.client.is_none()).await);
    }
}

/// Whether the next load is as `is` says; of a store that many machines share, one of the next few that come from
/// memory. Loads that ask the store need no such patience.
async fn told(world: &World, query: Query<'_>, is: impl Fn(&Facts) -> bool) -> bool {
    let tries = if let Database::File(_) = world.fresh.database { 1 } else { 250 };
    for _ in 0..tries {
        if is(&world.load(query.clone()).await) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}
