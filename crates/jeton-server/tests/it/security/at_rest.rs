//! What a thief of the database has: nothing that opens anything (E12).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::harness::{ADA, EVENT, EVENT_PASSWORD, GRACE, Key, Server};

/// A server that has given out one of everything; all of it, by what it is.
pub(super) async fn used() -> (Server, Vec<(String, String)>) {
    let server = Server::start().await;
    let pitchpoint = server.pitchpoint_tokens().await;
    let zro = server.zro_token().await;
    let renewed = server.renew(&zro).await.text("/access_token");
    let event = server.inevent(ADA, EVENT_PASSWORD, &[("eventID", EVENT)]).await.text("/data/0/tokenID");
    let revoked = server.client_token("plain", &server.plain).await;
    assert_eq!(server.oauth("plain", "revoke", &server.plain, &[("token", &revoked)]).await.status, 200);
    let values = vec![
        ("a person's password", ADA.password.to_owned()),
        ("another person's", GRACE.password.to_owned()),
        ("an event's password", EVENT_PASSWORD.to_owned()),
        ("a client's secret", server.plain.secret.clone()),
        ("another client's", server.ion.secret.clone()),
        ("an API key's secret", server.zro.secret.clone()),
        ("an opaque token", server.inevent_token().await),
        ("an event's token", event),
        ("a signed token", pitchpoint.access),
        ("a refresh token", pitchpoint.refresh),
        ("a token that can be renewed", renewed),
        ("a token that was renewed", zro),
        ("a client's token", server.ion_token().await),
        ("a revoked token", revoked),
    ];
    (server, values.into_iter().map(|(what, value)| (what.to_owned(), value)).collect())
}

/// Every spelling in which a value could lie about. Of a JWT also its signature, without which it is none.
fn spellings(value: &str) -> Vec<String> {
    let mut found = vec![value.to_owned(), crate::harness::form(&[("", value)])[1..].to_owned()];
    found.push(found[1].to_lowercase());
    found.push(value.bytes().map(|byte| format!("%{byte:02X}")).collect());
    found.push(value.bytes().map(|byte| format!("{byte:02x}")).collect());
    // As JSON and as a debugging print write it.
    found.push(serde_json::to_string(value).unwrap().trim_matches('"').to_owned());
    found.push(format!("{value:?}").trim_matches('"').to_owned());
    if let Some((_, signature)) = value.rsplit_once('.').filter(|_| value.starts_with("eyJ")) {
        found.push(signature.to_owned());
    }
    // The three ways in which base64 can fall on a text that stands somewhere in a longer one.
    for skip in 0..3 {
        let inner = &value.as_bytes()[skip..value.len() - (value.len() - skip) % 3];
        for encoded in [STANDARD.encode(inner), URL_SAFE_NO_PAD.encode(inner)] {
            found.push(encoded);
        }
    }
    found.into_iter().filter(|spelling| spelling.len() >= 8).collect()
}

/// Which of `values` stand in `text`, however they are spelt.
pub(super) fn found_in<'v>(text: &str, values: &'v [(String, String)]) -> Vec<&'v str> {
    let stands = |value: &str| spellings(value).iter().any(|spelling| text.contains(spelling));
    values.iter().filter(|(_, value)| stands(value)).map(|(what, _)| what.as_str()).collect()
}

/// All bytes of the store's files; those that are no UTF-8 replaced.
pub(super) fn files(server: &Server) -> String {
    let read = |name: &str| std::fs::read(server.folder().join(name)).unwrap_or_default();
    String::from_utf8_lossy(&[read("jeton.db"), read("jeton.db-wal"), read("jeton.db-shm")].concat()).into_owned()
}

#[tokio::test]
async fn e12_no_secret_stands_in_the_files() {
    let (server, values) = used().await;
    let bytes = files(&server);
    assert!(bytes.contains(GRACE.username), "the search does not find what is there");
    assert_eq!(found_in(&bytes, &values), Vec::<&str>::new());
    // That the search finds a value in each of its spellings.
    for spelling in spellings(&values[0].1) {
        assert_eq!(found_in(&format!("before{spelling}after"), &values), ["a person's password"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e12_no_value_of_the_database_opens_anything() {
    let (server, _) = used().await;
    let db = Connection::open(server.folder().join("jeton.db")).unwrap();
    let mut values = std::collections::BTreeSet::new();
    let tables: Vec<String> = {
        let mut query = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").unwrap();
        query.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    for table in tables {
        let mut query = db.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = query.column_count();
        let mut rows = query.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                match row.get_ref(column).unwrap() {
                    ValueRef::Text(text) => {
                        values.insert(String::from_utf8_lossy(text).into_owned());
                    }
                    ValueRef::Blob(bytes) => {
                        values.insert(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
                        values.insert(STANDARD.encode(bytes));
                        values.insert(URL_SAFE_NO_PAD.encode(bytes));
                    }
                    _ => {}
                }
            }
        }
    }
    values.retain(|value| value.len() >= 8 && value.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    assert!(values.len() > 60, "{}", values.len());
    for value in &values {
        let client = |key: &Key| Key { secret: value.clone(), ..key.clone() };
        let grant = [("grant_type", "client_credentials")];
        for status in [
            server.person_get(&crate::harness::form(&[("", value)])[1..]).await.status,
            server.get("/plain/x").bearer(value).await.status,
            server.graphql(&format!("Bearer {value}")).await.status,
            server.orders(value).await.status,
            server.wallets(value).await.status,
            server.refresh(value).await.status,
            server.renew(value).await.status,
            server.zro_sign_in(&client(&server.zro)).await.status,
            server.oauth("plain", "token", &client(&server.plain), &grant).await.status,
        ] {
            assert!((400..500).contains(&status), "{value}: {status}");
        }
        // A password costs more to check, so it is the hashes alone that are tried as one.
        if value.starts_with("$argon2id$") {
            assert_eq!(server.pitchpoint(GRACE.username, value).await.status, 403);
        }
        server.clock.advance(crate::harness::MINUTE * 2);
    }
}
