//! Calls with the token in them, whatever HTTP client sends them.

mod layer;
#[cfg(feature = "reqwest")]
mod reqwest;

use std::time::Duration;

use http::header::COOKIE;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use jeton_core::secret::Secret;

pub use layer::{AddToken, AddTokenLayer};
#[cfg(feature = "reqwest")]
pub use reqwest::SendError;

use crate::error::Error;
use crate::flow;
use crate::source::TokenSource;
use crate::token::Token;
use crate::transport::TransportError;

/// A token that was got so shortly before a call is not refused for its age: another would be refused as well.
const YOUNG: Duration = Duration::from_secs(10);

impl TokenSource {
    /// Puts the token where the API takes it: into the headers of a call, or its address.
    ///
    /// # Errors
    /// The address is not below [`TokenSource::url`], where alone the token goes; or a value beside the token is missing.
    pub fn add_to(&self, token: &Token, method: &Method, uri: &mut Uri, headers: &mut HeaderMap) -> Result<(), Error> {
        let placed = self.show(token, method, &self.path_below(token, uri)?)?;
        let wrong = |error: http::Error| Error::Transport(TransportError::Request(error));
        for (name, value) in &placed.headers {
            let name: HeaderName =
                name.parse().map_err(|error: http::header::InvalidHeaderName| wrong(error.into()))?;
            // What the call has of its own in `Cookie` stays.
            let earlier = headers.get(COOKIE).filter(|_| name == COOKIE).and_then(|cookies| cookies.to_str().ok());
            let value = earlier.map_or_else(|| value.clone(), |earlier| format!("{earlier}; {value}"));
            let mut value = HeaderValue::try_from(value).map_err(|error| wrong(error.into()))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        if !placed.query.is_empty() {
            let own = uri.query().map(str::to_owned).into_iter();
            let added = placed.query.iter().map(|(name, value)| format!("{name}={value}"));
            let query: Vec<String> = own.chain(added).collect();
            let mut parts = std::mem::take(uri).into_parts();
            let path = parts.path_and_query.as_ref().map_or("/", PathAndQuery::path);
            let target = PathAndQuery::try_from(format!("{path}?{}", query.join("&")));
            parts.path_and_query = Some(target.map_err(|error| wrong(error.into()))?);
            *uri = Uri::from_parts(parts).map_err(|error| wrong(error.into()))?;
        }
        Ok(())
    }

    /// A token in place of one that the API refused; nothing if the refused one is so young that its age cannot be why.
    ///
    /// # Errors
    /// None is to be had.
    pub async fn replace(&self, refused: &Token) -> Result<Option<Token>, Error> {
        match self.clock().now().since(refused.obtained_at) < YOUNG {
            true => Ok(None),
            false => self.refresh_instead_of(refused).await.map(Some),
        }
    }

    /// Keeps the next token, where the answer to a call brings one.
    async fn keep_from(&self, shown: &Token, status: StatusCode, headers: &HeaderMap) -> Result<(), Error> {
        let (headers, body) = (headers.clone(), Secret::default());
        let response = flow::Response { status: status.as_u16(), reason_phrase: None, headers, body };
        self.keep_returned(shown, &response).await.map(drop)
    }

    /// The path of an address below that of the token's API. Another place does not get it, whoever asks for it.
    fn path_below(&self, token: &Token, uri: &Uri) -> Result<String, Error> {
        let base = self.url(token);
        // Without its query, which may hold what nobody else shall read.
        let shown = || uri.to_string().split('?').next().unwrap_or_default().to_owned();
        let elsewhere = || Error::Elsewhere { url: shown(), base: base.to_owned() };
        let api: Uri = base.parse().map_err(|_| elsewhere())?;
        let below = uri.path().strip_prefix(api.path().trim_end_matches('/'));
        match below {
            Some(path) if origin(uri) == origin(&api) && (path.is_empty() || path.starts_with('/')) => {
                Ok(if path.is_empty() { "/".to_owned() } else { path.to_owned() })
            }
            _ => Err(elsewhere()),
        }
    }
}

/// Scheme, host and port.
fn origin(uri: &Uri) -> Option<(&str, String, u16)> {
    let scheme = uri.scheme_str()?;
    let usual = if scheme == "https" { 443 } else { 80 };
    // Whoever stands before an `@` is not the host, and a host's letters have no case.
    let named = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    named.then_some((scheme, uri.host()?.to_ascii_lowercase(), uri.port_u16().unwrap_or(usual)))
}
