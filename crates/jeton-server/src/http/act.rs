//! What a dialect's request asks for: exchanged, told or ended, and answered in the dialect's words.

use std::net::IpAddr;
use std::time::Duration;

use axum::response::Response;
use jeton_core::dialect::{self, GrantName, Place, Reading, Values};
use jeton_core::domain::id::{Digest, Id};
use jeton_core::domain::policy::Refresh;
use jeton_core::domain::principal::canonical_username;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::facts::Query;
use jeton_core::rules::{self, ClientProof, Grant, Shape, end};
use jeton_core::secret::Secret;
use jeton_core::token::pepper::Purpose;

use super::receive::{Received, throttle_keys};
use super::respond::{not_found, refusal_of, respond};
use super::{chain, client};
use crate::app::App;
use crate::exchange::{Ended, exchange};
use crate::fault::Fault;
use crate::inspect::inspect;
use crate::mounts::Mount;
use crate::present::{Presented, present};
use crate::random::SystemRng;

/// What a request asks of a mount: exchanged, written.
pub(super) async fn act(app: &App, mount: &Mount, reading: Reading, received: &Received) -> Response {
    let dialect = &mount.dialect;
    let (index, grant, values) = match reading {
        Reading::Exchange { index, grant, values } => (index, grant, values),
        Reading::Refused { place, refusal } => {
            app.metrics.refusals(refusal.reason.name()).inc();
            return respond(dialect.write_refusal(place, &refusal, &Values::new()));
        }
        Reading::NotMine => return not_found(),
    };
    let done = match dialect.part(index) {
        Some(part) => chain::answer(app, mount, part, &values, received.source).await,
        None => whole(app, mount, grant, &values, received).await,
    };
    let written = match done {
        Ok(mut said) => {
            dialect.echo(index, &values, &mut said);
            for name in dialect.unmade(index, &said) {
                said.set(name, Id::random(&mut SystemRng::new()).to_string());
            }
            dialect.write_answer(index, &said, &mount.settings).map_err(|error| {
                Ended::Broken(Fault::new(format!("dialect {} cannot write its answer: {error}", dialect.name)))
            })
        }
        Err(ended) => Err(ended),
    };
    match written {
        Ok(answer) => respond(no_store(answer)),
        Err(ended) => respond(dialect.write_refusal(Place::Exchange(index), &refusal_of(ended), &values)),
    }
}

/// What an exchange of one request is answered with.
async fn whole(
    app: &App,
    mount: &Mount,
    grant: GrantName,
    values: &Values,
    received: &Received,
) -> Result<Values, Ended> {
    client_beside(app, mount, grant, values, received.source).await?;
    match grant {
        GrantName::End => sign_out(app, mount, values, received).await,
        GrantName::UserInfo => user_info(app, mount, values, received).await,
        _ => sign_in(app, mount, grant, values, received.source, None).await,
    }
}

/// A client's secret beside another credential is proven first: a secret that is read is never ignored.
pub(super) async fn client_beside(
    app: &App,
    mount: &Mount,
    grant: GrantName,
    values: &Values,
    source: IpAddr,
) -> Result<(), Refusal> {
    let Some(secret) = values.secret("client_secret").filter(|_| grant != GrantName::ClientCredentials) else {
        return Ok(());
    };
    let client_id = values.text("client_id").unwrap_or_default();
    let proof = ClientProof::Secret { secret: secret.clone(), method: None };
    match client::prove(app, &mount.realm, client_id, &proof, source).await {
        Ok(_) => Ok(()),
        // `wrong_credentials` would say that it is the person's.
        Err(refusal) if refusal.reason == Reason::WrongCredentials => Err(Reason::InvalidClient.into()),
        Err(refusal) => Err(refusal),
    }
}

