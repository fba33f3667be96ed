//! Brings the tables up to date: forward only, each step once, in a transaction of its own.

use rusqlite::Connection;

use crate::error::Error;

/// Every step ever taken, oldest first. One that was released is never edited: the next one mends it.
const MIGRATIONS: &[&str] = &[include_str!("../migrations/0001_init.sql")];

/// Brings the store behind `db` to the newest version.
///
/// # Errors
/// [`Error::Open`] if a newer Jeton, an altered one or another program made the tables.
pub(crate) fn migrate(db: &Connection) -> Result<(), Error> {
    migrate_by(db, MIGRATIONS)
}

fn migrate_by(db: &Connection, migrations: &[&str]) -> Result<(), Error> {
    if applied(db)?.len() == migrations.len() {
        return check(db, migrations).map(|_| ());
    }
    loop {
        // The lock comes before the look, so that two processes which start together take turns.
        db.execute_batch("BEGIN IMMEDIATE")?;
        let step = take_step(db, migrations);
        db.execute_batch(if step.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
        if !step? {
            return Ok(());
        }
    }
}

/// Takes the next step, if there is one.
fn take_step(db: &Connection, migrations: &[&str]) -> Result<bool, Error> {
    let done = check(db, migrations)?;
    let Some(text) = migrations.get(done) else { return Ok(false) };
    if done == 0 {
        db.execute_batch(
            "CREATE TABLE schema_version (version BIGINT NOT NULL PRIMARY KEY, checksum BIGINT NOT NULL)",
        )?;
    }
    db.execute_batch(text)?;
    let version = i64::try_from(done).unwrap_or(i64::MAX).saturating_add(1);
    db.execute("INSERT INTO schema_version (version, checksum) VALUES ($1, $2)", (version, checksum(text)))?;
    Ok(true)
}

/// How many steps were taken, if they were these.
fn check(db: &Connection, migrations: &[&str]) -> Result<usize, Error> {
    let applied = applied(db)?;
    if applied.len() > migrations.len() {
        return Err(Error::Open(format!(
            "the store was written by a newer Jeton (its schema is {}, this program knows {}): run the newer program, \
             or restore the backup made before the upgrade",
            applied.len(),
            migrations.len()
        )));
    }
    for (at, (stored, text)) in applied.iter().zip(migrations).enumerate() {
        if *stored != checksum(text) {
            return Err(Error::Open(format!(
                "the store's schema {} was made by another build of Jeton: run that build, or start with a new store",
                at + 1
            )));
        }
    }
    Ok(applied.len())
}

/// The checksums of the steps that were taken, oldest first.
fn applied(db: &Connection) -> Result<Vec<i64>, Error> {
    let tables: Vec<String> = db
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if tables.iter().any(|name| name == "schema_version") {
        let mut query = db.prepare("SELECT checksum FROM schema_version ORDER BY version")?;
        return Ok(query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?);
    }
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    Err(Error::Open("the file is a database of another program: name another file for the store".to_owned()))
}

fn checksum(text: &str) -> i64 {
    i64::from(crc32fast::hash(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{MIGRATIONS, migrate_by};
    use crate::error::Error;

    const ONE: &str = "CREATE TABLE a (x BIGINT)";
    const TWO: &str = "CREATE TABLE b (x BIGINT); INSERT INTO b (x) VALUES (1)";
    const BROKEN: &str = "CREATE TABLE c (x BIGINT); INSERT INTO nowhere (x) VALUES (1)";

    #[test]
    fn from_one_list_of_steps_to_another() {
        // Before, after, and what the refusal says.
        let rows: &[(&[&str], &[&str], Option<&str>)] = &[
            (&[], &[ONE], None),
            (&[], &[ONE, TWO], None),
            (&[ONE], &[ONE], None),
            (&[ONE], &[ONE, TWO], None),
            (&[ONE, TWO], &[ONE], Some("newer Jeton")),
            (&[ONE], &[TWO], Some("another build")),
            (&[ONE], &[TWO, ONE], Some("another build")),
            (&[ONE], &[ONE, BROKEN], Some("nowhere")),
        ];
        for (before, after, refusal) in rows {
            let db = Connection::open_in_memory().expect("a database");
            migrate_by(&db, before).expect("the first steps");
            let tables = count(&db);
            let outcome = migrate_by(&db, after);
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
        assert!(matches!(migrate_by(&db, MIGRATIONS), Err(Error::Open(_))));
    }

    fn count(db: &Connection) -> i64 {
        db.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).expect("a count")
    }
}
