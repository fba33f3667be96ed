//! The dialects this process knows: those in the binary, and files given by path.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use jeton_core::dialect::Dialect;

use crate::fault::Fault;

/// Dialects by name. Can be read anew while the server runs.
pub struct Dialects {
    edition: AtomicU64,
    by_name: RwLock<BTreeMap<String, Arc<Dialect>>>,
}

impl Dialects {
    /// The built-in dialects and those in `files`. A mistake in one is told with its file, line and column.
    pub fn load(files: Vec<PathBuf>) -> Result<Self, Fault> {
        Ok(Self { edition: AtomicU64::new(1), by_name: RwLock::new(read(&files)?) })
    }

    /// The dialect of this name.
    pub fn get(&self, name: &str) -> Option<Arc<Dialect>> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// All names, in order.
    pub fn names(&self) -> Vec<String> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// Goes up when the files were read anew.
    pub fn edition(&self) -> u64 {
        self.edition.load(Ordering::Acquire)
    }

    /// Reads these files in place of those before. If one is broken, nothing changes and the mistakes are told.
    pub fn reload(&self, files: &[PathBuf]) -> Result<(), Fault> {
        let fresh = read(files)?;
        *self.by_name.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        self.edition.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }
}

fn read(files: &[PathBuf]) -> Result<BTreeMap<String, Arc<Dialect>>, Fault> {
    let mut by_name = BTreeMap::new();
    for (name, text) in Dialect::built_in() {
        by_name.insert((*name).to_owned(), Arc::new(parse(&format!("built-in dialect {name}"), text)?));
    }
    for file in files {
        let shown = file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|error| {
            Fault::new(format!("{shown}: {error}; give the path of a dialect.toml that can be read"))
        })?;
        let dialect = parse(&shown, &text)?;
        by_name.insert(dialect.name.clone(), Arc::new(dialect));
    }
    Ok(by_name)
}

fn parse(file: &str, text: &str) -> Result<Dialect, Fault> {
    Dialect::parse(text).map_err(|mistakes| {
        let lines: Vec<String> = mistakes
            .iter()
            .map(|mistake| {
                let help = mistake.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
                format!("{file}:{}:{}: {}{help}", mistake.line, mistake.column, mistake.message)
            })
            .collect();
        Fault::new(lines.join("\n"))
    })
}
