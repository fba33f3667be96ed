//! `jeton store copy`: servers on the copy know every token, and none that was ended. The way over PostgreSQL is left
//! out where `JETON_TEST_POSTGRES` has no URL.

use std::os::unix::fs::PermissionsExt;
use std::process::Output;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio_postgres::{Config, NoTls};

use crate::harness::{FORM, JSON, Place, Request, Server, post, text};

const PITCHPOINT: &str = "/user-management-services-ws/oauth2/002";

#[test]
fn tokens_are_good_at_the_next_place_and_at_the_one_after() {
    let shop = Shop::new();
    let mut store = (shop.place.path("data/jeton.db").to_str().unwrap().to_owned(), "data = \"data\"".to_owned());
    let server = shop.place.serve();
    let [jwt, mut access, mut refresh] = shop.sign_in(&server);
    // Two sign-ins of one second would have one token between them, which lives as long as either does.
    std::thread::sleep(Duration::from_secs(1));
    let [_, ended, ended_refresh] = shop.sign_in(&server);
    shop.revoke(&server, &ended);
    let kids = shop.kids(&server);
    drop(server);

    for (to, line) in shop.next_places() {
        let copied = shop.copy(&store.0, &to, &["--json"]);
        assert!(copied.status.success(), "{copied:?}");
        let copied: Value = serde_json::from_slice(&copied.stdout).unwrap();
        for (table, least) in [("realm", 2), ("client", 3), ("session", 2), ("signing_key", 1), ("meta", 1)] {
            let tables = copied["tables"].as_array().unwrap();
            let found = tables.iter().find(|found| found["table"] == table).unwrap();
            assert!(found["rows"].as_u64() >= Some(least), "{found}");
        }
        shop.place.edit("jeton.toml", &store.1, &line);
        store = (to, line);

        let server = shop.place.serve();
        let good =
            [("shop", &jwt), ("pitchpoint", &access)].map(|(realm, token)| shop.is_active(&server, realm, token));
        assert_eq!((good, shop.is_active(&server, "pitchpoint", &ended)), ([true; 2], false), "{}", store.1);
        assert_eq!(shop.kids(&server), kids, "{}", store.1);
        assert_ne!(server.request(&renew(&ended_refresh)).status, 200, "{}", store.1);
        let renewed = server.request(&renew(&refresh));
        assert_eq!(renewed.status, 200, "{}: {}", store.1, renewed.body);
        (access, refresh) = (text(&renewed.json(), "/access_token"), text(&renewed.json(), "/refresh_token"));
        assert!(shop.is_active(&server, "pitchpoint", &access), "{}", store.1);
    }
}

#[test]
fn what_cannot_be_copied_is_refused() {
    let shop = Shop::new();
    let file = |name: &str| shop.place.path(name).to_str().unwrap().to_owned();
    let (store, new) = (file("data/jeton.db"), file("new.db"));
    for (from, to, more, said) in [
        (&*store, &*store, &[][..], "there is a store at"),
        (&file("nowhere.db"), &new, &[], "there is no store at"),
        (&file("data"), &new, &[], "name the store's own, such as"),
        (&store, "", &[], "--to names no file"),
        (&store, "postgres://ada:secret@localhost/j", &[], "a password in --to can be seen by everybody"),
        ("postgres://ada@localhost/j?password=secret", &new, &[], "a password in --from can be seen by everybody"),
        (&store, "mysql://localhost/j", &[], "postgres://USER@HOST"),
        (&store, &new, &["--database", "postgres://localhost/j"], "--from and --to name both"),
    ] {
        let output = shop.copy(from, to, more);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains(said), "{from} {to}: {error}");
        assert!(!error.contains("secret@") && !error.contains("=secret"), "{error}");
    }
    assert!(!shop.place.path("new.db").exists());
    let shown = String::from_utf8(shop.copy(&store, &new, &[]).stdout).unwrap();
    assert!(shown.starts_with("TABLE") && shown.contains("signing_key"), "{shown}");
}

