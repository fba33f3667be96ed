//! `jeton exec`, `jeton curl` and `jeton header`: the token reaches the API, and nobody else.

use std::os::unix::fs::PermissionsExt;

use super::machine::{Api, DIALECT, Machine};

#[test]
fn no_command_line_shows_a_secret() {
    let (machine, api) = (Machine::new(), Api::start());
    machine.add("meadow", &api, &[]);
    // In place of curl: what everybody can read of a process, and then what only curl is told.
    let spy = machine.file("curl", "#!/bin/sh\ntr '\\0' ' ' < /proc/$$/cmdline; echo; cat \"$2\"\n");
    std::fs::set_permissions(&spy, std::fs::Permissions::from_mode(0o755)).unwrap();
    let folder = machine.path("curl");
    let path = format!("{}:/usr/bin:/bin", folder.parent().unwrap().display());
    let mut command = machine.command(&["curl", "meadow", "/a?b=c", "-d", "x y"]);
    let output = command.env("PATH", path).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let (visible, told) = printed.split_once('\n').unwrap();
    assert!(visible.contains("--config /dev/fd/") && visible.contains("-d x y"), "{visible}");
    assert!(!visible.contains("t1"), "{visible}");
    assert!(told.contains("header = \"Authorization: Token t1\"\n"), "{told}");
    assert!(told.contains(&format!("url = \"{}/a?b=c\"\n", api.url)), "{told}");

    let seen = machine.run(&["exec", "meadow", "--", "sh", "-c", "tr '\\0' ' ' < /proc/$$/cmdline"]);
    assert!(seen.starts_with("sh -c") && !seen.contains("t1"), "{seen}");
}

#[test]
fn curl_gets_what_it_is_told() {
    let (machine, api) = (Machine::new(), Api::start());
    machine.add("meadow", &api, &[]);
    machine.run(&["curl", "meadow", "/a[1]?b={c}", "-sS", "-X", "PUT", "-H", "X-Mine: 1", "--data-binary", "body"]);
    let call = api.calls().remove(0);
    assert!(call.starts_with("PUT /a[1]?b={c} HTTP/1.1\r\n"), "{call}");
    assert!(call.contains("Authorization: Token t1\r\n") && call.contains("X-Mine: 1\r\n"), "{call}");
    assert!(call.ends_with("\r\nbody"), "{call}");
    // What curl reads on its standard input is still its own.
    let output = machine.output(&["curl", "meadow", "/", "-sS", "-d", "@-"], "piped");
    assert!(output.status.success() && api.calls()[0].ends_with("\r\npiped"), "{output:?}");
    // curl's own exit status.
    api.answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    machine.fail(&["curl", "meadow", "/", "-sS", "--fail"], 22);
}

#[test]
fn no_token_leaves_for_another_host() {
    let (machine, api, other) = (Machine::new(), Api::start(), Api::start());
    machine.add("meadow", &api, &[]);
    let moved =
        format!("HTTP/1.1 302 Found\r\nLocation: {}/x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", other.url);
    api.answer(&moved);
    for more in [
        &["-L"][..],
        &["--location-trusted"],
        &["--url", &other.url],
        &[&other.url],
        &["--connect-to", "::localhost:1"],
    ] {
        // Whether curl fails or not: nothing may arrive there.
        machine.output(&[&["curl", "meadow", "/", "-sS", "--max-redirs", "3"], more].concat(), "");
    }
    assert!(!api.calls().is_empty());
    assert_eq!(other.calls(), [""; 0]);
}

#[test]
fn a_token_in_the_query_is_told_and_sent() {
    let (machine, api) = (Machine::new(), Api::start());
    let dialect =
        machine.file("query.toml", &DIALECT.replace("Authorization: Token {{access_token}}", "?key={{access_token}}"));
    let own =
        ["--dialect", &dialect, "--url", &api.url, "--value", "username=a", "--secret", "password=command:echo p"];
    machine.run(&[&["profile", "add", "meadow"], &own[..]].concat());
    assert_eq!(machine.run(&["header", "meadow"]), "?key=t1");
    machine.run(&["curl", "meadow", "/things?a=b", "-sS"]);
    assert!(api.calls()[0].starts_with("GET /things?a=b&key=t1 HTTP/1.1\r\n"));
    assert_eq!(machine.run(&["exec", "meadow", "--", "sh", "-c", "echo ${JETON_HEADER-none}"]), "none");
}
