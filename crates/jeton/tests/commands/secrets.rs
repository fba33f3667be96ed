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

/// Whatever is added to a command later: an option that is named after a secret takes a file or nothing at all.
#[test]
fn every_command_has_a_help_text_and_no_option_for_a_secret() {
    let place = Place::new();
    let mut seen = 0;
    for noun in ["realm", "person", "target", "client", "api-key", "session", "token", "master-key"] {
        let help = place.run(&[noun, "--help"], "");
        let verbs = help.split_once("Commands:").unwrap().1.split_once("\n\n").unwrap().0;
        // Longer texts go on in lines that are indented deeper.
        let verbs = verbs.lines().filter_map(|line| line.strip_prefix("  ").filter(|verb| !verb.starts_with(' ')));
        for verb in verbs.filter_map(|line| line.split_whitespace().next()).filter(|verb| *verb != "help") {
            let help = place.run(&[noun, verb, "--help"], "");
            assert!(help.contains(&format!("Usage: jeton {noun} {verb}")), "{help}");
            for option in help.lines().map(str::trim).filter(|line| line.starts_with("--")) {
                let (name, value) = option.split_once(' ').unwrap_or((option, ""));
                let secret = ["password", "secret", "token"].iter().any(|word| name.contains(word));
                let takes = value.trim().strip_prefix('<').and_then(|value| value.split_once('>'));
                let harmless = takes.is_none_or(|(value, _)| value == "FILE" || name == "--access-token-secs");
                assert!(!secret || harmless, "{noun} {verb}: {option}");
            }
            seen += 1;
        }
    }
    assert!(seen > 40, "only {seen} commands were found");
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
