//! How a PostgreSQL is connected to: which host, with what TLS, with which settings, how many times at once.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deadpool_postgres::{Connect, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use jeton_core::secret::Secret;
use tokio::task::JoinHandle;
use tokio::time::{error::Elapsed, timeout};
use tokio_postgres::config::{ChannelBinding, SslMode as Encryption, TargetSessionAttrs};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls;
use crate::database::{Host, Url};
use crate::error::Error;

/// The server ends a statement that runs longer.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);
/// The server ends a statement that waits longer for a row that another transaction changes.
const LOCK_TIMEOUT: Duration = Duration::from_secs(3);
/// The server ends a session that has a transaction open and asks for nothing for longer.
const IDLE_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a transaction may last. Its statements are bounded by the server; whoever runs one takes care that all
/// of it is.
pub(crate) const LONGEST_TRANSACTION: Duration = Duration::from_secs(10);

/// For one host, from the first packet to being signed in.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a request waits for another's connection before it is told that the store is busy.
const POOL_TIMEOUT: Duration = Duration::from_secs(2);
/// A host that is gone without a word is found out after three of these.
const PROBE: Duration = Duration::from_secs(1);
const PROBES: u32 = 2;

const MOST_CONNECTIONS: usize = 256;

/// Where a PostgreSQL is and how it is connected to. Shown without a password.
#[derive(Clone)]
pub struct Postgres {
    servers: Arc<Servers>,
    connections: usize,
    shown: String,
}

/// A connection whose messages somebody has to read.
pub(crate) type Messages = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

impl Postgres {
    /// Checks what a URL says, with the password from elsewhere if there is one.
    pub(crate) fn new(url: Url, password: Option<Secret<String>>, connections: usize) -> Result<Self, Error> {
        if !(2..=MOST_CONNECTIONS).contains(&connections) {
            return Err(Error::Open(format!(
                "{connections} connections to the database are too few or too many: say 2 to {MOST_CONNECTIONS}"
            )));
        }
        let encrypted = tls::is_wanted(&url).map_err(Error::Open)?;
        let tls = if encrypted { tls::connector(&url) } else { tls::unused() }.map_err(Error::Open)?;
        let hosts: Vec<_> = url.hosts.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        let user = url.user.as_deref().map(|user| format!("{user}@")).unwrap_or_default();
        let shown = format!("postgres://{user}{}/{}", hosts.join(","), url.name.as_deref().unwrap_or_default());
        let configs = url.hosts.iter().map(|(host, port)| config(&url, password.as_ref(), host, *port, encrypted));
        let servers = Servers {
            configs: configs.collect(),
            tls,
            limit: url.connect_timeout.unwrap_or(CONNECT_TIMEOUT),
            last: AtomicUsize::new(0),
        };
        Ok(Self { servers: Arc::new(servers), connections, shown })
    }

    /// The connections that requests share. They are made when they are first needed.
    pub(crate) fn pool(&self) -> Result<Pool, Error> {
        let recycling_method = RecyclingMethod::Fast;
        let connect = Shared(Arc::clone(&self.servers));
        let manager = Manager::from_connect(Config::new(), connect, ManagerConfig { recycling_method });
        let timeouts = Timeouts {
            wait: Some(POOL_TIMEOUT),
            create: Some(self.servers.limit_of_all()),
            recycle: Some(POOL_TIMEOUT),
        };
        let pool = Pool::builder(manager).max_size(self.connections).timeouts(timeouts).runtime(Runtime::Tokio1);
        pool.build().map_err(|error| Error::Open(format!("the connections to {self} cannot be shared: {error}")))
    }

    /// One connection beside the shared ones, for what stays: listening. The second half must be polled.
    ///
    /// # Errors
    /// [`Error::Unavailable`] with what to do about it.
    pub(crate) async fn connect(&self) -> Result<(Client, Messages), Error> {
        match timeout(self.servers.limit_of_all(), self.servers.connect()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(Error::Unavailable(format!("{self}: {}", explain(&error)))),
            Err(Elapsed { .. }) => Err(Error::Unavailable(format!(
                "{self}: no answer within {} s a host; check that it runs and that a firewall lets this machine through",
                self.servers.limit.as_secs()
            ))),
        }
    }
}

impl fmt::Display for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({} connections)", self.connections)
    }
}

