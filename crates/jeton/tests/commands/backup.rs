//! A store is copied while it is served, lost, and put back; what was good before is good no more.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{FORM, JSON, Place, Request, Response, Server, contains, post, text};

const PITCHPOINT: &str = "/user-management-services-ws/oauth2/002";

/// A realm for each kind of token: a client's JWT, a person's JWT with a refresh token, an API key's that renews
/// itself, and an opaque one.
struct Installation {
    place: Place,
    app: String,
    grace: String,
    key: (String, String),
    event: String,
    watchers: [(&'static str, (String, String)); 4],
}

/// What was issued to each.
struct Tokens {
    access: [String; 4],
    refresh: String,
}

impl Installation {
    fn new() -> Self {
        let place = Place::new();
        place.run(&["realm", "add", "shop", "--alg", "EdDSA"], "");
        for realm in ["pitchpoint", "zro", "inevent"] {
            place.run(&["realm", "add", realm, "--dialect", realm], "");
        }
        let app = text(&place.json(&["client", "add", "shop", "app"]), "/client_secret");
        let add = ["person", "add", "pitchpoint", "grace", "--generate-password"];
        let grace = text(&place.json(&add), "/password");
        let made = place.json(&["api-key", "add", "zro", "--name", "Acme"]);
        let key = (text(&made, "/key_id"), text(&made, "/key_secret"));
        let add = ["person", "add", "inevent", "ana@example.org", "--generate-password"];
        let event = text(&place.json(&add), "/password");
        let watchers = ["shop", "pitchpoint", "zro", "inevent"].map(|realm| {
            let made = place.json(&["client", "add", realm, "--resource-server"]);
            (realm, (text(&made, "/client_id"), text(&made, "/client_secret")))
        });
        Self { place, app, grace, key, event, watchers }
    }

    fn secrets(&self) -> [&str; 4] {
        [&self.app, &self.grace, &self.key.1, &self.event]
    }

    fn asks(&self) -> [(Request, &'static str); 4] {
        let form = format!("grant_type=client_credentials&client_id=app&client_secret={}", self.app);
        let grace = format!(r#"{{"username":"grace","password":"{}"}}"#, self.grace);
        let key = format!(r#"{{"api_id":"{}","api_key":"{}"}}"#, self.key.0, self.key.1);
        let event = format!("password={}", self.event);
        [
            (post("/realms/shop/protocol/openid-connect/token", FORM, &form), "/access_token"),
            (post(&format!("{PITCHPOINT}/signInWithPassword"), JSON, &grace), "/access_token"),
            (post("/auth/singin", JSON, &key), "/access_token"),
            (post("/?action=person.signIn&username=ana%40example.org", FORM, &event), "/data/0/tokenID"),
        ]
    }

    fn sign_in(&self, server: &Server) -> Tokens {
        let mut refresh = String::new();
        let access = self.asks().map(|(request, pointer)| {
            let answer = server.request(&request);
            assert_eq!(answer.status, 200, "{}: {}", request.target, answer.body);
            if request.target.starts_with(PITCHPOINT) {
                refresh = text(&answer.json(), "/refresh_token");
            }
            text(&answer.json(), pointer)
        });
        Tokens { access, refresh }
    }

    /// Which of the tokens are good, each in its realm.
    fn active(&self, server: &Server, tokens: &Tokens) -> [bool; 4] {
        let mut active = [false; 4];
        for ((active, token), (realm, watcher)) in active.iter_mut().zip(&tokens.access).zip(&self.watchers) {
            *active = server.is_active(realm, watcher, token);
        }
        active
    }

    fn backup(&self) -> String {
        let file = self.place.path("a.backup");
        self.place.run(&["backup", file.to_str().unwrap()], "");
        file.to_str().unwrap().to_owned()
    }
}

fn refresh(server: &Server, token: &str) -> Response {
    server.request(&post(&format!("{PITCHPOINT}/refreshIdToken"), JSON, &format!(r#"{{"refresh_token":"{token}"}}"#)))
}

fn renew(server: &Server, token: &str) -> Response {
    let mut request = post("/auth/refresh-token", JSON, "");
    request.headers.push(("x-access-token", token.to_owned()));
    server.request(&request)
}

fn kids(server: &Server, realm: &str) -> Vec<String> {
    let target = format!("/realms/{realm}/protocol/openid-connect/certs");
    let answer = server.request(&Request { method: "GET", target, headers: Vec::new(), body: String::new() });
    answer.json()["keys"].as_array().unwrap().iter().map(|key| text(key, "/kid")).collect()
}

/// A client's token tells its issue to the second: one of the second of the restore is refused.
fn next_second() {
    std::thread::sleep(Duration::from_secs(1));
}

#[test]
fn n8_nothing_of_before_lives_after_a_restore() {
    let shop = Installation::new();
    let place = &shop.place;
    let server = place.serve();
    let before = shop.sign_in(&server);
    let keys = ["shop", "pitchpoint", "zro"].map(|realm| kids(&server, realm));

    let file = place.path("a.backup");
    let file = file.to_str().unwrap();
    let made = place.json(&["backup", file]);
    for (member, count) in [("realms", 4), ("people", 2), ("clients", 5), ("api_keys", 1), ("live_sessions", 3)] {
        assert_eq!(made[member], count, "{member}");
    }
    let bytes = fs::read(file).unwrap();
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    let master = fs::read_to_string(place.path("master.key")).unwrap();
    let master = master.lines().find(|line| line.starts_with("jeton-master-key")).unwrap();
    let master = master.rsplit(' ').next().unwrap();
    let tokens = before.access.iter().chain([&before.refresh]).map(String::as_str);
    for secret in shop.secrets().into_iter().chain(tokens).chain([master]) {
        assert!(!contains(&bytes, secret), "a secret is in the backup");
    }

    // Since then: somebody was disabled, a secret was replaced, and a token was issued that the backup knows nothing of.
    let since = shop.sign_in(&server);
    place.run(&["person", "disable", "pitchpoint", "grace"], "");
    place.run(&["person", "add", "pitchpoint", "newcomer", "--no-password"], "");
    let secrets = place.json(&["client", "show", "shop", "app"]);
    place.run(&["client", "remove-secret", "shop", "app", &text(&secrets, "/secrets/0/id")], "");

    let said = place.fail(&["restore", file], "");
    assert!(said.contains("with `--replace`"), "{said}");
    let said = place.fail(&["restore", file, "--replace"], "");
    assert!(said.contains("is in use: stop the server"), "{said}");
    assert_eq!(shop.active(&server, &before), [true, false, true, true], "the server goes on");
    drop(server);

    let restored = place.json(&["restore", file, "--replace", "--disable-changed"]);
    let changed: Vec<_> = restored["changed"].as_array().unwrap().iter().map(row).collect();
    let expected =
        ["person pitchpoint grace disabled", "person pitchpoint newcomer added", "client shop app secret-removed"];
    assert_eq!(changed, expected);
    assert_eq!((text(&restored, "/tokens").as_str(), restored["new_signing_keys"].as_i64()), ("refused", Some(6)));

    let server = place.serve();
    for (realm, old) in ["shop", "pitchpoint", "zro"].iter().zip(keys) {
        let new = kids(&server, realm);
        assert!(!new.is_empty() && new.iter().all(|kid| !old.contains(kid)), "{realm}: {new:?}");
    }
    for old in [&before, &since] {
        assert_eq!(shop.active(&server, old), [false; 4]);
        assert_ne!(refresh(&server, &old.refresh).status, 200);
        assert_ne!(renew(&server, &old.access[2]).status, 200);
    }
    for (request, _) in &shop.asks()[..2] {
        assert_ne!(server.request(request).status, 200, "who was changed since is disabled: {}", request.target);
    }
    place.run(&["person", "enable", "pitchpoint", "grace"], "");
    place.run(&["client", "enable", "shop", "app"], "");
    next_second();
    let after = shop.sign_in(&server);
    assert_eq!(shop.active(&server, &after), [true; 4], "{}", server.log());
    assert_eq!(refresh(&server, &after.refresh).status, 200);

    // The store that was replaced is a backup of its last moment.
    drop(server);
    let kept = text(&restored, "/replaced");
    place.run(&["restore", &kept, "--replace"], "");
    assert_eq!(place.json(&["person", "show", "pitchpoint", "grace"])["enabled"], false);
    place.run(&["person", "show", "pitchpoint", "newcomer"], "");
}

fn row(changed: &Value) -> String {
    let how: Vec<_> = changed["changed"].as_array().unwrap().iter().map(|how| how.as_str().unwrap()).collect();
    let [what, realm, name] = ["/what", "/realm", "/name"].map(|pointer| text(changed, pointer));
    format!("{what} {realm} {name} {}", how.join(" "))
}

#[test]
fn tokens_can_be_kept_and_are_said_to_be() {
    let shop = Installation::new();
    let place = &shop.place;
    let server = place.serve();
    let before = shop.sign_in(&server);
    let keys = kids(&server, "shop");
    let file = shop.backup();
    place.run(&["session", "revoke", "pitchpoint", "--person", "grace"], "");
    drop(server);

    let output = place.output(&["restore", &file, "--replace", "--keep-tokens"], "");
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("WARNING: every token of the backup is good again"), "{said}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("revoked"));
    let server = place.serve();
    assert_eq!(shop.active(&server, &before), [true; 4]);
    assert_eq!(kids(&server, "shop"), keys);
    assert_eq!(refresh(&server, &before.refresh).status, 200);

    // What was put back by other means is marked where it is, with a server running.
    let marked = place.json(&["restore", "--mark-only"]);
    assert_eq!(marked["programs"].as_array().map(Vec::len), Some(6));
    assert_eq!(shop.active(&server, &before), [false; 4]);
    assert_ne!(refresh(&server, &before.refresh).status, 200);
    assert_ne!(kids(&server, "shop"), keys);
}

#[test]
fn on_another_machine_with_the_same_master_key_alone() {
    let shop = Installation::new();
    let file = shop.backup();
    let other = Place::new();
    let said = other.fail(&["restore", &file], "");
    assert!(
        said.contains("master.key does not open the backup") && said.contains("which the master key file lacks"),
        "{said}"
    );
    assert!(!other.path("data/jeton.db").exists());

    fs::copy(shop.place.path("master.key"), other.path("master.key")).unwrap();
    let restored = other.json(&["restore", &file]);
    let mut programs: Vec<_> = restored["programs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| text(row, "/what") + " " + &text(row, "/realm"))
        .collect();
    programs.dedup();
    assert_eq!(programs, ["client inevent", "client pitchpoint", "client shop", "client zro", "api-key zro"]);
    let server = other.serve();
    next_second();
    shop.sign_in(&server);
}

#[test]
fn a_refused_restore_changes_nothing() {
    let shop = Installation::new();
    let place = &shop.place;
    let file = shop.backup();
    let sound = fs::read(&file).unwrap();
    let own = fs::read(place.path("master.key")).unwrap();
    let state = || (fs::read(place.path("data/jeton.db")).unwrap(), names(place));
    let before = state();
    let other = Place::new();
    let half = place.path("half.backup");
    fs::write(&half, &sound[..sound.len() / 2]).unwrap();
    let master = place.path("master.key");
    let store = place.path("data/jeton.db").to_str().unwrap().to_owned();

    fs::copy(other.path("master.key"), &master).unwrap();
    assert!(place.fail(&["restore", &file, "--replace"], "").contains("which the master key file lacks"));
    fs::write(&master, own).unwrap();
    for (args, expected) in [
        (&["restore", half.to_str().unwrap(), "--replace"][..], "is damaged"),
        (&["restore", place.path("jeton.toml").to_str().unwrap(), "--replace"], "is damaged"),
        (&["restore", place.path("nothing").to_str().unwrap(), "--replace"], "cannot read the backup"),
        (&["restore", &store, "--replace"], "no backup of Jeton"),
        (&["restore", &file], "with `--replace`"),
        (&["restore"], "FILE"),
        (&["restore", &file, "--mark-only"], "cannot be used with"),
        (&["backup", &file], "overwrites nothing"),
        (&["backup", &store], "overwrites nothing"),
    ] {
        let said = place.fail(args, "");
        assert!(said.contains(expected), "{args:?} said: {said}");
    }
    assert!(state() == before, "the store is another");
    assert_eq!(fs::read(&file).unwrap(), sound);
}

fn names(place: &Place) -> Vec<String> {
    let entries = fs::read_dir(place.path("data")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_kill_leaves_the_old_store_or_the_new() {
    let shop = Installation::new();
    let place = &shop.place;
    let file = shop.backup();
    place.run(&["realm", "add", "since"], "");
    let (mut old, mut new) = (0, 0);
    for millis in (0..).map(|round| round * 20) {
        let mut command = place.command(&["restore", &file, "--replace"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(millis));
        let finished = child.try_wait().unwrap().is_some();
        child.kill().unwrap();
        child.wait().unwrap();
        // Whichever it is, it is whole, and its keys open.
        let realms = place.json(&["realm", "list"]);
        match realms.as_array().unwrap().len() {
            5 => old += 1,
            4 => {
                new += 1;
                place.run(&["realm", "add", "since"], "");
            }
            count => panic!("{count} realms after {millis} ms"),
        }
        if finished {
            break;
        }
        assert!(millis < 20_000, "it never ends");
    }
    assert!(old > 0 && new > 0, "{old} old, {new} new");
}
