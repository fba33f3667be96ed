//! `POST /realms/{realm}/protocol/openid-connect/token` (RFC 6749 §3.2).

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use jeton_core::dialect::Values;
use jeton_core::domain::principal::canonical_username;
use jeton_core::domain::realm::Realm;
use jeton_core::domain::refusal::Refusal;
use jeton_core::domain::session::Confirmation;
use jeton_core::facts::Query;
use jeton_core::rules::device::digest_device_code;
use jeton_core::rules::issue::digest_opaque;
use jeton_core::rules::trust::{self, Candidate};
use jeton_core::rules::{self, ClientProof, Grant, Shape, SubjectToken};
use jeton_core::secret::Secret;
use jeton_core::token::assertion::Assertion;
use jeton_core::token::dpop::Proof;
use jeton_core::wire::oauth;
use jeton_core::wire::token_request::{ACCESS_TOKEN, Offered, TokenRequest, token_request};

use super::client::{good_once, no_client, prove};
use super::receive::{Received, throttle_keys};
use super::respond::refusal_of;
use super::router::Http;
use super::{dpop, realm};
use crate::app::App;
use crate::exchange::exchange;
use crate::present::present;

pub(super) async fn post(State(http): State<Http>, Path(realm): Path<String>, request: Request) -> Response {
    let with_proof = dpop::is_sent(&request);
    let mut answer = realm::answer(&http.app, &realm, request, grant).await;
    if with_proof {
        dpop::offer_nonce(&http.app, &mut answer);
    }
    answer
}

async fn grant(app: &App, realm: &Realm, received: Received) -> Result<Response, Refusal> {
    let TokenRequest { client, offered, scope, resources, repeated } =
        token_request(&received.parts.headers, &received.body, &realm.settings.grants)?;
    let client = client.over(received.certificate());
    let Some(client_id) = client.client_id.as_deref() else {
        return no_client(&realm.name, client.challenge);
    };
    let proven_key = dpop::proof(app, &realm.name, &received)?;
    let mut throttle = throttle_keys(app, &realm.name, "client", client_id, received.source);
    let mut query = Query { realm: &realm.name, client_id: Some(client_id), ..Query::default() };
    let mut proof = client.proof;
    let mut password = None;
    let mut refresh = None;
    let (username, issued_to);
    let grant = match offered {
        Offered::ClientCredentials => Grant::ClientCredentials,
        Offered::RefreshToken(token) => {
            query.token = Some(digest_opaque(&app.pepper, token.expose()));
            refresh = Some(token);
            Grant::Refresh
        }
        Offered::DeviceCode(code) => {
            query.device_code = Some(digest_device_code(&app.pepper, code.expose()));
            Grant::DeviceCode
        }
        Offered::Password { username: typed, password: presented } => {
            // A person's failures are counted, not the client's: it proves itself before.
            prove(app, &realm.name, client_id, &proof, received.source).await?;
            proof = ClientProof::Proven;
            username = canonical_username(&typed);
            throttle = throttle_keys(app, &realm.name, "person", &username, received.source);
            query.username = Some(&username);
            password = Some(presented);
            Grant::Password { target: false, act_as: false }
        }
        Offered::Assertion(assertion) => {
            query.once.extend(trust::digest(&app.pepper, &realm.name, assertion.expose()));
            Grant::Assertion(trusted(app, realm, client_id, assertion).await?)
        }
        Offered::ForeignToken(assertion) => {
            query.once.extend(trust::digest(&app.pepper, &realm.name, assertion.expose()));
            Grant::TokenExchange(SubjectToken::Foreign(trusted(app, realm, client_id, assertion).await?))
        }
        Offered::OwnToken(token) => {
            let keys = app.keys(realm.id).await.map_err(|fault| refusal_of(fault.into()))?;
            // One that cannot be read is refused once the client has proven itself.
            let presented = present(token.expose(), &keys, &app.pepper).ok();
            query.token = presented.as_ref().map(|presented| presented.digest);
            query.ended = presented.as_ref().and_then(|presented| presented.jti);
            let jwt = presented.and_then(|presented| presented.claims.zip(presented.jti));
            issued_to = jwt.as_ref().and_then(|(claims, _)| claims.client_id.clone());
            query.issued_to = issued_to.as_deref();
            Grant::TokenExchange(SubjectToken::Ours { jwt: jwt.map(Box::new) })
        }
    };
    query.throttle = Some(throttle);
    query.once.extend(good_once(app, &realm.name, &proof));
    let nonce = proven_key.as_ref().map(|proof| dpop::good_once(app, proof));
    query.once.extend(nonce.map(|(digest, _)| digest));
    let request = rules::Request {
        grant,
        client: proof,
        repeated,
        scope,
        resources,
        cnf: proven_key.as_ref().map(Proof::confirmation),
        certificate: received.certificate().and_then(Confirmation::of_certificate),
        shape: Shape::OAuth,
        nonce,
        throttle: Some(throttle),
        source: received.source.to_string(),
    };
    let mut granted = exchange(app, &query, &request, password.as_ref(), &Values::new()).await.map_err(refusal_of)?;
    // One that stays the same is named again: programs put what they read in place of what they had.
    granted.issue.refresh = granted.issue.refresh.or(refresh);
    let not_before = realm.not_before.as_secs();
    let issued = matches!(request.grant, Grant::TokenExchange(_)).then_some(ACCESS_TOKEN);
    let answer = oauth::token_answer(&granted.issue, &granted.token, issued, app.clock.now(), not_before);
    Ok(answer.map(Body::from))
}

/// An assertion, with the client's trusts in its issuer and the keys of each.
async fn trusted(
    app: &App,
    realm: &Realm,
    client_id: &str,
    assertion: Secret<String>,
) -> Result<trust::Offered, Refusal> {
    let mut candidates = Vec::new();
    if let Some(read) = Assertion::read(assertion.expose()) {
        let query = Query { realm: &realm.name, client_id: Some(client_id), ..Query::default() };
        let facts = app.store.load(&query).await.map_err(|error| refusal_of(error.into()))?;
        // Nobody is asked on behalf of a client that gets nothing anyway.
        let client = facts.and_then(|facts| facts.client).filter(|client| client.enabled);
        for trust in client.iter().flat_map(|client| &client.settings.trusts) {
            if trust.issuer == read.claims.iss {
                let keys = app.issuer_keys.of(trust, read.kid(), app.clock.now()).await;
                candidates.push(Candidate { trust: trust.clone(), keys });
            }
        }
    }
    Ok(trust::Offered { assertion, candidates })
}