/// What went wrong with a connection, and what to do about it.
pub(crate) fn explain(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        // Some errors repeat their cause in their own text.
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    let advice = match error.code() {
        Some(code) if *code == SqlState::INVALID_PASSWORD => {
            "check the user's name, and the password in JETON_DATABASE_PASSWORD or database_password_file"
        }
        Some(code) if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "check the user's name, and that pg_hba.conf lets this machine in, with or without TLS as here"
        }
        Some(code) if *code == SqlState::INVALID_CATALOG_NAME => "make the database with: createdb NAME --owner USER",
        Some(code) if *code == SqlState::TOO_MANY_CONNECTIONS => {
            "lower database_connections on each node, or raise max_connections in PostgreSQL"
        }
        Some(code) if *code == SqlState::PROTOCOL_VIOLATION && text.contains("startup parameter") => {
            "connect to PostgreSQL itself, or let the pooler in between pass `options` on"
        }
        _ if text.contains("does not support TLS") => {
            "set ssl = on with a certificate in PostgreSQL; between machines Jeton does not go without"
        }
        _ if text.contains("invalid peer certificate") => {
            "name the CA's file as sslrootcert, and the host as it stands in the certificate"
        }
        _ if text.contains("password missing") => {
            "give the password in the environment as JETON_DATABASE_PASSWORD, or in database_password_file"
        }
        _ if text.contains("refused") => "check that PostgreSQL runs there and listens on this port",
        _ if text.contains("lookup address") => "check the host's name, and that this machine can resolve it",
        _ if text.contains("does not allow writes") => "name every host of the cluster, so that the primary is found",
        _ => return text,
    };
    format!("{text}; {advice}")
}

/// The hosts that may be the primary.
struct Servers {
    /// One for each, in the order given.
    configs: Vec<Config>,
    tls: MakeRustlsConnect,
    /// How long to try one.
    limit: Duration,
    /// Which one answered last.
    last: AtomicUsize,
}

impl Servers {
    /// The first that answers, begun with the one that answered last: while a dead host is in the list, only one
    /// connection waits for it.
    ///
    /// The driver's own search has a limit for TCP alone. A host that accepts and then says nothing (frozen, or its
    /// disk hangs) would keep it from ever asking the next.
    async fn connect(&self) -> Result<(Client, Messages), tokio_postgres::Error> {
        let start = self.last.load(Ordering::Relaxed);
        let order = (0..self.configs.len()).map(|step| (start + step) % self.configs.len());
        let mut refused = None;
        for at in order {
            let Some(config) = self.configs.get(at) else { continue };
            match timeout(self.limit, config.connect(self.tls.clone())).await {
                Ok(Ok(connection)) => {
                    self.last.store(at, Ordering::Relaxed);
                    return Ok(connection);
                }
                Ok(Err(error)) => refused = Some(worth_telling(refused, error)),
                Err(Elapsed { .. }) => {}
            }
        }
        match refused {
            Some(error) => Err(error),
            // Nobody said anything. The caller's limit for all of them ends this.
            None => std::future::pending().await,
        }
    }

    fn limit_of_all(&self) -> Duration {
        self.limit.saturating_mul(u32::try_from(self.configs.len()).unwrap_or(u32::MAX))
    }
}

/// Of two refusals the one that tells more: a server's own words before a silent port, and before a standby's.
fn worth_telling(before: Option<tokio_postgres::Error>, now: tokio_postgres::Error) -> tokio_postgres::Error {
    match before {
        Some(before) if before.as_db_error().is_some() => before,
        _ => now,
    }
}

/// Gives the pool its connections.
struct Shared(Arc<Servers>);

impl Connect for Shared {
    fn connect(
        &self,
        _: &Config,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), tokio_postgres::Error>> + Send + '_>>
    {
        Box::pin(async {
            let (client, messages) = self.0.connect().await?;
            let ends = async move {
                if let Err(error) = messages.await {
                    tracing::warn!(error = explain(&error), "a connection to the database is lost");
                }
            };
            Ok((client, tokio::spawn(ends)))
        })
    }
}

fn config(url: &Url, password: Option<&Secret<String>>, host: &Host, port: u16, encrypted: bool) -> Config {
    let mut config = Config::new();
    match host {
        Host::Tcp(name) => {
            config.host(name).ssl_mode(if encrypted { Encryption::Require } else { Encryption::Disable })
        }
        // PostgreSQL has no TLS there.
        Host::Unix(folder) => config.host_path(folder).ssl_mode(Encryption::Disable),
    };
    config.port(port);
    if let Some(user) = &url.user {
        config.user(user);
    }
    if let Some(name) = &url.name {
        config.dbname(name);
    }
    if let Some(password) = password.or(url.password.as_ref()) {
        config.password(password.expose());
    }
    config
        .application_name(url.application_name.as_deref().unwrap_or("jeton"))
        .options(options(url.options.as_deref()))
        .channel_binding(url.channel_binding.unwrap_or(ChannelBinding::Prefer))
        // A standby, or a primary of yesterday, is not what the store can use, even if it is the only host.
        .target_session_attrs(url.target_session_attrs.unwrap_or(TargetSessionAttrs::ReadWrite))
        .keepalives_idle(PROBE)
        .keepalives_interval(PROBE)
        .keepalives_retries(PROBES)
        .tcp_user_timeout(PROBE * (PROBES + 1));
    config
}

/// The session's settings. Ours come last and so hold, whatever the URL says: correctness hangs on them.
fn options(of_url: Option<&str>) -> String {
    let settings = [
        ("statement_timeout", STATEMENT_TIMEOUT),
        ("lock_timeout", LOCK_TIMEOUT),
        ("idle_in_transaction_session_timeout", IDLE_TRANSACTION_TIMEOUT),
    ];
    let ours = settings.iter().map(|(name, limit)| format!("-c {name}={}", limit.as_millis()));
    of_url.map(str::to_owned).into_iter().chain(ours).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
