//! The revocation feed of a realm as server-sent events (WHATWG HTML §9.2), in both directions.
//!
//! ```text
//! event: realm
//! data: {"issuer":"https://auth.example.org/realms/shop","audiences":[]}
//!
//! event: revoked
//! data: {"client_id":"app","before":1768489210,"exp":1768575600}
//!
//! event: alive
//! id: 1768489100000000-42
//! data: {"after":1250,"now":1768489201}
//! ```

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::revocation::{Named, Revocation};
use crate::time::Timestamp;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// What a follower has to know of the realm and of itself. Comes first, and once.
    Realm(About),
    /// Tokens that are not to be judged without asking.
    Revoked(Revocation),
    /// Everything that was committed up to here has been told.
    Alive(Alive),
}

/// What a follower has to know of the realm and of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The issuer of its tokens.
    pub issuer: String,
    /// The audiences for which the follower may take tokens; empty for any.
    pub audiences: Vec<String>,
}

/// Up to when everything has been told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alive {
    /// How long after the follower's request the store was asked for revocations the last time.
    pub after: Duration,
    /// The realm's time.
    pub now: Timestamp,
    /// From where to go on after a lost connection: `Last-Event-ID`.
    pub resume: Resume,
}

/// A point in the feed of a realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The realm's cut-off then. A store that was put back to an earlier state counts anew, and has another one.
    pub not_before: Timestamp,
    /// Everything up to this number has been told.
    pub settled: i64,
}

impl Resume {
    /// As an event's id.
    pub fn write(self) -> String {
        format!("{}-{}", self.not_before.as_micros(), self.settled)
    }

    /// From an event's id; nothing if it is none of ours.
    pub fn read(text: &str) -> Option<Self> {
        let (not_before, settled) = text.split_once('-')?;
        let not_before = Timestamp::from_micros(not_before.parse().ok()?);
        Some(Self { not_before, settled: settled.parse().ok().filter(|settled| *settled >= 0)? })
    }
}

/// A follower holds at most this much of one event.
const EVENT_LIMIT: usize = 64 * 1024;

/// Exactly one of the claims stands there; none in what is said of the whole realm. A member that is not known here may
/// limit or widen what is said, so that it makes the entry unreadable.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<i64>,
    exp: i64,
}

#[derive(Serialize, Deserialize)]
struct Beat {
    after: u64,
    now: i64,
}

impl Event {
    /// The event as it is sent.
    pub fn write(&self) -> String {
        match self {
            Self::Realm(about) => format!("event: realm\ndata: {}\n\n", json(about)),
            Self::Revoked(revocation) => format!("event: revoked\ndata: {}\n\n", json(&Entry::of(revocation))),
            Self::Alive(Alive { after, now, resume }) => {
                let after = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
                let beat = json(&Beat { after, now: now.as_secs() });
                format!("event: alive\nid: {}\ndata: {beat}\n\n", resume.write())
            }
        }
    }

    fn read(name: &str, id: &str, data: &str) -> Result<Self, Unreadable> {
        let read = match name {
            "realm" => serde_json::from_str(data).ok().map(Self::Realm),
            "revoked" => serde_json::from_str(data).ok().and_then(Entry::revocation).map(Self::Revoked),
            "alive" => serde_json::from_str(data).ok().zip(Resume::read(id)).map(|(Beat { after, now }, resume)| {
                Self::Alive(Alive { after: Duration::from_millis(after), now: Timestamp::from_secs(now), resume })
            }),
            _ => None,
        };
        read.ok_or(Unreadable)
    }
}

impl Entry {
    /// Seconds, rounded so that the entry names no token less and is forgotten no sooner.
    fn of(revocation: &Revocation) -> Self {
        let up = |at: Timestamp| (at + Duration::from_micros(999_999)).as_secs();
        let mut entry = Self { before: revocation.before.map(up), exp: up(revocation.expires_at), ..Self::default() };
        let claim = match revocation.named {
            Named::Token(_) => &mut entry.jti,
            Named::Session(_) => &mut entry.sid,
            Named::Subject(_) => &mut entry.sub,
            Named::Client(_) => &mut entry.client_id,
            Named::Key(_) => &mut entry.kid,
            Named::Realm => return entry,
        };
        *claim = Some(revocation.named.name().to_owned());
        entry
    }

    fn revocation(self) -> Option<Revocation> {
        let Self { jti, sid, sub, client_id, kid, before, exp } = self;
        let named = match (jti, sid, sub, client_id, kid) {
            (Some(jti), None, None, None, None) => Named::Token(jti),
            (None, Some(sid), None, None, None) => Named::Session(sid),
            (None, None, Some(sub), None, None) => Named::Subject(sub),
            (None, None, None, Some(client_id), None) => Named::Client(client_id),
            (None, None, None, None, Some(kid)) => Named::Key(kid),
            (None, None, None, None, None) => Named::Realm,
            _ => return None,
        };
        let (before, expires_at) = (before.map(Timestamp::from_secs), Timestamp::from_secs(exp));
        Some(Revocation { named, before, expires_at })
    }
}

/// Strings and numbers only: writing them cannot fail.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// The stream is not one that this program understands: whoever follows it must not rely on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the revocation feed says something that this version does not understand; update whichever is older")]
pub struct Unreadable;

/// Reads a stream as it arrives, in whatever pieces.
#[derive(Debug, Default)]
pub struct Reader {
    unread: Vec<u8>,
}

