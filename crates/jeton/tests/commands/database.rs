//! A PostgreSQL as the place of the store: how it is named, and that two nodes and a demo work on it. What needs one
//! is left out where `JETON_TEST_POSTGRES` has no URL.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use tokio_postgres::{Config, NoTls};

use crate::harness::{FORM, Place, post, text};

#[test]
fn no_password_is_shown_and_none_goes_out_in_clear() {
    let place = Place::new();
    for (url, said) in [
        ("postgres://ada:secret@localhost/j", "can be seen by everybody"),
        ("postgres://ada@localhost/j?password=secret", "can be seen by everybody"),
        ("postgres://ada@db.example.org/j?sslmode=disable", "always verified"),
        ("postgres://ada@db.example.org/j?sslmode=require", "always verified"),
        ("postgres://ada@localhost/j?keepalive=1", "unknown parameter `keepalive`"),
        ("data/jeton.db", "postgres://USER@HOST"),
    ] {
        for command in [&["serve"][..], &["realm", "list"], &["demo", "--data", "d"], &["init", "other"]] {
            let error = place.fail(&[command, &["--database", url]].concat(), "");
            assert!(error.contains(said) && !error.contains("secret"), "{command:?} {url}: {error}");
        }
    }
    let error = place.fail(&["demo", "--database", "postgres://localhost/j"], "");
    assert!(error.contains("--data DIR"), "{error}");
}

#[test]
fn two_nodes_serve_one_database() {
    let Some(database) = Database::new() else { return };
    let place = Place::new();
    place.edit("jeton.toml", "data = \"data\"\n", &format!("database = \"{}\"\n", database.url));
    place.edit("jeton.toml", "# database_password_file = \"database.password\"", "database_password_file = \"pw\"");
    std::fs::write(place.path("pw"), &database.password).unwrap();
    std::fs::set_permissions(place.path("pw"), PermissionsExt::from_mode(0o600)).unwrap();

    place.run(&["realm", "add", "shop"], "");
    let client = place.json(&["client", "add", "shop", "till"]);
    let client = ("till".to_owned(), text(&client, "/client_secret"));
    let (one, other) = (place.serve(), place.serve());
    let form = format!("grant_type=client_credentials&client_id=till&client_secret={}", client.1);
    let issued = one.request(&post("/realms/shop/protocol/openid-connect/token", FORM, &form));
    let token = text(&issued.json(), "/access_token");
    assert!(other.is_active("shop", &client, &token), "issued by one node, the other does not know it");
}

#[test]
fn a_demo_takes_a_database_of_its_own() {
    let Some(database) = Database::new() else { return };
    let folder = tempfile::tempdir().unwrap();
    let demo = |name: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jeton"));
        command.args(["demo", "--listen", "127.0.0.1:0", "--json", "--database", &database.url, "--data"]);
        command.arg(folder.path().join(name)).env("JETON_DATABASE_PASSWORD", &database.password);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let ready = || -> Value {
        let mut child = demo("mine").spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    };
    let (first, second) = (ready(), ready());
    for id in ["/realms/ion/client_id", "/realms/zro/api_id"] {
        assert_eq!(text(&first, id), text(&second, id));
    }
    for secret in ["/realms/ion/client_secret", "/realms/zro/api_key", "/realms/pitchpoint/password"] {
        assert_ne!(text(&first, secret), text(&second, secret));
    }

    // Another folder has another master key.
    let refused = demo("other").output().unwrap();
    assert!(!refused.status.success() && refused.stdout.is_empty(), "{refused:?}");
}

#[test]
fn a_demo_leaves_a_real_store_alone() {
    let Some(database) = Database::new() else { return };
    let place = Place::new();
    let args = ["--database", &database.url];
    let run = |command: &[&str]| {
        let mut command = place.command(&[command, &args].concat());
        command.env("JETON_DATABASE_PASSWORD", &database.password).output().unwrap()
    };
    assert!(run(&["realm", "add", "zro"]).status.success());
    let folder = place.path("");
    let refused = run(&["demo", "--json", "--listen", "127.0.0.1:0", "--data", folder.to_str().unwrap()]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("realms that no demo made (zro)"), "{said}");
}

/// A schema of its own in the PostgreSQL for tests.
struct Database {
    url: String,
    password: String,
}

impl Database {
    #[expect(clippy::disallowed_methods, reason = "where tests find a PostgreSQL is said in the environment alone")]
    fn new() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let Ok(url) = std::env::var("JETON_TEST_POSTGRES") else {
            eprintln!("left out: PostgreSQL, since JETON_TEST_POSTGRES names none");
            return None;
        };
        let schema = format!("c_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
            tokio::spawn(connection);
            client.batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE")).await.unwrap();
            client.batch_execute(&format!("CREATE SCHEMA {schema}")).await.unwrap();
        });
        // Without the password: the command line does not take one.
        let config: Config = url.parse().unwrap();
        let password = String::from_utf8(config.get_password().unwrap_or_default().to_vec()).unwrap();
        let (scheme, rest) = url.split_once("://").unwrap();
        let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
        let user = config.get_user().map(|user| format!("{user}@")).unwrap_or_default();
        let sign = if rest.contains('?') { '&' } else { '?' };
        let url = format!("{scheme}://{user}{rest}{sign}options=-c%20search_path%3D{schema}");
        Some(Self { url, password })
    }
}
