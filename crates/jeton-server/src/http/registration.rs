//! `/realms/{realm}/clients-registrations/openid-connect`: clients that register themselves (RFC 7591), and below it those
//! that manage what they registered (RFC 7592).

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use jeton_core::change::{Audit, Change};
use jeton_core::domain::client::Client;
use jeton_core::domain::id::Id;
use jeton_core::domain::principal::{Kind, PersonProfile, Principal};
use jeton_core::domain::realm::Realm;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::domain::throttle::ThrottleKeys;
use jeton_core::facts::{Facts, Query};
use jeton_core::rules::registration::{self, Refused, SecretChange, is_open};
use jeton_core::rules::throttle;
use jeton_core::secret::Secret;
use jeton_core::token::claims::service_account;
use jeton_core::wire::oauth;
use jeton_core::wire::registration::{bearer, information, read, refusal_answer};
use jeton_store::{NewClient, NewPrincipal, Service};

use super::realm;
use super::receive::{Received, receive, throttle_keys};
use super::respond::{oauth_refusal, refusal_of};
use super::router::Http;
use crate::app::App;
use crate::fault::Fault;
use crate::random::SystemRng;

/// How often a request is looked at anew because something was configured meanwhile.
const TRIES: usize = 8;

pub(super) async fn post(State(http): State<Http>, Path(realm): Path<String>, request: Request) -> Response {
    answer(&http.app, &realm, request, register).await
}

pub(super) async fn get(State(http): State<Http>, Path(named): Path<(String, String)>, request: Request) -> Response {
    answer(&http.app, &named.0, request, async |app, realm, received| show(app, realm, &named.1, &received).await).await
}

pub(super) async fn put(State(http): State<Http>, Path(named): Path<(String, String)>, request: Request) -> Response {
    answer(&http.app, &named.0, request, async |app, realm, received| update(app, realm, &named.1, &received).await)
        .await
}

pub(super) async fn delete(
    State(http): State<Http>,
    Path(named): Path<(String, String)>,
    request: Request,
) -> Response {
    answer(&http.app, &named.0, request, async |app, realm, received| remove(app, realm, &named.1, &received).await)
        .await
}

/// Answers a request to the realm of this name, if clients can register there: what is switched off is not there.
async fn answer(
    app: &App,
    name: &str,
    request: Request,
    endpoint: impl AsyncFnOnce(&App, &Realm, Received) -> Result<Response, Refused>,
) -> Response {
    let realm = match realm::find(app, name).await {
        Ok(realm) if is_open(&realm) => realm,
        Ok(realm) => return oauth_refusal(&Reason::NoRoute.into(), Some(&realm.settings)),
        Err(refusal) => return oauth_refusal(&refusal, None),
    };
    let answer = match receive(app, request).await {
        Ok(received) => endpoint(app, &realm, received).await,
        Err(refusal) => Err(refusal.into()),
    };
    answer.unwrap_or_else(|refused| {
        app.metrics.refusals(reason(&refused)).inc();
        refusal_answer(&refused, &realm).map(Body::from)
    })
}

/// The name in metrics.
fn reason(refused: &Refused) -> &'static str {
    match refused {
        Refused::NoToken => Reason::NoToken.name(),
        Refused::WrongToken => Reason::InvalidToken.name(),
        Refused::Metadata(_) => Reason::InvalidRequest.name(),
        Refused::Other(refusal) => refusal.reason.name(),
    }
}

async fn register(app: &App, realm: &Realm, received: Received) -> Result<Response, Refused> {
    let token = bearer(&received.parts.headers)?;
    let digest = registration::digest_initial(&app.pepper, token.expose());
    let asker = Asker::new(app, realm, None, &received);
    for _ in 0..TRIES {
        let facts = asker.facts().await?;
        let now = app.clock.now();
        let initial = app.store.initial_access_token(realm.id, digest).await.map_err(unavailable)?;
        let admitted = registration::admit(&facts.realm, initial.as_ref(), now);
        let initial = asker.counted(&facts, admitted).await?;
        let asked = read(&received.parts.headers, &received.body)?;
        let rng = &mut SystemRng::new();
        let made =
            registration::register(&facts.realm, app.site.mutual_tls, &initial.bounds, asked, &app.pepper, now, rng)?;
        let service = NewPrincipal {
            id: Id::new(now, rng),
            realm_id: realm.id,
            kind: Kind::Service,
            number: None,
            username: service_account(&made.client_id),
            profile: PersonProfile::default(),
            password: None,
            created_at: now,
        };
        let record = Audit { principal_id: Some(service.id), ..asker.record("client.registered", &made.client_id) };
        let record = Audit { detail: format!("{} by {}", made.client_id, initial.id), ..record };
        let new = NewClient {
            id: Id::new(now, rng),
            realm_id: realm.id,
            client_id: made.client_id,
            settings: made.settings,
            service: Service::New(service),
            secrets: made.secret.iter().map(|secret| secret.stored.clone()).collect(),
            registration: Some(made.registration),
            created_at: now,
        };
        match app.store.register_client(&new, initial.id, now, record).await {
            Ok(client) => {
                tracing::info!(realm = realm.name, client = client.client_id, "client registered");
                let secret = made.secret.as_ref().map(|secret| &secret.value);
                return Ok(told(app, &facts.realm, 201, &client, &made.token, secret));
            }
            Err(jeton_store::Error::Conflict) => {}
            Err(error) => return Err(unavailable(error)),
        }
    }
    Err(lost())
}

