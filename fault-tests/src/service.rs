//! The service under test, as a client of it sees it: five acts, each written down once its answer is there.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::connection::{self, Connections, Request};
use crate::journal::Journal;
use crate::random::now;
use crate::record::{Act, Answer, Record};

/// What clients need to know; `faults prepare` writes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Service {
    /// The realm, which has the dialect of this folder at the root.
    pub(crate) realm: String,
    /// API keys to sign in with.
    pub(crate) keys: Vec<ApiKey>,
    /// The resource server that asks for introspection.
    pub(crate) client_id: String,
    /// Its secret.
    pub(crate) client_secret: String,
}

/// An API key, as `jeton api-key add --json` prints it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ApiKey {
    /// The public part.
    pub(crate) key_id: String,
    /// The secret part.
    pub(crate) key_secret: String,
}

impl Service {
    /// Reads what `faults prepare` wrote; without a path, `service.json` beside the journal.
    ///
    /// # Errors
    /// It is not there or cannot be read.
    pub(crate) fn read(path: Option<&Path>, journal: &Path) -> anyhow::Result<Arc<Self>> {
        let beside = journal.with_file_name("service.json");
        let path = path.unwrap_or(&beside);
        let shown = path.display();
        let text =
            std::fs::read_to_string(path).with_context(|| format!("{shown}: run `faults prepare` to write it"))?;
        Ok(Arc::new(serde_json::from_str(&text).with_context(|| format!("{shown} is not what prepare writes"))?))
    }

    /// The request of an act.
    fn request(&self, family: u64, act: Act, shown: &str) -> Request {
        let json = || ("Content-Type", "application/json".to_owned());
        let form = || ("Content-Type", "application/x-www-form-urlencoded".to_owned());
        let (path, headers, body) = match act {
            Act::Issue | Act::Replay => {
                let key = self.keys.get(family as usize % self.keys.len().max(1));
                let (id, secret) = key.map_or(("", ""), |key| (&key.key_id, &key.key_secret));
                let body = serde_json::json!({ "id": id, "secret": secret }).to_string();
                ("/sign-in".to_owned(), vec![json(), ("nonce", shown.to_owned())], body)
            }
            Act::Refresh => ("/renew".to_owned(), vec![("x-access-token", shown.to_owned())], String::new()),
            Act::Revoke => ("/sign-out".to_owned(), vec![("Authorization", format!("Bearer {shown}"))], String::new()),
            Act::Introspect => {
                let (id, secret) = (&self.client_id, &self.client_secret);
                let body = format!("client_id={id}&client_secret={secret}&token={shown}");
                (format!("/realms/{}/protocol/openid-connect/token/introspect", self.realm), vec![form()], body)
            }
        };
        Request { path, headers, body }
    }
}

/// The addresses of `--nodes`, which are given as `http://ADDRESS:PORT`.
///
/// # Errors
/// Another scheme, or a host name.
pub(crate) fn node(url: &str) -> Result<SocketAddr, String> {
    let address = url.strip_prefix("http://").unwrap_or(url).trim_end_matches('/');
    address.parse().map_err(|_| "give the node's address, such as http://127.0.0.1:8080".to_owned())
}

/// One client, with a connection of its own to each node.
pub(crate) struct Client {
    service: Arc<Service>,
    journal: Journal,
    connections: Connections,
}

impl Client {
    /// A client of these nodes.
    pub(crate) fn new(service: &Arc<Service>, journal: &Journal, nodes: &[SocketAddr]) -> Self {
        Self { service: Arc::clone(service), journal: journal.clone(), connections: Connections::new(nodes) }
    }

    /// How many nodes there are.
    pub(crate) fn nodes(&self) -> usize {
        self.connections.nodes()
    }

    /// Opens the connection to a node ahead of the first request.
    ///
    /// # Errors
    /// The node cannot be reached.
    pub(crate) async fn open(&mut self, node: usize) -> anyhow::Result<()> {
        self.connections.open(node).await
    }

    /// Does one act and writes it down with its answer.
    ///
    /// # Errors
    /// The journal cannot be written. That a node does not answer is an answer.
    pub(crate) async fn ask(&mut self, node: usize, family: u64, act: Act, shown: &str) -> anyhow::Result<Answer> {
        let record = self.ask_unwritten(node, family, act, shown).await;
        self.journal.add(&record).await?;
        Ok(record.answer)
    }

    /// Does one act and leaves it to the caller to write it down, who must do it.
    pub(crate) async fn ask_unwritten(&mut self, node: usize, family: u64, act: Act, shown: &str) -> Record {
        let request = self.service.request(family, act, shown);
        let begun = now();
        let answer = match self.connections.ask(node, &request).await {
            Ok(answer) => read(act, &answer),
            Err(_) => Answer::Nothing,
        };
        Record { begun, ended: now(), node, family, act, shown: shown.to_owned(), answer }
    }
}

#[derive(Deserialize)]
struct TokenBody {
    access_token: String,
}

#[derive(Deserialize)]
struct IntrospectionBody {
    active: bool,
}

/// What an answer means. One that makes no sense is as wrong as a status that nobody should see.
fn read(act: Act, answer: &connection::Answer) -> Answer {
    let wrong = Answer::Wrong(answer.status);
    match (answer.status, act) {
        (200, Act::Issue | Act::Replay | Act::Refresh) => {
            serde_json::from_str::<TokenBody>(&answer.body).map_or(wrong, |body| Answer::Token(body.access_token))
        }
        (200, Act::Revoke) => Answer::Done,
        (200, Act::Introspect) => match serde_json::from_str::<IntrospectionBody>(&answer.body) {
            Ok(body) if body.active => Answer::Active,
            Ok(_) => Answer::Inactive,
            Err(_) => wrong,
        },
        // A refused introspection means that its client is not known any more.
        (400 | 401 | 403, Act::Issue | Act::Replay | Act::Refresh | Act::Revoke) => Answer::Refused(answer.status),
        (503, _) => Answer::Unavailable,
        _ => wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_mean_something() {
        for (act, status, body, meaning) in [
            (Act::Issue, 200, r#"{"access_token":"A"}"#, Answer::Token("A".to_owned())),
            (Act::Refresh, 200, "{}", Answer::Wrong(200)),
            (Act::Refresh, 401, "{}", Answer::Refused(401)),
            (Act::Refresh, 429, "{}", Answer::Wrong(429)),
            (Act::Revoke, 200, "{}", Answer::Done),
            (Act::Introspect, 200, r#"{"active":true}"#, Answer::Active),
            (Act::Introspect, 200, r#"{"active":false}"#, Answer::Inactive),
            (Act::Introspect, 401, "{}", Answer::Wrong(401)),
            (Act::Replay, 503, "", Answer::Unavailable),
            (Act::Replay, 500, "", Answer::Wrong(500)),
        ] {
            let answer = connection::Answer { status, body: body.to_owned() };
            assert_eq!(read(act, &answer), meaning, "{act:?} {status} {body}");
        }
    }

    #[test]
    fn nodes_are_addresses() {
        for (text, good) in [("http://127.0.0.1:80", true), ("127.0.0.1:80/", true), ("https://x:1", false)] {
            assert_eq!(node(text).is_ok(), good, "{text}");
        }
    }
}
