//! The forms and protocols of other programs: what goes in, what comes out.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::machine::{Api, Machine};

const JETON: &str = env!("CARGO_BIN_EXE_jeton");

/// Runs a program of somebody else's on this machine.
fn foreign(machine: &Machine, program: &str, args: &[&str], input: &str) -> Output {
    let mut command = Command::new(program);
    command.args(args).env("JETON_PROFILES", machine.path("profiles")).env("HOME", machine.path("home"));
    command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_CONFIG_NOSYSTEM", "1");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes());
    child.wait_with_output().unwrap()
}

#[test]
fn git_itself_asks_and_refuses() {
    let (machine, api) = (Machine::new(), Api::start());
    machine.add("meadow", &api, &[]);
    let helper = format!("credential.helper=!'{JETON}' credential git");
    let git = |operation: &str, input: &str| foreign(&machine, "git", &["-c", &helper, "credential", operation], input);
    let host = api.url.strip_prefix("http://").unwrap();
    let asks = format!("protocol=http\nhost={host}\n\n");
    let filled = |asks: &str| String::from_utf8(git("fill", asks).stdout).unwrap();

    let answer = filled(&asks);
    assert!(answer.contains("\nusername=ada\npassword=t1\npassword_expiry_utc="), "{answer}");
    let answer = filled(&format!("url={}/team/x.git\nusername=oauth2\n\n", api.url));
    assert!(answer.contains("\nusername=oauth2\npassword=t1\n"), "{answer}");
    // Nobody else's host, not by another protocol, and git is told nothing.
    for asks in ["protocol=https\nhost=other.example\n\n".to_owned(), format!("protocol=https\nhost={host}\n\n")] {
        let output = git("fill", &asks);
        assert!(!output.status.success() && !String::from_utf8_lossy(&output.stdout).contains("t1"), "{output:?}");
    }
    assert!(git("approve", &answer).status.success());
    let refused = |password: &str| format!("protocol=http\nhost={host}\nusername=ada\npassword={password}\n\n");
    assert!(git("reject", &refused("another")).status.success());
    assert_eq!((machine.run(&["token", "meadow"]).as_str(), api.sign_ins()), ("t1", 1));
    assert!(git("reject", &refused("t1")).status.success());
    assert_eq!((machine.run(&["token", "meadow"]).as_str(), api.sign_ins()), ("t2", 2));

    // A name instead of the address, for a repository that is elsewhere.
    let output =
        machine.output(&["credential", "git", "--profile", "meadow", "get"], "protocol=https\nhost=x.example\n\n");
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("username=ada\npassword=t2\n"));
}

