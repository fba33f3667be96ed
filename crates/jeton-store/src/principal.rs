//! Principals: people and services in one namespace of names and numbers. Neither is ever given to another.

use jeton_core::change::Audit;
use jeton_core::domain::id::Id;
use jeton_core::domain::principal::{Kind, PersonProfile, Principal, canonical_username};
use jeton_core::facts::Person;
use jeton_core::time::Timestamp;

use crate::db::{Row, Value, statements};
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::step::{Needs, Step};
use crate::store::Store;
use crate::{revocation, session, target};

/// The columns of a principal, of the table by the name `p`.
macro_rules! principal_columns {
    () => {
        "p.id, p.realm_id, p.kind, p.number, p.username, p.enabled, p.not_before, p.created_at, p.profile, p.version"
    };
}
pub(crate) use principal_columns;

statements! {
    NEXT_NUMBER = "UPDATE realm SET next_number = next_number + 1 WHERE id = $1";
    RAISE_NUMBER = "UPDATE realm SET next_number = CASE WHEN next_number > $1 THEN next_number ELSE $1 + 1 END \
        WHERE id = $2";
    TAKE_NEXT = "INSERT INTO principal_number (principal_id, realm_id, number) \
        VALUES ($1, $2, (SELECT next_number - 1 FROM realm WHERE id = $2))";
    TAKE_GIVEN = "INSERT INTO principal_number (principal_id, realm_id, number) VALUES ($1, $2, $3)";
    ADD = "INSERT INTO principal (id, realm_id, kind, number, username, username_key, enabled, not_before, \
        created_at, profile, password, version) \
        VALUES ($1, $2, $3, (SELECT number FROM principal_number WHERE principal_id = $1), \
        $4, $5, 1, 0, $6, $7, $8, 1)";
    LIST = "SELECT ", principal_columns!(), " FROM principal p WHERE p.realm_id = $1 AND p.number > $2 \
        ORDER BY p.number LIMIT $3";
    BY_ID = "SELECT ", principal_columns!(), " FROM principal p WHERE p.id = $1";
    BY_USERNAME = "SELECT ", principal_columns!(), " FROM principal p WHERE p.realm_id = $1 AND p.username_key = $2";
    PERSON = "SELECT ", principal_columns!(), ", p.password FROM principal p \
        WHERE p.realm_id = $1 AND p.username_key = $2 AND p.kind = 'person'";
    SET_PROFILE = "UPDATE principal SET profile = $1, version = version + 1 WHERE id = $2";
    SET_ENABLED = "UPDATE principal SET enabled = $1, version = version + 1 WHERE id = $2";
    SET_PASSWORD = "UPDATE principal SET password = $1, version = version + 1 WHERE id = $2";
    RENEW_PASSWORD = "UPDATE principal SET password = $1 WHERE id = $2 AND password = $3";
    // Never moved back: what was refused once stays refused.
    SET_NOT_BEFORE = "UPDATE principal SET not_before = CASE WHEN not_before > $1 THEN not_before ELSE $1 END, \
        version = version + 1 WHERE id = $2";
    TOUCH_MEMBER = "UPDATE principal SET version = version + 1 \
        WHERE id = $1 AND realm_id = (SELECT realm_id FROM target WHERE id = $2)";
    HOLD_SERVICE = "UPDATE principal SET version = version WHERE id = $1 AND realm_id = $2 AND kind = 'service'";
    REMOVE = "DELETE FROM principal WHERE id = $1";
    REMOVE_UNUSED = "DELETE FROM principal WHERE id = $1 AND kind = 'service' \
        AND NOT EXISTS (SELECT 1 FROM client WHERE service_id = $1) \
        AND NOT EXISTS (SELECT 1 FROM api_key WHERE service_id = $1)";
}

/// Numbers end where JSON readers that know only floating point begin to err.
const LARGEST_NUMBER: i64 = (1 << 53) - 1;

/// A principal to add: enabled, and with the next free number unless one is given.
#[derive(Clone, Debug)]
pub struct NewPrincipal {
    /// Its row: a new id.
    pub id: Id,
    /// The realm it belongs to.
    pub realm_id: Id,
    /// Person or service.
    pub kind: Kind,
    /// Its number, from 1; none for the next free one from 1000 up.
    pub number: Option<i64>,
    /// The name to sign in with, as written; unique in canonical form among people and services.
    pub username: String,
    /// What else is known of it.
    pub profile: PersonProfile,
    /// Argon2id hash in PHC form of the realm-wide password.
    pub password: Option<String>,
    /// When it is made.
    pub created_at: Timestamp,
}

