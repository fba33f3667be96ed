//! Takes the steps on a file, each in a transaction of its own.

use rusqlite::Connection;

use crate::error::Error;
use crate::migrate::{BOOK, EXPANSIONS, LEVELS, Next, Step, Taken, foreign, next, unrestored};

/// Brings the store behind `db` to the newest version.
///
/// # Errors
/// [`Error::Open`] if a newer Jeton, another build or another program made the tables.
pub(crate) fn migrate(db: &Connection) -> Result<(), Error> {
    migrate_by(db, LEVELS, EXPANSIONS)
}

fn migrate_by(db: &Connection, levels: &[Step], expansions: &[Step]) -> Result<(), Error> {
    if next(&taken(db)?, levels, expansions)?.is_none() {
        return Ok(());
    }
    loop {
        // The lock comes before the look, so that two processes which start together take turns.
        db.execute_batch("BEGIN IMMEDIATE")?;
        let step = take_next(db, levels, expansions);
        db.execute_batch(if step.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
        if !step? {
            return Ok(());
        }
    }
}

/// Takes the next step, if there is one.
fn take_next(db: &Connection, levels: &[Step], expansions: &[Step]) -> Result<bool, Error> {
    let Some(next) = next(&taken(db)?, levels, expansions)? else { return Ok(false) };
    for table in BOOK {
        db.execute_batch(table.for_sqlite())?;
    }
    match next {
        Next::Level { number, step } => {
            db.execute_batch(step.for_sqlite())?;
            let note = "INSERT INTO schema_version (version, checksum) VALUES ($1, $2)";
            db.execute(note, (number, step.checksum()))?;
        }
        Next::Expansion { level, number, step } => {
            db.execute_batch(step.for_sqlite())?;
            let note = "INSERT INTO schema_expansion (level, number, checksum) VALUES ($1, $2, $3)";
            db.execute(note, (level, number, step.checksum()))?;
        }
    }
    Ok(true)
}

/// The steps that were taken. A file that has none yet must be empty.
pub(crate) fn taken(db: &Connection) -> Result<Taken, Error> {
    let tables: Vec<String> = db
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let is_there = |name: &str| tables.iter().any(|table| table == name);
    if !tables.is_empty() && !is_there("schema_version") {
        return Err(if is_there("backup") { unrestored() } else { foreign("the file") });
    }
    let checksums = |table: &str, text: &str| match is_there(table) {
        false => Ok(Vec::new()),
        true => db.prepare(text)?.query_map([], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>(),
    };
    let levels = checksums("schema_version", "SELECT checksum FROM schema_version ORDER BY version")?;
    let expansions = "SELECT checksum FROM schema_expansion \
        WHERE level = (SELECT MAX(version) FROM schema_version) ORDER BY number";
    Ok(Taken { levels, expansions: checksums("schema_expansion", expansions)? })
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{migrate, migrate_by};
    use crate::error::Error;
    use crate::migrate::Step;

    const ONE: Step = Step::new("CREATE TABLE a (x BIGINT)");
    const TWO: Step = Step::new("CREATE TABLE b (x BIGINT); INSERT INTO b (x) VALUES (1)");
    const BROKEN: Step = Step::new("CREATE TABLE c (x BIGINT); INSERT INTO nowhere (x) VALUES (1)");

    #[test]
    fn from_some_steps_to_others() {
        // Levels and expansions before, after, and what the refusal says.
        type Row<'a> = ((&'a [Step], &'a [Step]), (&'a [Step], &'a [Step]), Option<&'a str>);
        let rows: &[Row<'_>] = &[
            ((&[], &[]), (&[ONE], &[]), None),
            ((&[], &[]), (&[ONE], &[TWO]), None),
            ((&[ONE], &[]), (&[ONE, TWO], &[]), None),
            ((&[ONE], &[]), (&[ONE], &[TWO]), None),
            ((&[ONE], &[TWO]), (&[ONE], &[]), None),
            ((&[ONE, TWO], &[]), (&[ONE], &[]), Some("newer Jeton")),
            ((&[ONE], &[]), (&[ONE, BROKEN], &[]), Some("nowhere")),
            ((&[ONE], &[]), (&[ONE], &[BROKEN]), Some("nowhere")),
        ];
        for (before, after, refusal) in rows {
            let db = Connection::open_in_memory().expect("a database");
            migrate_by(&db, before.0, before.1).expect("the first steps");
            let tables = count(&db);
            let outcome = migrate_by(&db, after.0, after.1);
            match refusal {
                None => assert_eq!(outcome, Ok(()), "{before:?} to {after:?}"),
                Some(part) => {
                    let error = outcome.expect_err("a refusal").to_string();
                    assert!(error.contains(part), "{before:?} to {after:?}: {error}");
                    assert_eq!(count(&db), tables, "a refused step leaves nothing: {before:?} to {after:?}");
                }
            }
        }
    }

    #[test]
    fn another_programs_file_is_refused() {
        let db = Connection::open_in_memory().expect("a database");
        db.execute_batch("CREATE TABLE songs (title TEXT)").expect("a table");
        assert!(matches!(migrate(&db), Err(Error::Open(_))));
    }

    fn count(db: &Connection) -> i64 {
        db.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).expect("a count")
    }
}
