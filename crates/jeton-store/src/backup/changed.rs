//! What was configured in a store after a backup of it was taken: with the backup, the earlier state lives again.

use std::fmt;
use std::path::Path;

use jeton_core::domain::id::Id;
use jeton_core::time::Timestamp;
use rusqlite::{Connection, Row};

use crate::error::Error;

/// Something that is not in the backup as it is in the newer store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// What it is.
    pub noun: Noun,
    /// Its row, in either.
    pub id: Id,
    /// Its realm's name.
    pub realm: String,
    /// Its name there; of a target the number.
    pub name: String,
    /// What differs.
    pub how: Vec<How>,
    /// Whether it is in the backup, and enabled there.
    pub lives: bool,
}

impl Changed {
    /// Whether something that was taken away since lives again with the backup.
    pub fn revives(&self) -> bool {
        self.lives && self.how.iter().any(|how| !matches!(how, How::Added | How::Enabled | How::SecretAdded))
    }
}

/// What can be enabled and disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noun {
    /// A realm.
    Realm,
    /// A target.
    Target,
    /// A person.
    Person,
    /// An OAuth client.
    Client,
    /// An API key.
    ApiKey,
}

impl fmt::Display for Noun {
    /// As the commands call it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Realm => "realm",
            Self::Target => "target",
            Self::Person => "person",
            Self::Client => "client",
            Self::ApiKey => "api-key",
        })
    }
}

/// What was done to it since the backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It was removed: it is there again.
    Removed,
    /// It was added: it is not there any more.
    Added,
    /// It was disabled: it is enabled again.
    Disabled,
    /// It was enabled: it is disabled again.
    Enabled,
    /// It got another password: the one before is good again.
    Password,
    /// A secret was removed, or made to end: it is good again.
    SecretRemoved,
    /// A secret was added: it is good no more.
    SecretAdded,
    /// Its tokens were ended. They live again only if the tokens of the backup are kept.
    Revoked,
    /// It is a member of other targets, or with another level or password.
    Membership,
    /// It has another end.
    Expiry,
    /// Its settings or profile are others.
    Settings,
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Removed => "removed",
            Self::Added => "added",
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
            Self::Password => "password",
            Self::SecretRemoved => "secret-removed",
            Self::SecretAdded => "secret-added",
            Self::Revoked => "revoked",
            Self::Membership => "membership",
            Self::Expiry => "expiry",
            Self::Settings => "settings",
        })
    }
}

/// A statement for each noun. `o` is the row in the backup, `n` the one in the newer store, either of which can be
/// missing. After id, realm, name and both states come what else differs, in the order of [`DIFFERENCES`].
macro_rules! differing {
    ($table:literal, $kind:literal, $realm:literal, $name:literal; $($differs:expr),+ $(,)?) => {
        concat!(
            "WITH o AS (SELECT * FROM restored.", $table, " ", $kind, "), n AS (SELECT * FROM main.", $table, " ", $kind,
            "), both AS (SELECT coalesce(o.id, n.id) AS id, coalesce(o.", $realm, ", n.", $realm, ") AS realm_id, ",
            "CAST(coalesce(o.", $name, ", n.", $name, ") AS TEXT) AS name, ",
            "o.enabled AS old_enabled, n.enabled AS new_enabled",
            $(", ", $differs),+,
            " FROM o FULL JOIN n ON n.id = o.id) ",
            "SELECT both.id, coalesce((SELECT r.name FROM restored.realm r WHERE r.id = both.realm_id), ",
            "(SELECT r.name FROM main.realm r WHERE r.id = both.realm_id)), both.name, old_enabled, new_enabled, ",
            "password, removed_secret, added_secret, revoked, membership, expiry, settings FROM both ",
            "WHERE old_enabled IS NOT new_enabled OR password OR removed_secret OR added_secret OR revoked ",
            "OR membership OR expiry OR settings ORDER BY 2, 3"
        )
    };
}

/// Whether a secret that is live in `$of` at `$1` is not in `$other`, or ends at another time there.
macro_rules! secret {
    ($owner:literal, $of:literal, $other:literal, $row:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM ",
            $of,
            ".secret s WHERE s.",
            $owner,
            " = ",
            $row,
            ".id ",
            "AND (s.expires_at IS NULL OR s.expires_at > $1) AND NOT EXISTS (SELECT 1 FROM ",
            $other,
            ".secret t ",
            "WHERE t.id = s.id AND t.expires_at IS s.expires_at))"
        )
    };
}

/// Whether somebody is in `$of` a member of what it is no member of in `$other`, or as another.
macro_rules! membership {
    ($of:literal, $other:literal) => {
        concat!(
            "EXISTS (SELECT target_id, level, password FROM ",
            $of,
            ".membership m WHERE m.principal_id = o.id ",
            "EXCEPT SELECT target_id, level, password FROM ",
            $other,
            ".membership m WHERE m.principal_id = o.id)"
        )
    };
}

