//! Secrets come from a prompt, a file or standard input, and are shown once.

use crate::harness::{Place, text, write};

#[test]
fn no_secret_is_taken_from_the_command_line() {
    let place = Place::new();
    place.run(&["realm", "add", "shop"], "");
    let rows: &[&[&str]] = &[
        &["person", "add", "shop", "ana", "--password", "correct horse 1"],
        &["person", "set-password", "shop", "ana", "correct horse 1"],
        &["target", "member", "shop", "1", "ana", "--level", "User", "--password", "correct horse 1"],
        &["client", "add", "shop", "app", "--secret", "correct horse 1"],
        &["client", "add-secret", "shop", "app", "correct horse 1"],
        &["api-key", "add", "shop", "key", "--secret", "correct horse 1"],
        &["token", "inspect", "shop", "jts_token"],
        &["token", "inspect", "shop", "--token", "jts_token"],
    ];
    for args in rows {
        let said = place.fail(args, "");
        assert!(said.contains("unexpected argument"), "{args:?} said: {said}");
    }
}

#[test]
fn where_a_password_comes_from_and_what_it_must_be_like() {
    let place = Place::new();
    place.run(&["realm", "add", "shop"], "");
    let file = write(&place.path("password"), "correct horse\n");
    let nothing = place.path("nothing").to_str().unwrap().to_owned();
    let rows: &[(&[&str], &str, Option<&str>)] = &[
        (&["--password-stdin"], "correct horse\n", None),
        (&["--password-file", &file], "", None),
        (&["--generate-password"], "", None),
        (&["--no-password"], "", None),
        (&[], "correct horse\n", Some("no terminal to ask on; give --password-stdin")),
        (&["--password-stdin"], "1234567\n", Some("8 to 256 characters")),
        (&["--password-stdin"], "", Some("8 to 256 characters")),
        (&["--password-stdin"], &"x".repeat(257), Some("8 to 256 characters")),
        (&["--password-stdin"], &"x".repeat(100_000), Some("too long")),
        (&["--password-stdin"], "Ana.Example", Some("the password is the username")),
        (&["--password-file", &nothing], "", Some("cannot be read")),
        (&["--password-stdin", "--generate-password"], "", Some("cannot be used with")),
        (&["--no-password", "--generate-password"], "", Some("cannot be used with")),
    ];
    for (source, input, refused) in rows {
        let args = [&["person", "add", "shop", "ana.example"], *source].concat();
        match refused {
            Some(expected) => {
                let said = place.fail(&args, input);
                assert!(said.contains(expected), "{source:?} said: {said}");
                assert!(place.json(&["person", "list", "shop"]).as_array().unwrap().is_empty());
            }
            None => {
                place.run(&args, input);
                place.run(&["person", "remove", "shop", "ana.example"], "");
            }
        }
    }
}

#[test]
fn a_secret_is_shown_once_and_never_again() {
    let place = Place::new();
    place.run(&["realm", "add", "shop"], "");
    let client = text(&place.json(&["client", "add", "shop", "app"]), "/client_secret");
    let key = text(&place.json(&["api-key", "add", "shop", "key"]), "/key_secret");
    let password = text(&place.json(&["person", "add", "shop", "ana", "--generate-password"]), "/password");
    for args in
        [["client", "show", "shop", "app"], ["api-key", "show", "shop", "key"], ["person", "show", "shop", "ana"]]
    {
        for format in [&[][..], &["--json"]] {
            let shown = place.run(&[&args[..], format].concat(), "");
            assert!(shown.contains(args[3]), "{shown}");
            for secret in [&client, &key, &password] {
                assert!(!shown.contains(secret.as_str()), "{shown}");
            }
        }
    }
    assert!(client.starts_with("jts_") && key.starts_with("jts_") && password.len() >= 20);
    assert_ne!(client, key);
}
