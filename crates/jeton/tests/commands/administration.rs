//! What the commands change, refuse and say.

use crate::harness::{FORM, JSON, Place, Server, post, text};

#[test]
fn what_is_not_known_is_told_with_what_is() {
    let place = Place::new();
    assert!(place.fail(&["realm", "show", "zr"], "").contains("no realm `zr`; make it with: jeton realm add zr"));
    for realm in ["zro", "inevent"] {
        place.run(&["realm", "add", realm, "--dialect", realm], "");
    }
    place.run(&["target", "add", "inevent", "7", "Party"], "");
    place.run(&["person", "add", "inevent", "ana", "--no-password"], "");
    let rows: &[(&[&str], &str)] = &[
        (&["realm", "show", "zr"], "no realm `zr`; known: inevent, zro"),
        (&["realm", "add", "zro"], "there is such a realm already"),
        (&["realm", "add", "a/b"], "1 to 64 letters"),
        (&["realm", "add", ".."], "1 to 64 letters"),
        (
            &["realm", "add", "new", "--dialect", "zor"],
            "no dialect `zor`; known: auth0, bluesky, cognito, directus, firebase, inevent, ion, matrix, mattermost, pitchpoint, pocketbase, supabase, zro (",
        ),
        (&["realm", "add", "new", "--dialect", "zro"], "realm `zro` has `zro` already"),
        (&["realm", "add", "new", "--gate", "FETCH me"], "--gate"),
        (&["realm", "add", "new", "--alg", "HS256"], "[possible values: ES256, EdDSA, RS256, PS256]"),
        (&["realm", "add", "new", "--cors-origin", "*"], "scheme, host and port"),
        (&["realm", "add", "new", "--set", "require_nonce=true"], "this realm speaks none"),
        (&["realm", "set", "zro", "--set", "require_nonce=perhaps"], "must be true or false"),
        (&["realm", "set", "zro", "--set", "colour=red"], "has no setting `colour`"),
        (&["person", "show", "inevent", "bob"], "no person `bob` in realm `inevent`"),
        (&["person", "add", "inevent", "ANA ", "--no-password"], "without spaces at the ends"),
        (&["person", "add", "inevent", "ANA", "--no-password"], "there is such a principal already"),
        (&["person", "add", "inevent", "bob", "--no-password", "--may-act-as", "eve"], "no person `eve`"),
        (&["target", "show", "inevent", "8"], "no target 8 in realm `inevent`; known: 7"),
        (
            &["target", "member", "inevent", "7", "ana", "--level", "King"],
            "no level `King` in realm `inevent`; known: User",
        ),
        (&["person", "set-password", "inevent", "ana", "--target", "7", "--generate-password"], "with --level"),
        (&["client", "show", "zro", "app"], "no client `app` in realm `zro`; make it with"),
        (&["client", "add", "zro", "--scope", "a b"], "one word"),
        (
            &["client", "add", "zro", "--dpop", "true", "--certificate-bound", "true"],
            "not to both; give it one of --dpop true and --certificate-bound true",
        ),
        (&["api-key", "show", "zro", "k"], "no API key `k`"),
        (&["api-key", "add", "zro", "--expires-in", "soon"], "such as 90d"),
        (&["session", "revoke", "zro", "x"], "no session `x` in realm `zro`"),
        (&["session", "revoke", "zro"], "SESSION_ID"),
        (&["realm", "list", "--config", "nowhere.toml"], "`jeton init` writes one"),
    ];
    for (args, expected) in rows {
        let said = place.fail(args, "");
        assert!(said.contains(expected), "{args:?} said: {said}");
    }
}

