//! For reqwest: sending a request with the token in it.

use reqwest::{Client, Request, RequestBuilder, Response, StatusCode, Url};

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
        let answer = self.execute(&client, request, &token).await?;
        if answer.status() == StatusCode::UNAUTHORIZED
            && let Some(again) = again
            && let Some(token) = self.replace(&token).await?
        {
            return self.execute(&client, again, &token).await;
        }
        Ok(answer)
    }

    async fn execute(&self, client: &Client, request: Request, token: &Token) -> Result<Response, SendError> {
        let answer = client.execute(self.with_token(request, token)?).await?;
        self.keep_from(token, answer.status(), answer.headers()).await?;
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
