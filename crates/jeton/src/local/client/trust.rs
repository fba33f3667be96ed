//! `jeton client trust`: foreign issuers whose assertions stand for a client's secret.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Subcommand;
use jeton_core::domain::client::Client;
use jeton_core::domain::grant::GrantType;
use jeton_core::domain::trust::{KeySource, Trust};
use jeton_core::rules::trust::{WhyNot, judge};
use jeton_core::token::assertion::Assertion;
use jeton_core::token::jwk_set;
use jeton_server::issuer_keys::check_address;

use super::{Named, record_of};
use crate::local::Local;
use crate::local::arguments::span;
use crate::local::print::{record, say, texts};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Trust an issuer: what it signs stands for the client's secret where every condition is met
    Add(Box<Add>),
    /// List the issuers that a client trusts, with their conditions
    List(Named),
    /// Trust an issuer no more
    Remove {
        #[command(flatten)]
        named: Named,
        /// Which one, by the number that `list` gives
        number: usize,
    },
    /// Say whether an assertion would be accepted now, and if not, why
    Explain {
        #[command(flatten)]
        named: Named,
        /// The file with the assertion; `-` reads standard input
        #[arg(long)]
        file: PathBuf,
    },
}

#[derive(clap::Args)]
pub(crate) struct Add {
    #[command(flatten)]
    named: Named,
    /// The issuer, byte for byte as its assertions say it [default: that of --github or --gitlab]
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Workflows of this repository on GitHub
    #[arg(long, value_name = "ORG/REPO", group = "platform")]
    github: Option<String>,
    /// Pipelines of this project on GitLab
    #[arg(long, value_name = "GROUP/PROJECT", group = "platform")]
    gitlab: Option<String>,
    /// Pods of this service account; --issuer names the cluster
    #[arg(long, value_name = "NAMESPACE/ACCOUNT", group = "platform", requires = "issuer")]
    kubernetes: Option<String>,
    /// Only in this environment of GitHub or GitLab
    #[arg(long, conflicts_with = "kubernetes")]
    environment: Option<String>,
    /// Only on this ref, such as refs/heads/main on GitHub and main on GitLab
    #[arg(long = "ref", conflicts_with = "kubernetes")]
    reference: Option<String>,
    /// A claim and what it must be, or begin with if a * ends it (repeatable)
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    claims: Vec<(String, String)>,
    /// Whom an assertion must be for [default: the issuer of the realm]
    #[arg(long)]
    audience: Option<String>,
    /// Where the issuer's keys are [default: where its metadata says]
    #[arg(long, value_name = "URL", conflicts_with = "jwks_file")]
    jwks_uri: Option<String>,
    /// The issuer's keys, as a JWK set: for issuers that cannot be reached from here
    #[arg(long, value_name = "FILE")]
    jwks_file: Option<PathBuf>,
    /// How long before its end an assertion may be shown
    #[arg(long, value_name = "TIME", value_parser = span, default_value = "1h")]
    longest: Duration,
    /// An assertion is good until its end, and not once [default with --kubernetes]
    #[arg(long)]
    reusable: bool,
}

/// The grants by which an assertion is shown.
const BY_ASSERTION: [GrantType; 2] = [GrantType::JwtBearer, GrantType::TokenExchange];

pub(super) async fn run(local: &Local, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add(add) => {
            let mut client = add.named.find(local).await?;
            let named_realm = add.named.realm.clone();
            let trust = add.trust()?;
            client.settings.trusts.push(trust);
            set(local, &client, "client.trust_added").await?;
            say(&format!("client `{}` trusts one issuer more", client.client_id));
            if !BY_ASSERTION.iter().any(|grant| client.settings.grants.contains(grant)) {
                let (id, grant) = (&client.client_id, GrantType::JwtBearer.name());
                say(&format!(
                    "it cannot use that yet; let it with: jeton client set {named_realm} {id} --grant {grant}"
                ));
            }
            list(local, &client)
        }
        Command::List(named) => list(local, &named.find(local).await?),
        Command::Remove { named, number } => {
            let mut client = named.find(local).await?;
            let Some(at) = number.checked_sub(1).filter(|at| *at < client.settings.trusts.len()) else {
                bail!("there is no trust {number}; see: jeton client trust list {} {}", named.realm, named.client_id);
            };
            client.settings.trusts.remove(at);
            set(local, &client, "client.trust_removed").await?;
            say(&format!("client `{}` trusts one issuer less", client.client_id));
            Ok(())
        }
        Command::Explain { named, file } => explain(local, &named, &file).await,
    }
}

