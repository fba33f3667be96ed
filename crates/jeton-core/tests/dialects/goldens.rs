//! The examples beside each dialect: read both ways and written both ways, byte for byte.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use jeton_core::dialect::{Dialect, Example, Reading, Values};

static BUILT_IN: LazyLock<Vec<Dialect>> = LazyLock::new(|| {
    let parse = |(name, text): &(&str, &str)| match Dialect::parse(text) {
        Ok(dialect) => {
            assert_eq!(dialect.name, *name);
            dialect
        }
        Err(mistakes) => panic!("{name}: {mistakes:#?}"),
    };
    Dialect::built_in().iter().map(parse).collect()
});

pub(crate) fn built_in() -> &'static [Dialect] {
    &BUILT_IN
}

/// The cases in a folder of a dialect.
fn cases(dialect: &str, folder: &str) -> Vec<Example> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dialects").join(dialect).join(folder);
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "http"));
    files.sort();
    let read = |file: &PathBuf| {
        let name = format!("{dialect}/{}", file.file_name().unwrap().to_string_lossy());
        Example::read_all(&name, &std::fs::read_to_string(file).unwrap()).unwrap_or_else(|error| panic!("{error}"))
    };
    files.iter().flat_map(read).collect()
}

#[test]
fn every_example_reads_and_writes_as_it_stands() {
    for dialect in built_in() {
        for case in cases(&dialect.name, "examples") {
            case.replay(dialect).unwrap_or_else(|error| panic!("{error}"));
        }
        // What others sent and answered is read: there is more in it than the file says, and it is written otherwise.
        for case in cases(&dialect.name, "examples/foreign") {
            case.replay_foreign(dialect).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

/// With `@now`, the times of an answer are reckoned.
#[test]
fn times_follow_from_now() {
    let file = r#"
jeton = 1
name = "clock tower"
[token]
format = "opaque"
lifetime = "1h"
[[exchange]]
grant = "api_key"
request = "GET /in?id={{key_id}}&pin={{key_secret}}"
answer = '''
200
Content-Type: application/json

{"t":"{{access_token}}","in":{{expires_in}},"at":"{{issued_at|rfc3339}}","end":{{expires_at|epoch}}}'''
"#;
    let dialect = Dialect::parse(file).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    let case = r#"### in
@key_id = k
@key_secret = s
@access_token = tok
@now = 2026-01-15T15:00:00Z

GET /in?id=k&pin=s

HTTP/1.1 200
Content-Type: application/json

{"t":"tok","in":3600,"at":"2026-01-15T15:00:00Z","end":1768492800}
"#;
    for (from, to, good) in [
        ("", "", true),
        ("@now", "@expires_in = 60\n@now", false),
        ("@now", "@expires_at = 2026-01-15T15:01:00Z\n@now", false),
        ("15:00:00Z\n\n", "15:00:01Z\n\n", false),
        ("15:00:00Z\n\n", "noon\n\n", false),
        ("@now = 2026-01-15T15:00:00Z\n", "", false),
    ] {
        let cases = Example::read_all("in.http", &case.replacen(from, to, 1)).unwrap();
        let played: Result<(), String> = cases.iter().try_for_each(|case| case.replay(&dialect));
        assert_eq!(played.is_ok(), good, "{to}: {played:?}");
    }
    let other = case.replace("@now", "@expires_in = 60\n@now").replace("3600", "60");
    assert_eq!(Example::read_all("in.http", &other).unwrap()[0].replay(&dialect), Ok(()));
}

/// An example that is wrong in one place is told so.
#[test]
fn a_wrong_example_is_found() {
    let file = include_str!("../../../../dialects/zro/examples/sign_in.http");
    let dialect = built_in().iter().find(|dialect| dialect.name == "zro").unwrap();
    let play = |text: &str| {
        let cases = Example::read_all("sign_in.http", text)?;
        cases.iter().try_for_each(|case| case.replay(dialect))
    };
    assert_eq!(play(file), Ok(()));
    for (right, wrong, told) in [
        ("POST /auth/singin", "POST /auth/sing", "no exchange is at this address"),
        ("HTTP/1.1 200", "HTTP/1.1 201", "the answer's status"),
        ("{\"access_token\"", "{\"token\"", "the answer's body"),
        ("\"api_id\"", "\"id\"", "the refusal"),
        ("@key_secret", "@key_sekret", "key_sekret"),
        ("### ", "## ", "no case"),
    ] {
        assert!(file.contains(right), "{right}");
        let error = play(&file.replace(right, wrong)).expect_err(wrong);
        assert!(error.contains(told) && error.starts_with("sign_in.http"), "{wrong}: {error}");
    }
}

pub(crate) fn sort(values: &Values) -> Vec<(&str, &jeton_core::dialect::Value)> {
    let mut sorted: Vec<_> = values.iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    sorted
}

/// One example for each exchange, alternative and row of refusals: a new row without one fails here.
#[test]
fn every_row_and_alternative_has_an_example() {
    for (name, text) in Dialect::built_in() {
        let file = toml_edit::Document::parse(*text).unwrap();
        let dialect = Dialect::parse(text).unwrap();
        let cases = cases(name, "examples");
        let reasons = |call: bool| -> BTreeSet<&str> {
            let cases = cases.iter().filter(move |case| case.has("call") == call);
            cases
                .filter_map(|case| Some(case.word("answers").or(case.word("refused"))?.split(' ').next().unwrap()))
                .collect()
        };
        let rows = |table: Option<&toml_edit::Item>| -> BTreeSet<String> {
            let keys = table.and_then(|item| item.as_table_like()).into_iter().flat_map(|table| table.iter());
            keys.map(|(key, _)| key.to_owned()).filter(|key| !["answer", "by"].contains(&key.as_str())).collect()
        };
        let (of_exchanges, of_calls) = (reasons(false), reasons(true));
        for row in rows(file.get("refusal")) {
            assert!(of_exchanges.contains(row.as_str()) || of_calls.contains(row.as_str()), "{name}: refusal.{row}");
        }
        for show in file.get("show").and_then(|item| item.as_array_of_tables()).into_iter().flatten() {
            for row in rows(show.get("refusal")) {
                assert!(of_calls.contains(row.as_str()), "{name}: show.refusal.{row}");
            }
        }
        let good: BTreeSet<usize> = cases
            .iter()
            .filter(|case| {
                !case.has("call") && case.reply.as_ref().is_some_and(|reply| (200..300).contains(&reply.status))
            })
            .filter_map(|case| match dialect.read_request(&case.request(), &case.settings()) {
                Reading::Exchange { index, .. } => Some(index),
                _ => None,
            })
            .collect();
        assert_eq!(good, (0..dialect.exchanges.len()).collect(), "{name}: exchanges with an example");
        for (part, ways) in
            file.get("part").and_then(|item| item.as_table_like()).into_iter().flat_map(|table| table.iter())
        {
            let ways: Vec<_> =
                ways.as_table_like().into_iter().flat_map(|ways| ways.iter()).map(|(way, _)| way).collect();
            for way in ways.into_iter().skip(1) {
                let setting = format!("setting.{part}");
                assert!(cases.iter().any(|case| case.word(&setting) == Some(way)), "{name}: {part} = {way}");
            }
        }
    }
}
