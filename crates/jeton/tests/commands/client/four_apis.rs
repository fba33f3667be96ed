//! The demo's four APIs with the client's commands alone: token, cache, call, refresh, sign-out.

use super::machine::Machine;
use crate::demo::Demo;
use crate::harness::{Request, contains, send};

/// One API: how its profile is made, what is called, and what the answer must have in it.
struct Row {
    name: &'static str,
    add: Vec<String>,
    secret: (&'static str, &'static str),
    call: &'static [&'static str],
    answer: &'static str,
    /// What `jeton logout` says.
    end: &'static str,
}

fn rows(demo: &Demo) -> Vec<Row> {
    let value = |name: &str, pointer: &str| vec!["--value".to_owned(), format!("{name}={}", demo.of(pointer))];
    let dialect = |name: &str| vec!["--dialect".to_owned(), name.to_owned()];
    let issuer = vec!["--issuer".to_owned(), format!("{}/realms/api-keys", demo.of("/url"))];
    let (ended, forgotten) = ("has ended", "is forgotten here");
    vec![
        Row {
            name: "events",
            add: [dialect("inevent"), value("username", "/realms/inevent/username")].concat(),
            secret: ("password", "/realms/inevent/password"),
            call: &["/?action=person.get"],
            answer: "personID",
            end: ended,
        },
        Row {
            name: "orders",
            add: [dialect("pitchpoint"), value("username", "/realms/pitchpoint/username")].concat(),
            secret: ("password", "/realms/pitchpoint/password"),
            call: &[
                "/riskinsight-services-ws/resources/v1/orders/query",
                "-H",
                "Content-Type: application/json",
                "-d",
                r#"{"limit":2}"#,
            ],
            answer: "order",
            end: forgotten,
        },
        Row {
            name: "runs",
            add: [dialect("ion"), issuer, value("client_id", "/realms/ion/client_id")].concat(),
            secret: ("client_secret", "/realms/ion/client_secret"),
            call: &[
                "graphql",
                "-H",
                "Content-Type: application/json",
                "-d",
                r#"{"query":"{ runs(first: 2) { edges { node { id } } } }"}"#,
            ],
            answer: "edges",
            end: ended,
        },
        Row {
            name: "wallets",
            add: [dialect("zro"), value("key_id", "/realms/zro/api_id")].concat(),
            secret: ("key_secret", "/realms/zro/api_key"),
            call: &["/operations/wallets"],
            answer: "wallet",
            end: forgotten,
        },
    ]
}

/// How many tokens the server has issued.
fn issued(demo: &Demo) -> u64 {
    let admin = demo.of("/admin_url").strip_prefix("http://").unwrap().parse().unwrap();
    let metrics = Request { method: "GET", target: "/metrics".to_owned(), headers: Vec::new(), body: String::new() };
    let text = send(admin, &metrics).body;
    let counts = text.lines().filter(|line| line.starts_with("jeton_tokens_issued_total{"));
    counts.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

#[test]
fn token_cache_call_refresh_and_sign_out() {
    let machine = Machine::new();
    let demo = Demo::start(&machine.path("demo"));
    let mut secrets = Vec::new();
    for Row { name, add, secret: (secret, pointer), call, answer, end } in rows(&demo) {
        let before = issued(&demo);
        secrets.push(demo.of(pointer));
        let secret = format!("{secret}=file:{}", machine.file("secret", &demo.of(pointer)));
        let add: Vec<&str> = add.iter().map(String::as_str).collect();
        let url = demo.of("/url");
        machine.run(&[&["profile", "add", name, "--url", &url, "--secret", &secret], &add[..]].concat());
        assert_eq!(issued(&demo), before, "{name}: a new profile asks nothing");

        let tested: serde_json::Value =
            serde_json::from_str(&machine.run(&["profile", "test", name, "--json"])).unwrap();
        assert_eq!((&tested["good"], &tested["new"]), (&true.into(), &true.into()), "{name}: {tested}");
        assert!(tested["seconds_left"].as_u64().unwrap() > 200, "{name}: {tested}");
        let token = machine.run(&["token", name]);
        assert_eq!(machine.run(&["token", name]), token, "{name}");
        assert_eq!(issued(&demo), before + 1, "{name}: the token is kept");

        let header = machine.run(&["header", name]);
        assert!(header.starts_with(&format!("Authorization: Bearer {token}")), "{name}: {header}");
        let script = r#"printf '%s %s %s' "$JETON_TOKEN" "$JETON_URL" "$JETON_HEADER"; exit 7"#;
        let exec = machine.output(&["exec", name, "--", "sh", "-c", script], "");
        assert_eq!(exec.status.code(), Some(7), "{name}");
        let expected = format!("{token} {url} Authorization: Bearer {token}");
        assert_eq!(String::from_utf8(exec.stdout).unwrap(), expected, "{name}");
        let answered = machine.run(&[&["curl", name], call, &["-sS", "--fail-with-body"]].concat());
        assert!(answered.contains(answer), "{name}: {answered}");

        let proxy = machine.proxy(name);
        let mut curl = std::process::Command::new("curl");
        curl.arg(format!("{}/{}", proxy.url, call[0].trim_start_matches('/'))).args(&call[1..]).arg("-sS");
        let answered = curl.output().unwrap().stdout;
        assert!(contains(&answered, answer), "{name}: {}", String::from_utf8_lossy(&answered));
        drop(proxy);

        machine.run(&["refresh", name]);
        assert_eq!(machine.run(&["token", name]), token, "{name}: it was not time to refresh");
        // Times in a JWT are whole seconds: within one, the new token may be the old one.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        machine.run(&["refresh", "--force", name]);
        let second = machine.run(&["token", name]);
        assert_ne!(second, token, "{name}");
        assert_eq!(issued(&demo), before + 2, "{name}");
        machine.run(&[&["curl", name], call, &["-sS", "--fail-with-body"]].concat());

        let said = machine.output(&["logout", name], "").stderr;
        assert!(contains(&said, end), "{name}: {}", String::from_utf8_lossy(&said));
        assert!(machine.run(&["profile", "show", name]).contains("none"), "{name}");
        if end == "has ended" {
            let status = std::process::Command::new("curl");
            let mut status = status;
            status
                .args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "-H"])
                .arg(format!("Authorization: Bearer {second}"));
            status.arg(format!("{url}/{}", call[0].trim_start_matches('/'))).args(&call[1..]);
            assert_eq!(status.output().unwrap().stdout, b"401", "{name}: the old token is refused");
        }
        secrets.extend([token, second]);
    }
    // The server is gone: what is good is given, what is not there cannot be had.
    let token = machine.run(&["refresh", "--force", "orders"]) + &machine.run(&["token", "orders"]);
    drop(demo);
    assert!(machine.fail(&["refresh", "--force", "orders"], 4).contains("cannot reach"));
    assert_eq!(machine.run(&["token", "orders"]), token);
    assert!(machine.fail(&["token", "events"], 4).contains("cannot reach"));

    let mut on_disk = Vec::new();
    for entry in std::fs::read_dir(machine.path("profiles")).unwrap() {
        on_disk.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    for secret in &secrets {
        assert!(!contains(&on_disk, secret), "a secret stands on disk in clear");
    }
}
