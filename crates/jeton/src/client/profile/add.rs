//! `jeton profile add`

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::builder::FalseyValueParser;
use jeton_client::flow::{ClientAuth, Grant, sign_in_slots};
use jeton_client::vault::{KeyPlace, Secrets};
use jeton_client::{Profile, Profiles};
use jeton_core::dialect::{Dialect, Kind, Slot};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::environment;
use crate::client::secret::{self, Origin};
use crate::local::password::prompt;
use crate::local::print::say;

/// Make a profile: an API's address, how it gives tokens, and as whom
///
/// What the sign-in needs and is not given is asked for, secrets without being shown. For a program:
/// `--value username=ada --secret password=file:/run/secrets/shop`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// A name for the profile
    name: String,
    /// The dialect that the API speaks: one of the binary, or a dialect file
    #[arg(long, value_name = "NAME|FILE")]
    dialect: Option<String>,
    /// The address of the API; calls go below it
    #[arg(long, value_name = "URL", required_unless_present = "environment")]
    url: Option<String>,
    /// The OAuth issuer that gives the tokens, if the API itself does not
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Take the addresses from a dialect's table, such as sandbox.example.com; --url and --issuer go before
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// What the issuer gives a token for: client_credentials (the default), password, token_exchange, or what a person
    /// consents to with `jeton login`: authorization_code, device_code
    #[arg(long, value_name = "GRANT", value_parser = named::<Grant>)]
    grant: Option<Grant>,
    /// How the client proves itself to the issuer: basic, post, private_key_jwt or none [default: by its secret]
    #[arg(long, value_name = "HOW", value_parser = named::<ClientAuth>)]
    auth: Option<ClientAuth>,
    /// What the sign-in says that is not secret, such as username=ada; repeatable
    #[arg(long = "value", value_name = "NAME=VALUE")]
    values: Vec<String>,
    /// Where a secret comes from: NAME=file:PATH, NAME=env:VARIABLE, NAME=stdin or NAME=command:COMMAND; repeatable.
    /// It is read once, now
    #[arg(long = "secret", value_name = "NAME=FROM")]
    secrets: Vec<String>,
    /// Trust the CA certificates (PEM) in this file and no others
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// A host beside that of the URL that the API's answers may send calls to; repeatable
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,
    /// Keep the key that opens all secrets in a file, although there may be a keyring; counts for the first profile
    #[arg(long, env = "JETON_NO_KEYRING", value_parser = FalseyValueParser::new())]
    no_keyring: bool,
    /// Replace the profile of this name; its token is forgotten
    #[arg(long)]
    replace: bool,
}

pub(super) fn run(profiles: &Profiles, args: Args) -> anyhow::Result<()> {
    let mut profile = Profile {
        url: args.url.unwrap_or_default(),
        dialect: args.dialect.map(dialect_name).transpose()?,
        issuer: args.issuer,
        grant: args.grant,
        auth: args.auth,
        ca_file: args.ca_file.map(|file| absolute(&file)).transpose()?,
        hosts: args.hosts,
        values: BTreeMap::new(),
    };
    let mut dialect = profile.load_dialect()?;
    if let Some(name) = &args.environment {
        let found = environment::find(name, dialect.as_ref())?;
        if profile.url.is_empty() {
            profile.url = found.url;
        }
        profile.issuer = profile.issuer.or(found.issuer);
        profile.dialect = profile.dialect.or(found.dialect);
        dialect = profile.load_dialect()?;
    }
    // What cannot work is told before anybody types a password.
    if !args.replace && profiles.all()?.contains_key(&args.name) {
        bail!("there is a profile `{}` already; give another name, or --replace", args.name);
    }
    if profile.issuer.is_none() && (profile.grant.is_some() || profile.auth.is_some()) {
        bail!("--grant and --auth are for an OAuth issuer; name it with --issuer");
    }
    let has_private_key = args.secrets.iter().any(|secret| secret.starts_with("private_key="));
    let slots = slots(&profile, dialect.as_ref(), has_private_key)?;
    let names = Names { slots: &slots, others: others(dialect.as_ref()) };
    profile.values = names.values(&args.values)?;
    let origins = names.origins(&args.secrets)?;
    names.ask_values(&mut profile.values)?;
    profile.check()?;
    let secrets = names.secrets(origins)?;
    let profiles = if args.no_keyring { profiles.clone() } else { profiles.clone().with_keyring() };
    match profiles.put(&args.name, &profile, secrets, args.replace)? {
        Some(KeyPlace::Keyring) => say("the key that opens your secrets is in the keyring of this session"),
        Some(KeyPlace::File(Some(error))) => say(&format!(
            "the keyring cannot be used ({error}), so the key that opens your secrets is in the file client.key, \
             which only you can read"
        )),
        Some(KeyPlace::File(None)) | None => {}
    }
    let next = match profile.grant.is_some_and(Grant::needs_person) {
        true => "sign in with: jeton login",
        false => "try it with: jeton profile test",
    };
    say(&format!("the profile `{0}` is made; {next} {0}", args.name));
    Ok(())
}

/// What a sign-in takes.
fn slots(profile: &Profile, dialect: Option<&Dialect>, has_private_key: bool) -> anyhow::Result<Vec<Slot>> {
    if profile.issuer.is_some() {
        return Ok(oauth_slots(profile.grant.unwrap_or_default(), profile.auth, has_private_key));
    }
    let Some(dialect) = dialect else {
        bail!("say how the API gives tokens: --dialect NAME for its own sign-in, or --issuer URL for OAuth")
    };
    let none =
        || format!("the dialect `{}` has no sign-in of its own; name who gives the tokens with --issuer", dialect.name);
    sign_in_slots(dialect).with_context(none)
}

