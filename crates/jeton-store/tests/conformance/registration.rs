use jeton_core::domain::client::{Client, ClientSettings};
use jeton_core::domain::registration::{InitialAccessToken, Registration};
use jeton_core::facts::Query;
use jeton_core::rules::registration::{NewSecret, SecretChange};
use jeton_core::secret::Secret;
use jeton_store::{Error, NewApiKey, NewClient, Service, Store};

use crate::world::{World, api_key, at, audit, client, digest, id, initial_access_token, secret, worlds};

/// A client of the world that registers itself, in the rows from `n` on.
fn registering(world: &World, n: u64) -> NewClient {
    let bounds = initial_access_token(&world.realm, 1, 1).bounds;
    let registration = Registration { name: Some(format!("client {n}")), bounds, token: Some(digest(n)) };
    NewClient { registration: Some(registration), ..client(&world.realm, n, &format!("c-{n}")) }
}

/// An initial access token that the store knows, good for so many registrations.
async fn added(world: &World, n: u64, uses: i64) -> InitialAccessToken {
    let token = initial_access_token(&world.realm, n, uses);
    world.store.add_initial_access_token(&token, audit("x")).await.expect("a token");
    token
}

async fn find(store: &Store, world: &World, client_id: &str) -> Option<Client> {
    store.client(world.realm.id, client_id).await.expect("a read")
}

#[tokio::test]
async fn initial_access_tokens() {
    for world in worlds().await {
        let (store, realm) = (&world.store, world.realm.id);
        let [first, second] = [(30, 2), (31, 1)].map(|(n, uses)| initial_access_token(&world.realm, n, uses));
        for token in [&first, &second] {
            store.add_initial_access_token(token, audit("x")).await.expect("a token");
        }
        let twice = store.add_initial_access_token(&first, audit("x")).await;
        assert_eq!(twice, Err(Error::Exists("initial access token")));
        assert_eq!(store.initial_access_tokens(realm).await, Ok(vec![first.clone(), second.clone()]));
        assert_eq!(store.initial_access_token(realm, first.digest).await, Ok(Some(first.clone())));
        assert_eq!(store.initial_access_token(id(99), first.digest).await, Ok(None), "another realm's");
        store.remove_initial_access_token(first.id, audit("x")).await.expect("removed");
        let gone = store.remove_initial_access_token(first.id, audit("x")).await;
        assert_eq!(gone, Err(Error::Missing("initial access token")));
        store.remove_realm(realm, audit("x")).await.expect("removed");
        assert_eq!(store.initial_access_tokens(realm).await, Ok(vec![]));
    }
}

