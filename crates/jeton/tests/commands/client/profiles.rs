//! `jeton profile`: what it takes, what it asks for, what it refuses, and that no secret is ever shown.

use super::machine::{Api, DIALECT, Machine};

#[test]
fn secrets_come_from_everywhere_but_the_command_line() {
    let (machine, api) = (Machine::new(), Api::start());
    let dialect = machine.file("meadow.toml", DIALECT);
    let file = format!("password=file:{}", machine.file("secret", "from a file\r\n"));
    for (from, input) in [
        (file.as_str(), ""),
        ("password=stdin", "from stdin\n"),
        ("password=env:THE_PASSWORD", ""),
        ("password=command:printf '%s\\n' 'from a command'", ""),
    ] {
        let args = ["profile", "add", "meadow", "--dialect", &dialect, "--url", &api.url, "--replace"];
        let mut command = machine.command(&[&args[..], &["--value", "username=ada", "--secret", from]].concat());
        command.env("THE_PASSWORD", "from the environment").stdin(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes());
        assert!(child.wait().unwrap().success(), "{from}");
        let shown = machine.run(&["profile", "show", "meadow", "--json"]);
        assert!(shown.contains(r#""secrets":["password"]"#) && !shown.contains("from "), "{shown}");
    }
    machine.run(&["token", "meadow"]);
    assert_eq!(api.sign_ins(), 1);
}

#[test]
fn what_cannot_work_is_told_with_what_to_do() {
    let (machine, api) = (Machine::new(), Api::start());
    machine.add("meadow", &api, &[]);
    let url = api.url.as_str();
    let dialect = machine.path("meadow.toml");
    let dialect = dialect.to_str().unwrap();
    let new = ["profile", "add", "other", "--url", url, "--dialect", dialect];
    let ada = ["--value", "username=ada"];
    for (args, part) in [
        ([&new[..], &["--value", "password=hunter2"]].concat(), "--secret password=file:PATH"),
        (
            [&new[..], &ada, &["--secret", "password=hunter2"]].concat(),
            "password=file:PATH".trim_start_matches("password="),
        ),
        ([&new[..], &ada, &["--secret", "hunter2"]].concat(), "has no `=`"),
        ([&new[..], &ada, &["--secret", "pin=stdin"]].concat(), "knows no `pin`; it takes username, password"),
        ([&new[..], &["--secret", "username=stdin"]].concat(), "--value username="),
        ([&new[..], &["--value", "user=ada"]].concat(), "knows no `user`"),
        (new.to_vec(), "--value username="),
        ([&new[..], &ada].concat(), "--secret password=file:PATH"),
        ([&new[..], &ada, &["--secret", "password=file:/nonexistent"]].concat(), "/nonexistent"),
        ([&new[..], &ada, &["--secret", "password=command:exit 3"]].concat(), "the command failed"),
        ([&new[..], &ada, &["--secret", "password=command:true"]].concat(), "it is empty"),
        ([&new[..], &ada, &["--secret", "password=env:NOT_SET_ANYWHERE"]].concat(), "NOT_SET_ANYWHERE"),
        ([&new[..], &ada, &["--grant", "device_code"]].concat(), "name it with --issuer"),
        (vec!["profile", "add", "other", "--url", url], "--issuer URL for OAuth"),
        (vec!["profile", "add", "other", "--url", url, "--dialect", "none"], "the binary has"),
        (vec!["profile", "add", "other", "--url", url, "--dialect", "ion"], "--issuer"),
        (vec!["profile", "add", "other", "--environment", "nowhere.example"], "app.firstresonance.io"),
        (vec!["profile", "add", "meadow", "--url", url, "--dialect", dialect], "--replace"),
        (
            vec![
                "profile",
                "add",
                "a/b",
                "--url",
                url,
                "--dialect",
                dialect,
                "--value",
                "username=a",
                "--secret",
                "password=command:echo x",
            ],
            "not a name",
        ),
        (
            vec![
                "profile",
                "add",
                "other",
                "--url",
                "http://api.example.com",
                "--dialect",
                dialect,
                "--value",
                "username=a",
            ],
            "plain HTTP",
        ),
        (vec!["profile", "show", "other"], "known: meadow"),
        (vec!["profile", "remove", "other"], "known: meadow"),
        (vec!["token", "other"], "known: meadow"),
        (vec!["exec", "meadow", "--", "/nonexistent/program"], "see whether it is installed"),
        (vec!["curl", "meadow", "https://other.example/x"], "is not below"),
    ] {
        let said = machine.fail(&args, 1);
        assert!(said.contains(part) && !said.contains("hunter2"), "{args:?}: {said}");
    }
    assert_eq!(machine.run(&["profile", "list"]).lines().count(), 2, "nothing was added");
    machine.run(&["profile", "remove", "meadow"]);
    assert_eq!(machine.run(&["profile", "list", "--json"]), "[]");
    machine.fail(&["token"], 2);
}

#[test]
fn an_environment_gives_both_addresses() {
    let machine = Machine::new();
    let secret = ["--secret", "client_secret=command:echo s", "--value", "client_id=c"];
    for (more, issuer) in [
        (&["--environment", "sandbox.firstresonance.io"][..], "https://staging-auth.buildwithion.com/realms/api-keys"),
        (
            &["--environment", "sandbox.firstresonance.io", "--dialect", "ion", "--issuer", "https://id.example.com"],
            "https://id.example.com",
        ),
    ] {
        machine.run(&[&["profile", "add", "runs", "--replace"], &secret[..], more].concat());
        let shown: serde_json::Value =
            serde_json::from_str(&machine.run(&["profile", "show", "runs", "--json"])).unwrap();
        assert_eq!(shown["url"], "https://staging-api.buildwithion.com");
        assert_eq!((&shown["dialect"], &shown["issuer"]), (&"ion".into(), &issuer.into()));
    }
}

#[test]
fn the_exit_status_says_whether_it_is_worth_trying_again() {
    let (machine, api) = (Machine::new(), Api::start());
    let answer = |line: &str, body: &str| {
        let head = format!("HTTP/1.1 {line}\r\nContent-Type: application/json\r\nConnection: close\r\n");
        format!("{head}Retry-After: 60\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    for (name, line, body, status, part) in [
        ("wrong", "401 Unauthorized", r#"{"error":"who"}"#, 3, "wrong_credentials"),
        ("busy", "429 Too Many Requests", "", 4, "wait and try again"),
        ("down", "503 Service Unavailable", "", 4, "wait and try again"),
        ("strange", "200 OK", r#"{"hello":1}"#, 1, "cannot be read"),
        ("evil", "200 OK", r#"{"token":"a\nb"}"#, 1, "control characters"),
    ] {
        machine.add(name, &api, &[]);
        api.answer_sign_ins(&answer(line, body));
        let said = machine.fail(&["token", name], status);
        assert!(said.contains(part), "{name}: {said}");
    }
    let asked = api.sign_ins();
    let said = machine.fail(&["token", "wrong"], 4);
    assert!(said.contains("the last try failed"), "{said}");
    assert_eq!(api.sign_ins(), asked, "nobody was asked");
}
