//! The URL of a PostgreSQL database, in the form of PostgreSQL's own programs.
//!
//! Errors are told to people and may land in a log, so they name parameters and never repeat what stands where a
//! password could: somebody who forgets to encode a `/` in one has put it where a port or a path is expected.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use jeton_core::secret::Secret;
use percent_encoding::percent_decode_str;
use tokio_postgres::config::{ChannelBinding, TargetSessionAttrs};

/// What a URL says. `None` is: nothing about it.
#[derive(Debug)]
pub(crate) struct Url {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret<String>>,
    /// At least one, with its port.
    pub(crate) hosts: Vec<(Host, u16)>,
    /// The database's name.
    pub(crate) name: Option<String>,
    pub(crate) ssl_mode: Option<SslMode>,
    /// A PEM file with the CAs to trust; an absolute path.
    pub(crate) ssl_root_cert: Option<PathBuf>,
    pub(crate) target_session_attrs: Option<TargetSessionAttrs>,
    pub(crate) channel_binding: Option<ChannelBinding>,
    /// For one host, from the first packet to being signed in.
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) application_name: Option<String>,
    /// Settings for the session, as for the server's command line: `-c name=value`.
    pub(crate) options: Option<String>,
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// A name or an address.
    Tcp(String),
    /// The folder of a socket.
    Unix(PathBuf),
}

/// How much TLS is asked for, in PostgreSQL's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SslMode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

const FORM: &str = "give the database as postgres://USER@HOST:PORT/NAME, several hosts as HOST1:PORT,HOST2:PORT";
const ENCODE: &str = "in a user name, a password or a value write @ as %40, : as %3A, / as %2F, ? as %3F and # as %23";
const KNOWN: &str = "application_name, channel_binding, connect_timeout, dbname, host, options, port, sslmode, \
                     sslrootcert, target_session_attrs, user";
const DEFAULT_PORT: u16 = 5432;

/// See [`crate::Database::holds_password`].
pub(super) fn holds_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    // The last `@`, wherever it stands: what is before it may be a password with a `/` in it.
    let in_front = rest.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
    in_front || rest.split(['?', '&']).any(|pair| decode(pair).is_ok_and(|pair| pair.starts_with("password=")))
}

impl FromStr for Url {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let rest = url.strip_prefix("postgres://").or(url.strip_prefix("postgresql://")).ok_or(FORM)?;
        if rest.contains(|letter: char| letter == '#' || letter.is_whitespace() || letter.is_control()) {
            return Err(format!("the database's URL holds a space or a #; {ENCODE}, and a space as %20"));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if path.contains(['@', '/']) || query.contains('@') || authority.matches('@').count() > 1 {
            return Err(format!("the database's URL has an @ or a / where none belongs; {ENCODE}"));
        }
        let (user, hosts) = authority.split_once('@').unwrap_or(("", authority));
        let (user, password) = user.split_once(':').unwrap_or((user, ""));
        let mut url = Self {
            user: some(decode(user)?),
            password: some(decode(password)?).map(Secret::new),
            hosts: Vec::new(),
            name: some(decode(path)?),
            ssl_mode: None,
            ssl_root_cert: None,
            target_session_attrs: None,
            channel_binding: None,
            connect_timeout: None,
            application_name: None,
            options: None,
        };
        let parameters = parameters(query)?;
        let named = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        url.hosts = match (hosts, named("host"), named("port")) {
            ("", Some(hosts), ports) => listed(hosts, ports)?,
            ("", None, _) => {
                return Err(format!("the database's URL names no host; {FORM}, a socket as ?host=/FOLDER"));
            }
            (hosts, None, None) => hosts.split(',').map(host_and_port).collect::<Result<_, _>>()?,
            _ => return Err("the database's URL names hosts twice; leave out ?host= and ?port=".to_owned()),
        };
        for (name, value) in &parameters {
            url.set(name, value)?;
        }
        Ok(url)
    }
}

impl Url {
    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "host" | "port" => {}
            "user" => once(&mut self.user, name, value.to_owned())?,
            "password" => once(&mut self.password, name, Secret::from(value))?,
            "dbname" => once(&mut self.name, name, value.to_owned())?,
            "application_name" => self.application_name = Some(value.to_owned()),
            "options" => self.options = Some(value.to_owned()),
            "sslmode" => self.ssl_mode = Some(choice(name, value, &SSL_MODES)?),
            "sslrootcert" => {
                let path = PathBuf::from(value);
                if !path.is_absolute() {
                    return Err("sslrootcert must be a file's path from the root on, as in /etc/jeton/db-ca.pem; \
                                leave it out for a certificate of a public CA"
                        .to_owned());
                }
                self.ssl_root_cert = Some(path);
            }
            "channel_binding" => self.channel_binding = Some(choice(name, value, &CHANNEL_BINDING)?),
            "target_session_attrs" => {
                if matches!(value, "read-only" | "standby" | "prefer-standby") {
                    return Err(format!(
                        "target_session_attrs={value} finds a server that cannot be written to; \
                         leave it out, or say read-write"
                    ));
                }
                self.target_session_attrs = Some(choice(name, value, &SESSION_ATTRS)?);
            }
            "connect_timeout" => {
                let seconds = value.parse().ok().filter(|seconds| (1..=60).contains(seconds));
                let seconds = seconds.ok_or("connect_timeout must be a number of seconds from 1 to 60")?;
                self.connect_timeout = Some(Duration::from_secs(seconds));
            }
            _ => return Err(format!("the database's URL has the unknown parameter `{name}`; known are {KNOWN}")),
        }
        Ok(())
    }
}

