//! A store that several machines could share.

use std::sync::atomic::{AtomicU32, Ordering};

use jeton_store::Database;
use tokio_postgres::NoTls;

/// A new schema in the PostgreSQL of `JETON_TEST_POSTGRES`, if that has a URL.
#[expect(clippy::disallowed_methods, reason = "where tests find a PostgreSQL is said in the environment alone")]
pub(crate) async fn postgres() -> Option<Database> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let Ok(url) = std::env::var("JETON_TEST_POSTGRES") else {
        eprintln!("left out: PostgreSQL, since JETON_TEST_POSTGRES names none");
        return None;
    };
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let name = format!("s_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    client.batch_execute(&format!("DROP SCHEMA IF EXISTS {name} CASCADE")).await.unwrap();
    client.batch_execute(&format!("CREATE SCHEMA {name}")).await.unwrap();
    let sign = if url.contains('?') { '&' } else { '?' };
    Some(Database::postgres(&format!("{url}{sign}options=-c%20search_path%3D{name}"), None, 4).unwrap())
}