impl Add {
    fn trust(self) -> anyhow::Result<Trust> {
        let mut claims = BTreeMap::new();
        let platform = match (self.github, self.gitlab, self.kubernetes) {
            (Some(repository), ..) => {
                claims.insert("repository".to_owned(), repository);
                Some("https://token.actions.githubusercontent.com")
            }
            (_, Some(project), _) => {
                claims.insert("project_path".to_owned(), project);
                Some("https://gitlab.com")
            }
            (_, _, Some(ref account)) => {
                let (namespace, name) = account.split_once('/').context("--kubernetes wants NAMESPACE/ACCOUNT")?;
                claims.insert("sub".to_owned(), format!("system:serviceaccount:{namespace}:{name}"));
                None
            }
            _ => None,
        };
        let reusable = self.reusable || claims.get("sub").is_some_and(|sub| sub.starts_with("system:serviceaccount:"));
        claims.extend(self.environment.map(|value| ("environment".to_owned(), value)));
        claims.extend(self.reference.map(|value| ("ref".to_owned(), value)));
        claims.extend(self.claims);
        let issuer = self.issuer.or(platform.map(str::to_owned));
        let issuer = issuer.context("name the issuer with --issuer, --github or --gitlab")?;
        let keys = match (self.jwks_uri, self.jwks_file) {
            (Some(uri), _) => {
                address(&uri)?;
                KeySource::Uri(uri)
            }
            (None, Some(file)) => KeySource::Inline(keys(&file)?),
            (None, None) => {
                address(&issuer)?;
                KeySource::Discovery
            }
        };
        let max_secs = u32::try_from(self.longest.as_secs()).unwrap_or(u32::MAX);
        let trust = Trust { issuer, keys, audience: self.audience, claims, max_secs, reusable };
        trust.check().map_err(anyhow::Error::msg)?;
        Ok(trust)
    }
}

fn claim(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write a name and a value, such as sub=repo:org/repo:*")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn address(text: &str) -> anyhow::Result<()> {
    check_address(text).map(|_| ()).map_err(anyhow::Error::msg)
}

fn keys(file: &Path) -> anyhow::Result<Vec<jeton_core::token::jwk::Jwk>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let keys = jwk_set::read(&text).filter(|keys| !keys.is_empty());
    keys.with_context(|| format!("{} holds no public key for ES256, EdDSA, RS256 or PS256", file.display()))
}

async fn set(local: &Local, client: &Client, event: &'static str) -> anyhow::Result<()> {
    let record = record_of(local, event, client);
    local.store().set_client_settings(client.id, &client.settings, record).await?;
    super::say_who_manages(client);
    Ok(())
}

fn list(local: &Local, client: &Client) -> anyhow::Result<()> {
    let rows = client.settings.trusts.iter().zip(1_u64..).map(|(trust, number)| {
        record! {
            "number": number,
            "issuer": trust.issuer.as_str(),
            "conditions": texts(trust.claims.iter().map(|(name, wanted)| format!("{name}={wanted}"))),
            "audience": trust.audience.as_deref(),
            "keys": match &trust.keys {
                KeySource::Discovery => "by its metadata".to_owned(),
                KeySource::Uri(uri) => uri.clone(),
                KeySource::Inline(keys) => format!("{} given", keys.len()),
            },
            "longest_secs": trust.max_secs,
            "reusable": trust.reusable,
        }
    });
    local.list(rows.collect(), "the client trusts no issuer; add one with: jeton client trust add")
}

async fn explain(local: &Local, named: &Named, file: &Path) -> anyhow::Result<()> {
    let realm = local.realm(&named.realm).await?;
    let client = local.client(&realm, &named.client_id).await?;
    let mut text = String::new();
    match file.to_str() {
        Some("-") => std::io::stdin().read_to_string(&mut text)?,
        _ => std::fs::File::open(file)
            .and_then(|mut file| file.read_to_string(&mut text))
            .with_context(|| format!("{} cannot be read", file.display()))?,
    };
    let text = text.trim();
    let issuer = realm.issuer(&local.config.public_url);
    let read = Assertion::read(text);
    let kid = read.as_ref().and_then(Assertion::kid);
    let mut accepted = false;
    let mut rows = Vec::new();
    for (trust, number) in client.settings.trusts.iter().zip(1_u64..) {
        let judged = match local.app.issuer_keys.of(trust, kid, local.now()).await {
            Ok(keys) => judge(trust, &keys, text, &issuer, local.now()),
            Err(why) => Err(WhyNot::NoKeys(why)),
        };
        accepted |= judged.is_ok();
        let verdict = judged.map_or_else(|why| why.to_string(), |()| "accepted".to_owned());
        rows.push(record! { "number": number, "issuer": trust.issuer.as_str(), "verdict": verdict });
    }
    local.list(rows, "the client trusts no issuer; add one with: jeton client trust add")?;
    let both = |grant: &GrantType| realm.settings.grants.contains(grant) && client.settings.grants.contains(grant);
    if !BY_ASSERTION.iter().any(both) {
        let [usual, other] = BY_ASSERTION.map(GrantType::name);
        bail!("realm and client must both have the grant {usual} (or {other}); give it with --grant");
    }
    if accepted { Ok(()) } else { bail!("the assertion is not accepted") }
}
