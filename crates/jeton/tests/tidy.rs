//! Rules about the source that no compiler keeps: each is a search that must find nothing.

#![expect(clippy::unwrap_used, reason = "a panic is the failure")]

use std::path::{Path, PathBuf};

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every file below `folder` whose name ends so, with its text.
fn files(folder: &str, end: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = entry.file_name().unwrap().to_string_lossy().into_owned();
            if entry.is_dir() && !matches!(name.as_str(), "target" | "node_modules" | ".git") {
                folders.push(entry);
            } else if name.ends_with(end) {
                let shown = entry.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                found.push((shown, std::fs::read_to_string(&entry).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "nothing found below {folder}: the search is wrong");
    found
}

/// The code of a file without its unit tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap()
}

/// Lines of crates' sources (below `prefix`, but not below any of `except`) that contain one of `words`.
fn lines_with(prefix: &str, except: &[&str], words: &[&str]) -> Vec<String> {
    let mut lines = Vec::new();
    for (path, text) in files("crates", ".rs") {
        let source = path.contains("/src/") && path.starts_with(prefix);
        if !source || except.iter().any(|except| path.starts_with(except)) {
            continue;
        }
        for (number, line) in code(&text).lines().enumerate() {
            if words.iter().any(|word| line.contains(word)) {
                lines.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    lines
}

fn nothing(lines: Vec<String>) {
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}

#[test]
fn the_core_is_pure() {
    let words = [
        "SystemTime",
        "Instant",
        "Timestamp::now",
        "Zoned::now",
        "std::env",
        "std::fs",
        "std::net",
        "std::thread",
        "std::process",
        "tokio",
        "async fn",
        ".await",
        "rand::fill",
        "SystemRandom",
    ];
    nothing(lines_with("crates/jeton-core/", &[], &words));
}

#[test]
fn sql_stands_in_the_store_alone() {
    nothing(lines_with("crates/", &["crates/jeton-store/"], &["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM"]));
}

#[test]
fn the_clock_and_chance_are_read_in_one_place() {
    let words = ["SystemTime::now", "rand::fill"];
    let allowed = [
        "crates/jeton-client/src/clock.rs",
        "crates/jeton-server/src/clock.rs",
        "crates/jeton-server/src/random.rs",
        "crates/jeton-server/src/pepper.rs",
        "crates/jeton-server/src/sealing",
        "crates/jeton-server/src/limiter.rs",
    ];
    nothing(lines_with("crates/", &allowed, &words));
}

#[test]
fn dialects_are_files() {
    let vendors = ["inevent", "pitchpoint", "zrobank", "firstresonance", "first resonance", "zro", "contracts/"];
    let mut lines = Vec::new();
    for (path, text) in files("crates", ".rs") {
        let demo = path.starts_with("crates/jeton/src/demo");
        if path.contains("/src/") && !demo {
            let named = |line: &&str| vendors.iter().any(|vendor| line.to_lowercase().contains(vendor));
            lines.extend(text.lines().filter(named).map(|line| format!("{path}: {}", line.trim())));
        }
    }
    nothing(lines);
}

#[test]
fn every_dialect_has_examples() {
    for (path, _) in files("dialects", "dialect.toml") {
        let folder = root().join(Path::new(&path).parent().unwrap()).join("examples");
        let examples = std::fs::read_dir(&folder).map(Iterator::count).unwrap_or(0);
        assert!(examples > 0, "{} has no examples", folder.display());
    }
}

#[test]
fn nothing_is_left_unfinished() {
    nothing(lines_with("crates/", &[], &["todo!", "unimplemented!", "FIXME", "TODO", "XXX"]));
}