/// Whom a client or an API key speaks for.
#[derive(Clone, Debug)]
pub enum Service {
    /// A service that is added together with it.
    New(NewPrincipal),
    /// A service that is there.
    Existing(Id),
}

impl Store {
    /// Adds a person or a service.
    ///
    /// # Errors
    /// [`Error::Exists`] if its name is taken, or its number is or was; [`Error::Missing`] if there is no such realm;
    /// [`Error::Invalid`] if the number is out of range.
    pub async fn add_principal(&self, new: &NewPrincipal, record: Audit) -> Result<Principal, Error> {
        self.configure(add(new)?, record).await?;
        self.principal(new.id).await?.ok_or(Error::Conflict)
    }

    /// People and services of a realm by number: at most `at_most` of those after the number `after` (0 for the first).
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn principals(&self, realm_id: Id, after: i64, at_most: u32) -> Result<Vec<Principal>, Error> {
        let values = [realm_id.into(), after.into(), i64::from(at_most).into()];
        self.snapshot().await?.all(LIST, &values, read).await
    }

    /// The principal of this id.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn principal(&self, id: Id) -> Result<Option<Principal>, Error> {
        by_id(&mut self.snapshot().await?, id).await
    }

    /// The person or service of this name, however it is typed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn principal_named(&self, realm_id: Id, username: &str) -> Result<Option<Principal>, Error> {
        let key = canonical_username(username);
        self.snapshot().await?.one(BY_USERNAME, &[realm_id.into(), key.into()], read).await
    }

    /// Sets what is known of it.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such principal.
    pub async fn set_principal_profile(&self, id: Id, profile: &PersonProfile, record: Audit) -> Result<(), Error> {
        let step = Step::new(SET_PROFILE, vec![Value::json(profile)?, id.into()], Needs::Row("principal"));
        self.configure(vec![step], record).await
    }

    /// Enables or disables it. Its sessions stay, and count again once it is enabled again.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such principal.
    pub async fn set_principal_enabled(&self, id: Id, enabled: bool, record: Audit) -> Result<(), Error> {
        let set = Step::new(SET_ENABLED, vec![enabled.into(), id.into()], Needs::Row("principal"));
        let told = (!enabled).then(|| revocation::of_principal(id, None, record.at));
        self.configure(std::iter::once(set).chain(told).collect(), record).await
    }

    /// Sets the password for the realm, or for the target of this id where it is a member.
    /// `phc` is an Argon2id hash in PHC form. With `end_sessions`, everything issued before `now` is refused.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such principal, or it is no member of the target.
    pub async fn set_password(
        &self,
        id: Id,
        target: Option<Id>,
        phc: &str,
        end_sessions: bool,
        now: Timestamp,
        record: Audit,
    ) -> Result<(), Error> {
        let mut steps = match target {
            None => vec![Step::new(SET_PASSWORD, vec![phc.into(), id.into()], Needs::Row("principal"))],
            Some(target_id) => vec![touch_member(target_id, id), target::set_password(target_id, id, phc)],
        };
        if end_sessions {
            steps.extend(end_all(id, now));
        }
        self.configure(steps, record).await
    }

    /// Puts another hash of the same password in place of `old`, for the realm or for the target of this id.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the hash is not `old` any more: the password was changed meanwhile.
    pub async fn renew_password_hash(
        &self,
        id: Id,
        target: Option<Id>,
        old: &str,
        new: &str,
        record: Audit,
    ) -> Result<(), Error> {
        let step = match target {
            None => Step::new(RENEW_PASSWORD, vec![new.into(), id.into(), old.into()], Needs::Guard),
            Some(target_id) => target::renew_password(target_id, id, old, new),
        };
        self.configure(vec![step], record).await
    }

    /// Signs a principal out everywhere: ends its sessions, and those where it acts as another, and refuses
    /// everything issued before `at`.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such principal.
    pub async fn end_principal_sessions(&self, id: Id, at: Timestamp, record: Audit) -> Result<(), Error> {
        self.configure(end_all(id, at).to_vec(), record).await
    }

    /// Refuses every token and session of a principal that was begun before `at`. An earlier instant than the last
    /// changes nothing.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such principal.
    pub async fn set_principal_not_before(&self, id: Id, at: Timestamp, record: Audit) -> Result<(), Error> {
        let told = revocation::of_principal(id, Some(at), record.at);
        self.configure(vec![set_not_before(id, at), told], record).await
    }

    /// Removes a principal with its clients, API keys and sessions. Its number stays taken.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such principal.
    pub async fn remove_principal(&self, id: Id, record: Audit) -> Result<(), Error> {
        let told = revocation::of_principal(id, None, record.at);
        self.configure(vec![told, Step::new(REMOVE, vec![id.into()], Needs::Row("principal"))], record).await
    }
}

