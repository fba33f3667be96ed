//! The client of this project and its server, by the dialects: a token is used, expires, is revoked, its owner is
//! disabled, and the server is gone.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use jeton_client::{Clock, Profile, Profiles, TokenSource};
use jeton_core::secret::Secret;
use tempfile::TempDir;

use crate::harness::{ADA, Answer, DAY, GRACE, HOUR, Server};

/// How one signs in by a dialect, and a call that its token opens.
struct Way {
    dialect: &'static str,
    names: [&'static str; 2],
    /// Longer than a token lives.
    life: Duration,
    call: (&'static str, &'static str, &'static str),
}

const WAYS: [Way; 3] = [
    Way {
        dialect: "inevent",
        names: ["username", "password"],
        life: Duration::from_secs(31 * 24 * 3600),
        call: ("GET", "/?action=person.get", ""),
    },
    Way {
        dialect: "pitchpoint",
        names: ["username", "password"],
        life: HOUR,
        call: ("POST", "/riskinsight-services-ws/resources/v1/orders/query", "{}"),
    },
    Way { dialect: "zro", names: ["key_id", "key_secret"], life: HOUR, call: ("GET", "/operations/wallets", "") },
];

struct Pair {
    server: Server,
    clock: Clock,
    source: TokenSource,
    way: &'static Way,
    _folder: TempDir,
}

impl Pair {
    async fn start(way: &'static Way) -> Self {
        let server = Server::start().await;
        // The client trusts the server's `Date`, which is the machine's: so both begin there.
        let now = Clock::system().now().whole_secs();
        server.clock.set(now);
        let clock = Clock::standing_at(now, 0.5);
        let (id, secret) = match way.dialect {
            "inevent" => (ADA.username, ADA.password),
            "pitchpoint" => (GRACE.username, GRACE.password),
            _ => (server.zro.id.as_str(), server.zro.secret.as_str()),
        };
        let profile = Profile {
            url: format!("http://{}", server.address()),
            dialect: Some(way.dialect.to_owned()),
            values: BTreeMap::from([(way.names[0].to_owned(), id.to_owned())]),
            ..Profile::default()
        };
        let folder = tempfile::tempdir().unwrap();
        let profiles = Profiles::at(folder.path());
        let secrets = BTreeMap::from([(way.names[1].to_owned(), Secret::from(secret))]);
        profiles.put("it", &profile, secrets, false).unwrap();
        let source = TokenSource::open(&profiles, "it", clock.clone()).unwrap();
        Self { server, clock, source, way, _folder: folder }
    }

    fn advance(&self, span: Duration) {
        self.server.clock.advance(span);
        self.clock.advance(span);
    }

    /// A call with the client's token.
    async fn call(&self) -> Answer {
        let given = self.source.token().await.unwrap();
        let (method, target, body) = self.way.call;
        let (named, path): (Method, _) = (method.parse().unwrap(), target.split('?').next().unwrap());
        let placed = self.source.show(&given.token, &named, path).unwrap();
        let mut call = self.server.call(method, target);
        for (name, value) in &placed.headers {
            call = call.header(name, value);
        }
        if body.is_empty() { call.await } else { call.json(body).await }
    }

    /// Whose the token is.
    async fn principal(&self) -> jeton_core::domain::id::Id {
        let realm = self.server.seed().find_realm(self.way.dialect).await;
        let sessions = jeton_store::Sessions::OfRealm(realm.id);
        self.server.app.store.sessions(sessions, None, 1).await.unwrap().remove(0).session.principal_id
    }
}

#[tokio::test]
async fn a_token_from_its_first_call_to_an_outage() {
    for way in &WAYS {
        let pair = Pair::start(way).await;
        let dialect = way.dialect;
        let first = pair.source.token().await.unwrap().token;
        assert_eq!(pair.call().await.status, 200, "{dialect}");
        assert_eq!(pair.source.token().await.unwrap().token, first, "{dialect}: from the cache");

        // Its time is over: the client knows that before anybody tells it.
        pair.advance(way.life);
        assert_eq!(pair.call().await.status, 200, "{dialect}: expired");
        let second = pair.source.token().await.unwrap().token;
        assert_ne!(second.access, first.access, "{dialect}");

        // Everything of its owner is ended: the client cannot know, is refused, and signs in again.
        let principal = pair.principal().await;
        let record = pair.server.seed().record();
        let now = pair.server.clock.now();
        pair.server.app.store.end_principal_sessions(principal, now, record).await.unwrap();
        pair.advance(Duration::from_secs(61));
        let refused = pair.call().await.status;
        assert!((400..500).contains(&refused), "{dialect}: {refused}");
        pair.source.refresh().await.unwrap_or_else(|error| panic!("{dialect}: {error}"));
        assert_eq!(pair.call().await.status, 200, "{dialect}: after a revocation");

        // Its owner is disabled: no token opens anything, and none is to be had. What the client has it keeps.
        pair.server.app.store.set_principal_enabled(principal, false, pair.server.seed().record()).await.unwrap();
        pair.advance(Duration::from_secs(61));
        assert!((400..500).contains(&pair.call().await.status), "{dialect}: disabled");
        let error = pair.source.refresh().await.unwrap_err().to_string();
        assert!(error.contains("wrong_credentials"), "{dialect}: {error}");
        pair.server.app.store.set_principal_enabled(principal, true, pair.server.seed().record()).await.unwrap();

        // The server is gone: a good token is still given, early refreshes fail beside it, and at its end there is none.
        pair.advance(DAY);
        pair.source.token().await.unwrap_or_else(|error| panic!("{dialect}: {error}"));
        let Pair { mut server, clock, source, _folder, .. } = pair;
        server.stop().await;
        source.token().await.unwrap_or_else(|error| panic!("{dialect}: {error}"));
        let error = source.refresh().await.unwrap_err();
        assert!(matches!(error, jeton_client::Error::Transport(_)), "{dialect}: {error}");
        clock.advance(400 * DAY);
        assert!(source.token().await.is_err(), "{dialect}: its end, and nobody there");
    }
}