const SSL_MODES: [(&str, SslMode); 6] = [
    ("disable", SslMode::Disable),
    ("allow", SslMode::Allow),
    ("prefer", SslMode::Prefer),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];

const CHANNEL_BINDING: [(&str, ChannelBinding); 3] =
    [("disable", ChannelBinding::Disable), ("prefer", ChannelBinding::Prefer), ("require", ChannelBinding::Require)];

const SESSION_ATTRS: [(&str, TargetSessionAttrs); 3] = [
    ("read-write", TargetSessionAttrs::ReadWrite),
    // The same, for who has to write: a primary that takes no writes is of no use.
    ("primary", TargetSessionAttrs::ReadWrite),
    ("any", TargetSessionAttrs::Any),
];

fn choice<T: Copy>(name: &str, value: &str, choices: &[(&str, T)]) -> Result<T, String> {
    let chosen = choices.iter().find(|(choice, _)| *choice == value);
    chosen.map(|(_, chosen)| *chosen).ok_or_else(|| {
        let choices: Vec<_> = choices.iter().map(|(choice, _)| *choice).collect();
        format!("{name} in the database's URL must be one of {}", choices.join(", "))
    })
}

fn once<T>(place: &mut Option<T>, name: &str, value: T) -> Result<(), String> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("the database's URL says {name} twice; leave out ?{name}=")),
    }
}

fn parameters(query: &str) -> Result<Vec<(String, String)>, String> {
    let mut parameters: Vec<(String, String)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) =
            pair.split_once('=').ok_or("after ? the database's URL has NAME=VALUE pairs, with & between them")?;
        let (name, value) = (decode(name)?, decode(value)?);
        if parameters.iter().any(|(before, _)| *before == name) {
            return Err(format!("the database's URL says {name} twice"));
        }
        parameters.push((name, value));
    }
    Ok(parameters)
}

/// The hosts of `?host=a,b`, with the one port or the ports of `&port=1,2`.
fn listed(hosts: &str, ports: Option<&str>) -> Result<Vec<(Host, u16)>, String> {
    let hosts: Vec<&str> = hosts.split(',').collect();
    let ports = match ports {
        Some(ports) => ports.split(',').map(port).collect::<Result<Vec<_>, _>>()?,
        None => vec![DEFAULT_PORT],
    };
    if ports.len() != 1 && ports.len() != hosts.len() {
        return Err("port in the database's URL must be one for all hosts, or one for each".to_owned());
    }
    let ports = ports.into_iter().cycle();
    hosts.into_iter().zip(ports).map(|(name, port)| Ok((host(name)?, port))).collect()
}

fn host_and_port(text: &str) -> Result<(Host, u16), String> {
    let (name, rest) = match text.strip_prefix('[') {
        Some(text) => text.split_once(']').ok_or("an IPv6 address in the database's URL ends with ]")?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match rest.strip_prefix(':') {
        Some(number) if number.contains(':') => {
            return Err("an IPv6 address in the database's URL stands in brackets: [::1]:5432".to_owned());
        }
        Some(number) => port(number)?,
        None if rest.is_empty() => DEFAULT_PORT,
        None => return Err(FORM.to_owned()),
    };
    Ok((host(&decode(name)?)?, port))
}

fn host(name: &str) -> Result<Host, String> {
    let is_name = || name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    match name {
        folder if folder.starts_with('/') => Ok(Host::Unix(PathBuf::from(folder))),
        "" => Err("a host in the database's URL has no name; see to the commas between hosts".to_owned()),
        name if is_name() || name.parse::<IpAddr>().is_ok() => Ok(Host::Tcp(name.to_owned())),
        _ => Err(format!("a host in the database's URL is neither a name nor an address; {FORM}")),
    }
}

fn port(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|port| *port != 0);
    port.ok_or_else(|| format!("a port in the database's URL is not a number from 1 to 65535; {ENCODE}"))
}

fn decode(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded.ok().filter(|text| !text.contains('\0'));
    decoded.map(Into::into).ok_or_else(|| "the database's URL is not UTF-8 text once %XX is decoded".to_owned())
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

impl Host {
    /// Whether only this machine is there.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Tcp(name) => {
                let address = name.parse::<IpAddr>().map(|address| address.to_canonical());
                name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
            }
        }
    }
}

/// As it stands in a URL's list of hosts.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(folder) => f.write_str(&folder.to_string_lossy().replace('/', "%2F")),
            Self::Tcp(name) if name.contains(':') => write!(f, "[{name}]"),
            Self::Tcp(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests;
