//! `dialects/broken`: files that differ from a good one in one place, and are refused with its line.

use std::collections::BTreeSet;
use std::path::Path;

use jeton_core::dialect::Dialect;

#[test]
fn each_is_refused_with_its_line() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dialects/broken");
    let text = |name: &str| std::fs::read_to_string(folder.join(format!("{name}.toml"))).unwrap();
    let index: toml_edit::DocumentMut = text("index").parse().unwrap();
    let mut listed = BTreeSet::from(["index.toml".to_owned()]);
    for (name, row) in index.iter() {
        listed.insert(format!("{name}.toml"));
        let (of, says) = (row["of"].as_str().unwrap(), row["says"].as_str().unwrap());
        let line = usize::try_from(row["line"].as_integer().unwrap()).unwrap();
        let (_, good) = Dialect::built_in().iter().find(|(known, _)| *known == of).unwrap();
        let broken = text(name);
        let differing = good.lines().zip(broken.lines()).filter(|(good, broken)| good != broken).count();
        assert_eq!((differing, good.lines().count()), (1, broken.lines().count()), "{name}: differs in one line");
        let mistakes = Dialect::parse(&broken).err().unwrap_or_default();
        let told = mistakes.iter().any(|mistake| mistake.line == line && mistake.to_string().contains(says));
        assert!(told, "{name}, line {line}: {says}\n{mistakes:#?}");
    }
    let files = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(files.collect::<BTreeSet<_>>(), listed, "the files and those in index.toml");
    assert!(index.iter().count() >= 20);
}
