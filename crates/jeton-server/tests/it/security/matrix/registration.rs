//! The rows of clients that register themselves, and of those that manage what they registered: what they get is what
//! tokens are had with.

use jeton_core::domain::grant::GrantType;
use jeton_core::domain::id::Id;
use jeton_core::domain::registration::{InitialAccessToken, Registration, RegistrationBounds};
use jeton_core::rules::registration::{digest_initial, digest_registration};
use jeton_core::token::opaque;
use jeton_server::http::Route;
use jeton_server::random::SystemRng;
use serde_json::json;

use super::oauth::{REALM, add, ok, row};
use super::rows::{Kind, Party, Proof, Row};
use crate::harness::{Answer, Call, DAY, Key, Server};

/// A client that registered itself.
pub(super) const CLIENT: &str = "registered";
/// What it manages that with.
const TOKEN: &str = "jtc_what_it_was_given";

const GRANT: GrantType = GrantType::ClientCredentials;

pub(super) fn rows() -> [Row; 4] {
    let way = Route::RegisteredClient.path();
    let own = vec![Party::Client(CLIENT), Party::Service(CLIENT), Party::RegistrationOfRealm];
    let registered = |parties, ask, yes| row(way, Kind::Registered, Proof::Registration, parties, ask, yes);
    let newcomer = vec![Party::RegistrationOfRealm, Party::GrantOfRealm(GRANT)];
    [
        row(Route::Registration.path(), Kind::Newcomer, Proof::Token(DAY), newcomer, registers, |it| it.status == 201),
        registered(own.clone(), reads, ok),
        registered([own.clone(), vec![Party::GrantOfRealm(GRANT)]].concat(), updates, ok),
        registered(own, leaves, |it: &Answer| it.status == 204),
    ]
}

/// How it registered itself.
pub(super) fn of_client(server: &Server) -> Registration {
    Registration { name: None, bounds: bounds(), token: Some(digest_registration(&server.app.pepper, TOKEN)) }
}

fn bounds() -> RegistrationBounds {
    RegistrationBounds { grants: vec![GRANT], ..RegistrationBounds::default() }
}

/// A token that registers one client, or one whose client registered just now.
pub(super) async fn proof(server: &Server, row: &Row) -> Key {
    if row.kind == Kind::Registered {
        add(server, Party::Client(CLIENT)).await;
        return Key { id: CLIENT.to_owned(), secret: TOKEN.to_owned() };
    }
    let (app, now, rng) = (&server.app, server.clock.now(), &mut SystemRng::new());
    let token = opaque::new_initial_access_token(rng);
    let new = InitialAccessToken {
        id: Id::new(now, rng),
        realm_id: server.seed().find_realm(REALM).await.id,
        digest: digest_initial(&app.pepper, token.expose()),
        bounds: bounds(),
        uses_left: 1,
        created_at: now,
        expires_at: now + DAY,
    };
    app.store.add_initial_access_token(&new, server.seed().record()).await.unwrap();
    Key { id: REALM.to_owned(), secret: token.expose().clone() }
}

/// Ends what was given as a proof, as an operator would.
pub(super) async fn end(server: &Server, row: &Row) {
    let (store, seed) = (&server.app.store, server.seed());
    if row.kind == Kind::Registered {
        return seed.configure_client(REALM, CLIENT, |_| {}).await;
    }
    for token in store.initial_access_tokens(seed.find_realm(REALM).await.id).await.unwrap() {
        store.remove_initial_access_token(token.id, seed.record()).await.unwrap();
    }
}

fn registers(server: &Server, _: &Row, proof: &Key) -> Call {
    server.post(&Route::Registration.path().replace("{realm}", REALM)).bearer(&proof.secret).json("{}")
}

fn at_client(server: &Server, method: &str, proof: &Key) -> Call {
    let path = Route::RegisteredClient.path().replace("{realm}", REALM).replace("{client_id}", CLIENT);
    server.call(method, &path).bearer(&proof.secret)
}

fn reads(server: &Server, _: &Row, proof: &Key) -> Call {
    at_client(server, "GET", proof)
}

fn updates(server: &Server, _: &Row, proof: &Key) -> Call {
    at_client(server, "PUT", proof).json(json!({ "client_id": CLIENT }).to_string())
}

fn leaves(server: &Server, _: &Row, proof: &Key) -> Call {
    at_client(server, "DELETE", proof)
}
