//! Targets, and who is a member of them.

use jeton_core::change::Audit;
use jeton_core::domain::id::Id;
use jeton_core::domain::target::{Membership, Target};

use crate::db::{Row, statements};
use crate::error::Error;
use crate::principal;
use crate::snapshot::Snapshot;
use crate::step::{Needs, Step};
use crate::store::Store;

macro_rules! columns {
    () => {
        "id, number, name, enabled, created_at"
    };
}

statements! {
    ADD = "INSERT INTO target (id, realm_id, number, name, enabled, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    LIST = "SELECT ", columns!(), " FROM target WHERE realm_id = $1 ORDER BY number";
    NUMBERED = "SELECT ", columns!(), " FROM target WHERE realm_id = $1 AND number = $2";
    BY_ID = "SELECT ", columns!(), " FROM target WHERE id = $1";
    SET_ENABLED = "UPDATE target SET enabled = $1 WHERE id = $2";
    REMOVE = "DELETE FROM target WHERE id = $1";
    PUT_MEMBER = "INSERT INTO membership (target_id, principal_id, level, password) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (target_id, principal_id) DO UPDATE SET level = $3, password = $4";
    MEMBER = "SELECT level, password FROM membership WHERE target_id = $1 AND principal_id = $2";
    MEMBERS = "SELECT principal_id, level, password FROM membership WHERE target_id = $1 ORDER BY principal_id";
    SET_PASSWORD = "UPDATE membership SET password = $1 WHERE target_id = $2 AND principal_id = $3";
    RENEW_PASSWORD = "UPDATE membership SET password = $1 \
        WHERE target_id = $2 AND principal_id = $3 AND password = $4";
    REMOVE_MEMBER = "DELETE FROM membership WHERE target_id = $1 AND principal_id = $2";
}

impl Store {
    /// Adds a target.
    ///
    /// # Errors
    /// [`Error::Exists`] if its number is taken; [`Error::Missing`] if there is no such realm.
    pub async fn add_target(&self, realm_id: Id, target: &Target, record: Audit) -> Result<(), Error> {
        let values = vec![
            target.id.into(),
            realm_id.into(),
            target.number.into(),
            target.name.as_str().into(),
            target.enabled.into(),
            target.created_at.into(),
        ];
        self.configure(vec![Step::new(ADD, values, Needs::New("target", "realm"))], record).await
    }

    /// Every target of a realm, by number.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn targets(&self, realm_id: Id) -> Result<Vec<Target>, Error> {
        self.snapshot().await?.all(LIST, &[realm_id.into()], read).await
    }

    /// The target of this number.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn target(&self, realm_id: Id, number: i64) -> Result<Option<Target>, Error> {
        numbered(&mut self.snapshot().await?, realm_id, number).await
    }

    /// Enables or disables a target.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such target.
    pub async fn set_target_enabled(&self, id: Id, enabled: bool, record: Audit) -> Result<(), Error> {
        let step = Step::new(SET_ENABLED, vec![enabled.into(), id.into()], Needs::Row("target"));
        self.configure(vec![step], record).await
    }

    /// Removes a target with its memberships and the sessions limited to it.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such target.
    pub async fn remove_target(&self, id: Id, record: Audit) -> Result<(), Error> {
        self.configure(vec![Step::new(REMOVE, vec![id.into()], Needs::Row("target"))], record).await
    }

    /// Makes a principal a member of a target, or sets anew what it is there.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such principal or target.
    pub async fn put_membership(
        &self,
        target_id: Id,
        principal_id: Id,
        membership: &Membership,
        record: Audit,
    ) -> Result<(), Error> {
        let values = vec![
            target_id.into(),
            principal_id.into(),
            membership.level.as_str().into(),
            membership.password.as_deref().into(),
        ];
        let put = Step::new(PUT_MEMBER, values, Needs::New("membership", "target"));
        self.configure(vec![principal::touch_member(target_id, principal_id), put], record).await
    }

    /// Who is a member of a target: principals and what they are there.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn memberships(&self, target_id: Id) -> Result<Vec<(Id, Membership)>, Error> {
        self.snapshot().await?.all(MEMBERS, &[target_id.into()], |row| Ok((row.take()?, read_membership(row)?))).await
    }

    /// Ends a membership.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such principal, or it is no member of the target.
    pub async fn remove_membership(&self, target_id: Id, principal_id: Id, record: Audit) -> Result<(), Error> {
        let values = vec![target_id.into(), principal_id.into()];
        let remove = Step::new(REMOVE_MEMBER, values, Needs::Row("membership"));
        self.configure(vec![principal::touch_member(target_id, principal_id), remove], record).await
    }
}

pub(crate) fn set_password(target_id: Id, principal_id: Id, phc: &str) -> Step {
    let values = vec![phc.into(), target_id.into(), principal_id.into()];
    Step::new(SET_PASSWORD, values, Needs::Row("membership"))
}

pub(crate) fn renew_password(target_id: Id, principal_id: Id, old: &str, new: &str) -> Step {
    let values = vec![new.into(), target_id.into(), principal_id.into(), old.into()];
    Step::new(RENEW_PASSWORD, values, Needs::Guard)
}

pub(crate) async fn numbered(tx: &mut Snapshot, realm_id: Id, number: i64) -> Result<Option<Target>, Error> {
    tx.one(NUMBERED, &[realm_id.into(), number.into()], read).await
}

pub(crate) async fn by_id(tx: &mut Snapshot, id: Id) -> Result<Option<Target>, Error> {
    tx.one(BY_ID, &[id.into()], read).await
}

pub(crate) async fn membership(
    tx: &mut Snapshot,
    target_id: Id,
    principal_id: Id,
) -> Result<Option<Membership>, Error> {
    tx.one(MEMBER, &[target_id.into(), principal_id.into()], read_membership).await
}

fn read(row: &mut Row<'_>) -> Result<Target, Error> {
    Ok(Target {
        id: row.take()?,
        number: row.take()?,
        name: row.take()?,
        enabled: row.take()?,
        created_at: row.take()?,
    })
}

fn read_membership(row: &mut Row<'_>) -> Result<Membership, Error> {
    Ok(Membership { level: row.take()?, password: row.take()? })
}