/// An installation with tokens of two kinds: a program's, which the store knows nothing of, and a person's.
struct Shop {
    place: Place,
    program: String,
    grace: String,
    watchers: [(&'static str, (String, String)); 2],
    postgres: Option<(String, String)>,
}

impl Shop {
    fn new() -> Self {
        let place = Place::new();
        place.run(&["realm", "add", "shop"], "");
        place.run(&["realm", "add", "pitchpoint", "--dialect", "pitchpoint"], "");
        let program = text(&place.json(&["client", "add", "shop", "program"]), "/client_secret");
        let grace = text(&place.json(&["person", "add", "pitchpoint", "grace", "--generate-password"]), "/password");
        let watchers = ["shop", "pitchpoint"].map(|realm| {
            let made = place.json(&["client", "add", realm, "--resource-server"]);
            (realm, (text(&made, "/client_id"), text(&made, "/client_secret")))
        });
        let postgres = postgres();
        if let Some((_, password)) = &postgres {
            std::fs::write(place.path("password"), password).unwrap();
            std::fs::set_permissions(place.path("password"), PermissionsExt::from_mode(0o600)).unwrap();
        }
        Self { place, program, grace, watchers, postgres }
    }

    /// Where the store moves to, one after the other, and what the configuration then says.
    fn next_places(&self) -> Vec<(String, String)> {
        let database = self
            .postgres
            .iter()
            .map(|(url, _)| (url.clone(), format!("database = \"{url}\"\ndatabase_password_file = \"password\"")));
        let file = self.place.path("again/jeton.db").to_str().unwrap().to_owned();
        database.chain([(file, "data = \"again\"".to_owned())]).collect()
    }

    fn copy(&self, from: &str, to: &str, more: &[&str]) -> Output {
        let password = self.postgres.as_ref().map_or("", |(_, password)| password);
        let args = [&["store", "copy", "--from", from, "--to", to], more].concat();
        self.place.command(&args).env("JETON_DATABASE_PASSWORD", password).output().unwrap()
    }

    /// A program's token, and a person's with the refresh token.
    fn sign_in(&self, server: &Server) -> [String; 3] {
        let form = format!("grant_type=client_credentials&client_id=program&client_secret={}", self.program);
        let program = server.request(&post("/realms/shop/protocol/openid-connect/token", FORM, &form)).json();
        let body = format!(r#"{{"username":"grace","password":"{}"}}"#, self.grace);
        let grace = server.request(&post(&format!("{PITCHPOINT}/signInWithPassword"), JSON, &body)).json();
        [text(&program, "/access_token"), text(&grace, "/access_token"), text(&grace, "/refresh_token")]
    }

    fn watcher(&self, realm: &str) -> &(String, String) {
        self.watchers.iter().find(|(name, _)| *name == realm).map(|(_, watcher)| watcher).unwrap()
    }

    fn is_active(&self, server: &Server, realm: &str, token: &str) -> bool {
        server.is_active(realm, self.watcher(realm), token)
    }

    /// Ends a person's session.
    fn revoke(&self, server: &Server, token: &str) {
        let sessions = self.place.json(&["session", "list", "pitchpoint", "--person", "grace"]);
        let newest = sessions.as_array().unwrap().iter().max_by_key(|session| text(session, "/id")).unwrap();
        self.place.run(&["session", "revoke", "pitchpoint", &text(newest, "/id")], "");
        assert!(!self.is_active(server, "pitchpoint", token));
    }

    fn kids(&self, server: &Server) -> Vec<String> {
        let target = "/realms/shop/protocol/openid-connect/certs".to_owned();
        let answer = server.request(&Request { method: "GET", target, headers: Vec::new(), body: String::new() });
        answer.json()["keys"].as_array().unwrap().iter().map(|key| text(key, "/kid")).collect()
    }
}

fn renew(token: &str) -> Request {
    post(&format!("{PITCHPOINT}/refreshIdToken"), JSON, &format!(r#"{{"refresh_token":"{token}"}}"#))
}

/// A schema of its own in the PostgreSQL for tests: its URL without the password, and that.
#[expect(clippy::disallowed_methods, reason = "where tests find a PostgreSQL is said in the environment alone")]
fn postgres() -> Option<(String, String)> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let Ok(url) = std::env::var("JETON_TEST_POSTGRES") else {
        eprintln!("left out: PostgreSQL, since JETON_TEST_POSTGRES names none");
        return None;
    };
    let name = format!("copy_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(connection);
        let make = format!("DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}");
        client.batch_execute(&make).await.unwrap();
    });
    let config: Config = url.parse().unwrap();
    let password = String::from_utf8(config.get_password().unwrap_or_default().to_vec()).unwrap();
    let (sign, url) = (if url.contains('?') { '&' } else { '?' }, url.replacen(&format!(":{password}@"), "@", 1));
    Some((format!("{url}{sign}options=-c%20search_path%3D{name}"), password))
}
