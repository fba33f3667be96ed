//! Following a realm's revocations, and knowing for how long that can be relied on.
//!
//! A sign of life says how long after the request the store was last read. Counted from when the request was sent, which
//! was earlier, that is never later than the store was really read; two seconds after it the feed is given up.
//! So no clock is compared with another's, and what is late on the way is late, however it arrives.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, StatusCode};
use http_body_util::BodyExt;
use jeton_core::time::Timestamp;
use jeton_core::wire::revocations::{About, Alive, Event, Reader, Resume, Unreadable};
use tokio::time::{Instant, sleep, timeout};

use super::marks::Marks;
use super::token::Candidate;
use crate::introspection::Peer;

/// What a realm has said of its tokens is relied on for this long.
const RELIED_ON: Duration = Duration::from_secs(2);

/// How long a realm may take to begin, and to say something more.
const SILENCE: Duration = Duration::from_secs(2);

/// The pause before a lost feed is followed again; it doubles up to the longest.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How often what is over is forgotten.
const FORGET: Duration = Duration::from_secs(60);

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// What is known from a realm's feed.
#[derive(Debug, Default)]
pub(super) struct Feed(RwLock<State>);

#[derive(Debug, Default)]
struct State {
    /// What the connection that is there began with.
    about: Option<About>,
    /// The realm's time, when that was heard, and until when the feed is relied on.
    alive: Option<(Timestamp, Instant, Instant)>,
    resume: Option<Resume>,
    marks: Marks,
    forgot: Option<Instant>,
}

impl Feed {
    /// Whether the feed can be relied on at `at`, does not name `token`, and the token fits the realm.
    pub(super) fn admits(&self, token: &Candidate, at: Instant) -> bool {
        let state = self.read();
        let (Some(about), Some((told, heard, until))) = (&state.about, state.alive) else { return false };
        let now = told + at.saturating_duration_since(heard);
        at < until && token.fits(about, now) && !state.marks.name(token, now)
    }

    fn hear(&self, event: Event, sent: Instant, heard: Instant) {
        let mut state = self.write();
        match event {
            Event::Realm(about) => state.about = Some(about),
            Event::Revoked(revocation) => state.marks.add(revocation),
            Event::Alive(Alive { after, now, resume }) => {
                // What cannot be counted cannot be relied on.
                let until = sent.checked_add(after).map_or(sent, |read| read + RELIED_ON);
                state.alive = Some((now, heard, until));
                state.resume = Some(resume);
                if state.forgot.is_none_or(|last| heard.saturating_duration_since(last) >= FORGET) {
                    state.forgot = Some(heard);
                    state.marks.forget(now);
                }
            }
        }
    }

    /// From now on nothing is heard.
    fn lose(&self) {
        let mut state = self.write();
        (state.about, state.alive) = (None, None);
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a feed ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("it said nothing for {} s", SILENCE.as_secs())]
    Silent,
    #[error("status {0}; 401 and 403 mean that the gate's client is not a resource server of the realm")]
    Status(StatusCode),
    #[error("the answer is no event stream; the address may not be a realm's, or the realm's server is older")]
    NoStream,
    #[error("cannot reach the realm: {0}")]
    Connection(#[from] hyper_util::client::legacy::Error),
    #[error("cannot write the request: {0}")]
    Request(#[from] http::Error),
    #[error("the connection broke: {0}")]
    Broken(#[from] hyper::Error),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("the realm ended it")]
    Over,
}

/// Follows for ever. While the feed is lost, the realm is asked about every token.
pub(super) async fn follow(peer: Peer, feed: std::sync::Arc<Feed>) {
    let mut pause = PAUSE;
    loop {
        let before = feed.read().resume;
        let Err(ended) = stream(&peer, &feed).await;
        feed.lose();
        // A realm ends a feed now and then, so that its follower says again who it is.
        match ended {
            Ended::Over => tracing::info!("the revocation feed is followed again"),
            ended => tracing::warn!(%ended, "the revocation feed is lost: the realm is asked about every token"),
        }
        pause = if feed.read().resume == before { (pause * 2).min(LONGEST_PAUSE) } else { PAUSE };
        sleep(pause).await;
    }
}

async fn stream(peer: &Peer, feed: &Feed) -> Result<std::convert::Infallible, Ended> {
    let mut request = peer.get().header(ACCEPT, "text/event-stream");
    if let Some(resume) = feed.read().resume {
        request = request.header(LAST_EVENT_ID, resume.write());
    }
    let sent = Instant::now();
    let answer = peer.client.request(request.body(http_body_util::Full::default())?);
    let answer = timeout(SILENCE, answer).await.map_err(|_| Ended::Silent)??;
    if answer.status() != StatusCode::OK {
        return Err(Ended::Status(answer.status()));
    }
    let is_stream = |value: &HeaderValue| value.as_bytes().starts_with(b"text/event-stream");
    if !answer.headers().get(CONTENT_TYPE).is_some_and(is_stream) {
        return Err(Ended::NoStream);
    }
    let mut body = answer.into_body();
    let mut reader = Reader::default();
    loop {
        let frame = timeout(SILENCE, body.frame()).await.map_err(|_| Ended::Silent)?.ok_or(Ended::Over)??;
        let heard = Instant::now();
        for event in frame.into_data().map_or(Ok(Vec::new()), |data| reader.read(&data))? {
            feed.hear(event, sent, heard);
        }
    }
}
