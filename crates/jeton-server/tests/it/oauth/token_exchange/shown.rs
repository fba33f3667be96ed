//! Which tokens are exchanged, and at whose request.

use jeton_core::domain::client::{AuthMethod, ClientSettings};
use jeton_core::domain::grant::GrantType::{Password, TokenExchange};

use super::super::{REALM, access, no, refresh_of};
use super::{ORDERS, apis};
use crate::harness::{ADA, BOB, Key, MINUTE};

#[tokio::test]
async fn d9_i8_a_token_that_is_no_good_is_exchanged_for_nothing() {
    let apis = apis().await;
    let server = &apis.shop.server;
    let begun = apis.shop.sign_in(&apis.shop.web, ADA).await;
    let token = access(&begun);
    let kind = |kind: &'static str| ("subject_token_type", kind);
    let ours = kind("urn:ietf:params:oauth:token-type:access_token");
    let grant = ("grant_type", TokenExchange.name());
    let subject = ("subject_token", token.as_str());
    let refresh = refresh_of(&begun);
    let last = if token.ends_with('A') { 'Q' } else { 'A' };
    let wrong = format!("{}{last}", &token[..token.len() - 1]);
    let invalid = "invalid_request";
    let rows: [(&Key, Vec<(&str, &str)>, u16, &str); 14] = [
        (&apis.orders, vec![grant, subject, ours], 200, ""),
        (&apis.orders, vec![grant, ours], 400, invalid),
        (&apis.orders, vec![grant, ("subject_token", ""), ours], 400, invalid),
        (&apis.orders, vec![grant, subject], 400, invalid),
        (&apis.orders, vec![grant, subject, kind("urn:ietf:params:oauth:token-type:saml2")], 400, invalid),
        (&apis.orders, vec![grant, subject, kind("urn:ietf:params:oauth:token-type:jwt")], 400, invalid),
        (&apis.orders, vec![grant, ("subject_token", "made-up"), ours], 400, invalid),
        (&apis.orders, vec![grant, ("subject_token", wrong.as_str()), ours], 400, invalid),
        (&apis.orders, vec![grant, ("subject_token", refresh.as_str()), ours], 400, invalid),
        (&apis.orders, vec![grant, subject, subject, ours], 400, invalid),
        (&apis.orders, vec![grant, subject, ours, ("actor_token", &token)], 400, invalid),
        (
            &apis.orders,
            vec![grant, subject, ours, ("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token")],
            400,
            invalid,
        ),
        (&apis.orders, vec![grant, subject, ours, ("requested_token_type", ours.1)], 200, ""),
        // It has not the grant.
        (&apis.shop.web, vec![grant, subject, ours], 400, "unauthorized_client"),
    ];
    for (client, fields, status, error) in rows {
        let answer = apis.shop.token(client, &fields).await;
        assert_eq!((answer.status, answer.json()["error"].as_str().unwrap_or_default()), (status, error), "{fields:?}");
    }
    let thief = Key { secret: "wrong".to_owned(), ..apis.orders.clone() };
    assert_eq!(no(&apis.exchange(&thief, &token, &[]).await), (401, "invalid_client".to_owned()));
    // One of another realm (I8).
    let foreign = server.client_token("plain", &server.plain).await;
    assert_eq!(no(&apis.exchange(&apis.orders, &foreign, &[]).await), (400, invalid.to_owned()));
    // One that has expired.
    server.clock.advance(MINUTE * 5);
    assert_eq!(no(&apis.exchange(&apis.orders, &token, &[]).await), (400, invalid.to_owned()));
}

/// Whoever finds a token has no use for it, whatever client he has.
#[tokio::test]
async fn d9_e1_a_token_is_exchanged_by_its_client_and_by_whom_it_is_for() {
    let apis = apis().await;
    let seed = apis.shop.server.seed();
    let exchanges = ClientSettings { grants: vec![Password, TokenExchange], ..ClientSettings::default() };
    let thief = ClientSettings { audiences: vec![ORDERS.to_owned()], ..exchanges.clone() };
    let thief = seed.client(REALM, "thief", thief).await;
    let everything = ClientSettings { resource_server: true, ..exchanges.clone() };
    let everything = seed.client(REALM, "everything", everything).await;
    let public = ClientSettings { auth: Some(AuthMethod::None), ..exchanges.clone() };
    let public = Key { secret: String::new(), ..seed.client(REALM, "public", public).await };
    let nobodys = seed.client(REALM, "nobodys", exchanges).await;
    let to_orders = access(&apis.shop.sign_in_for(&apis.shop.web, ADA, &[("resource", ORDERS)]).await);
    let unnamed = apis.signed_in(&nobodys).await;
    let of_public = apis.signed_in(&public).await;
    let no_way = (400, "invalid_request");
    let rows = [
        ("orders", &apis.orders, &to_orders, (200, "")),
        ("bills", &apis.bills, &to_orders, no_way),
        ("stock", &apis.stock, &to_orders, no_way),
        ("one whose tokens are for orders, and that is not it", &thief, &to_orders, no_way),
        ("one that introspects everything", &everything, &to_orders, no_way),
        ("one for nobody in particular, its own", &nobodys, &unnamed, (200, "")),
        ("one for nobody in particular, another's", &everything, &unnamed, no_way),
        ("a public client's own", &public, &of_public, (400, "unauthorized_client")),
    ];
    for (name, client, token, (status, error)) in rows {
        let answer = apis.exchange(client, token, &[]).await;
        assert_eq!((answer.status, answer.json()["error"].as_str().unwrap_or_default()), (status, error), "{name}");
    }
}

/// Whose token it is not, learns nothing of it either: not even that it was one.
#[tokio::test]
async fn d9_g10_a_found_token_is_told_from_nothing() {
    let apis = apis().await;
    let (shop, server) = (&apis.shop, &apis.shop.server);
    let [expired, ended, live] =
        [apis.signed_in(&shop.web).await, apis.signed_in(&shop.web).await, apis.signed_in(&shop.keep).await];
    let disabled = access(&shop.sign_in(&shop.web, BOB).await);
    let refused = async |token: &str| apis.exchange(&shop.opaque, token, &[]).await.without_date();
    server.seed().configure_client(REALM, "opaque", |settings| settings.grants.push(TokenExchange)).await;
    assert_eq!(server.oauth(REALM, "revoke", &shop.web, &[("token", &ended)]).await.status, 200);
    server.seed().enable_principal(REALM, BOB.username, false).await;
    let unknown = refused("made-up").await;
    assert_eq!(no(&unknown), (400, "invalid_request".to_owned()));
    for (what, token) in [("live", &live), ("ended", &ended), ("disabled", &disabled)] {
        assert_eq!(refused(token).await, unknown, "{what}");
    }
    server.clock.advance(MINUTE * 5);
    assert_eq!(refused(&expired).await, unknown, "expired");
}
