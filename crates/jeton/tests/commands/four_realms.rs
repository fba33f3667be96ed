//! The four built-in dialects, each set up from nothing by commands alone while the server runs, used over HTTP, and
//! switched off again.

use crate::harness::{FORM, JSON, Place, Request, Server, contains, post, text, write};

/// One way to a token: how to ask, where the token stands in the answer, and what switches it off.
struct Way {
    what: &'static str,
    realm: &'static str,
    ask: Request,
    token: &'static str,
    /// The noun and the name that `disable` and `enable` take, after the realm.
    switch: (&'static str, Vec<String>),
}

#[test]
fn by_hand_from_nothing_and_off_again() {
    let place = Place::new();
    let server = place.serve();
    let mut secrets = Vec::new();
    let ways: Vec<Way> =
        [events, orders, runs, wallets].iter().flat_map(|set_up| set_up(&place, &mut secrets)).collect();
    for way in &ways {
        let watcher = resource_server(&place, way.realm);
        let token = granted(&server, way);
        assert!(server.is_active(way.realm, &watcher, &token), "{}", way.what);

        let (noun, names) = &way.switch;
        let mut switches = vec![(*noun, [&[way.realm.to_owned()], names.as_slice()].concat())];
        switches.push(("realm", vec![way.realm.to_owned()]));
        for (noun, names) in switches {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            place.run(&[&[noun, "disable"], names.as_slice()].concat(), "");
            let answer = server.request(&way.ask);
            assert!((400..500).contains(&answer.status), "{} {noun}: {}", way.what, answer.status);
            if noun == "realm" {
                let target = format!("/realms/{}/protocol/openid-connect/token/introspect", way.realm);
                assert_eq!(server.request(&post(&target, FORM, "token=x")).status, 403, "{}", way.what);
            } else {
                assert!(!server.is_active(way.realm, &watcher, &token), "{} {noun}", way.what);
            }
            place.run(&[&[noun, "enable"], names.as_slice()].concat(), "");
        }
        let token = granted(&server, way);
        assert!(server.is_active(way.realm, &watcher, &token), "{} is back", way.what);
        secrets.extend([watcher.1, token]);
    }

    // What was secret stands nowhere in clear: not on the disk, not in the log, not in any listing.
    let (disk, log) = (place.bytes(), server.log());
    let mut shown = String::new();
    for realm in ["inevent", "pitchpoint", "api-keys", "zro"] {
        for noun in ["person", "target", "client", "api-key", "session"] {
            shown.push_str(&place.run(&[noun, "list", realm], ""));
        }
        shown.push_str(&place.run(&["realm", "show", realm, "--json"], ""));
    }
    for (noun, names) in ways.iter().map(|way| &way.switch) {
        let realm = ways.iter().find(|way| way.switch.1 == *names).map(|way| way.realm).unwrap();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        shown.push_str(&place.run(&[&[noun, "show", realm], names.as_slice()].concat(), ""));
    }
    assert!(shown.contains("ana@example.org"));
    for secret in &secrets {
        assert!(!contains(&disk, secret), "{secret} is on the disk");
        assert!(!log.contains(secret.as_str()), "{secret} is in the log");
        assert!(!shown.contains(secret.as_str()), "{secret} is shown");
    }
}

fn granted(server: &Server, way: &Way) -> String {
    let answer = server.request(&way.ask);
    assert_eq!(answer.status, 200, "{}: {}\n{}", way.what, answer.body, server.log());
    text(&answer.json(), way.token)
}

fn resource_server(place: &Place, realm: &str) -> (String, String) {
    let made = place.json(&["client", "add", realm, "--resource-server"]);
    (text(&made, "/client_id"), text(&made, "/client_secret"))
}

/// A person with a password of its own for an event.
fn events(place: &Place, secrets: &mut Vec<String>) -> Vec<Way> {
    let [own, event] = ["correct horse 1", "correct horse 2"];
    place.run(&["realm", "add", "inevent", "--dialect", "inevent"], "");
    let person = ["person", "add", "inevent", "ana@example.org", "--given-name", "Ana", "--attribute", "twitter=@ana"];
    place.run(&[&person[..], &["--password-stdin"]].concat(), &format!("{own}\n"));
    place.run(&["target", "add", "inevent", "2026", "Summer Gathering"], "");
    let file = write(&place.path("event-password"), event);
    let member = ["target", "member", "inevent", "2026", "ana@example.org", "--level", "Admin"];
    place.run(&[&member[..], &["--password-file", &file]].concat(), "");
    std::fs::remove_file(&file).unwrap();
    secrets.extend([own, event].map(str::to_owned));
    let ask = |target: &str, password: &str| {
        let target = format!("/?action=person.signIn&username=ana%40example.org{target}");
        post(&target, FORM, &format!("password={}", password.replace(' ', "+")))
    };
    let way = |what, ask, switch| Way { what, realm: "inevent", ask, token: "/data/0/tokenID", switch };
    let ana = vec!["ana@example.org".to_owned()];
    vec![
        way("a person", ask("", own), ("person", ana.clone())),
        way("a person at an event", ask("&eventID=2026", event), ("person", ana)),
        way("an event", ask("&eventID=2026", event), ("target", vec!["2026".to_owned()])),
    ]
}

/// A person who acts as another.
fn orders(place: &Place, secrets: &mut Vec<String>) -> Vec<Way> {
    place.run(&["realm", "add", "pitchpoint", "--dialect", "pitchpoint"], "");
    place.run(&["person", "add", "pitchpoint", "bob", "--no-password"], "");
    let add = ["person", "add", "pitchpoint", "grace", "--number", "1223", "--may-act-as", "bob"];
    let password = text(&place.json(&[&add[..], &["--generate-password"]].concat()), "/password");
    let ask = |alias: &str| {
        let body = format!(r#"{{"username":"grace","password":"{password}"{alias}}}"#);
        post("/user-management-services-ws/oauth2/002/signInWithPassword", JSON, &body)
    };
    let way = |what, ask, who: &str| Way {
        what,
        realm: "pitchpoint",
        ask,
        token: "/access_token",
        switch: ("person", vec![who.to_owned()]),
    };
    let ways = vec![
        way("a person with a JWT", ask(""), "grace"),
        way("who acts as another", ask(r#","useralias":"bob""#), "grace"),
        way("who is acted as", ask(r#","useralias":"bob""#), "bob"),
    ];
    secrets.push(password);
    ways
}

/// An OAuth client; the dialect says only how its token is shown.
fn runs(place: &Place, secrets: &mut Vec<String>) -> Vec<Way> {
    let add = ["realm", "add", "api-keys", "--dialect", "ion", "--alg", "RS256", "--profile", "keycloak"];
    place.run(&[&add[..], &["--gate", "POST /graphql"]].concat(), "");
    let made = place.json(&["client", "add", "api-keys", "--scope", "profile", "--scope", "email"]);
    let (id, secret) = (text(&made, "/client_id"), text(&made, "/client_secret"));
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    secrets.push(secret);
    vec![Way {
        what: "a client",
        realm: "api-keys",
        ask: post("/auth/realms/api-keys/protocol/openid-connect/token", FORM, &form),
        token: "/access_token",
        switch: ("client", vec![id]),
    }]
}

/// An API key.
fn wallets(place: &Place, secrets: &mut Vec<String>) -> Vec<Way> {
    place.run(&["realm", "add", "zro", "--dialect", "zro"], "");
    let made = place.json(&["api-key", "add", "zro", "--name", "Acme", "--expires-in", "90d"]);
    let (id, secret) = (text(&made, "/key_id"), text(&made, "/key_secret"));
    let body = format!(r#"{{"api_id":"{id}","api_key":"{secret}"}}"#);
    secrets.push(secret);
    vec![Way {
        what: "an API key",
        realm: "zro",
        ask: post("/auth/singin", JSON, &body),
        token: "/access_token",
        switch: ("api-key", vec![id]),
    }]
}