const NOUNS: [(Noun, &str); 5] = [
    (
        Noun::Realm,
        differing!("realm", "", "id", "name";
            "0 AS password, 0 AS removed_secret, 0 AS added_secret",
            "coalesce(n.not_before > o.not_before, 0) AS revoked, 0 AS membership, 0 AS expiry",
            "o.settings <> n.settings AS settings"),
    ),
    (
        Noun::Target,
        differing!("target", "", "realm_id", "number";
            "0 AS password, 0 AS removed_secret, 0 AS added_secret, 0 AS revoked, 0 AS membership, 0 AS expiry",
            "0 AS settings"),
    ),
    (
        Noun::Person,
        differing!("principal", "WHERE kind = 'person'", "realm_id", "username";
            "(o.id = n.id AND o.password IS NOT n.password) AS password, 0 AS removed_secret, 0 AS added_secret",
            "coalesce(n.not_before > o.not_before, 0) AS revoked",
            concat!("(o.id = n.id AND (", membership!("restored", "main"), " OR ", membership!("main", "restored"),
                ")) AS membership, 0 AS expiry"),
            "o.profile <> n.profile AS settings"),
    ),
    (
        Noun::Client,
        differing!("client", "", "realm_id", "client_id";
            "0 AS password",
            concat!(secret!("client_id", "restored", "main", "o"), " AS removed_secret"),
            concat!(secret!("client_id", "main", "restored", "n"), " AS added_secret"),
            "coalesce(n.not_before > o.not_before, 0) AS revoked, 0 AS membership, 0 AS expiry",
            "o.settings <> n.settings AS settings"),
    ),
    (
        Noun::ApiKey,
        differing!("api_key", "", "realm_id", "key_id";
            "0 AS password",
            concat!(secret!("api_key_id", "restored", "main", "o"), " AS removed_secret"),
            concat!(secret!("api_key_id", "main", "restored", "n"), " AS added_secret"),
            "coalesce(n.not_before > o.not_before, 0) AS revoked, 0 AS membership",
            "(o.id = n.id AND o.expires_at IS NOT n.expires_at) AS expiry, 0 AS settings"),
    ),
];

/// The columns behind the states, in their order.
const DIFFERENCES: [How; 7] =
    [How::Password, How::SecretRemoved, How::SecretAdded, How::Revoked, How::Membership, How::Expiry, How::Settings];

/// Numbers and ids that were given out are not given to another, whatever became of whom they were given to.
const TAKE_NUMBERS: &str = "
    INSERT INTO restored.principal_number (principal_id, realm_id, number)
        SELECT principal_id, realm_id, number FROM main.principal_number
        WHERE realm_id IN (SELECT id FROM restored.realm) ON CONFLICT DO NOTHING;
    UPDATE restored.realm SET next_number = newer.next_number FROM main.realm AS newer
        WHERE newer.id = realm.id AND newer.next_number > realm.next_number";

/// How `newer` differs from the restored store at `restored`, as of `now`.
pub(super) fn compare(newer: &Connection, restored: &Path, now: Timestamp) -> Result<Vec<Changed>, Error> {
    let Some(name) = restored.to_str() else {
        return Err(Error::Open(format!("{} is no UTF-8: name another folder", restored.display())));
    };
    newer.execute("ATTACH $1 AS restored", [name])?;
    let compared = differences(newer, now).and_then(|changed| {
        newer.execute_batch(TAKE_NUMBERS)?;
        Ok(changed)
    });
    newer.execute_batch("DETACH restored")?;
    compared
}

fn differences(db: &Connection, now: Timestamp) -> Result<Vec<Changed>, Error> {
    let mut changed = Vec::new();
    for (noun, sql) in NOUNS {
        let mut query = db.prepare(sql)?;
        // A noun without secrets asks for no time.
        let values: &[i64] = &[now.as_micros()][..query.parameter_count()];
        let mut rows = query.query(rusqlite::params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            changed.push(read(noun, row)?);
        }
    }
    Ok(changed)
}

fn read(noun: Noun, row: &Row<'_>) -> Result<Changed, Error> {
    let id: String = row.get(0)?;
    let (old, new): (Option<bool>, Option<bool>) = (row.get(3)?, row.get(4)?);
    let mut how = match (old, new) {
        (Some(_), None) => vec![How::Removed],
        (None, _) => vec![How::Added],
        (Some(true), Some(false)) => vec![How::Disabled],
        (Some(false), Some(true)) => vec![How::Enabled],
        (Some(_), Some(_)) => Vec::new(),
    };
    // What is in one of the two alone differs in everything.
    if old.is_some() && new.is_some() {
        for (at, difference) in DIFFERENCES.into_iter().enumerate() {
            if row.get::<_, Option<bool>>(5 + at)?.unwrap_or(false) {
                how.push(difference);
            }
        }
    }
    Ok(Changed {
        noun,
        id: id.parse().map_err(|_| Error::Corrupt(format!("{id} is no id")))?,
        realm: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
        name: row.get(2)?,
        how,
        lives: old == Some(true),
    })
}
