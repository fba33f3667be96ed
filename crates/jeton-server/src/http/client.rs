//! Who asks: clients at the endpoints that issue no token of their own (introspection, revocation), and those that
//! prove themselves beside a person.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use jeton_core::change::Change;
use jeton_core::domain::client::Client;
use jeton_core::domain::realm::Realm;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::facts::Query;
use jeton_core::rules::authenticate;
use jeton_core::secret::Secret;
use jeton_core::wire::form::Form;
use jeton_core::wire::oauth;

use super::receive::{Received, throttle_keys};
use super::respond::refusal_of;
use crate::app::App;

/// The client that a form's or header's credentials prove, or the answer to one that names none.
pub(super) async fn authenticated(
    app: &App,
    realm: &Realm,
    received: &Received,
    form: &Form,
) -> Result<Result<Arc<Client>, Response>, Refusal> {
    let auth = oauth::client_auth(&received.parts.headers, form);
    let Some(client_id) = auth.client_id.as_deref() else {
        return no_client(&realm.name, auth.challenge).map(Err);
    };
    prove(app, &realm.name, client_id, auth.secret.as_ref(), received.source).await.map(Ok)
}

/// The client that a secret proves.
pub(super) async fn prove(
    app: &App,
    realm: &str,
    client_id: &str,
    secret: Option<&Secret<String>>,
    source: IpAddr,
) -> Result<Arc<Client>, Refusal> {
    let keys = throttle_keys(app, realm, "client", client_id, source);
    let query = Query { realm, client_id: Some(client_id), throttle: Some(keys), ..Query::default() };
    let facts = app.store.load(&query).await.map_err(|error| refusal_of(error.into()))?;
    let facts = facts.ok_or(Refusal::new(Reason::NoRealm))?;
    let now = app.clock.now();
    match authenticate::client(&facts, &app.pepper, secret, now) {
        Ok(client) => {
            if facts.throttle.pair.count > 0 {
                let recovered = vec![Change::Succeed { keys, at: now }];
                app.store.commit(recovered).await.map_err(|error| refusal_of(error.into()))?;
            }
            Ok(Arc::clone(client))
        }
        Err(reason) => {
            app.metrics.refusals(reason.name()).inc();
            if authenticate::counts(reason) {
                let fail = vec![Change::Fail { keys, at: now }];
                app.store.commit(fail).await.map_err(|error| refusal_of(error.into()))?;
            }
            Err(reason.into())
        }
    }
}

/// No client is named: a challenge if another scheme was tried, else as for an unknown client.
pub(super) fn no_client(realm: &str, challenge: bool) -> Result<Response, Refusal> {
    match challenge {
        true => Ok(oauth::challenge(realm).map(Body::from)),
        false => Err(Refusal::new(Reason::Missing).field("client_id")),
    }
}
