//! `GET /realms/{realm}/revocations`: which tokens are not to be judged without asking, as server-sent events.
//!
//! For the realm's resource servers. First comes everything that is told at the moment, or after `Last-Event-ID` what
//! has been told since; then what is new, and at least every second a sign of life. docs/adr/0012 has the whole.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use hyper::body::Frame;
use jeton_core::domain::client::Client;
use jeton_core::domain::realm::Realm;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::facts::Query;
use jeton_core::wire::form::Form;
use jeton_core::wire::oauth;
use jeton_core::wire::revocations::{About, Alive, Event, Resume};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::client::authenticated;
use super::realm;
use super::receive::Received;
use super::router::Http;
use crate::app::App;
use crate::fault::Fault;
use crate::feed::{Following, Look};
use crate::listen::Stopping;

/// A sign of life comes this often, if nothing else does.
const ALIVE: Duration = Duration::from_millis(500);

/// A follower that takes nothing for this long is cut off.
const STALLED: Duration = Duration::from_secs(5);

/// A stream ends after this long, so that its follower proves itself again.
const LONGEST: Duration = Duration::from_secs(3600);

/// So much of what is told is read and sent at a time.
const PAGE: u32 = 500;

/// So many pieces wait for a follower to take them.
const PIECES: usize = 4;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

pub(super) async fn get(State(http): State<Http>, Path(realm): Path<String>, request: Request) -> Response {
    realm::answer(&http.app, &realm, request, follow).await
}

async fn follow(app: &App, realm: &Realm, received: Received) -> Result<Response, Refusal> {
    let started = Instant::now();
    let client = match authenticated(app, realm, &received, &Form::parse(b"")?).await? {
        Ok(client) => client,
        Err(challenge) => return Ok(challenge),
    };
    if !client.settings.resource_server {
        let text = "only a resource server may follow the revocations";
        return Ok(oauth::error(403, "access_denied", Some(text)).map(Body::from));
    }
    let Some(following) = app.feed.follow(&app.store, &app.clock) else {
        tracing::warn!(realm = %realm.name, "a gate may not follow the revocations: too many do");
        return Err(Refusal::new(Reason::Unavailable).retry_after(Duration::from_secs(5)));
    };
    let resume = received.parts.headers.get(LAST_EVENT_ID).and_then(|id| Resume::read(id.to_str().ok()?));
    let resume = resume.filter(|resume| resume.not_before == realm.not_before);
    let (pieces, taken) = mpsc::channel(PIECES);
    let stream = Stream { app: app.clone(), realm: realm.clone(), client, started, pieces };
    let stopping = received.parts.extensions.get::<Stopping>().cloned();
    let after = resume.map_or(0, |resume| resume.settled);
    tokio::spawn(async move {
        let told = timeout(LONGEST, stream.run(following, after));
        let ended = tokio::select! {
            ended = told => ended.unwrap_or(Ok(())),
            () = stopped(stopping) => Ok(()),
        };
        if let Err(error) = ended {
            tracing::error!(%error, "a stream of revocations ended");
        }
    });
    let mut response = Response::new(Body::new(Pieces(taken)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // What a proxy in between holds back comes too late.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// Completes when the listener stops.
async fn stopped(stopping: Option<Stopping>) {
    match stopping {
        Some(stopping) => stopping.stopped().await,
        None => std::future::pending().await,
    }
}

/// One follower's stream.
struct Stream {
    app: App,
    realm: Realm,
    client: Arc<Client>,
    started: Instant,
    pieces: mpsc::Sender<Bytes>,
}

/// The follower is gone, or as good as gone.
struct Gone;

impl Stream {
    /// Tells until the follower goes, falls behind or may follow no more. An error is that of a store.
    async fn run(self, mut following: Following, after: i64) -> Result<(), Fault> {
        // Before anything is read: what is told meanwhile waits among the looks.
        let about = About { issuer: self.realm.issuer(&self.app.site.public_url), audiences: self.audiences() };
        if self.send(Event::Realm(about).write()).await.is_err() {
            return Ok(());
        }
        let Ok(first) = following.looks.recv().await else { return Ok(()) };
        // A point that is not reached yet is one of a store that is no more.
        let known_up_to = if after > first.settled { 0 } else { after };
        let mut after = known_up_to;
        loop {
            let page = self.app.store.revocations(self.realm.id, after, self.app.clock.now(), PAGE).await?;
            let text: String = page.iter().map(|told| Event::Revoked(told.revocation.clone()).write()).collect();
            if !text.is_empty() && self.send(text).await.is_err() {
                return Ok(());
            }
            match page.last().filter(|_| page.len() == PAGE as usize) {
                Some(last) => after = last.seq,
                None => break,
            }
        }
        let mut known = None;
        let mut alive = None;
        let mut next = Ok(first);
        while let Ok(look) = next {
            if known.replace(look.config_version) != Some(look.config_version) && !self.may_follow().await? {
                break;
            }
            if self.pass_on(&look, known_up_to, &mut alive).await.is_err() {
                break;
            }
            next = following.looks.recv().await;
        }
        Ok(())
    }

    /// What a look has for this realm, and a sign of life with it or once it is time.
    /// Some of it may have been told before.
    async fn pass_on(&self, look: &Look, known_up_to: i64, alive: &mut Option<Instant>) -> Result<(), Gone> {
        let told = look.told.iter().filter(|told| told.realm_id == self.realm.id && told.seq > known_up_to);
        let mut text: String = told.map(|told| Event::Revoked(told.revocation.clone()).write()).collect();
        if text.is_empty() && alive.is_some_and(|last| look.at.duration_since(last) < ALIVE) {
            return Ok(());
        }
        *alive = Some(look.at);
        let resume = Resume { not_before: self.realm.not_before, settled: look.settled };
        let after = look.at.saturating_duration_since(self.started);
        text.push_str(&Event::Alive(Alive { after, now: self.app.clock.now(), resume }).write());
        self.send(text).await
    }

    async fn send(&self, text: String) -> Result<(), Gone> {
        match timeout(STALLED, self.pieces.send(Bytes::from(text))).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Gone),
        }
    }

    /// The audiences for which introspection would confirm a token to this client; none if it is any.
    fn audiences(&self) -> Vec<String> {
        let named = &self.client.settings.audiences;
        match named.is_empty() {
            true => Vec::new(),
            false => named.iter().chain([&self.client.client_id]).cloned().collect(),
        }
    }

    /// Whether realm and client are as they were: if not, the follower shall prove itself again, and be told anew what
    /// it has to know.
    async fn may_follow(&self) -> Result<bool, Fault> {
        let query = Query { realm: &self.realm.name, client_id: Some(&self.client.client_id), ..Query::default() };
        let Some(facts) = self.app.store.load(&query).await? else { return Ok(false) };
        let same_realm = facts.realm.id == self.realm.id
            && facts.realm.enabled
            && facts.realm.not_before == self.realm.not_before
            && facts.realm.settings == self.realm.settings;
        let same_client = facts.client.is_some_and(|client| {
            client.id == self.client.id
                && client.enabled
                && client.settings == self.client.settings
                && client.secrets == self.client.secrets
        });
        Ok(same_realm && same_client)
    }
}

/// The pieces as a body that ends when nobody adds to it any more.
struct Pieces(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}
