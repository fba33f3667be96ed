//! `jeton dialect docs` and `reference`, through the binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::{Command, Output};

use jeton_core::dialect::Dialect;

fn jeton(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jeton")).arg("dialect").args(arguments).output().unwrap()
}

fn printed(arguments: &[&str]) -> String {
    let done = jeton(arguments);
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn every_dialect_of_the_binary_has_a_page_in_both_forms() {
    for (name, text) in Dialect::built_in() {
        let dialect = Dialect::parse(text).unwrap();
        let page = printed(&["docs", name, "--url", "https://api.meadow.example"]);
        let html = printed(&["docs", name, "--url", "https://api.meadow.example", "--format", "html"]);
        for language in ["### curl", "### Python", "### JavaScript", "### PHP"] {
            assert!(page.contains(language), "{name}: {language}");
        }
        assert!(page.contains("## Errors") && html.contains(">Errors</h2>"), "{name}");
        assert!(!page.contains("computed from others"), "{name}: its requests have programs\n{page}");
        let answers = dialect.exchanges.iter().filter(|exchange| exchange.only.is_none()).count();
        assert!(page.matches("```http\nHTTP/1.1 ").count() >= answers, "{name}: a sample answer is missing\n{page}");
        // As many blocks of code in one as in the other: both are made from one page.
        assert_eq!(page.matches("\n```").count(), 2 * html.matches("<pre>").count(), "{name}");
    }
}

#[test]
fn nothing_of_a_file_becomes_markup() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.toml");
    let text = "jeton = 1\nname = \"<b>&odd\"\n[token]\nformat = \"opaque\"\nlifetime = \"1h\"\n[[exchange]]\ngrant = \"password\"\nrequest = '''\nPOST /a\nContent-Type: application/json\n\n{\"<i>\":\"{{username}}\",\"p|`q\":\"{{password}}\",\"it's\":\"<script>\"}'''\nanswer = '''\n200\nContent-Type: text/plain\n\n{{access_token}}'''\n[refusal]\nwrong_credentials = '''\n401\nContent-Type: text/plain\n\n<script>alert(1)</script>'''\n";
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap();
    let html = printed(&["docs", path, "--format", "html"]);
    assert!(!html.contains("<script>") && !html.contains("<b>") && !html.contains("<i>"), "{html}");
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{html}");
    let page = printed(&["docs", path]);
    assert!(page.contains("# \\<b\\>&odd"), "{page}");
    assert!(page.contains("| `` p\\|`q `` |"), "{page}");
    assert!(page.contains(r#"'{"<i>":"YOUR_USERNAME","p|`q":"YOUR_PASSWORD","it'\''s":"<script>"}'"#), "{page}");
    assert!(page.contains(r"'it\'s' => '<script>'"), "{page}");
}

#[test]
fn a_file_that_is_not_there_or_broken_is_said() {
    for (given, expected) in [("meadow", "no dialect `meadow`"), ("/nowhere/meadow.toml", "cannot be read")] {
        let done = jeton(&["docs", given]);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(!done.status.success() && said.contains(expected), "{given}: {said}");
    }
}

#[test]
fn the_reference_is_printed() {
    assert_eq!(printed(&["reference"]), include_str!("../../../docs/dialect-reference.md"));
}
