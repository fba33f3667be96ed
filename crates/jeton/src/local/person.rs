//! `jeton person`

use anyhow::{Context, bail};
use clap::Subcommand;
use jeton_core::change::Audit;
use jeton_core::domain::principal::{Kind, PersonProfile, Principal};
use jeton_core::domain::realm::Realm;
use jeton_core::domain::target::Membership;
use jeton_core::time::Timestamp;
use jeton_store::{NewPrincipal, Sessions};
use serde_json::Value;

use super::arguments::{CutOff, pair, title};
use super::password::{NewPassword, PasswordSource};
use super::print::{Record, maybe_time, record, say, texts, time};
use super::{Local, state, target};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Add a person; without a word on the password it is asked for
    Add {
        /// The realm
        realm: String,
        /// The name to sign in with
        #[arg(value_parser = title)]
        username: String,
        /// A number for dialects whose ids are numbers [default: the next free one from 1000]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
        number: Option<i64>,
        #[command(flatten)]
        profile: Profile,
        #[command(flatten)]
        password: PasswordSource,
        /// Add the person without a password: nobody can sign in with it yet
        #[arg(long, conflicts_with = "PasswordSource")]
        no_password: bool,
    },
    /// List the people of a realm
    List {
        /// The realm
        realm: String,
    },
    /// Show a person
    Show(Who),
    /// Change what is known of a person: what is given replaces what was there, the rest stays
    Set {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        profile: Profile,
        /// Let the person act as nobody else any more
        #[arg(long, conflicts_with = "may_act_as")]
        acts_as_nobody: bool,
    },
    /// Set a person's password, and end the sessions that were begun with the old one
    SetPassword {
        #[command(flatten)]
        who: Who,
        /// The password for this target only
        #[arg(long, value_name = "NUMBER")]
        target: Option<i64>,
        /// What the person is in that target, where it is not a member of it yet
        #[arg(long, requires = "target")]
        level: Option<String>,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Let a person sign in again; sessions that have not expired go on
    Enable(Who),
    /// Refuse a person's sign-ins and tokens until it is enabled again
    Disable(Who),
    /// Remove a person with all its sessions, for good
    Remove(Who),
    /// Sign a person out everywhere: refuse everything issued to it until now; or what was begun before a time
    RevokeTokens {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        cut_off: CutOff,
    },
}

/// A person of a realm, by name.
#[derive(clap::Args)]
pub(crate) struct Who {
    /// The realm
    realm: String,
    /// The person
    username: String,
}

/// What is known of a person.
#[derive(clap::Args)]
pub(crate) struct Profile {
    /// First name
    #[arg(long, value_name = "NAME")]
    given_name: Option<String>,
    /// Last name
    #[arg(long, value_name = "NAME")]
    family_name: Option<String>,
    /// E-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Anything else, by its OpenID Connect name (phone_number, zoneinfo, picture, …) or by the name in a dialect's
    /// file; without a value it is removed (repeatable)
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = pair)]
    attributes: Vec<(String, String)>,
    /// A person as whom this one may act (repeatable)
    #[arg(long, value_name = "USERNAME")]
    may_act_as: Vec<String>,
}

pub(super) async fn run(local: &Local, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add { realm, username, number, profile, password, no_password } => {
            let realm = local.realm(&realm).await?;
            let mut new = NewPrincipal {
                id: local.new_id(),
                realm_id: realm.id,
                kind: Kind::Person,
                number,
                username,
                profile: PersonProfile::default(),
                password: None,
                created_at: local.now(),
            };
            profile.apply(local, &realm, &mut new.profile).await?;
            let password = if no_password { None } else { Some(password.read(&new.username)?) };
            add(local, &realm, new, password).await
        }
        Command::List { realm } => list(local, &local.realm(&realm).await?).await,
        Command::Show(who) => {
            let (realm, person) = who.find(local).await?;
            show(local, &realm, &person).await
        }
        Command::Set { who, profile, acts_as_nobody } => {
            let (realm, mut person) = who.find(local).await?;
            profile.apply(local, &realm, &mut person.profile).await?;
            if acts_as_nobody {
                person.profile.may_act_as.clear();
            }
            set(local, &realm, &person).await
        }
        Command::SetPassword { who, target, level, password } => {
            let (realm, person) = who.find(local).await?;
            match target {
                None => set_password(local, &person, password.read(&person.username)?).await,
                Some(number) => {
                    let target = local.target(&realm, number).await?;
                    target::set_password(local, &realm, &target, &person, level, &password).await
                }
            }
        }
        Command::Enable(who) => set_enabled(local, &who.find(local).await?.1, true).await,
        Command::Disable(who) => set_enabled(local, &who.find(local).await?.1, false).await,
        Command::Remove(who) => remove(local, &who.find(local).await?.1).await,
        Command::RevokeTokens { who, cut_off } => {
            let before = cut_off.given(local.now())?;
            revoke_tokens(local, &who.find(local).await?.1, before).await
        }
    }
}

impl Who {
    async fn find(&self, local: &Local) -> anyhow::Result<(Realm, Principal)> {
        let realm = local.realm(&self.realm).await?;
        let person = local.person(&realm, &self.username).await?;
        Ok((realm, person))
    }
}

