//! The reference says of the language what the language is.

use std::path::Path;

use jeton_core::dialect::{Dialect, reference};

/// `docs/dialect-reference.md` is what the code says. With `JETON_UPDATE` in the environment it is written anew.
#[test]
fn the_page_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/dialect-reference.md");
    let made = reference::markdown();
    if std::env::var_os("JETON_UPDATE").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap();
    assert!(page == made, "docs/dialect-reference.md is old; run this test once with JETON_UPDATE=1");
}

/// The keys of every table, as the parser knows them: it lists them where one is wrong.
#[test]
fn every_key_is_described() {
    const WRONG: &str = "quite_unknown_key";
    let token = "[token]\nformat = \"opaque\"\nlifetime = \"1h\"";
    let rows = [
        ("the file", format!("{WRONG} = 1")),
        ("[token]", format!("[token]\nformat = \"opaque\"\nlifetime = \"1h\"\n{WRONG} = 1")),
        ("[token] lifetime", format!("[token]\nformat = \"opaque\"\nlifetime = {{ max = \"1h\", {WRONG} = 1 }}")),
        ("[token] scope", format!("{token}\nscope = {{ {WRONG} = 1 }}")),
        ("[refresh]", format!("[refresh]\nhow = \"keep\"\nend = {{ after = \"1h\" }}\n{WRONG} = 1")),
        ("[refresh]", format!("[refresh]\nhow = \"rotate\"\nwithin = \"1h\"\n{WRONG} = 1")),
        ("[refresh]", format!("[refresh]\nhow = \"renew\"\nwithin = \"1h\"\n{WRONG} = 1")),
        ("[refresh] end", format!("[refresh]\nhow = \"keep\"\nend = {{ after = \"1h\", {WRONG} = 1 }}")),
        ("[target]", format!("[target]\n{WRONG} = 1")),
        ("[limits]", format!("[limits]\n{WRONG} = 1")),
        ("[field]", format!("[field]\nx = {{ from = \"client\", {WRONG} = 1 }}")),
        ("[[exchange]]", format!("[[exchange]]\n{WRONG} = 1")),
        ("[[exchange.step]]", format!("[[exchange]]\n[[exchange.step]]\n{WRONG} = 1")),
        ("[[show]]", format!("[[show]]\ntoken = \"X: {{{{access_token}}}}\"\n{WRONG} = 1")),
    ];
    let mut seen: Vec<(&str, Vec<String>)> = Vec::new();
    for (table, text) in rows {
        let mistakes = Dialect::parse(&format!("jeton = 1\nname = \"x\"\n{text}\n")).unwrap_err();
        let help =
            mistakes.iter().find(|mistake| mistake.message.contains(WRONG)).and_then(|mistake| mistake.help.clone());
        let help = help.unwrap_or_else(|| panic!("{table}: {mistakes:?}"));
        let known = help.strip_prefix("known: ").unwrap().split(", ").map(str::to_owned);
        match seen.iter_mut().find(|(name, _)| *name == table) {
            Some((_, keys)) => keys.extend(known),
            None => seen.push((table, known.collect())),
        }
    }
    for (table, mut keys) in seen {
        let (_, described) = reference::TABLES.iter().find(|(name, _)| *name == table).unwrap();
        let mut described: Vec<&str> = described.iter().map(|(key, _)| *key).collect();
        described.sort_unstable();
        keys.sort();
        keys.dedup();
        assert_eq!(keys, described, "{table}");
    }
}

/// Every noun that the parser takes is described. (A hole of an unknown name is refused.)
#[test]
fn every_noun_is_described() {
    let page = reference::markdown();
    let nouns = page.split_once("## Nouns").unwrap().1.split_once("\n## ").unwrap().0;
    let rows: Vec<&str> = nouns.lines().filter(|line| line.starts_with("| `")).collect();
    assert!(rows.len() > 40, "{}", rows.len());
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        assert!(!cells[3].is_empty(), "{row}");
    }
}
