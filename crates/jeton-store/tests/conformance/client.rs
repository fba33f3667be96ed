use jeton_core::domain::client::ClientSettings;
use jeton_core::facts::Query;
use jeton_store::{Error, NewApiKey, NewClient, Owner, Service};

use crate::world::{api_key, at, audit, client, id, person, realm, secret, worlds};

#[tokio::test]
async fn clients_and_their_secrets() {
    for world in worlds().await {
        let (store, realm_id) = (&world.store, world.realm.id);
        let mut web = world.client.clone();
        assert_eq!((web.service.number, web.secrets.as_slice()), (1001, [secret(5)].as_slice()));
        let again = store.add_client(&client(&world.realm, 20, "web"), audit("x")).await;
        assert_eq!(again, Err(Error::Exists("principal")), "its service is there");
        let taken = NewClient { service: Service::Existing(web.service.id), ..client(&world.realm, 20, "web") };
        assert_eq!(store.add_client(&taken, audit("x")).await, Err(Error::Exists("client")));
        assert_eq!(store.principal(id(21)).await, Ok(None), "a refused client leaves no service");

        web.settings =
            ClientSettings { resource_server: true, access_token_secs: Some(60), ..ClientSettings::default() };
        store.set_client_settings(web.id, &web.settings, audit("x")).await.expect("settings");
        store.set_client_not_before(web.id, at(9), audit("x")).await.expect("not before");
        store.set_client_not_before(web.id, at(8), audit("x")).await.expect("no step back");
        store.set_client_enabled(web.id, false, audit("x")).await.expect("disabled");
        store.add_secret(Owner::Client(web.id), &secret(30), Some(at(50)), audit("x")).await.expect("a secret");
        (web.enabled, web.not_before) = (false, at(9));
        web.secrets =
            vec![jeton_core::domain::client::StoredSecret { expires_at: Some(at(50)), ..secret(5) }, secret(30)];
        assert_eq!(store.clients(realm_id).await, Ok(vec![web.clone()]));
        assert_eq!(
            world.load(Query { client_id: Some("web"), ..Query::default() }).await.client.as_deref(),
            Some(&web)
        );

        store.remove_secret(id(5), audit("x")).await.expect("removed");
        assert_eq!(store.remove_secret(id(5), audit("x")).await, Err(Error::Missing("secret")));
        store.remove_secrets(Owner::Client(web.id), audit("x")).await.expect("removed");
        web.secrets.clear();
        assert_eq!(store.client(realm_id, "web").await, Ok(Some(web.clone())));
        let lost = store.add_secret(Owner::Client(id(99)), &secret(31), None, audit("x")).await;
        assert_eq!(lost, Err(Error::Missing("client")));

        store.remove_client(web.id, audit("x")).await.expect("removed");
        assert_eq!(world.load(Query { client_id: Some("web"), ..Query::default() }).await.client, None);
        assert_eq!(store.principal(web.service.id).await, Ok(Some(web.service)), "the service stays");
    }
}

#[tokio::test]
async fn api_keys_and_their_secrets() {
    for world in worlds().await {
        let (store, realm_id) = (&world.store, world.realm.id);
        let mut first = world.key.clone();
        let second = NewApiKey { service: Service::Existing(first.service.id), ..api_key(&world.realm, 20, "k-2") };
        let second = store.add_api_key(&second, audit("x")).await.expect("a second key of one service");
        assert_eq!(second.service, first.service);

        store.set_api_key_expiry(first.id, Some(at(7)), audit("x")).await.expect("an end");
        store.set_api_key_enabled(first.id, false, audit("x")).await.expect("disabled");
        (first.expires_at, first.enabled) = (Some(at(7)), false);
        assert_eq!(store.api_keys(realm_id).await, Ok(vec![first.clone(), second.clone()]));
        assert_eq!(
            world.load(Query { key_id: Some("k-1"), ..Query::default() }).await.api_key.as_deref(),
            Some(&first)
        );

        store.remove_api_key(first.id, audit("x")).await.expect("removed");
        assert_eq!(store.api_key(realm_id, "k-1").await, Ok(None));
        store.remove_principal(second.service.id, audit("x")).await.expect("removed");
        assert_eq!(store.api_keys(realm_id).await, Ok(vec![]), "keys go with their service");
    }
}

#[tokio::test]
async fn only_a_service_of_the_same_realm_can_be_spoken_for() {
    for world in worlds().await {
        let other = realm(50, "other");
        world.store.add_realm(&other, audit("x")).await.expect("another realm");
        for service in [
            Service::Existing(world.ann.id),
            Service::Existing(id(99)),
            Service::New(person(&world.realm, 60, "bob")),
            Service::New(crate::world::service(&other, 61, "robot")),
        ] {
            let new = NewClient { service: service.clone(), ..client(&world.realm, 20, "app") };
            assert_eq!(world.store.add_client(&new, audit("x")).await, Err(Error::Missing("service")), "{service:?}");
            let new = NewApiKey { service: service.clone(), ..api_key(&world.realm, 20, "k-9") };
            assert_eq!(world.store.add_api_key(&new, audit("x")).await, Err(Error::Missing("service")), "{service:?}");
        }
        let foreign = NewClient { realm_id: other.id, ..client(&world.realm, 20, "app") };
        let foreign = NewClient { service: Service::Existing(world.client.service.id), ..foreign };
        assert_eq!(world.store.add_client(&foreign, audit("x")).await, Err(Error::Missing("service")));
    }
}
