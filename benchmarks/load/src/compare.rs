//! The same work for two servers in turn: bare, jeton, jeton, bare, … so that a drift of the machine hits both alike.
//!
//! The figure is CPU time of the server per request, since requests per second depend on whatever else the machine
//! does. Each round measures both servers one right after the other; the result is the median of the rounds' ratios.

use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::connection::{Connection, ask_once};
use super::expect::{Checker, Expect};
use super::jwks::Keys;
use super::request::Request;
use super::{median, process};

/// Compare two servers.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The scenario's name, for the results
    name: String,
    /// What every answer must be
    #[arg(long)]
    expect: Expect,
    /// Process id and address of the bare server
    #[arg(long, value_name = "PID@ADDRESS")]
    bare: Server,
    /// Process id and address of Jeton
    #[arg(long, value_name = "PID@ADDRESS")]
    jeton: Server,
    /// The request for the bare server
    #[arg(long, value_name = "FILE")]
    bare_request: PathBuf,
    /// The request for Jeton
    #[arg(long, value_name = "FILE")]
    jeton_request: PathBuf,
    /// Where both publish the keys that signed tokens are checked with
    #[arg(long, value_names = ["BARE", "JETON"], num_args = 2, required_if_eq("expect", "signed"))]
    keys: Vec<String>,
    /// Connections, each with one request at a time
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Rounds, in each of which both servers are measured
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How long each server is measured in a round
    #[arg(long, default_value_t = 2.0, value_parser = seconds)]
    seconds: f64,
    /// Add the result to this file, as a line of JSON
    #[arg(long, value_name = "FILE")]
    results: PathBuf,
}

/// A running server.
#[derive(Clone)]
struct Server {
    pid: u32,
    address: SocketAddr,
}

impl FromStr for Server {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write a process id and an address, such as 1234@127.0.0.1:8080".to_owned();
        let (pid, address) = text.split_once('@').ok_or_else(wrong)?;
        Ok(Self { pid: pid.parse().map_err(|_| wrong())?, address: address.parse().map_err(|_| wrong())? })
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.1..=600.0).contains(&seconds) => Ok(seconds),
        _ => Err("give 0.1 to 600 seconds".to_owned()),
    }
}

/// Runs a scenario and adds its result to the file.
///
/// # Errors
/// A server cannot be reached, or an answer is not what it must be.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let span = Duration::from_secs_f64(args.seconds);
    let warm_up = span.min(Duration::from_millis(500));
    let keys = |at: usize| args.keys.get(at).map(String::as_str);
    let mut bare = Side::open(&args, &args.bare, &args.bare_request, keys(0)).await.context("the bare server")?;
    let mut jeton = Side::open(&args, &args.jeton, &args.jeton_request, keys(1)).await.context("jeton")?;
    bare.measure(warm_up).await.context("the bare server")?;
    jeton.measure(warm_up).await.context("jeton")?;
    let mut rounds = Vec::new();
    for round in 0..args.rounds {
        let (of_bare, of_jeton) = if round % 2 == 0 {
            let first = bare.measure(span).await.context("the bare server")?;
            (first, jeton.measure(span).await.context("jeton")?)
        } else {
            let first = jeton.measure(span).await.context("jeton")?;
            (bare.measure(span).await.context("the bare server")?, first)
        };
        rounds.push((of_bare, of_jeton));
    }
    let over = |figure: fn(&(Measured, Measured)) -> f64| median(rounds.iter().map(figure).collect());
    let ratios = || rounds.iter().map(|(bare, jeton)| jeton.micros() / bare.micros());
    let result = json!({
        "name": args.name,
        "bare_micros": over(|(bare, _)| bare.micros()),
        "jeton_micros": over(|(_, jeton)| jeton.micros()),
        "ratio": median(ratios().collect()),
        "lowest_ratio": ratios().fold(f64::INFINITY, f64::min),
        "highest_ratio": ratios().fold(0.0, f64::max),
        "bare_per_second": over(|(bare, _)| bare.per_second()),
        "jeton_per_second": over(|(_, jeton)| jeton.per_second()),
    });
    let mut file = OpenOptions::new().create(true).append(true).open(&args.results)?;
    writeln!(file, "{result}").with_context(|| format!("{} cannot be written", args.results.display()))
}

/// One server with its connections.
struct Side {
    pid: u32,
    keys: Option<Keys>,
    clients: Vec<Client>,
}

/// A connection, what it asks, and what it must hear.
struct Client {
    connection: Connection,
    request: Vec<u8>,
    checker: Checker,
}

impl Client {
    /// Asks until `end`; the number of answers.
    async fn run(&mut self, end: Instant) -> anyhow::Result<u64> {
        let mut count = 0;
        while Instant::now() < end {
            let answer = self.connection.ask(&self.request).await?;
            self.checker.check(&answer)?;
            count += 1;
        }
        Ok(count)
    }
}

impl Side {
    async fn open(args: &Args, server: &Server, request: &std::path::Path, keys: Option<&str>) -> anyhow::Result<Self> {
        let host = server.address.to_string();
        let request = Request::read(request)?;
        let mut clients = Vec::new();
        for number in 0..args.connections {
            let connection = Connection::open(server.address).await?;
            let request = request.bytes(&host, number);
            clients.push(Client { connection, request, checker: Checker::new(args.expect) });
        }
        let keys = match keys {
            Some(path) => {
                let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
                Some(serde_json::from_str(&ask_once(server.address, request.as_bytes())?)?)
            }
            None => None,
        };
        Ok(Self { pid: server.pid, keys, clients })
    }

    /// Keeps the server busy for `span`.
    async fn measure(&mut self, span: Duration) -> anyhow::Result<Measured> {
        let (cpu, started) = (process::cpu_time(self.pid)?, Instant::now());
        let mut running = JoinSet::new();
        for mut client in self.clients.drain(..) {
            running.spawn(async move { (client.run(started + span).await, client) });
        }
        let mut requests = 0;
        for (count, client) in running.join_all().await {
            requests += count?;
            self.clients.push(client);
        }
        let measured = Measured { requests, took: started.elapsed(), cpu: process::cpu_time(self.pid)? - cpu };
        for client in &self.clients {
            self.keys.iter().try_for_each(|keys| client.checker.verify_last(keys))?;
        }
        Ok(measured)
    }
}

/// What one server did in one round.
struct Measured {
    requests: u64,
    took: Duration,
    cpu: Duration,
}

impl Measured {
    /// CPU time of a request, in microseconds.
    fn micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.requests as f64
    }

    fn per_second(&self) -> f64 {
        self.requests as f64 / self.took.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_named_by_process_and_address() {
        for (text, good) in [("1@127.0.0.1:80", true), ("127.0.0.1:80", false), ("x@127.0.0.1:80", false)] {
            assert_eq!(text.parse::<Server>().is_ok(), good, "{text}");
        }
    }

    #[test]
    fn figures() {
        let measured = Measured { requests: 1000, took: Duration::from_secs(2), cpu: Duration::from_millis(50) };
        assert_eq!((measured.micros(), measured.per_second()), (50.0, 500.0));
    }
}