impl Reader {
    /// The events that are complete with these bytes. Comments and members of other kinds are passed over.
    ///
    /// # Errors
    /// [`Unreadable`] for an event of an unknown name or form, for text that is not UTF-8, and for too much of it.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Vec<Event>, Unreadable> {
        self.unread.extend_from_slice(bytes);
        let mut events = Vec::new();
        let mut begin = 0;
        while let Some(rest) = self.unread.get(begin..)
            && let Some(length) = rest.windows(2).position(|pair| pair == b"\n\n")
        {
            let block = rest.get(..length).and_then(|block| std::str::from_utf8(block).ok()).ok_or(Unreadable)?;
            events.extend(event(block)?);
            begin += length + 2;
        }
        self.unread.drain(..begin);
        if self.unread.len() > EVENT_LIMIT {
            return Err(Unreadable);
        }
        Ok(events)
    }
}

/// The event of a block of lines; nothing if they are comments alone.
fn event(block: &str) -> Result<Option<Event>, Unreadable> {
    let field = |name: &str| {
        let mut lines = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        lines.next()
    };
    match (field("event"), field("data")) {
        (Some(name), Some(data)) => Event::read(name, field("id").unwrap_or_default(), data).map(Some),
        _ if block.lines().all(|line| line.is_empty() || line.starts_with(':')) => Ok(None),
        _ => Err(Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<(Event, &'static str)> {
        let revoked = |named, before: Option<i64>| {
            let (before, expires_at) = (before.map(Timestamp::from_secs), Timestamp::from_secs(99));
            Event::Revoked(Revocation { named, before, expires_at })
        };
        let text = |text: &str| text.to_owned();
        let resume = Resume { not_before: Timestamp::from_micros(7), settled: 42 };
        let alive = Alive { after: Duration::from_millis(1250), now: Timestamp::from_secs(60), resume };
        vec![
            (
                Event::Realm(About { issuer: text("https://a.test/realms/r"), audiences: vec![text("api")] }),
                "event: realm\ndata: {\"issuer\":\"https://a.test/realms/r\",\"audiences\":[\"api\"]}\n\n",
            ),
            (
                revoked(Named::Token(text("a\n\nb")), None),
                "event: revoked\ndata: {\"jti\":\"a\\n\\nb\",\"exp\":99}\n\n",
            ),
            (revoked(Named::Session(text("s")), None), "event: revoked\ndata: {\"sid\":\"s\",\"exp\":99}\n\n"),
            (
                revoked(Named::Subject(text("p")), Some(9)),
                "event: revoked\ndata: {\"sub\":\"p\",\"before\":9,\"exp\":99}\n\n",
            ),
            (revoked(Named::Client(text("c")), None), "event: revoked\ndata: {\"client_id\":\"c\",\"exp\":99}\n\n"),
            (revoked(Named::Key(text("k")), None), "event: revoked\ndata: {\"kid\":\"k\",\"exp\":99}\n\n"),
            (revoked(Named::Realm, Some(9)), "event: revoked\ndata: {\"before\":9,\"exp\":99}\n\n"),
            (Event::Alive(alive), "event: alive\nid: 7-42\ndata: {\"after\":1250,\"now\":60}\n\n"),
        ]
    }

    #[test]
    fn what_is_written_is_read_in_whatever_pieces() {
        for (event, text) in rows() {
            assert_eq!(event.write(), text);
        }
        let stream: String = rows().iter().map(|(_, text)| format!(": a comment\n\n{text}")).collect();
        let events: Vec<Event> = rows().into_iter().map(|(event, _)| event).collect();
        for size in [1, 2, 3, 7, 64, stream.len()] {
            let mut reader = Reader::default();
            let pieces = stream.as_bytes().chunks(size);
            let read: Vec<Event> = pieces.flat_map(|piece| reader.read(piece).unwrap()).collect();
            assert_eq!(read, events, "{size}");
        }
    }

    #[test]
    fn times_are_rounded_so_that_nothing_is_missed() {
        let (before, expires_at) = (Some(Timestamp::from_micros(1)), Timestamp::from_micros(2_000_001));
        let revocation = Revocation { named: Named::Realm, before, expires_at };
        assert_eq!(Event::Revoked(revocation).write(), "event: revoked\ndata: {\"before\":1,\"exp\":3}\n\n");
    }

    #[test]
    fn what_is_not_understood_is_not_passed_over() {
        for block in [
            "event: other\ndata: {}",
            "event: revoked\ndata: {\"jti\":\"a\",\"sid\":\"b\",\"exp\":1}",
            "event: revoked\ndata: {\"jti\":\"a\",\"exp\":1,\"nbf\":2}",
            "event: revoked\ndata: {\"jti\":\"a\"}",
            "event: revoked\ndata: nonsense",
            "event: revoked",
            "data: {}",
            "event: alive\ndata: {\"after\":1,\"now\":2}",
            "event: alive\nid: 1--2\ndata: {\"after\":1,\"now\":2}",
            "event: alive\nid: x\ndata: {\"after\":-1,\"now\":2}",
            "<html>",
        ] {
            assert_eq!(Reader::default().read(format!("{block}\n\n").as_bytes()), Err(Unreadable), "{block}");
        }
        assert_eq!(Reader::default().read(b"\xff\n\n"), Err(Unreadable));
        assert_eq!(Reader::default().read(&vec![b'x'; EVENT_LIMIT + 1]), Err(Unreadable));
    }
}