#[tokio::test]
async fn a_client_is_registered_once_for_each_use() {
    for world in worlds().await {
        let store = &world.store;
        let token = added(&world, 30, 2).await;
        let new = registering(&world, 40);
        let made = store.register_client(&new, token.id, at(1), audit("client.registered")).await.expect("a client");
        assert_eq!((&made.registration, &made.settings), (&new.registration, &new.settings));
        assert_eq!(find(store, &world, "c-40").await, Some(made.clone()));
        let taken = NewClient { client_id: "c-40".to_owned(), ..registering(&world, 50) };
        let taken = store.register_client(&taken, token.id, at(1), audit("x")).await;
        assert_eq!(taken, Err(Error::Exists("client")), "and nothing is used up");
        for (n, now, expected) in [(60, 60, Err(Error::Conflict)), (70, 59, Ok(())), (80, 1, Err(Error::Conflict))] {
            let made = store.register_client(&registering(&world, n), token.id, at(now), audit("x")).await;
            assert_eq!(made.map(|_| ()), expected, "client {n} at {now}");
            assert_eq!(find(store, &world, &format!("c-{n}")).await.is_some(), expected.is_ok());
        }
        let gone = store.register_client(&registering(&world, 90), id(99), at(1), audit("x")).await;
        assert_eq!(gone.map(|_| ()), Err(Error::Conflict), "no such token");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn c11_of_simultaneous_registrations_only_as_many_succeed_as_are_left() {
    for world in worlds().await {
        let other = world.fresh.again().await;
        for round in 0..20 {
            let token = added(&world, 1000 + round, 1).await;
            let new = [0, 1, 2, 3].map(|n| registering(&world, 2000 + round * 100 + n * 10));
            let ask = |store: &Store, new: &NewClient| {
                let (store, new, token) = (store.clone(), new.clone(), token.id);
                tokio::spawn(async move { store.register_client(&new, token, at(1), audit("x")).await })
            };
            let asked =
                [ask(&world.store, &new[0]), ask(&world.store, &new[1]), ask(&other, &new[2]), ask(&other, &new[3])];
            let mut won = 0;
            for outcome in asked {
                match outcome.await.expect("a task") {
                    Ok(_) => won += 1,
                    Err(error) => assert_eq!(error, Error::Conflict),
                }
            }
            assert_eq!(won, 1);
        }
    }
}

#[tokio::test]
async fn c9_an_update_assumes_that_nothing_was_configured_meanwhile() {
    for world in worlds().await {
        let store = &world.store;
        let token = added(&world, 30, 9).await;
        let made =
            store.register_client(&registering(&world, 40), token.id, at(1), audit("x")).await.expect("a client");
        let registration = made.registration.clone().expect("its registration");
        let settings = ClientSettings { scopes: vec!["write".to_owned()], ..made.settings.clone() };
        let query = Query { client_id: Some("c-40"), ..Query::default() };
        let version = world.load(query.clone()).await.config_version;
        store.set_client_enabled(made.id, false, audit("x")).await.expect("disabled");
        let (set, keep) = ((&settings, &registration), SecretChange::Keep);
        let late = store.update_registered_client(version, made.id, set, &keep, audit("x")).await;
        assert_eq!(late, Err(Error::Conflict));
        let late = store.remove_registered_client(version, &made, audit("x")).await;
        assert_eq!(late, Err(Error::Conflict));
        assert_eq!(find(store, &world, "c-40").await, Some(Client { enabled: false, ..made.clone() }));

        let added = NewSecret { value: Secret::default(), stored: secret(500) };
        for (change, secrets) in
            [(SecretChange::Keep, 1), (SecretChange::Remove, 0), (SecretChange::Add(added), 1), (SecretChange::Keep, 1)]
        {
            let version = world.load(query.clone()).await.config_version;
            store.update_registered_client(version, made.id, set, &change, audit("x")).await.expect("an update");
            let found = find(store, &world, "c-40").await.expect("the client");
            assert_eq!((found.settings, found.secrets.len()), (settings.clone(), secrets), "{change:?}");
            assert_eq!(found.registration.as_ref(), Some(&registration), "its token stays");
        }
    }
}

#[tokio::test]
async fn what_an_operator_sets_ends_self_management() {
    for world in worlds().await {
        let store = &world.store;
        let token = added(&world, 30, 9).await;
        let made =
            store.register_client(&registering(&world, 40), token.id, at(1), audit("x")).await.expect("a client");
        store.set_client_settings(made.id, &made.settings, audit("x")).await.expect("set");
        let registration = made.registration.map(|registration| Registration { token: None, ..registration });
        assert_eq!(find(store, &world, "c-40").await.expect("the client").registration, registration);
    }
}

#[tokio::test]
async fn a_client_that_goes_takes_its_service_along_unless_that_is_needed() {
    for world in worlds().await {
        let store = &world.store;
        let token = added(&world, 30, 9).await;
        for (n, shared) in [(40, false), (50, true)] {
            let made = store.register_client(&registering(&world, n), token.id, at(1), audit("x")).await.expect("made");
            if shared {
                let key =
                    NewApiKey { service: Service::Existing(made.service.id), ..api_key(&world.realm, 200, "k-9") };
                store.add_api_key(&key, audit("x")).await.expect("an API key");
            }
            let session =
                jeton_core::domain::session::Session { client_id: Some(made.id), ..world.session(n + 300, 0) };
            world.start(session.clone()).await;
            let version = world.load(Query::default()).await.config_version;
            store.remove_registered_client(version, &made, audit("x")).await.expect("removed");
            assert_eq!(find(store, &world, &made.client_id).await, None);
            assert_eq!(store.session(session.id).await, Ok(None), "its sessions go with it");
            let told = store.revocations(world.realm.id, 0, at(1), 99).await.expect("a read");
            assert!(told.iter().any(|told| told.revocation.named.name() == made.client_id), "{told:?}");
            let left = store.principal(made.service.id).await.expect("a read");
            assert_eq!(left.is_some(), shared);
        }
    }
}

#[tokio::test]
async fn a_restored_store_registers_nobody_by_an_older_token() {
    for world in worlds().await {
        added(&world, 30, 9).await;
        world.store.mark_restored(at(5), audit("store.restored")).await.expect("a mark");
        let left = world.store.initial_access_tokens(world.realm.id).await.expect("a read");
        assert_eq!(left.iter().map(|token| token.uses_left).collect::<Vec<_>>(), [0]);
    }
}
