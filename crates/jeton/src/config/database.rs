//! Which database, with which password: from the command line, the environment and the configuration file.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, bail};
use jeton_core::secret::Secret;
use jeton_store::Database;

use super::Config;

/// The database on the command line.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct DatabaseArg {
    /// The PostgreSQL that holds the store: postgres://USER@HOST/NAME, without a password
    ///
    /// The password comes from the environment (JETON_DATABASE_PASSWORD, PGPASSWORD) or from the file that
    /// database_password_file names in the configuration. Where there is a configuration, this goes before
    /// JETON_DATABASE in the environment, and that before what the file says.
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
}

/// What the environment says about the database.
#[derive(Default)]
pub(crate) struct Environment {
    url: Option<Secret<String>>,
    password: Option<Secret<String>>,
    /// What PostgreSQL's own programs take, if nothing says otherwise.
    usual_password: Option<Secret<String>>,
}

impl Environment {
    #[expect(clippy::disallowed_methods, reason = "a password has no flag, so the command line's parser has no say")]
    pub(crate) fn read() -> Self {
        Self::new(|name| std::env::var(name).ok())
    }

    fn new(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name| variable(name).filter(|value| !value.is_empty()).map(Secret::new);
        Self { url: set("JETON_DATABASE"), password: set("JETON_DATABASE_PASSWORD"), usual_password: set("PGPASSWORD") }
    }
}

impl DatabaseArg {
    #[cfg(test)]
    pub(crate) fn new(url: Option<&str>) -> Self {
        Self { database: url.map(str::to_owned) }
    }

    /// The PostgreSQL that is named here, where no configuration file has a say. An address in the environment is not
    /// for such commands.
    pub(crate) fn alone(&self, environment: &Environment) -> anyhow::Result<Option<Database>> {
        let url = self.url()?;
        url.map(|url| postgres(url, None, Database::DEFAULT_CONNECTIONS, environment)).transpose()
    }

    /// What was given, as long as everybody may see it.
    pub(crate) fn url(&self) -> anyhow::Result<Option<&str>> {
        let url = self.database.as_deref();
        if url.is_some_and(Database::holds_password) {
            bail!(
                "a password in --database can be seen by everybody on this machine; leave it out there, and give it as \
                 JETON_DATABASE_PASSWORD in the environment or in a file named by database_password_file"
            );
        }
        Ok(url)
    }
}

impl Config {
    /// The database: the one on the command line, or else the environment's, or else the file's.
    pub(crate) fn database(&self, arg: &DatabaseArg, environment: &Environment) -> anyhow::Result<Database> {
        let file = self.database.as_ref().map(|url| url.expose().as_str());
        let environments = environment.url.as_ref().map(|url| url.expose().as_str());
        if let Some(url) = arg.url()?.or(environments).or(file) {
            let connections = self.database_connections.unwrap_or(Database::DEFAULT_CONNECTIONS);
            return postgres(url, self.database_password_file.as_deref(), connections, environment);
        }
        match &self.data {
            Some(folder) => Ok(Database::file(folder.join("jeton.db"))),
            None => bail!(
                "the configuration names no database: give `data`, a folder for SQLite, or `database`, a PostgreSQL"
            ),
        }
    }
}

fn postgres(
    url: &str,
    password_file: Option<&Path>,
    connections: usize,
    environment: &Environment,
) -> anyhow::Result<Database> {
    let password = password(url, password_file, environment)?;
    Ok(Database::postgres(url, password, connections)?)
}

/// The password, unless it stands in the URL.
fn password(url: &str, file: Option<&Path>, environment: &Environment) -> anyhow::Result<Option<Secret<String>>> {
    match (&environment.password, file) {
        (Some(password), _) => Ok(Some(password.clone())),
        (None, Some(file)) => password_in(file).map(Some),
        (None, None) if Database::holds_password(url) => Ok(None),
        (None, None) => Ok(environment.usual_password.clone()),
    }
}

/// The first line of a file, without its end.
fn password_in(path: &Path) -> anyhow::Result<Secret<String>> {
    const LONGEST: u64 = 4096;
    let shown = path.display();
    let file = File::open(path).with_context(|| format!("database_password_file {shown} cannot be read"))?;
    check_mode(path, &file)?;
    let mut text = String::new();
    let read = file.take(LONGEST).read_to_string(&mut text);
    let text = Secret::new(text);
    read.with_context(|| format!("database_password_file {shown} cannot be read"))?;
    let line = text.expose().lines().next().unwrap_or_default();
    if line.is_empty() {
        bail!("database_password_file {shown} has nothing in its first line; write the password there");
    }
    Ok(Secret::from(line))
}

