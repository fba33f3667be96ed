//! A request as it stands in a file: its head, an empty line, its body.

use std::path::Path;

use anyhow::{Context, bail};

/// What is sent, before it is known where to and by which connection.
pub(crate) struct Request {
    head: String,
    body: String,
}

impl Request {
    /// Reads a file. `{n}` in it stands for the connection's number, so that connections can speak for different
    /// people; `Host` and `Content-Length` are added when it is sent.
    ///
    /// # Errors
    /// The file cannot be read, or its first line is no request line.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is no request", path.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        if head.lines().next().is_none_or(|line| line.split(' ').count() != 2) {
            bail!("the first line must be a method and a path");
        }
        Ok(Self { head: head.trim_end().to_owned(), body: body.trim_end().to_owned() })
    }

    /// The bytes that connection `number` sends to `host`.
    pub(crate) fn bytes(&self, host: &str, number: usize) -> Vec<u8> {
        let number = number.to_string();
        let body = self.body.replace("{n}", &number);
        let mut lines = self.head.lines();
        let mut out = format!("{} HTTP/1.1\r\nHost: {host}\r\n", lines.next().unwrap_or_default());
        for line in lines {
            out.push_str(&line.replace("{n}", &number));
            out.push_str("\r\n");
        }
        if !body.is_empty() {
            out.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        out.push_str("\r\n");
        out.push_str(&body);
        out.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_become_bytes() {
        for (text, bytes) in [
            ("GET /x", "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"),
            ("GET /x\nA: b-{n}\n", "GET /x HTTP/1.1\r\nHost: h\r\nA: b-7\r\n\r\n"),
            ("POST /x\n\nn={n}\n", "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nn=7"),
        ] {
            let sent = Request::parse(text).unwrap().bytes("h", 7);
            assert_eq!(String::from_utf8(sent).unwrap(), bytes, "{text}");
        }
        for broken in ["", "GET", "GET /x HTTP/1.1"] {
            assert!(Request::parse(broken).is_err(), "{broken}");
        }
    }
}