/// What an OAuth client says and shows.
fn oauth_slots(grant: Grant, auth: Option<ClientAuth>, has_private_key: bool) -> Vec<Slot> {
    let by_key = has_private_key || auth == Some(ClientAuth::PrivateKeyJwt);
    // A program on a person's machine keeps no secret, so a person's consent needs none.
    let by_secret = !by_key && auth != Some(ClientAuth::None) && (auth.is_some() || !grant.needs_person());
    let (value, secret) = (Kind::Text, Kind::Secret);
    let mut slots = vec![
        ("client_id", value, true),
        ("client_secret", secret, by_secret),
        ("private_key", secret, by_key),
        ("key_id", value, false),
        ("assertion_audience", value, false),
        ("scope", value, false),
        ("resource", value, false),
        ("audience", value, false),
    ];
    slots.extend(match grant {
        Grant::Password => vec![("username", value, true), ("password", secret, true)],
        Grant::TokenExchange => vec![
            ("subject_token", secret, true),
            ("subject_token_type", value, false),
            ("actor_token", secret, false),
            ("actor_token_type", value, false),
            ("requested_token_type", value, false),
        ],
        Grant::AuthorizationCode => vec![("redirect_uri", value, false)],
        Grant::ClientCredentials | Grant::DeviceCode => Vec::new(),
    });
    slots.into_iter().map(|(name, kind, required)| Slot { name: name.to_owned(), kind, required }).collect()
}

/// Names that other exchanges and calls may use beside the sign-in.
fn others(dialect: Option<&Dialect>) -> BTreeSet<String> {
    let Some(dialect) = dialect else { return BTreeSet::new() };
    let slots = dialect.exchanges.iter().flat_map(|exchange| exchange.request_slots());
    let slots = slots.filter(|slot| slot.kind != Kind::Secret).map(|slot| slot.name);
    slots.chain(dialect.fields.iter().map(|field| field.name.clone())).collect()
}

/// The names that a profile may give values to.
struct Names<'a> {
    slots: &'a [Slot],
    others: BTreeSet<String>,
}

impl Names<'_> {
    fn slot(&self, name: &str) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.name == name)
    }

    fn unknown(&self, name: &str) -> anyhow::Error {
        let known: Vec<&str> = self.slots.iter().map(|slot| slot.name.as_str()).collect();
        anyhow::anyhow!("the sign-in knows no `{name}`; it takes {}", known.join(", "))
    }

    fn values(&self, given: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
        let mut values = BTreeMap::new();
        for text in given {
            let (name, value) = text.split_once('=').context("--value has no `=`; give NAME=VALUE")?;
            match self.slot(name) {
                Some(Slot { kind: Kind::Secret, .. }) => bail!(
                    "`{name}` is a secret, and could be read on the command line by everybody on this machine; \
                     say where it is: --secret {name}=file:PATH"
                ),
                None if !self.others.contains(name) && !name.starts_with("authorize.") => {
                    return Err(self.unknown(name));
                }
                _ => values.insert(name.to_owned(), value.to_owned()),
            };
        }
        Ok(values)
    }

    fn origins(&self, given: &[String]) -> anyhow::Result<BTreeMap<String, Origin>> {
        let mut origins = BTreeMap::new();
        for text in given {
            let (name, origin) = secret::parse(text)?;
            match self.slot(&name) {
                Some(Slot { kind: Kind::Secret, .. }) => origins.insert(name, origin),
                Some(_) => bail!("`{name}` is no secret; give it with --value {name}=…"),
                None => return Err(self.unknown(&name)),
            };
        }
        if origins.values().filter(|origin| **origin == Origin::Stdin).count() > 1 {
            bail!("standard input holds one secret; give the others in files");
        }
        Ok(origins)
    }

    fn ask_values(&self, values: &mut BTreeMap<String, String>) -> anyhow::Result<()> {
        for slot in self.slots.iter().filter(|slot| slot.required && slot.kind != Kind::Secret) {
            if !values.contains_key(&slot.name) {
                values.insert(slot.name.clone(), ask(&slot.name)?);
            }
        }
        Ok(())
    }

    fn secrets(&self, mut origins: BTreeMap<String, Origin>) -> anyhow::Result<Secrets> {
        let mut secrets = Secrets::new();
        for slot in self.slots.iter().filter(|slot| slot.kind == Kind::Secret) {
            let name = &slot.name;
            let secret = match origins.remove(name) {
                Some(origin) => origin.read().with_context(|| format!("the secret `{name}`"))?,
                None if !slot.required => continue,
                None => prompt(&format!("{name}: "), &format!("give the secret with --secret {name}=file:PATH"))?,
            };
            secrets.insert(name.clone(), secret);
        }
        Ok(secrets)
    }
}

/// Asks for what is not secret.
fn ask(name: &str) -> anyhow::Result<String> {
    if !io::stdin().is_terminal() {
        bail!("the sign-in needs `{name}`; give it with --value {name}=…");
    }
    anstream::eprint!("{name}: ");
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    match line.trim() {
        "" => bail!("the sign-in needs `{name}`"),
        answer => Ok(answer.to_owned()),
    }
}

/// A dialect file is named by its whole path, so that the profile works in every folder.
fn dialect_name(given: String) -> anyhow::Result<String> {
    let built_in = Dialect::built_in().iter().any(|(name, _)| *name == given);
    if built_in || !(given.contains('/') || given.ends_with(".toml")) {
        return Ok(given);
    }
    let path = absolute(Path::new(&given))?;
    Ok(path.to_str().context("the dialect file's name is not UTF-8; rename it")?.to_owned())
}

fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    path.canonicalize().with_context(|| format!("{} cannot be found", path.display()))
}

/// One of an enum's names.
fn named<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(Value::from(text)).map_err(|error| error.to_string())
}
