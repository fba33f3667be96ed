//! `jeton curl`: the token goes to curl through a pipe, never on its command line, which everybody on the machine can
//! read.

use std::ffi::OsString;
use std::io::{Write, pipe};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use http::Method;
use rustix::io::{FdFlags, fcntl_setfd};
use zeroize::Zeroizing;

use super::call::{Call, path_below};
use super::exec::replace_by;
use super::{Folder, block_on, valid};

/// Call the API with curl, with a valid token added
///
/// PATH is below the profile's URL; all that follows it is curl's own: `jeton curl shop /orders -X POST -d @order.json`.
/// Whatever curl is told, it connects to the profile's host alone, so a redirect to another host fails.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    folder: Folder,
    /// The profile
    name: String,
    /// What is called, such as /orders?limit=2
    path: String,
    /// Options for curl
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "CURL OPTIONS")]
    options: Vec<OsString>,
}

pub(super) fn run(args: Args) -> anyhow::Result<()> {
    let source = args.folder.source(&args.name)?;
    let method = method(&args.options)?;
    let token = block_on(valid(&source))?;
    let path = path_below(source.url(&token), &args.path)?;
    let call = Call::new(&source, &token, &method, path)?;
    let config = config(&call, path, source.profile().ca_file.as_deref())?;
    // All of it fits into the pipe's buffer, so nobody needs to read yet.
    if config.len() > 60 * 1024 {
        bail!("the address and the token are too long for curl; shorten the path");
    }
    let (reader, mut writer) = pipe().context("there is no pipe to curl")?;
    writer.write_all(config.as_bytes())?;
    drop(writer);
    fcntl_setfd(&reader, FdFlags::empty()).context("curl cannot inherit the pipe")?;
    let mut command = Command::new("curl");
    command.arg("--config").arg(format!("/dev/fd/{}", reader.as_raw_fd())).args(&args.options);
    Err(replace_by(command))
}

/// The lines of a configuration file for curl.
fn config(call: &Call, path: &str, ca_file: Option<&Path>) -> anyhow::Result<Zeroizing<String>> {
    let (scheme, host, port) = call.origin()?;
    // Brackets in a path are meant as they stand.
    let mut lines = vec!["globoff".to_owned()];
    let mut option = |name: &str, value: &str| lines.push(format!("{name} = {}", quoted(value)));
    option("url", &call.url(path));
    for line in call.header_lines()? {
        option("header", &line);
    }
    // Wherever a redirect or another option leads: the connection goes to the API, whose certificate fits no other
    // host, and never from HTTPS to plain HTTP.
    option("connect-to", &format!("::{host}:{port}"));
    option("proto", &format!("={scheme}"));
    option("proto-redir", &format!("={scheme}"));
    if let Some(file) = ca_file {
        option("cacert", file.to_str().context("the name of the CA file is not UTF-8")?);
    }
    Ok(Zeroizing::new(lines.join("\n") + "\n"))
}

/// The method that curl will use: some APIs show their token in some calls otherwise than in others.
fn method(options: &[OsString]) -> anyhow::Result<Method> {
    let mut words = options.iter().map(|option| option.to_string_lossy());
    let mut method = Method::GET;
    while let Some(word) = words.next() {
        let word = word.as_ref();
        let asked = match word {
            "-X" | "--request" => words.next().map(|word| word.into_owned()),
            _ => word.strip_prefix("--request=").or_else(|| word.strip_prefix("-X")).map(str::to_owned),
        };
        if let Some(asked) = asked {
            return asked.parse().with_context(|| format!("`{asked}` is no method"));
        }
        let starts = |names: &[&str]| names.iter().any(|name| word.starts_with(name));
        method = match word {
            "-G" | "--get" => return Ok(Method::GET),
            "-I" | "--head" => Method::HEAD,
            _ if starts(&["-T", "--upload-file"]) => Method::PUT,
            _ if starts(&["-d", "-F", "--data", "--form", "--json"]) => Method::POST,
            _ => method,
        };
    }
    Ok(method)
}

/// A value in a configuration file for curl.
fn quoted(value: &str) -> String {
    let mut out = String::from('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_quotes() {
        for (value, expected) in [
            ("Authorization: Bearer t", r#""Authorization: Bearer t""#),
            (r#"a"b\c"#, r#""a\"b\\c""#),
            ("a\r\nb\tc", r#""a\r\nb\tc""#),
        ] {
            assert_eq!(quoted(value), expected);
        }
    }

    #[test]
    fn the_method_is_the_one_that_curl_uses() {
        for (options, expected) in [
            (&[][..], "GET"),
            (&["-sS", "-H", "A: b"], "GET"),
            (&["-d", "x"], "POST"),
            (&["--json", "{}"], "POST"),
            (&["--data-binary", "@f", "-X", "PATCH"], "PATCH"),
            (&["-XDELETE"], "DELETE"),
            (&["--request=PUT"], "PUT"),
            (&["-G", "-d", "x"], "GET"),
            (&["-I"], "HEAD"),
            (&["-T", "file"], "PUT"),
        ] {
            let options: Vec<OsString> = options.iter().map(OsString::from).collect();
            assert_eq!(method(&options).unwrap().as_str(), expected, "{options:?}");
        }
    }
}
