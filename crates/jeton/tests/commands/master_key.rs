//! The master key is changed without ending a token, a key or a password.

use crate::harness::{FORM, Place, Server, post, text};

fn token(server: &Server, secret: &str) -> String {
    let form = format!("grant_type=client_credentials&client_id=app&client_secret={secret}");
    let answer = server.request(&post("/realms/shop/protocol/openid-connect/token", FORM, &form));
    assert_eq!(answer.status, 200, "{}", answer.body);
    text(&answer.json(), "/access_token")
}

#[test]
fn everything_stays_good_under_the_new_key_and_nothing_needs_the_old() {
    let place = Place::new();
    place.run(&["realm", "add", "shop", "--alg", "EdDSA"], "");
    place.run(&["realm", "add", "other", "--dialect", "zro"], "");
    let secret = text(&place.json(&["client", "add", "shop", "app"]), "/client_secret");
    let watcher = place.json(&["client", "add", "shop", "api", "--resource-server"]);
    let watcher = (text(&watcher, "/client_id"), text(&watcher, "/client_secret"));
    // A running server makes those that come next, each when it finds that there is none.
    let keys_of = |realm| -> Vec<serde_json::Value> {
        let keys = place.json(&["realm", "show", realm])["keys"].clone();
        keys.as_array().unwrap().iter().filter(|key| key["state"] == "current").cloned().collect()
    };
    let keys = [keys_of("shop"), keys_of("other")];
    let running = place.serve();
    let before = token(&running, &secret);
    let old = std::fs::read_to_string(place.path("master.key")).unwrap();

    for keep_old in [false, true] {
        let args = ["master-key", "rotate", "--keep-old"];
        place.json(if keep_old { &args } else { &args[..2] });
        let file = std::fs::read_to_string(place.path("master.key")).unwrap();
        assert_eq!(file.lines().filter(|line| line.starts_with("jeton-master-key")).count(), 1 + usize::from(keep_old));
        for server in [&running, &place.serve()] {
            assert!(server.is_active("shop", &watcher, &before), "a token of the time before");
            assert!(server.is_active("shop", &watcher, &token(server, &secret)));
        }
        assert_eq!([keys_of("shop"), keys_of("other")], keys);
    }
    let line = old.lines().find(|line| line.starts_with("jeton-master-key")).unwrap();
    let file = std::fs::read_to_string(place.path("master.key")).unwrap();
    assert!(!file.contains(line), "the first key has gone");
}
