//! `jeton target`

use anyhow::{Context, bail};
use clap::Subcommand;
use jeton_core::domain::principal::Principal;
use jeton_core::domain::realm::Realm;
use jeton_core::domain::target::{Membership, Target};
use serde_json::Value;

use super::arguments::title;
use super::password::PasswordSource;
use super::person::show_generated;
use super::print::{record, say, time};
use super::{Local, known, state};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Add a target, such as an event
    Add {
        /// The realm
        realm: String,
        /// The number that peers name it by
        #[arg(value_parser = clap::value_parser!(i64).range(1..))]
        number: i64,
        /// What people call it
        #[arg(value_parser = title)]
        name: String,
    },
    /// List the targets of a realm
    List {
        /// The realm
        realm: String,
    },
    /// Show a target with its members
    Show(Which),
    /// Let tokens be limited to a target again
    Enable(Which),
    /// Refuse sign-ins to a target, and the tokens limited to it, until it is enabled again
    Disable(Which),
    /// Remove a target with its memberships and the sessions limited to it, for good
    Remove(Which),
    /// Make a person a member of a target, or change what it is there
    Member {
        #[command(flatten)]
        which: Which,
        /// The person
        username: String,
        /// What the person is there, by a name in the dialect's file (such as Admin)
        #[arg(long, required_unless_present = "remove")]
        level: Option<String>,
        #[command(flatten)]
        password: PasswordSource,
        /// End the membership
        #[arg(long, conflicts_with_all = ["level", "PasswordSource"])]
        remove: bool,
    },
}

/// A target of a realm, by number.
#[derive(clap::Args)]
pub(crate) struct Which {
    /// The realm
    realm: String,
    /// The target
    number: i64,
}

pub(super) async fn run(local: &Local, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add { realm, number, name } => {
            let target = Target { id: local.new_id(), number, name, enabled: true, created_at: local.now() };
            add(local, &local.realm(&realm).await?, &target).await
        }
        Command::List { realm } => list(local, &local.realm(&realm).await?).await,
        Command::Show(which) => show(local, &which.find(local).await?.1).await,
        Command::Enable(which) => set_enabled(local, which, true).await,
        Command::Disable(which) => set_enabled(local, which, false).await,
        Command::Remove(which) => remove(local, which).await,
        Command::Member { which, username, level, password, remove } => {
            let (realm, target) = which.find(local).await?;
            let person = local.person(&realm, &username).await?;
            match remove {
                true => end_membership(local, &target, &person).await,
                false if password.is_given() => set_password(local, &realm, &target, &person, level, &password).await,
                false => put_member(local, &realm, &target, &person, level).await,
            }
        }
    }
}

impl Which {
    async fn find(&self, local: &Local) -> anyhow::Result<(Realm, Target)> {
        let realm = local.realm(&self.realm).await?;
        let target = local.target(&realm, self.number).await?;
        Ok((realm, target))
    }
}

/// Sets a member's password for the target, and its level if one is given. Ends the person's sessions.
pub(super) async fn set_password(
    local: &Local,
    realm: &Realm,
    target: &Target,
    person: &Principal,
    level: Option<String>,
    source: &PasswordSource,
) -> anyhow::Result<()> {
    let number = target.number;
    let password = source.read(&person.username)?;
    put_member(local, realm, target, person, level).await?;
    let hash = local.hash(&password.value).await?;
    let record = local.record_of("person.password_set", person, format!("{} in target {number}", person.username));
    local.store().set_password(person.id, Some(target.id), &hash, true, local.now(), record).await?;
    say(&format!("`{}` has a new password in target {number}; sessions begun before were ended", person.username));
    show_generated(local, person, &password)
}

async fn add(local: &Local, realm: &Realm, target: &Target) -> anyhow::Result<()> {
    let record = local.record("target.added", Some(realm.id), target.number.to_string());
    let added = local.store().add_target(realm.id, target, record).await;
    added.with_context(|| format!("target {} was not added", target.number))?;
    say(&format!("target {} was added to realm `{}`", target.number, realm.name));
    show(local, target).await
}