/// One of the dialect's ways to a token, through the one function for all of them. `once` is used up with it, where
/// the file has no nonce of its own.
pub(super) async fn sign_in(
    app: &App,
    mount: &Mount,
    grant: GrantName,
    values: &Values,
    source: IpAddr,
    once: Option<(Digest, Duration)>,
) -> Result<Values, Ended> {
    let (realm, dialect) = (mount.realm.as_str(), mount.dialect.as_ref());
    let mut query = Query { realm, ..Query::default() };
    let text = |name: &str| values.text(name).unwrap_or_default();
    let secret = |name: &str| values.secret(name).cloned().unwrap_or_default();
    let username = canonical_username(text("username"));
    let act_as = values.text("act_as").map(canonical_username);
    let mut password = None;
    let mut client = ClientProof::None;

    let grant = match grant {
        GrantName::Password => {
            query.username = Some(&username);
            query.act_as = act_as.as_deref();
            query.target = values.number("target.number");
            query.throttle = Some(throttle_keys(app, realm, "person", &username, source));
            password = Some(secret("password"));
            Grant::Password { target: query.target.is_some(), act_as: act_as.is_some() }
        }
        GrantName::ApiKey => {
            query.key_id = values.text("key_id");
            query.throttle = Some(throttle_keys(app, realm, "key", text("key_id"), source));
            Grant::ApiKey { secret: secret("key_secret") }
        }
        GrantName::ClientCredentials => {
            query.client_id = values.text("client_id");
            query.throttle = Some(throttle_keys(app, realm, "client", text("client_id"), source));
            client = ClientProof::Secret { secret: secret("client_secret"), method: None };
            Grant::ClientCredentials
        }
        GrantName::Refresh | GrantName::Renew => {
            let name = if grant == GrantName::Renew { "access_token" } else { "refresh_token" };
            query.token = Some(presented(app, realm, &secret(name)).await?.digest);
            Grant::Refresh
        }
        GrantName::UserInfo | GrantName::End | GrantName::Step => return Err(Reason::NoRoute.into()),
    };

    let remembered = dialect.policy.nonce_once_within;
    let nonce = values.text("nonce").zip(remembered).map(|(nonce, within)| {
        let nonce = nonce.to_ascii_lowercase();
        (app.pepper.digest(Purpose::Nonce, &[realm.as_bytes(), nonce.as_bytes()]), within)
    });
    let nonce = nonce.or(once);
    query.once.extend(nonce.map(|(digest, _)| digest));
    let request = rules::Request {
        grant,
        client,
        repeated: false,
        scope: values.text("scope").map(str::to_owned),
        resources: Vec::new(),
        cnf: None,
        // A dialect's request proves nothing beside what its file says.
        certificate: None,
        shape: Shape::Dialect(dialect),
        nonce,
        throttle: query.throttle,
        source: source.to_string(),
    };
    let granted = exchange(app, &query, &request, password.as_ref(), &mount.settings).await?;
    let mut said = granted.issue.values;
    // What stays the same is known to whoever sent it alone.
    match (&request.grant, &dialect.policy.refresh) {
        (Grant::Refresh, Refresh::Keep { .. }) => said.set("refresh_token", secret("refresh_token")),
        (Grant::Refresh, Refresh::Extend) => said.set("access_token", secret("access_token")),
        _ => {}
    }
    Ok(said)
}

/// A token as the realm's keys read it.
async fn presented(app: &App, realm: &str, token: &Secret<String>) -> Result<Presented, Ended> {
    let facts = app.store.load(&Query { realm, ..Query::default() }).await?;
    let realm_id = facts.ok_or(Reason::NoRealm)?.realm.id;
    let keys = app.keys(realm_id).await?;
    Ok(present(token.expose(), &keys, &app.pepper)?)
}

/// Whom the token in the request speaks for.
async fn user_info(app: &App, mount: &Mount, values: &Values, received: &Received) -> Result<Values, Ended> {
    let token = values.secret("access_token").ok_or(Reason::NoToken)?;
    let now = app.clock.now();
    let said = inspect(app, &mount.realm, token, |live, _, facts| {
        let issuer = facts.realm.issuer(&app.site.public_url);
        // A dialect's request has no place for the proof that a token bound to a key needs.
        let proven = live.cnf.is_none_or(|bound| bound.is_certificate(received.certificate()));
        proven.then(|| live.values(&facts.realm, &issuer, now).with("access_token", token.clone()))
    })
    .await?
    .ok_or(Reason::InvalidToken)?;
    // A request that names somebody (`GET /users/{{person.id}}`) is answered about nobody else.
    let another = |(name, value): (&str, &_)| name.starts_with("person.") && said.get(name) != Some(value);
    if values.iter().any(another) { Err(Reason::Denied.into()) } else { Ok(said) }
}

/// Ends the session of the tokens in the request. A token that is not good any more is ended already.
async fn sign_out(app: &App, mount: &Mount, values: &Values, received: &Received) -> Result<Values, Ended> {
    for token in ["access_token", "refresh_token"].into_iter().filter_map(|name| values.secret(name)) {
        let Ok(presented) = presented(app, &mount.realm, token).await else { continue };
        let client_id = presented.claims.as_ref().and_then(|claims| claims.client_id.as_deref());
        let (digest, ended) = (Some(presented.digest), presented.jti);
        let query = Query { realm: &mount.realm, token: digest, ended, client_id, ..Query::default() };
        let facts = app.store.load(&query).await?.ok_or(Reason::NoRealm)?;
        let (source, now) = (received.source.to_string(), app.clock.now());
        let changes = match (&facts.token, &facts.client, presented.claims.as_ref().zip(ended)) {
            (None, Some(client), Some((claims, jti))) => {
                end::of_client(&facts, client, claims, jti, &source, now).unwrap_or_default()
            }
            _ => end::session(&facts, &source, now),
        };
        if !changes.is_empty() {
            app.store.commit(changes).await?;
        }
    }
    Ok(Values::new())
}

/// An answer with a token in it is kept by no cache (security.md D3).
fn no_store(mut answer: dialect::Answer) -> dialect::Answer {
    if !answer.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("cache-control")) {
        answer.headers.push(("Cache-Control".to_owned(), "no-store".to_owned()));
    }
    answer
}