impl Profile {
    async fn apply(self, local: &Local, realm: &Realm, profile: &mut PersonProfile) -> anyhow::Result<()> {
        let named = [("given_name", self.given_name), ("family_name", self.family_name), ("email", self.email)];
        let named = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        for (name, value) in named.chain(self.attributes) {
            if value.len() > 1024 || value.chars().any(char::is_control) {
                bail!("`{name}` must have at most 1024 bytes and no control characters");
            }
            match value.is_empty() {
                true => profile.attributes.remove(&name),
                false => profile.attributes.insert(name, value),
            };
        }
        if !self.may_act_as.is_empty() {
            profile.may_act_as.clear();
        }
        for username in self.may_act_as {
            // Must be there: else whoever is given the name later could be acted as without having been meant.
            profile.may_act_as.push(local.person(realm, &username).await?.username);
        }
        Ok(())
    }
}

/// Shows a password that was made here; one that was given is known to who gave it.
pub(super) fn show_generated(local: &Local, person: &Principal, password: &NewPassword) -> anyhow::Result<()> {
    if !password.generated {
        return Ok(());
    }
    say("keep the password now: it is not shown again");
    local.show(record! { "username": person.username.as_str(), "password": password.value.expose().as_str() })
}

async fn add(local: &Local, realm: &Realm, mut new: NewPrincipal, password: Option<NewPassword>) -> anyhow::Result<()> {
    if let Some(password) = &password {
        new.password = Some(local.hash(&password.value).await?);
    }
    let record =
        Audit { principal_id: Some(new.id), ..local.record("person.added", Some(realm.id), new.username.as_str()) };
    let added = local.store().add_principal(&new, record).await;
    let person = added.with_context(|| format!("`{}` was not added", new.username))?;
    say(&format!("person `{}` was added to realm `{}`", person.username, realm.name));
    match password {
        Some(password) if password.generated => show_generated(local, &person, &password),
        _ => show(local, realm, &person).await,
    }
}

async fn list(local: &Local, realm: &Realm) -> anyhow::Result<()> {
    const PAGE: u32 = 1000;
    let mut rows = Vec::new();
    let mut after = 0;
    loop {
        let page = local.store().principals(realm.id, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.number;
        rows.extend(page.iter().filter(|principal| principal.kind == Kind::Person).map(row));
    }
    local.list(rows, &format!("there is nobody yet; add a person with: jeton person add {} USERNAME", realm.name))
}

fn row(person: &Principal) -> Record {
    record! {
        "number": person.number,
        "username": person.username.as_str(),
        "enabled": person.enabled,
        "name": person.display_name(),
        "email": person.attribute("email"),
        "created": time(person.created_at),
    }
}

async fn show(local: &Local, realm: &Realm, person: &Principal) -> anyhow::Result<()> {
    const MOST: u32 = 1000;
    let live = local.store().sessions(Sessions::OfPrincipal(person.id), Some(local.now()), MOST).await?;
    let mut targets = Vec::new();
    for target in local.store().targets(realm.id).await? {
        let members = local.store().memberships(target.id).await?;
        if let Some((_, Membership { level, password })) = members.into_iter().find(|(id, _)| *id == person.id) {
            targets.push(Value::Object(record! {
                "number": target.number, "level": level, "own_password": password.is_some(),
            }));
        }
    }
    let attributes = person.profile.attributes.clone();
    let not_before = (person.not_before > Timestamp::EPOCH).then_some(person.not_before);
    local.show(record! {
        "username": person.username.as_str(),
        "number": person.number,
        "subject": person.id.to_string(),
        "enabled": person.enabled,
        "attributes": Value::Object(attributes.into_iter().map(|(name, value)| (name, Value::from(value))).collect()),
        "may_act_as": texts(person.profile.may_act_as.iter().cloned()),
        "targets": Value::Array(targets),
        "live_sessions": live.len(),
        "created": time(person.created_at),
        "refused_before": maybe_time(not_before),
    })
}

async fn set(local: &Local, realm: &Realm, person: &Principal) -> anyhow::Result<()> {
    let record = local.record_of("person.set", person, person.username.as_str());
    local.store().set_principal_profile(person.id, &person.profile, record).await?;
    say(&format!("person `{}` was changed", person.username));
    show(local, realm, person).await
}

async fn revoke_tokens(local: &Local, person: &Principal, before: Option<Timestamp>) -> anyhow::Result<()> {
    let record = local.record_of("person.revoked", person, person.username.as_str());
    match before {
        Some(before) => local.store().set_principal_not_before(person.id, before, record).await?,
        None => local.store().end_principal_sessions(person.id, local.now(), record).await?,
    }
    let before = before.unwrap_or(local.now()).whole_secs();
    say(&format!("tokens and sessions of `{}` from before {before} are refused", person.username));
    Ok(())
}

async fn set_password(local: &Local, person: &Principal, password: NewPassword) -> anyhow::Result<()> {
    let hash = local.hash(&password.value).await?;
    let record = local.record_of("person.password_set", person, person.username.as_str());
    local.store().set_password(person.id, None, &hash, true, local.now(), record).await?;
    say(&format!("`{}` has a new password; sessions begun before were ended", person.username));
    show_generated(local, person, &password)
}

async fn set_enabled(local: &Local, person: &Principal, enabled: bool) -> anyhow::Result<()> {
    let event = if enabled { "person.enabled" } else { "person.disabled" };
    let record = local.record_of(event, person, person.username.as_str());
    local.store().set_principal_enabled(person.id, enabled, record).await?;
    say(&format!("person `{}` is {}", person.username, state(enabled)));
    Ok(())
}

async fn remove(local: &Local, person: &Principal) -> anyhow::Result<()> {
    let record = local.record_of("person.removed", person, person.username.as_str());
    local.store().remove_principal(person.id, record).await?;
    say(&format!("person `{}` was removed", person.username));
    Ok(())
}
