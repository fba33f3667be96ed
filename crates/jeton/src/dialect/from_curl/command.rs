//! From the words of a curl command to the request that curl would send.

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::body::{encode, pairs};
use super::mend;
use super::request::{Body, Request};

/// Options with a value that changes nothing in the request.
const ASIDE: [&str; 25] = [
    "-o",
    "--output",
    "-A",
    "--user-agent",
    "-e",
    "--referer",
    "-m",
    "--max-time",
    "--connect-timeout",
    "-w",
    "--write-out",
    "--cacert",
    "--capath",
    "-E",
    "--cert",
    "--key",
    "-x",
    "--proxy",
    "-c",
    "--cookie-jar",
    "--retry",
    "--resolve",
    "-D",
    "--dump-header",
    "--max-redirs",
];

/// Options without a value that change nothing in the request.
const FLAGS: [&str; 32] = [
    "-s",
    "--silent",
    "-S",
    "--show-error",
    "-i",
    "--include",
    "-k",
    "--insecure",
    "-L",
    "--location",
    "-v",
    "--verbose",
    "-f",
    "--fail",
    "--fail-with-body",
    "-g",
    "--globoff",
    "-N",
    "--no-buffer",
    "-#",
    "--progress-bar",
    "-O",
    "--compressed",
    "--http1.1",
    "--http2",
    "-4",
    "-6",
    "-q",
    "-j",
    "--basic",
    "--no-progress-meter",
    "--tlsv1.2",
];

/// Options with a value that this reads.
const VALUED: [&str; 22] = [
    "-X",
    "--request",
    "-H",
    "--header",
    "-d",
    "--data",
    "--data-ascii",
    "--data-raw",
    "--data-binary",
    "--data-urlencode",
    "--json",
    "-F",
    "--form",
    "--form-string",
    "-u",
    "--user",
    "-b",
    "--cookie",
    "--oauth2-bearer",
    "--url",
    "--url-query",
    "--data-url",
];

#[derive(Default)]
struct Command {
    method: Option<String>,
    url: Option<String>,
    headers: Vec<(String, String)>,
    data: Vec<String>,
    form: Vec<(String, String)>,
    query: Vec<String>,
    get: bool,
    head: bool,
    json: bool,
}

/// The request of a command's words.
///
/// # Errors
/// An option is not known or reads a file, or there is no address.
pub(super) fn request(words: &[String]) -> anyhow::Result<Request> {
    let mut command = Command::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if !word.starts_with('-') || word == "-" {
            // A backslash that continues nothing leaves an empty word.
            if !word.is_empty() {
                command.url.get_or_insert_with(|| word.clone());
            }
            continue;
        }
        for (option, attached) in options(word) {
            if FLAGS.contains(&option.as_str()) {
                continue;
            }
            match option.as_str() {
                "-G" | "--get" => command.get = true,
                "-I" | "--head" => command.head = true,
                option if VALUED.contains(&option) || ASIDE.contains(&option) => {
                    let value = attached.or_else(|| words.next().cloned());
                    let value = value.with_context(|| format!("the curl option `{option}` has no value behind it"))?;
                    command.option(option, value)?;
                }
                option => {
                    bail!("the curl option `{option}` is not known here; leave it out if the request goes without it")
                }
            }
        }
    }
    command.request()
}

/// The options of a word with the value attached to the last: `-sXPOST` is `-s` and `-X POST`.
fn options(word: &str) -> Vec<(String, Option<String>)> {
    if word.starts_with("--") {
        return vec![(word.to_owned(), None)];
    }
    let mut found = Vec::new();
    for (at, letter) in word.char_indices().skip(1) {
        let option = format!("-{letter}");
        let rest = &word[at + letter.len_utf8()..];
        if VALUED.contains(&option.as_str()) || ASIDE.contains(&option.as_str()) {
            found.push((option, Some(rest.to_owned()).filter(|rest| !rest.is_empty())));
            return found;
        }
        found.push((option, None));
    }
    found
}