/// The steps that add `new`. The number is taken first and for good: two who want the same one collide on its row.
pub(crate) fn add(new: &NewPrincipal) -> Result<Vec<Step>, Error> {
    let (id, realm_id) = (new.id, new.realm_id);
    let taken = Needs::New("principal", "realm");
    let mut steps = match new.number {
        None => vec![
            Step::new(NEXT_NUMBER, vec![realm_id.into()], Needs::Row("realm")),
            Step::new(TAKE_NEXT, vec![id.into(), realm_id.into()], taken),
        ],
        Some(number) if (1..=LARGEST_NUMBER).contains(&number) => vec![
            Step::new(RAISE_NUMBER, vec![number.into(), realm_id.into()], Needs::Row("realm")),
            Step::new(TAKE_GIVEN, vec![id.into(), realm_id.into(), number.into()], taken),
        ],
        Some(number) => {
            return Err(Error::Invalid(format!("{number} cannot be a principal's number: give one from 1 to 2^53-1")));
        }
    };
    let kind = match new.kind {
        Kind::Person => "person",
        Kind::Service => "service",
    };
    let values = vec![
        id.into(),
        realm_id.into(),
        kind.into(),
        new.username.as_str().into(),
        canonical_username(&new.username).into(),
        new.created_at.into(),
        Value::json(&new.profile)?,
        new.password.as_deref().into(),
    ];
    steps.push(Step::new(ADD, values, taken));
    Ok(steps)
}

/// The steps that make sure that `service` is one of this realm, and its row.
pub(crate) fn service(service: &Service, realm_id: Id) -> Result<(Vec<Step>, Id), Error> {
    let (mut steps, id) = match service {
        Service::New(new) => (add(new)?, new.id),
        Service::Existing(id) => (Vec::new(), *id),
    };
    steps.push(Step::new(HOLD_SERVICE, vec![id.into(), realm_id.into()], Needs::Row("service")));
    Ok((steps, id))
}

/// The step that removes a service, unless a client or an API key speaks for it.
pub(crate) fn remove_unused(id: Id) -> Step {
    Step::new(REMOVE_UNUSED, vec![id.into()], Needs::Nothing)
}

/// What a principal is in a target of its realm changes: a decision that was made before must be made again.
pub(crate) fn touch_member(target_id: Id, id: Id) -> Step {
    Step::new(TOUCH_MEMBER, vec![id.into(), target_id.into()], Needs::Row("principal in the realm of such a target"))
}

fn set_not_before(id: Id, at: Timestamp) -> Step {
    Step::new(SET_NOT_BEFORE, vec![at.into(), id.into()], Needs::Row("principal"))
}

fn end_all(id: Id, at: Timestamp) -> [Step; 3] {
    [set_not_before(id, at), session::end_of_principal(id, at), revocation::of_principal(id, Some(at), at)]
}

pub(crate) async fn by_id(tx: &mut Snapshot, id: Id) -> Result<Option<Principal>, Error> {
    tx.one(BY_ID, &[id.into()], read).await
}

/// The person of this name in canonical form.
pub(crate) async fn person(tx: &mut Snapshot, realm_id: Id, username_key: &str) -> Result<Option<Person>, Error> {
    tx.one(PERSON, &[realm_id.into(), username_key.into()], |row| {
        Ok(Person { principal: read(row)?, password: row.take()? })
    })
    .await
}

pub(crate) fn read(row: &mut Row<'_>) -> Result<Principal, Error> {
    Ok(Principal {
        id: row.take()?,
        realm_id: row.take()?,
        kind: match row.take::<String>()?.as_str() {
            "person" => Kind::Person,
            "service" => Kind::Service,
            other => return Err(Error::Corrupt(format!("{other} is no kind of principal"))),
        },
        number: row.take()?,
        username: row.take()?,
        enabled: row.take()?,
        not_before: row.take()?,
        created_at: row.take()?,
        profile: row.take_json()?,
        version: row.take()?,
    })
}
