//! Who asks: clients at the endpoints that issue no token of their own (introspection, revocation), and those that
//! prove themselves beside a person.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use jeton_core::change::Change;
use jeton_core::domain::client::Client;
use jeton_core::domain::id::Digest;
use jeton_core::domain::realm::Realm;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::facts::Query;
use jeton_core::rules::authenticate::{self, Authenticated, ClientProof};
use jeton_core::wire::client_auth::client_auth;
use jeton_core::wire::form::Form;
use jeton_core::wire::oauth;
use jeton_core::wire::token_request::form;

use super::receive::{Received, throttle_keys};
use super::respond::refusal_of;
use crate::app::App;

/// What a request asks by its form, and the client that asks; or the answer to one that names none. Only `lists` may stand
/// several times (security.md A13).
pub(super) async fn asked(
    app: &App,
    realm: &Realm,
    received: &Received,
    lists: &[&str],
) -> Result<Result<(Form, Arc<Client>), Response>, Refusal> {
    let form = form(&received.parts.headers, &received.body)?;
    let client = match authenticated(app, realm, received, &form).await? {
        Ok(client) => client,
        Err(challenge) => return Ok(Err(challenge)),
    };
    match form.has_repeated(lists) {
        true => Err(Reason::Repeated.into()),
        false => Ok(Ok((form, client))),
    }
}

/// The client that a form's or header's credentials prove, or the answer to one that names none.
pub(super) async fn authenticated(
    app: &App,
    realm: &Realm,
    received: &Received,
    form: &Form,
) -> Result<Result<Arc<Client>, Response>, Refusal> {
    let auth = client_auth(&received.parts.headers, form).over(received.certificate());
    let Some(client_id) = auth.client_id.as_deref() else {
        return no_client(&realm.name, auth.challenge).map(Err);
    };
    prove(app, &realm.name, client_id, &auth.proof, received.source).await.map(Ok)
}

/// The client that this proof proves.
pub(super) async fn prove(
    app: &App,
    realm: &str,
    client_id: &str,
    proof: &ClientProof,
    source: IpAddr,
) -> Result<Arc<Client>, Refusal> {
    let keys = throttle_keys(app, realm, "client", client_id, source);
    let once = good_once(app, realm, proof).into_iter().collect();
    let query = Query { realm, client_id: Some(client_id), once, throttle: Some(keys), ..Query::default() };
    let facts = app.store.load(&query).await.map_err(|error| refusal_of(error.into()))?;
    let facts = facts.ok_or(Refusal::new(Reason::NoRealm))?;
    let now = app.clock.now();
    let issuer = facts.realm.issuer(&app.site.public_url);
    match authenticate::client(&facts, &app.pepper, &issuer, proof, now) {
        Ok(Authenticated { client, change }) => {
            let recovered = (facts.throttle.pair.count > 0).then_some(Change::Succeed { keys, at: now });
            match app.store.commit(change.into_iter().chain(recovered).collect()).await {
                Ok(()) => Ok(Arc::clone(client)),
                // Of two uses of one assertion, this was the later.
                Err(jeton_store::Error::Conflict) => Err(Reason::WrongCredentials.into()),
                Err(error) => Err(refusal_of(error.into())),
            }
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

/// What in a client's proof is good once: the store is asked whether it was used.
pub(super) fn good_once(app: &App, realm: &str, proof: &ClientProof) -> Option<Digest> {
    match proof {
        ClientProof::Assertion(assertion) => authenticate::assertion_digest(&app.pepper, realm, assertion.expose()),
        ClientProof::None | ClientProof::Secret { .. } | ClientProof::Certificate(_) | ClientProof::Proven => None,
    }
}

/// No client is named: a challenge if another scheme was tried, else as for an unknown client.
pub(super) fn no_client(realm: &str, challenge: bool) -> Result<Response, Refusal> {
    match challenge {
        true => Ok(oauth::challenge(realm).map(Body::from)),
        false => Err(Refusal::new(Reason::Missing).field("client_id")),
    }
}