#[test]
fn docker_asks_by_the_programs_name() {
    let (machine, api) = (Machine::new(), Api::start());
    machine.add("meadow", &api, &[]);
    let helper = machine.path("docker-credential-jeton");
    std::os::unix::fs::symlink(JETON, &helper).unwrap();
    let docker = |operation: &str, input: &str| foreign(&machine, helper.to_str().unwrap(), &[operation], input);
    let host = api.url.strip_prefix("http://").unwrap();
    for server in [host, &api.url] {
        let printed: Value = serde_json::from_slice(&docker("get", server).stdout).unwrap();
        assert_eq!(printed, serde_json::json!({ "ServerURL": server, "Username": "ada", "Secret": "t1" }));
    }
    let listed: Value = serde_json::from_slice(&docker("list", "").stdout).unwrap();
    assert_eq!(listed, serde_json::json!({ api.url.as_str(): "ada" }));
    let unknown = docker("get", "https://index.docker.io/v1/");
    assert_eq!(
        (unknown.status.code(), unknown.stdout.as_slice()),
        (Some(1), &b"credentials not found in native keychain\n"[..])
    );
    assert_eq!(docker("store", r#"{"ServerURL":"x","Username":"u","Secret":"s"}"#).status.code(), Some(1));
    assert!(docker("erase", "https://index.docker.io/v1/").status.success());
    assert!(docker("erase", host).status.success());
    assert!(machine.run(&["profile", "show", "meadow"]).contains("none"));
}

#[test]
fn a_kubeconfigs_plugin_answers_in_the_version_that_is_asked_for() {
    let (machine, api) = (Machine::new(), Api::start());
    machine.add("meadow", &api, &[]);
    let args = ["token", "meadow", "--format", "kubernetes"];
    let asked =
        r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","spec":{"interactive":false}}"#;
    let output = machine.command(&args).env("KUBERNETES_EXEC_INFO", asked).output().unwrap();
    for (printed, version) in [
        (String::from_utf8(output.stdout).unwrap(), "client.authentication.k8s.io/v1beta1"),
        (machine.run(&args), "client.authentication.k8s.io/v1"),
    ] {
        let printed: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!((&printed["apiVersion"], &printed["kind"]), (&version.into(), &"ExecCredential".into()));
        assert_eq!(printed["status"]["token"], "t1");
        assert!(printed["status"]["expirationTimestamp"].as_str().unwrap().ends_with('Z'), "{printed}");
    }
}

#[test]
fn aws_gives_keys_for_the_token() {
    let (machine, api) = (Machine::new(), Api::start());
    machine.add("meadow", &api, &[]);
    let xml = |status: &str, body: &str| {
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nConnection: close\r\n");
        api.answer(&format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()));
    };
    xml(
        "200 OK",
        r#"<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
          <AssumeRoleWithWebIdentityResult>
            <SubjectFromWebIdentityToken>ada</SubjectFromWebIdentityToken>
            <Audience>client.5498841531868486423.1548@apps.example.com</Audience>
            <AssumedRoleUser>
              <Arn>arn:aws:sts::123456789012:assumed-role/reader/jeton-meadow</Arn>
              <AssumedRoleId>AROACLKWSDQRAOEXAMPLE:jeton-meadow</AssumedRoleId>
            </AssumedRoleUser>
            <Credentials>
              <SessionToken>AQoDYXdzEE0a8ANXXXXXXXXNO1ewxE5TijQyp+IEXAMPLE</SessionToken>
              <SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey>
              <Expiration>2026-11-24T23:00:23Z</Expiration>
              <AccessKeyId>ASgeIAIOSFODNN7EXAMPLE</AccessKeyId>
            </Credentials>
          </AssumeRoleWithWebIdentityResult>
          <ResponseMetadata><RequestId>ad4156e9-bce1-11e2-82e6-6b6efEXAMPLE</RequestId></ResponseMetadata>
        </AssumeRoleWithWebIdentityResponse>"#,
    );
    let role = ["--aws-role", "arn:aws:iam::123456789012:role/reader", "--aws-sts", &api.url];
    let args = [&["token", "meadow", "--format", "aws"], &role[..]].concat();
    let printed: Value = serde_json::from_str(&machine.run(&args)).unwrap();
    let expected = serde_json::json!({
        "Version": 1,
        "AccessKeyId": "ASgeIAIOSFODNN7EXAMPLE",
        "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY",
        "SessionToken": "AQoDYXdzEE0a8ANXXXXXXXXNO1ewxE5TijQyp+IEXAMPLE",
        "Expiration": "2026-11-24T23:00:23Z",
    });
    assert_eq!(printed, expected);
    let call = api.calls().remove(0);
    assert!(call.starts_with("POST / HTTP/1.1\r\n"), "{call}");
    let form = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&\
                RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Freader&RoleSessionName=jeton-meadow&WebIdentityToken=t1";
    assert!(call.ends_with(form), "{call}");

    xml(
        "403 Forbidden",
        r#"<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code>
          <Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>"#,
    );
    let said = machine.fail(&args, 3);
    assert!(said.contains("denied") && said.contains("Not authorized to perform"), "{said}");
    assert!(machine.fail(&["token", "meadow", "--format", "aws"], 1).contains("--aws-role"));
    let said = machine.fail(&[&args[..7], &["http://sts.example.com"]].concat(), 1);
    assert!(said.contains("plain HTTP"), "{said}");
}

#[test]
fn a_file_is_written_for_nobody_else() {
    let (machine, api) = (Machine::new(), Api::start());
    machine.add("meadow", &api, &[]);
    let file = machine.path("token");
    let path = file.to_str().unwrap();
    assert_eq!(machine.run(&["token", "meadow", "--write", path]), "");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "t1");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(machine.run(&["token", "meadow", "--format", "netrc"]), "machine 127.0.0.1 login ada password t1");
}

#[test]
fn tokens_of_a_local_realm_are_still_inspected() {
    let machine = Machine::new();
    let mut inspect = machine.command(&["token", "inspect", "shop", "--config", "/nonexistent/jeton.toml"]);
    let output = inspect.env("KUBERNETES_EXEC_INFO", "{}").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nonexistent/jeton.toml"), "{output:?}");
}
