//! The examples beside a dialect file, replayed.

use std::path::{Path, PathBuf};

use jeton_core::dialect::{Dialect, Example};

use super::report::Section;

/// Replays `examples/*.http` both ways and `examples/foreign/*.http` as they were recorded.
pub(super) fn replay(dialect: &Dialect, folder: &Path) -> Section {
    let mut section = Section::new("Examples");
    for file in files(&folder.join("examples")) {
        play(&mut section, &file, |example| example.replay(dialect));
    }
    for file in files(&folder.join("examples/foreign")) {
        play(&mut section, &file, |example| example.replay_foreign(dialect));
    }
    section
}

/// The `.http` files of a folder, in the order of their names; none if there is no such folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "http"));
    files.sort();
    files
}

fn play(section: &mut Section, file: &Path, replay: impl Fn(&Example) -> Result<(), String>) {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let read = std::fs::read_to_string(file)
        .map_err(|error| error.to_string())
        .and_then(|text| Example::read_all(&name, &text));
    match read {
        Ok(examples) => examples.iter().for_each(|example| section.check(&example.title, replay(example))),
        Err(why) => section.check(name, Err(why)),
    }
}