/// Refuses a file with a password that others than its owner can get at. One that belongs to root may be readable to
/// a group: so are secrets handed out to a service that runs as somebody else.
pub(super) fn check_mode(path: &Path, file: &File) -> anyhow::Result<()> {
    let shown = path.display();
    let found = file.metadata().with_context(|| format!("{shown} cannot be looked at"))?;
    let group = if found.uid() == 0 { 0o040 } else { 0 };
    let mode = found.mode() & 0o777;
    if mode & 0o077 & !group != 0 {
        bail!("{shown} holds a password and has mode {mode:03o}, so others can get at it; run: chmod 600 {shown}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const BASE: &str = "listen = \"127.0.0.1:0\"\npublic_url = \"http://localhost\"\nmaster_key = \"k\"\n";

    /// A folder with a configuration that has `lines` more, its mode, and a password file.
    struct Place(tempfile::TempDir);

    impl Place {
        fn new(lines: &str, mode: u32, password: Option<(&str, u32)>) -> Self {
            let place = Self(tempfile::tempdir().unwrap());
            place.write("jeton.toml", &format!("{BASE}{lines}"), mode);
            if let Some((text, mode)) = password {
                place.write("password", text, mode);
            }
            place
        }

        fn write(&self, name: &str, text: &str, mode: u32) {
            let path = self.0.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        }

        fn database(&self, arg: Option<&str>, variables: &[(&str, &str)]) -> Result<String, String> {
            let arg = DatabaseArg::new(arg);
            let environment = environment(variables);
            let config = Config::read(&self.0.path().join("jeton.toml"));
            let database = config.and_then(|config| config.database(&arg, &environment));
            let folder = format!("{}/", self.0.path().display());
            database.map(|database| database.to_string().replace(&folder, "")).map_err(|error| format!("{error:#}"))
        }
    }

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let variables = variables.to_vec();
        Environment::new(move |name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_command_line_goes_before_the_environment_and_that_before_the_file() {
        const FILE: &str = "database = \"postgres://localhost/file\"\n";
        let environment = [("JETON_DATABASE", "postgres://localhost/environment")];
        for (lines, arg, variables, expected) in [
            ("data = \"d\"\n", None, &[][..], "d/jeton.db"),
            (FILE, None, &[], "postgres://localhost:5432/file"),
            (FILE, None, &environment, "postgres://localhost:5432/environment"),
            (FILE, Some("postgres://localhost/arg"), &environment, "postgres://localhost:5432/arg"),
            ("data = \"d\"\n", Some("postgres://localhost/arg"), &[], "postgres://localhost:5432/arg"),
            ("", Some("postgres://localhost/arg"), &[], "postgres://localhost:5432/arg"),
            (FILE, None, &[("JETON_DATABASE", "")], "postgres://localhost:5432/file"),
        ] {
            assert_eq!(Place::new(lines, 0o644, None).database(arg, variables).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn mistakes_are_told() {
        const SECRET: &str = "database = \"postgres://ada:secret@localhost/j\"\n";
        const FILE: &str = "database = \"postgres://ada@localhost/j\"\ndatabase_password_file = \"password\"\n";
        for (lines, mode, password, arg, expected) in [
            ("", 0o600, None, None, "names no database"),
            ("data = \"d\"\ndatabase = \"postgres://localhost\"\n", 0o600, None, None, "keep one"),
            ("database = \"d\"\n", 0o600, None, None, "postgres://USER@HOST"),
            ("database = \"postgres://h?sslmode=disable\"\n", 0o600, None, None, "always verified"),
            ("database_connections = 1\n", 0o600, None, Some("postgres://localhost"), "2 to 256"),
            ("", 0o600, None, Some("postgres://ada:secret@localhost/j"), "can be seen by everybody"),
            ("", 0o600, None, Some("postgres://localhost/j?password=secret"), "can be seen by everybody"),
            (SECRET, 0o644, None, None, "jeton.toml holds a password and has mode 644"),
            (SECRET, 0o602, None, None, "chmod 600"),
            (FILE, 0o644, None, None, "password cannot be read"),
            (FILE, 0o644, Some(("secret\n", 0o644)), None, "chmod 600"),
            (FILE, 0o644, Some(("\nsecret", 0o600)), None, "nothing in its first line"),
        ] {
            let error = Place::new(lines, mode, password).database(arg, &[]).unwrap_err();
            assert!(error.contains(expected), "{error}\nshould contain {expected}");
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(Place::new(SECRET, 0o600, None).database(None, &[]).is_ok());
    }

    #[test]
    fn the_password_is_the_environments_or_the_files_or_the_urls_or_the_usual_one() {
        const PLAIN: &str = "postgres://localhost/j";
        const WITH: &str = "postgres://ada:url@localhost/j";
        let file = Place::new("", 0o600, Some(("file\r\nmore\n", 0o600))).0;
        let file = file.path().join("password");
        let ours = ("JETON_DATABASE_PASSWORD", "ours");
        let usual = ("PGPASSWORD", "usual");
        for (variables, file, url, expected) in [
            (&[ours, usual][..], Some(file.as_path()), WITH, Some("ours")),
            (&[usual], Some(&file), WITH, Some("file")),
            (&[usual], None, WITH, None),
            (&[usual], None, PLAIN, Some("usual")),
            (&[], None, PLAIN, None),
        ] {
            let found = password(url, file, &environment(variables)).unwrap();
            assert_eq!(found.as_ref().map(|password| password.expose().as_str()), expected, "{variables:?} {url}");
        }
    }

    #[test]
    fn without_a_configuration_only_the_command_line_names_a_database() {
        let environment = environment(&[("JETON_DATABASE", "postgres://localhost/e")]);
        for (url, expected) in [(None, None), (Some("postgres://localhost/a"), Some("postgres://localhost:5432/a"))] {
            let arg = DatabaseArg::new(url);
            let shown = arg.alone(&environment).unwrap().map(|database| database.to_string());
            assert_eq!(shown.as_deref(), expected);
        }
    }
}
