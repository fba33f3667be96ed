//! `jeton dialect check`, `list` and `show`, as processes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn dialects() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dialects")
}

fn jeton(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jeton")).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Every dialect of the repository: its examples, its client, its refusals.
#[test]
fn every_dialect_does_what_its_file_says() {
    let mut folders: Vec<_> = std::fs::read_dir(dialects()).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.join("dialect.toml").exists());
    assert!(folders.len() >= 12, "{folders:?}");
    for folder in folders {
        let output = jeton(&["dialect", "check", folder.join("dialect.toml").to_str().unwrap()]);
        assert!(output.status.success(), "{}\n{}", folder.display(), text(&output.stdout));
        let told = text(&output.stdout);
        for section in ["Examples", "The client, with a profile", "Refusals"] {
            assert!(told.contains(section) || folder.ends_with("ion"), "{}: {section}", folder.display());
        }
    }
}

/// A sign-in of several requests, which no dialect of the repository has.
#[test]
fn a_chain_is_played_step_by_step() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/commands/chain.toml");
    let output = jeton(&["dialect", "check", file.to_str().unwrap()]);
    let told = text(&output.stdout);
    assert!(output.status.success(), "{told}");
    for line in ["✓ a token\n", "✓ wrong_credentials, POST /sign-in", "✓ wrong_method, DELETE /challenge"] {
        assert!(told.contains(line), "{line}: {told}");
    }
}

#[test]
fn each_broken_file_fails_with_its_line() {
    let folder = dialects().join("broken");
    let index: toml::Table = std::fs::read_to_string(folder.join("index.toml")).unwrap().parse().unwrap();
    assert!(index.len() >= 20, "{}", index.len());
    for (name, row) in &index {
        let file = folder.join(format!("{name}.toml"));
        let output = jeton(&["dialect", "check", file.to_str().unwrap()]);
        let told = text(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{name}: {told}");
        assert!(told.contains(&format!("{}:{}:", file.display(), row["line"])), "{name}: {told}");
        assert!(told.contains(row["says"].as_str().unwrap()), "{name}: {told}");
    }
}

/// Files that can be read and do not do what they say: each is the dialect of Zro with one place changed.
#[test]
fn what_is_well_written_can_still_fail() {
    let zro = std::fs::read_to_string(dialects().join("zro/dialect.toml")).unwrap();
    for (right, wrong, failed) in [
        // Too late before the first minute is over, and sooner nobody may ask.
        ("within   = \"7d\"", "within   = \"30s\"", "a new token by refresh"),
        // When the next renewal is allowed, it is too late for it.
        ("renew = \"1/m per principal\"", "renew = \"1/8d per principal\"", "a new token by refresh"),
        // A refusal that looks like a token.
        (
            "\"message\":\"{{text}}\"}'''\ninvalid_request   = { status = 400",
            "\"access_token\":\"{{text}}\"}'''\ninvalid_request   = { status = 200",
            "as a success",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("dialect.toml");
        assert!(zro.contains(right), "{right}");
        std::fs::write(&file, zro.replacen(right, wrong, 1)).unwrap();
        let output = jeton(&["dialect", "check", "--json", file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1), "{wrong}: {}", text(&output.stdout));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let checks =
            report["sections"].as_array().unwrap().iter().flat_map(|section| section["checks"].as_array().unwrap());
        let failures: Vec<String> =
            checks.filter(|check| check["outcome"] == "failed").map(ToString::to_string).collect();
        assert!(failures.iter().any(|check| check.contains(failed)), "{wrong}: {failures:?}");
    }
}

#[test]
fn a_wrong_example_beside_the_file_fails() {
    let folder = tempfile::tempdir().unwrap();
    let examples = folder.path().join("examples");
    std::fs::create_dir(&examples).unwrap();
    std::fs::copy(dialects().join("zro/dialect.toml"), folder.path().join("dialect.toml")).unwrap();
    let example = std::fs::read_to_string(dialects().join("zro/examples/sign_in.http")).unwrap();
    std::fs::write(examples.join("sign_in.http"), example.replace("HTTP/1.1 200", "HTTP/1.1 201")).unwrap();
    let output = jeton(&["dialect", "check", folder.path().join("dialect.toml").to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("the answer's status: 200, and the example has 201"), "{output:?}");
}

#[test]
fn the_dialects_of_the_binary_are_listed_and_shown() {
    let listed = text(&jeton(&["dialect", "list"]).stdout);
    for name in ["inevent", "pitchpoint", "zro", "ion", "supabase"] {
        assert!(listed.lines().any(|line| line.split_whitespace().next() == Some(name)), "{listed}");
    }
    let shown = jeton(&["dialect", "show", "zro"]);
    assert_eq!(text(&shown.stdout), std::fs::read_to_string(dialects().join("zro/dialect.toml")).unwrap());
    let unknown = jeton(&["dialect", "show", "zrro"]);
    assert!(!unknown.status.success() && text(&unknown.stderr).contains("zro"), "{unknown:?}");
}