async fn show(app: &App, realm: &Realm, client_id: &str, received: &Received) -> Result<Response, Refused> {
    let token = bearer(&received.parts.headers)?;
    let asker = Asker::new(app, realm, Some(client_id), received);
    let facts = asker.facts().await?;
    let managed = registration::manage(&facts.realm, facts.client.as_deref(), &app.pepper, token.expose());
    let (client, _) = asker.counted(&facts, managed).await?;
    Ok(told(app, &facts.realm, 200, client, &token, None))
}

async fn update(app: &App, realm: &Realm, client_id: &str, received: &Received) -> Result<Response, Refused> {
    let token = bearer(&received.parts.headers)?;
    let asker = Asker::new(app, realm, Some(client_id), received);
    for _ in 0..TRIES {
        let facts = asker.facts().await?;
        let managed = registration::manage(&facts.realm, facts.client.as_deref(), &app.pepper, token.expose());
        let (client, known) = asker.counted(&facts, managed).await?;
        let asked = read(&received.parts.headers, &received.body)?;
        let (now, rng) = (app.clock.now(), &mut SystemRng::new());
        let made =
            registration::update(&facts.realm, app.site.mutual_tls, (client, known), asked, &app.pepper, now, rng)?;
        let set = (&made.settings, &made.registration);
        let record = asker.record_of("client.updated", &client.service);
        let version = facts.config_version;
        match app.store.update_registered_client(version, client.id, set, &made.secrets, record).await {
            Ok(()) => {
                tracing::info!(realm = realm.name, client = client_id, "client updated by itself");
                let client =
                    Client { settings: made.settings, registration: Some(made.registration), ..client.clone() };
                let secret = match &made.secrets {
                    SecretChange::Add(secret) => Some(&secret.value),
                    SecretChange::Keep | SecretChange::Remove => None,
                };
                return Ok(told(app, &facts.realm, 200, &client, &token, secret));
            }
            Err(jeton_store::Error::Conflict) => {}
            Err(error) => return Err(unavailable(error)),
        }
    }
    Err(lost())
}

async fn remove(app: &App, realm: &Realm, client_id: &str, received: &Received) -> Result<Response, Refused> {
    let token = bearer(&received.parts.headers)?;
    let asker = Asker::new(app, realm, Some(client_id), received);
    for _ in 0..TRIES {
        let facts = asker.facts().await?;
        let managed = registration::manage(&facts.realm, facts.client.as_deref(), &app.pepper, token.expose());
        let (client, _) = asker.counted(&facts, managed).await?;
        let record = asker.record_of("client.deregistered", &client.service);
        match app.store.remove_registered_client(facts.config_version, client, record).await {
            Ok(()) => {
                tracing::info!(realm = realm.name, client = client_id, "client removed by itself");
                return Ok(oauth::empty(204).map(Body::from));
            }
            Err(jeton_store::Error::Conflict) => {}
            Err(error) => return Err(unavailable(error)),
        }
    }
    Err(lost())
}

/// Who asks, and from where: a client by its id, or one that has none yet.
struct Asker<'a> {
    app: &'a App,
    realm: &'a str,
    realm_id: Id,
    client_id: Option<&'a str>,
    source: String,
    /// What counts its wrong tokens.
    keys: ThrottleKeys,
}

impl<'a> Asker<'a> {
    fn new(app: &'a App, realm: &'a Realm, client_id: Option<&'a str>, received: &Received) -> Self {
        let keys = throttle_keys(app, &realm.name, "registration", client_id.unwrap_or_default(), received.source);
        Self { app, realm: &realm.name, realm_id: realm.id, client_id, source: received.source.to_string(), keys }
    }

    /// What the store knows, unless too many wrong tokens came from there: then nothing is looked at.
    async fn facts(&self) -> Result<Facts, Refused> {
        let query =
            Query { realm: self.realm, client_id: self.client_id, throttle: Some(self.keys), ..Query::default() };
        let facts = self.app.store.load(&query).await.map_err(unavailable)?;
        let facts = facts.ok_or(Reason::NoRealm)?;
        match throttle::machine(&facts.throttle, self.app.clock.now()) {
            Some(wait) => Err(Refusal::new(Reason::Throttled).retry_after(wait).into()),
            None => Ok(facts),
        }
    }

    /// Counts a wrong token. A right one after wrong ones starts their count anew.
    async fn counted<T>(&self, facts: &Facts, judged: Result<T, Refused>) -> Result<T, Refused> {
        let (keys, at) = (self.keys, self.app.clock.now());
        let change = match &judged {
            Err(_) => Change::Fail { keys, at },
            Ok(_) if facts.throttle.pair.count > 0 => Change::Succeed { keys, at },
            Ok(_) => return judged,
        };
        self.app.store.commit(vec![change]).await.map_err(unavailable)?;
        judged
    }

    fn record(&self, event: &'static str, client_id: &str) -> Audit {
        Audit {
            at: self.app.clock.now(),
            realm_id: Some(self.realm_id),
            event,
            principal_id: None,
            session_id: None,
            source: self.source.clone(),
            detail: client_id.to_owned(),
        }
    }

    fn record_of(&self, event: &'static str, service: &Principal) -> Audit {
        Audit { principal_id: Some(service.id), ..self.record(event, self.client_id.unwrap_or_default()) }
    }
}

fn told(
    app: &App,
    realm: &Realm,
    status: u16,
    client: &Client,
    token: &Secret<String>,
    secret: Option<&Secret<String>>,
) -> Response {
    information(status, (realm, &app.site.public_url), client, token, secret).map(Body::from)
}

fn unavailable(error: jeton_store::Error) -> Refused {
    Refused::Other(refusal_of(error.into()))
}

/// A realm where so much is configured at once is busy: the client comes back.
fn lost() -> Refused {
    Refused::Other(refusal_of(Fault::new("a client's registration lost every race").into()))
}
