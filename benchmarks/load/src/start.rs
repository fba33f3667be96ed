//! How long it takes from executing the program to its first good answer.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::json;

use super::connection::ask_once;
use super::median;
use super::request::Request;

/// Time a server's start.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What the result is called
    #[arg(long, default_value = "start")]
    name: String,
    /// The request whose answer is waited for
    #[arg(long, value_name = "FILE")]
    request: PathBuf,
    /// Starts to take the median of
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    times: u32,
    /// Add the result to this file, as a line of JSON
    #[arg(long, value_name = "FILE")]
    results: PathBuf,
    /// The program and its arguments; on standard error it must tell `listen=ADDRESS` when it is ready
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

/// Starts the program again and again and adds the median to the file.
///
/// # Errors
/// It does not start, or does not answer as it must.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let request = Request::read(&args.request)?;
    let mut times = Vec::new();
    for _ in 0..args.times {
        times.push(once(&args.command, &request)?.as_secs_f64() * 1000.0);
    }
    let (fastest, slowest) =
        (times.iter().copied().fold(f64::INFINITY, f64::min), times.iter().copied().fold(0.0, f64::max));
    let result = json!({ "name": args.name, "millis": median(times), "fastest": fastest, "slowest": slowest });
    let mut file = OpenOptions::new().create(true).append(true).open(&args.results)?;
    writeln!(file, "{result}").with_context(|| format!("{} cannot be written", args.results.display()))
}

fn once(command: &[String], request: &Request) -> anyhow::Result<Duration> {
    let (program, arguments) = command.split_first().context("no program is named")?;
    let started = Instant::now();
    let mut server = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{program} cannot be started"))?;
    let answered = first_answer(&mut server, request).map(|()| started.elapsed());
    // Fails when it has ended by itself, which the answer has told then.
    let _ = server.kill();
    server.wait()?;
    answered
}

fn first_answer(server: &mut Child, request: &Request) -> anyhow::Result<()> {
    let log = server.stderr.take().context("no standard error")?;
    for line in BufReader::new(log).lines() {
        if let Some(address) = listen(&line?) {
            let body = ask_once(address, &request.bytes(&address.to_string(), 0))?;
            return body.contains("\"access_token\"").then_some(()).with_context(|| format!("no token: {body}"));
        }
    }
    anyhow::bail!("the server ended before it was ready")
}

/// The address in a line of log that has one.
fn listen(line: &str) -> Option<SocketAddr> {
    line.split(' ').find_map(|word| word.strip_prefix("listen=")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_log() {
        let line = "2026-01-01T00:00:00Z  INFO ready listen=127.0.0.1:4711 admin=\"x\"";
        assert_eq!(listen(line), Some(SocketAddr::from(([127, 0, 0, 1], 4711))));
        assert_eq!(listen("INFO ready"), None);
    }
}