#[test]
fn settings_are_replaced_kept_and_put_back() {
    let place = Place::new();
    let first = ["--dialect", "zro@api.example.org/v2", "--cors-origin", "https://a.example", "--session-cap", "3"];
    place.run(&[&["realm", "add", "zro"], &first[..]].concat(), "");
    place.run(&["realm", "set", "zro", "--set", "require_nonce=true", "--access-token-secs", "60"], "");
    let shown = place.json(&["realm", "show", "zro"]);
    assert_eq!(shown["dialects"][0], "zro@api.example.org/v2");
    assert_eq!(shown["set"]["require_nonce"], "true");
    assert_eq!((shown["session_cap"].as_i64(), shown["access_token_secs"].as_i64()), (Some(3), Some(60)));
    place.run(
        &["realm", "set", "zro", "--clear", "session-cap", "--clear", "cors-origin", "--set", "require_nonce="],
        "",
    );
    let shown = place.json(&["realm", "show", "zro"]);
    assert_eq!(shown["session_cap"], serde_json::Value::Null);
    assert_eq!(shown["cors_origins"].as_array().map(Vec::len), Some(0));
    assert_eq!(shown["set"].as_object().map(serde_json::Map::len), Some(0));
    assert_eq!(shown["dialects"][0], "zro@api.example.org/v2");

    let algs = |shown: &serde_json::Value| {
        let keys = shown["keys"].as_array().unwrap();
        keys.iter().map(|key| text(key, "/alg")).collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!(algs(&place.json(&["realm", "set", "zro", "--alg", "PS256"])), algs(&shown) + 1);

    let person =
        ["person", "add", "zro", "ana", "--no-password", "--email", "a@example.org", "--attribute", "zoneinfo=UTC"];
    place.run(&person, "");
    let shown = place.json(&["person", "set", "zro", "ana", "--email", "", "--given-name", "Ana"]);
    assert_eq!(shown["attributes"].to_string(), r#"{"given_name":"Ana","zoneinfo":"UTC"}"#);

    place.run(&["client", "add", "zro", "app", "--scope", "a", "--scope", "b"], "");
    let shown = place.json(&["client", "set", "zro", "app", "--scope", "c", "--resource-server", "true"]);
    assert_eq!((shown["scopes"].to_string().as_str(), shown["resource_server"].as_bool()), (r#"["c"]"#, Some(true)));
    assert_eq!(shown["grants"][0], "client_credentials");
}

#[test]
fn every_change_leaves_its_line_in_the_audit_trail() {
    let place = Place::new();
    let rows: &[(&[&str], &str)] = &[
        (&["realm", "add", "shop", "--dialect", "inevent"], "realm.added"),
        (&["realm", "set", "shop", "--session-cap", "5"], "realm.set"),
        (&["realm", "disable", "shop"], "realm.disabled"),
        (&["realm", "enable", "shop"], "realm.enabled"),
        (&["realm", "revoke-tokens", "shop"], "realm.revoked"),
        (&["realm", "revoke-tokens", "shop", "--before", "2026-01-01T00:00:00Z"], "realm.revoked"),
        (&["person", "add", "shop", "ana", "--generate-password"], "person.added"),
        (&["person", "set", "shop", "ana", "--email", "a@example.org"], "person.set"),
        (&["person", "set-password", "shop", "ana", "--generate-password"], "person.password_set"),
        (&["person", "disable", "shop", "ana"], "person.disabled"),
        (&["person", "enable", "shop", "ana"], "person.enabled"),
        (&["session", "revoke", "shop", "--person", "ana"], "person.revoked"),
        (&["person", "revoke-tokens", "shop", "ana"], "person.revoked"),
        (&["person", "revoke-tokens", "shop", "ana", "--before", "2026-01-01T00:00:00Z"], "person.revoked"),
        (&["target", "add", "shop", "7", "Party"], "target.added"),
        (&["target", "member", "shop", "7", "ana", "--level", "User"], "membership.set"),
        (&["target", "member", "shop", "7", "ana", "--remove"], "membership.ended"),
        (&["target", "disable", "shop", "7"], "target.disabled"),
        (&["target", "enable", "shop", "7"], "target.enabled"),
        (&["target", "remove", "shop", "7"], "target.removed"),
        (&["client", "add", "shop", "app"], "client.added"),
        (&["client", "set", "shop", "app", "--scope", "a"], "client.set"),
        (&["client", "add-secret", "shop", "app"], "client.secret_added"),
        (&["client", "revoke-tokens", "shop", "app"], "client.revoked"),
        (&["client", "disable", "shop", "app"], "client.disabled"),
        (&["client", "enable", "shop", "app"], "client.enabled"),
        (&["client", "remove", "shop", "app"], "client.removed"),
        (&["api-key", "add", "shop", "key"], "api_key.added"),
        (&["api-key", "add-secret", "shop", "key"], "api_key.secret_added"),
        (&["api-key", "revoke-tokens", "shop", "key"], "api_key.revoked"),
        (&["api-key", "disable", "shop", "key"], "api_key.disabled"),
        (&["api-key", "enable", "shop", "key"], "api_key.enabled"),
        (&["api-key", "remove", "shop", "key"], "api_key.removed"),
        (&["person", "remove", "shop", "ana"], "person.removed"),
        (&["master-key", "rotate"], "master_key.rotated"),
        (&["realm", "remove", "shop", "--yes"], "realm.removed"),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let database = jeton_store::Database::file(place.path("data/jeton.db"));
    let store = runtime.block_on(jeton_store::Store::open(&database)).unwrap();
    let newest = || runtime.block_on(store.newest_audit(20)).unwrap();
    for (args, event) in rows {
        let last = newest().first().map(|line| line.at);
        place.run(args, "");
        let new: Vec<_> = newest().into_iter().filter(|line| last.is_none_or(|last| line.at > last)).collect();
        assert!(new.iter().any(|line| line.event == *event), "{args:?}: {new:?}");
        assert!(new.iter().all(|line| line.source == "local"), "{args:?}: {new:?}");
    }
}

#[test]
fn a_realm_is_removed_only_when_its_name_is_typed_again() {
    let place = Place::new();
    for (input, yes, gone) in [("", false, false), ("zr\n", false, false), ("zro\n", false, true), ("", true, true)] {
        place.output(&["realm", "add", "zro", "--dialect", "zro"], "");
        let args = ["realm", "remove", "zro", "--yes"];
        let output = place.output(if yes { &args } else { &args[..3] }, input);
        assert_eq!(output.status.success(), gone, "{input:?}: {output:?}");
        assert_eq!(place.json(&["realm", "list"]).as_array().unwrap().is_empty(), gone, "{input:?}");
    }
}

/// A cut-off at a time of the operator's: it holds for what was begun before, and never goes back.
#[test]
fn e14_a_cut_off_has_the_time_that_is_given() {
    let place = Place::new();
    place.run(&["realm", "add", "shop", "--dialect", "zro"], "");
    let key = place.json(&["api-key", "add", "shop"]);
    let watcher = place.json(&["client", "add", "shop", "api", "--resource-server"]);
    let watcher = (text(&watcher, "/client_id"), text(&watcher, "/client_secret"));
    let app = place.json(&["client", "add", "shop", "app"]);
    let (key_id, key_secret) = (text(&key, "/key_id"), text(&key, "/key_secret"));
    place.run(&["person", "add", "shop", "ana", "--generate-password"], "");
    let server = place.serve();
    let body = format!(r#"{{"api_id":"{key_id}","api_key":"{key_secret}"}}"#);
    let by_key = text(&server.request(&post("/auth/signin", JSON, &body)).json(), "/access_token");
    let form = format!("grant_type=client_credentials&client_id=app&client_secret={}", text(&app, "/client_secret"));
    let answer = server.request(&post("/realms/shop/protocol/openid-connect/token", FORM, &form));
    let by_client = text(&answer.json(), "/access_token");
    let is_active = |token: &str| server.is_active("shop", &watcher, token);
    for noun in [
        &["realm", "revoke-tokens", "shop"][..],
        &["person", "revoke-tokens", "shop", "ana"],
        &["client", "revoke-tokens", "shop", "app"],
        &["api-key", "revoke-tokens", "shop", &key_id],
    ] {
        let before = |time: &'static str| [noun, &["--before", time]].concat();
        place.run(&before("2026-01-15T15:00:00Z"), "");
        place.run(&before("2026-01-14T15:00:00Z"), "");
        let shown = place.json(&[&[noun[0], "show"], &noun[2..]].concat());
        assert_eq!(shown["refused_before"], "2026-01-15T15:00:00Z", "{noun:?}");
        assert!(is_active(&by_key) && is_active(&by_client), "{noun:?}: they came later");
        for (time, said) in [("2999-01-01T00:00:00Z", "still to come"), ("yesterday", "with its zone")] {
            assert!(place.fail(&before(time), "").contains(said), "{noun:?} {time}");
        }
    }
    place.run(&["api-key", "revoke-tokens", "shop", &key_id], "");
    assert!(!is_active(&by_key) && is_active(&by_client), "an API key's");
}

/// Everything that ends what was issued, each seen by the running server at its next request.
#[test]
fn what_ends_tokens_ends_them_at_once() {
    let place = Place::new();
    place.run(&["realm", "add", "shop", "--dialect", "pitchpoint"], "");
    let ana = ["person", "add", "shop", "ana", "--password-stdin"];
    place.run(&ana, "correct horse 1");
    let app = place.json(&["client", "add", "shop", "app"]);
    let watcher = place.json(&["client", "add", "shop", "api", "--resource-server"]);
    let watcher = (text(&watcher, "/client_id"), text(&watcher, "/client_secret"));
    let server = place.serve();
    let sign_in = |password: &str| {
        let body = format!(r#"{{"username":"ana","password":"{password}"}}"#);
        let answer = server.request(&post("/user-management-services-ws/oauth2/002/signInWithPassword", JSON, &body));
        (answer.status == 200).then(|| text(&answer.json(), "/access_token"))
    };
    let own_token = || {
        let form =
            format!("grant_type=client_credentials&client_id=app&client_secret={}", text(&app, "/client_secret"));
        text(&server.request(&post("/realms/shop/protocol/openid-connect/token", FORM, &form)).json(), "/access_token")
    };
    let session = || text(&place.json(&["session", "list", "shop", "--person", "ana"]), "/0/id");
    let is_active = |token: &str| server.is_active("shop", &watcher, token);

    let token = sign_in("correct horse 1").unwrap();
    assert!(is_active(&token));
    let id = session();
    place.run(&["session", "revoke", "shop", &id], "");
    assert!(!is_active(&token), "session revoke");
    assert!(place.fail(&["session", "revoke", "shop", &id], "").contains("has ended already"));

    for (args, input) in [
        (&["session", "revoke", "shop", "--person", "ana"][..], ""),
        (&["session", "revoke", "shop", "--all"], ""),
        (&["realm", "revoke-tokens", "shop"], ""),
        (&["person", "revoke-tokens", "shop", "ana"], ""),
        (&["person", "set-password", "shop", "ana", "--password-stdin"], "correct horse 1"),
    ] {
        // A token says its issue to the second, and one of the second of a revocation is refused.
        let token = eventually(|| sign_in("correct horse 1").filter(|token| is_active(token)));
        place.run(args, input);
        assert!(!is_active(&token), "{args:?}");
        assert_eq!(place.json(&["session", "list", "shop"]).as_array().map(Vec::len), Some(0), "{args:?}");
    }
    place.run(&["person", "set-password", "shop", "ana", "--password-stdin"], "correct horse 2");
    assert_eq!(sign_in("correct horse 1"), None);
    eventually(|| sign_in("correct horse 2").filter(|token| is_active(token)));

    let token = eventually(|| Some(own_token()).filter(|token| is_active(token)));
    place.run(&["client", "revoke-tokens", "shop", "app"], "");
    assert!(!is_active(&token), "client revoke-tokens");
    let token = eventually(|| Some(own_token()).filter(|token| is_active(token)));
    place.run(&["client", "remove", "shop", "app"], "");
    assert!(!is_active(&token), "client remove");
    place.run(&["person", "remove", "shop", "ana"], "");
    assert_eq!(sign_in("correct horse 2"), None);
}

#[test]
fn one_secret_replaces_another_while_both_are_good() {
    let place = Place::new();
    place.run(&["realm", "add", "shop"], "");
    let server = place.serve();
    let first = place.json(&["client", "add", "shop", "app"]);
    let second = place.json(&["client", "add-secret", "shop", "app", "--others-end-in", "1d"]);
    let works = |made: &serde_json::Value| can_get_a_token(&server, &text(made, "/client_secret"));
    assert!(works(&first) && works(&second));
    let third = place.fail(&["client", "add-secret", "shop", "app"], "");
    assert!(third.contains("two live secrets already"), "{third}");
    place.run(&["client", "remove-secret", "shop", "app", &text(&first, "/secret_id")], "");
    assert!(!works(&first) && works(&second));
    let again = place.fail(&["client", "remove-secret", "shop", "app", &text(&first, "/secret_id")], "");
    assert!(again.contains("no secret of this id"), "{again}");
    let expiring = place.json(&["client", "add-secret", "shop", "app", "--expires-in", "1s"]);
    eventually(|| (!works(&expiring)).then_some(()));
    assert!(works(&second));
}

#[test]
fn a_token_is_explained() {
    let place = Place::new();
    place.run(&["realm", "add", "shop", "--dialect", "inevent"], "");
    place.run(&["person", "add", "shop", "ana", "--password-stdin"], "correct horse 1");
    let app = place.json(&["client", "add", "shop", "app", "--scope", "read"]);
    let server = place.serve();
    let form = format!("grant_type=client_credentials&client_id=app&client_secret={}", text(&app, "/client_secret"));
    let jwt = server.request(&post("/realms/shop/protocol/openid-connect/token", FORM, &form));
    let jwt = text(&jwt.json(), "/access_token");
    let opaque = server.request(&post("/?action=person.signIn&username=ana", FORM, "password=correct+horse+1"));
    let opaque = text(&opaque.json(), "/data/0/tokenID");
    let altered = format!("{}AAAA", &jwt[..jwt.len() - 4]);
    let inspect = ["token", "inspect", "shop", "--json"];
    let rows = |token: &str, good: bool, members: &[(&str, &str)]| {
        let output = place.output(&inspect, &format!("{token}\n"));
        assert_eq!(output.status.success(), good, "{output:?}");
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(!printed.contains(token) && !String::from_utf8(output.stderr).unwrap().contains(token));
        let shown: serde_json::Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(shown["good"], good);
        for (pointer, value) in members {
            assert_eq!(text(&shown, pointer), *value, "{shown}");
        }
    };
    rows(&jwt, true, &[("/client_id", "app"), ("/scope", "read"), ("/claims/client_id", "app")]);
    rows(&opaque, true, &[("/username", "ana"), ("/dialect", "inevent"), ("/scope", "system")]);
    rows(&altered, false, &[("/unverified_claims/client_id", "app")]);
    rows("jts_nothing", false, &[("/why", "this realm knows no such token")]);
    place.run(&["person", "disable", "shop", "ana"], "");
    rows(&opaque, false, &[("/username", "ana"), ("/why", "what it speaks for is disabled")]);
    assert!(place.fail(&inspect, "\n").contains("there is no token"));
}

fn can_get_a_token(server: &Server, secret: &str) -> bool {
    let form = format!("grant_type=client_credentials&client_id=app&client_secret={secret}");
    server.request(&post("/realms/shop/protocol/openid-connect/token", FORM, &form)).status == 200
}

/// What `attempt` gives at last. Clocks of whole seconds need a moment.
fn eventually<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    for _ in 0..100 {
        match attempt() {
            Some(found) => return found,
            None => std::thread::sleep(std::time::Duration::from_millis(50)),
        }
    }
    panic!("it did not come about within five seconds");
}