impl Command {
    fn option(&mut self, option: &str, value: String) -> anyhow::Result<()> {
        match option {
            "-X" | "--request" => self.method = Some(value.to_ascii_uppercase()),
            "--url" => self.url = Some(value),
            "-H" | "--header" => {
                if let Some((name, value)) = value.split_once(':') {
                    self.headers.push((name.trim().to_owned(), value.trim().to_owned()));
                }
            }
            "-d" | "--data" | "--data-ascii" | "--data-binary" => self.data.push(no_file(option, value)?),
            "--data-raw" => self.data.push(value),
            "--data-urlencode" => self.data.push(urlencoded(option, value)?),
            "--url-query" => self.query.push(urlencoded(option, value)?),
            "--json" => {
                self.json = true;
                self.data.push(no_file(option, value)?);
            }
            "-F" | "--form" | "--form-string" => {
                let (name, value) =
                    value.split_once('=').with_context(|| format!("`{option} {value}` has no value"))?;
                let value = value.split_once(";type=").map_or(value, |(value, _)| value);
                self.form.push((name.to_owned(), no_file(option, value.to_owned())?));
            }
            "-u" | "--user" => {
                self.headers.push(("Authorization".to_owned(), format!("Basic {}", STANDARD.encode(value))))
            }
            "--oauth2-bearer" => self.headers.push(("Authorization".to_owned(), format!("Bearer {value}"))),
            "-b" | "--cookie" => self.headers.push(("Cookie".to_owned(), value)),
            _ => {}
        }
        Ok(())
    }

    fn request(mut self) -> anyhow::Result<Request> {
        let url = self.url.take().context("a curl command has no address; write the URL behind `curl`")?;
        let (host, path, query) = address(&url);
        let data = self.data.join("&");
        let in_query = if self.get { std::mem::take(&mut self.data) } else { Vec::new() };
        let query = [query].into_iter().chain(self.query).chain(in_query).filter(|part| !part.is_empty());
        let query = pairs(&query.collect::<Vec<_>>().join("&"));
        if self.json {
            let typed = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
            if !typed {
                self.headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
            }
        }
        let given = self.headers.iter().position(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let given = given.map(|at| self.headers.remove(at).1);
        let body = match (self.get, self.form.is_empty(), data.is_empty()) {
            (false, false, _) => Body::Multipart(self.form),
            (false, true, false) => body(given.as_deref(), &data)?,
            _ => Body::None,
        };
        let none = matches!(body, Body::None);
        let method = self.method.unwrap_or_else(|| {
            let method = if self.head {
                "HEAD"
            } else if none {
                "GET"
            } else {
                "POST"
            };
            method.to_owned()
        });
        const OF_CURL: [&str; 4] = ["user-agent", "host", "content-length", "connection"];
        self.headers.retain(|(name, _)| !OF_CURL.contains(&name.to_ascii_lowercase().as_str()));
        Ok(Request { method, host, path, query, headers: self.headers, content_type: given, body })
    }
}

/// The body by its type; one that is JSON though no type says so is JSON.
fn body(given: Option<&str>, data: &str) -> anyhow::Result<Body> {
    let essence = given.unwrap_or_default().to_ascii_lowercase();
    let looks_json = data.trim_start().starts_with(['{', '[']);
    if essence.contains("json") || (looks_json && (given.is_none() || essence.contains("form"))) {
        return mend::json(data).map(Body::Json).with_context(|| {
            format!("the body of this request is not JSON, even when mended; write it so that it is:\n{data}")
        });
    }
    Ok(match essence.as_str() {
        essence if essence.contains("xml") => Body::Xml(data.to_owned()),
        essence if essence.starts_with("text/plain") => Body::Text(data.to_owned()),
        _ if data.trim_start().starts_with('<') => Body::Xml(data.to_owned()),
        _ => Body::Form(pairs(data)),
    })
}

/// Host, path and query of an address as a page prints it: the host may be a placeholder, the scheme may be absent.
fn address(url: &str) -> (String, String, String) {
    let url = url.split('#').next().unwrap_or_default();
    let (scheme, rest) = url.split_once("://").map_or((None, url), |(scheme, rest)| (Some(scheme), rest));
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, path) = match before.find('/') {
        Some(0) if scheme.is_none() => ("", before),
        Some(slash) => before.split_at(slash),
        None => (before, "/"),
    };
    (host.to_owned(), path.to_owned(), query.to_owned())
}

fn no_file(option: &str, value: String) -> anyhow::Result<String> {
    match value.starts_with('@') {
        true => bail!("`{option} {value}` reads a file; put its text there instead"),
        false => Ok(value),
    }
}

/// `name=content`, `=content` or `content`, with the content encoded.
fn urlencoded(option: &str, value: String) -> anyhow::Result<String> {
    match value.split_once('=') {
        Some(("", content)) => Ok(encode(content)),
        Some((name, content)) => Ok(format!("{name}={}", encode(content))),
        None if value.contains('@') => bail!("`{option} {value}` reads a file; put its text there instead"),
        None => Ok(encode(&value)),
    }
}
