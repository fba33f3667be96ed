//! For reqwest: sending a request with the token in it.

use reqwest::{Request, RequestBuilder, Response, StatusCode, Url};

use crate::error::Error;
use crate::source::TokenSource;
use crate::token::Token;
use crate::transport::TransportError;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// There is no token.
    #[error(transparent)]
    Token(#[from] Error),
    /// There is no answer.
    #[error(transparent)]
    Send(#[from] reqwest::Error),
}

impl TokenSource {
    /// Sends a request of reqwest with the token in it. After an answer of 401 it gets another token and sends the
    /// request once more, if its body can be sent twice.
    ///
    /// On a redirect to another host reqwest takes `Authorization` and cookies off, and leaves everything else: to an API
    /// that takes its token in another header or in the query, use a client that follows none
    /// (`reqwest::redirect::Policy::none()`).
    ///
    /// # Errors
    /// There is no token, the request goes elsewhere than to the profile's API, or reqwest has no answer.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use jeton_client::{Clock, Profiles, TokenSource};
    ///
    /// let profiles = Profiles::at("/home/ada/.config/jeton");
    /// let source = TokenSource::open(&profiles, "meadow", Clock::system())?;
    /// let client = reqwest::Client::new();
    /// let answer = source.send(client.get("https://meadow.example.com/sheep")).await?;
    /// println!("{}", answer.text().await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, SendError> {
        let (client, request) = request.build_split();
        let request = request?;
        let again = request.try_clone();
        let token = self.token().await?.token;
        let answer = client.execute(self.with_token(request, &token)?).await?;
        if answer.status() == StatusCode::UNAUTHORIZED
            && let Some(again) = again
            && let Some(token) = self.replace(&token).await?
        {
            return Ok(client.execute(self.with_token(again, &token)?).await?);
        }
        Ok(answer)
    }

    fn with_token(&self, mut request: Request, token: &Token) -> Result<Request, Error> {
        let wrong = |error: http::uri::InvalidUri| Error::Transport(TransportError::Request(error.into()));
        let mut uri: http::Uri = request.url().as_str().parse().map_err(wrong)?;
        let method = request.method().clone();
        self.add_to(token, &method, &mut uri, request.headers_mut())?;
        let elsewhere = |_| Error::Elsewhere { url: uri.path().to_owned(), base: self.profile().url.clone() };
        *request.url_mut() = Url::parse(&uri.to_string()).map_err(elsewhere)?;
        Ok(request)
    }
}
