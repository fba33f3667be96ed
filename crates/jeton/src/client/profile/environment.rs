//! `--environment`: addresses by the name of an environment, from the table of a dialect.

use anyhow::bail;
use jeton_core::dialect::Dialect;

/// What an environment says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Environment {
    /// The dialect whose table it stands in, if that is one of the binary.
    pub(super) dialect: Option<String>,
    /// Where the API is.
    pub(super) url: String,
    /// Who issues its tokens, if not the API itself.
    pub(super) issuer: Option<String>,
}

/// The environment `name` of this dialect, or of any of the binary.
pub(super) fn find(name: &str, dialect: Option<&Dialect>) -> anyhow::Result<Environment> {
    if let Some(dialect) = dialect {
        return match in_table(dialect, name) {
            Some(found) => Ok(Environment { dialect: None, ..found }),
            None => bail!("the dialect `{}` has no environment `{name}`; {}", dialect.name, known(&names(dialect))),
        };
    }
    let dialects = || Dialect::built_in().iter().filter_map(|(_, text)| Dialect::parse(text).ok());
    let mut found: Vec<Environment> = dialects().filter_map(|dialect| in_table(&dialect, name)).collect();
    match (found.pop(), found.pop()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => bail!("several dialects have an environment `{name}`; say which with --dialect"),
        _ => {
            let all: Vec<String> = dialects().flat_map(|dialect| names(&dialect)).collect();
            bail!("no dialect of the binary has an environment `{name}`; {}", known(&all))
        }
    }
}

fn in_table(dialect: &Dialect, name: &str) -> Option<Environment> {
    let (_, addresses) = dialect.environments.iter().find(|(known, _)| known == name)?;
    let address = |wanted: &str| addresses.iter().find(|(key, _)| key == wanted).map(|(_, address)| address.clone());
    Some(Environment { dialect: Some(dialect.name.clone()), url: address("api_url")?, issuer: address("issuer") })
}

fn names(dialect: &Dialect) -> Vec<String> {
    dialect.environments.iter().map(|(name, _)| name.clone()).collect()
}

fn known(names: &[String]) -> String {
    match names {
        [] => "it has none; give --url instead".to_owned(),
        names => format!("known: {}", names.join(", ")),
    }
}
