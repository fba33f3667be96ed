//! What a call to the API needs: its address and how it shows the token. `jeton header` prints that.

use anyhow::{Context, bail};
use http::{HeaderName, HeaderValue, Method, Uri};
use jeton_client::{Token, TokenSource};

use super::{Folder, block_on, valid};
use crate::local::print::{print, say};

/// Print what a call adds to show a valid token, such as `Authorization: Bearer …`
///
/// A header a line; where the API takes its token in the query, a line such as `?key=…` instead. What stands beside
/// the token and is good for one call alone, such as a nonce, is new each time.
#[derive(clap::Args)]
pub(crate) struct HeaderArgs {
    #[command(flatten)]
    folder: Folder,
    /// The profile
    name: String,
    /// What is called, where the API shows its token in some calls otherwise than in others
    #[arg(default_value = "/")]
    path: String,
    /// The call's method, likewise
    #[arg(long, default_value = "GET")]
    method: Method,
}

pub(super) fn header(args: &HeaderArgs) -> anyhow::Result<()> {
    let source = args.folder.source(&args.name)?;
    let call = block_on(async { Call::new(&source, &valid(&source).await?, &args.method, &args.path) })?;
    let mut lines = call.header_lines()?;
    if !call.query.is_empty() {
        say("this API takes its token in the query: put what follows `?` behind a call's address");
        lines.push(format!("?{}", call.query));
    }
    print(&lines.join("\n"))
}

/// What is added to a call.
pub(super) struct Call {
    /// The API's address, without a slash at its end.
    base: String,
    /// Headers, the one with the token first. Their values are secret.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// The query, encoded; empty if the token does not stand there.
    pub(super) query: String,
}

impl Call {
    /// A call by this source's profile with this token, with a fresh value for all that is good once. `path` is below
    /// the address that calls with it go to.
    pub(super) fn new(source: &TokenSource, token: &Token, method: &Method, path: &str) -> anyhow::Result<Self> {
        let placed = source.show(token, method, &format!("/{}", path.trim_start_matches('/')))?;
        let wrong = "the token, or what stands beside it, cannot stand in a header; see whether the dialect is right";
        let mut headers = Vec::with_capacity(placed.headers.len());
        for (name, value) in &placed.headers {
            let name: HeaderName = name.parse().context(wrong)?;
            let mut value = HeaderValue::from_str(value).context(wrong)?;
            value.set_sensitive(true);
            headers.push((name, value));
        }
        let query: Vec<String> = placed.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let base = source.url(token).trim_end_matches('/').to_owned();
        Ok(Self { base, headers, query: query.join("&") })
    }

    /// The headers as lines.
    pub(super) fn header_lines(&self) -> anyhow::Result<Vec<String>> {
        let line = |(name, value): &(HeaderName, HeaderValue)| Ok(format!("{}: {}", title(name), value.to_str()?));
        self.headers.iter().map(line).collect()
    }

    /// The whole address of `path` at the API, with the token's place in the query.
    pub(super) fn url(&self, path: &str) -> String {
        let path = path.strip_prefix('/').unwrap_or(path);
        let sign = if path.contains('?') { '&' } else { '?' };
        match self.query.is_empty() {
            true => format!("{}/{path}", self.base),
            false => format!("{}/{path}{sign}{}", self.base, self.query),
        }
    }

    /// Scheme, host and port of the API.
    pub(super) fn origin(&self) -> anyhow::Result<(&'static str, String, u16)> {
        let uri: Uri = self.base.parse()?;
        let host = uri.host().context("the profile's URL has no host")?.to_owned();
        let (scheme, usual) = if uri.scheme_str() == Some("https") { ("https", 443) } else { ("http", 80) };
        Ok((scheme, host, uri.port_u16().unwrap_or(usual)))
    }
}

/// The path below `base` that `target` means: a path, or a whole address if it is one of this API.
pub(super) fn path_below<'a>(base: &str, target: &'a str) -> anyhow::Result<&'a str> {
    let base = base.trim_end_matches('/');
    let path = match (target.split_once("://"), target.strip_prefix(base)) {
        (Some((scheme, _)), rest) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            let rest = rest.filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
            rest.with_context(|| {
                format!("`{target}` is not below {base}, and the token is for that API alone; give a path")
            })?
        }
        _ => target,
    };
    match path.split_once('#') {
        Some((_, fragment)) => bail!("`#{fragment}` is for a browser and is not sent; leave it out"),
        None => Ok(path),
    }
}

/// A header's name as people write it.
fn title(name: &HeaderName) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    name.as_str().split('-').map(word).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_stays_at_its_api() {
        for (query, path, expected) in [
            ("", "/orders", Some("https://api.example.com/v1/orders")),
            ("", "orders?a=b", Some("https://api.example.com/v1/orders?a=b")),
            ("", "", Some("https://api.example.com/v1/")),
            ("key=t", "/orders", Some("https://api.example.com/v1/orders?key=t")),
            ("key=t", "/orders?a=b", Some("https://api.example.com/v1/orders?a=b&key=t")),
            ("", "https://api.example.com/v1/orders", Some("https://api.example.com/v1/orders")),
            ("", "https://api.example.com/v1?a=b", Some("https://api.example.com/v1/?a=b")),
            ("", "/go?to=https://other.example", Some("https://api.example.com/v1/go?to=https://other.example")),
            ("", "//other.example/x", Some("https://api.example.com/v1//other.example/x")),
            ("", "@other.example", Some("https://api.example.com/v1/@other.example")),
            ("", "https://api.example.com/v10/orders", None),
            ("", "https://api.example.com.other.example/v1/", None),
            ("", "https://other.example/v1/orders", None),
            ("", "http://api.example.com/v1/orders", None),
            ("", "/orders#top", None),
        ] {
            let base = "https://api.example.com/v1";
            let call = Call { base: base.to_owned(), headers: Vec::new(), query: query.to_owned() };
            let url = path_below(base, path).map(|path| call.url(path));
            assert_eq!(url.ok().as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn ports_are_known() {
        for (base, scheme, host, port) in [
            ("https://api.example.com/v1", "https", "api.example.com", 443),
            ("http://127.0.0.1", "http", "127.0.0.1", 80),
            ("http://[::1]:8080/x", "http", "[::1]", 8080),
        ] {
            let call = Call { base: base.to_owned(), headers: Vec::new(), query: String::new() };
            assert_eq!(call.origin().unwrap(), (scheme, host.to_owned(), port));
        }
    }

    #[test]
    fn header_names_are_titles() {
        for (name, expected) in [("authorization", "Authorization"), ("x-access-token", "X-Access-Token")] {
            assert_eq!(title(&HeaderName::from_static(name)), expected);
        }
    }
}