async fn list(local: &Local, realm: &Realm) -> anyhow::Result<()> {
    let targets = local.store().targets(realm.id).await?;
    let rows = targets.iter().map(|target| {
        record! {
            "number": target.number,
            "name": target.name.as_str(),
            "enabled": target.enabled,
            "created": time(target.created_at),
        }
    });
    local.list(
        rows.collect(),
        &format!("there is no target yet; add one with: jeton target add {} NUMBER NAME", realm.name),
    )
}

async fn show(local: &Local, target: &Target) -> anyhow::Result<()> {
    let mut members = Vec::new();
    for (id, member) in local.store().memberships(target.id).await? {
        // Removed between the two reads: no member any more.
        let Some(person) = local.store().principal(id).await? else { continue };
        members.push(Value::Object(record! {
            "username": person.username, "level": member.level, "own_password": member.password.is_some(),
        }));
    }
    local.show(record! {
        "number": target.number,
        "name": target.name.as_str(),
        "enabled": target.enabled,
        "members": Value::Array(members),
        "created": time(target.created_at),
    })
}

async fn set_enabled(local: &Local, which: Which, enabled: bool) -> anyhow::Result<()> {
    let (realm, target) = which.find(local).await?;
    let event = if enabled { "target.enabled" } else { "target.disabled" };
    let record = local.record(event, Some(realm.id), which.number.to_string());
    local.store().set_target_enabled(target.id, enabled, record).await?;
    say(&format!("target {} is {}", which.number, state(enabled)));
    Ok(())
}

async fn remove(local: &Local, which: Which) -> anyhow::Result<()> {
    let (realm, target) = which.find(local).await?;
    let record = local.record("target.removed", Some(realm.id), which.number.to_string());
    local.store().remove_target(target.id, record).await?;
    say(&format!("target {} was removed", which.number));
    Ok(())
}

/// Makes the person a member with this level, or leaves a member its level if none is given. A password stays.
async fn put_member(
    local: &Local,
    realm: &Realm,
    target: &Target,
    person: &Principal,
    level: Option<String>,
) -> anyhow::Result<()> {
    let number = target.number;
    let members = local.store().memberships(target.id).await?;
    let there = members.into_iter().find(|(id, _)| *id == person.id).map(|(_, member)| member);
    let (level, password) = match (level, there) {
        (None, Some(_)) => return Ok(()),
        (None, None) => {
            bail!("`{}` is no member of target {number} yet; say what it is there with --level", person.username)
        }
        (Some(level), there) => (level, there.and_then(|member| member.password)),
    };
    check_level(local, realm, &level)?;
    let said = format!("`{}` is {level} in target {number}", person.username);
    let record = local.record_of("membership.set", person, said.as_str());
    local.store().put_membership(target.id, person.id, &Membership { level, password }, record).await?;
    say(&said);
    Ok(())
}

async fn end_membership(local: &Local, target: &Target, person: &Principal) -> anyhow::Result<()> {
    let said = format!("`{}` is no member of target {} any more", person.username, target.number);
    let record = local.record_of("membership.ended", person, said.as_str());
    local.store().remove_membership(target.id, person.id, record).await?;
    say(&said);
    Ok(())
}

/// A level must be one that a dialect of the realm knows.
fn check_level(local: &Local, realm: &Realm, level: &str) -> anyhow::Result<()> {
    let mounted = realm.settings.dialects.iter().filter_map(|mount| local.app.dialects.get(&mount.dialect));
    let levels: Vec<String> = mounted
        .filter_map(|dialect| dialect.policy.target.clone())
        .flat_map(|policy| policy.levels.into_iter().map(|(name, _)| name))
        .collect();
    if levels.iter().any(|name| name == level) {
        return Ok(());
    }
    let known = known(levels.into_iter(), "no dialect of this realm has targets; give it one with: jeton realm set");
    bail!("no level `{level}` in realm `{}`; {known}", realm.name)
}
