//! A sign-in that a person takes part in, and what it shows that person.

use std::time::Duration;

use jeton_core::time::Timestamp;

use super::loopback::Loopback;
use super::{TokenSource, with_wait};
use crate::clock::uuid;
use crate::error::Error;
use crate::flow::{Act, Flow, Grant, Issued, OAuthFlow, Poll, Proof, Request, Response};
use crate::token::Token;
use crate::transport::TransportError;
use crate::vault::{Secrets, State};

/// What a person has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// Open this page in a browser on this machine.
    Browse {
        /// The page. It is long, and good for this once.
        url: String,
    },
    /// Open this page on any device, and type the code there.
    Type {
        /// The page.
        url: String,
        /// The code.
        code: String,
        /// The page with the code in it, for a link or a QR code.
        url_with_code: Option<String>,
        /// How long the code is good.
        lifetime: Duration,
    },
}

/// A person who has not come back from the browser by then does not come back.
const PATIENCE: Duration = Duration::from_secs(300);
/// Where the browser comes back to, at a free port, unless the profile's value `redirect_uri` says otherwise.
const REDIRECT_URI: &str = "http://127.0.0.1:0/callback";

impl TokenSource {
    /// Signs in anew. Where the profile's grant needs a person, `show` is called once with what to do, and this waits
    /// until it is done; other grants need nobody, and get a new token at once.
    ///
    /// Other processes go on with the old token meanwhile.
    ///
    /// # Errors
    /// The person or the API said no, nobody came, or the API could not be asked.
    pub async fn sign_in(&self, show: impl FnOnce(&Prompt)) -> Result<Token, Error> {
        if !self.grant().needs_person() {
            return self.refresh().await;
        }
        let secrets = self.vault.load(&self.name, &self.profile)?.secrets;
        let Flow::OAuth(flow) = self.flow().await? else { return Err(Error::SignInNeeded(self.name.clone())) };
        let (issued, asked_at, ahead) = match self.grant() {
            Grant::DeviceCode => self.by_device(&flow, &secrets, show).await?,
            _ => self.by_browser(&flow, &secrets, show).await?,
        };
        let token = Token::new(issued, asked_at, ahead, self.clock.chance());
        let lock = self.lock().await?;
        let secrets = self.vault.load(&self.name, &self.profile)?.secrets;
        let state = State { secrets, token: Some(token.clone()), ..State::default() };
        self.vault.store(&lock, &self.profile, &state)?;
        Ok(token)
    }

    /// Authorization code with PKCE over a loopback redirect.
    async fn by_browser(
        &self,
        flow: &OAuthFlow,
        secrets: &Secrets,
        show: impl FnOnce(&Prompt),
    ) -> Result<(Issued, Timestamp, i64), Error> {
        let wanted = self.profile.values.get("redirect_uri").map_or(REDIRECT_URI, String::as_str);
        let loopback = Loopback::bind(wanted).await?;
        let authorization = flow.authorize(loopback.redirect_uri(), &uuid)?;
        show(&Prompt::Browse { url: authorization.url.clone() });
        let came = loopback.wait(|query| flow.read_redirect(&authorization, query));
        let code = tokio::time::timeout(PATIENCE, came).await.map_err(|_| Error::NobodyCame(PATIENCE))??;
        let request = flow.redeem(&authorization, &code, self.proof(secrets))?;
        let (response, asked_at, ahead) = self.ask(request).await?;
        let issued = flow.read(Act::SignIn, &response);
        Ok((issued.map_err(|error| with_wait(error, &response, self.clock.now()))?, asked_at, ahead))
    }

    /// Device code: asks until the person has answered.
    async fn by_device(
        &self,
        flow: &OAuthFlow,
        secrets: &Secrets,
        show: impl FnOnce(&Prompt),
    ) -> Result<(Issued, Timestamp, i64), Error> {
        let (response, begun_at, _) = self.ask(flow.begin_device(self.proof(secrets))?).await?;
        let device = flow.read_device(&response).map_err(|error| with_wait(error, &response, self.clock.now()))?;
        show(&Prompt::Type {
            url: device.url.clone(),
            code: device.user_code.clone(),
            url_with_code: device.url_with_code.clone(),
            lifetime: device.lifetime,
        });
        let mut interval = device.interval;
        while self.clock.now() < begun_at + device.lifetime {
            tokio::time::sleep(interval).await;
            let (response, asked_at, ahead) = match self.ask(flow.poll(&device, self.proof(secrets))?).await {
                Ok(answered) => answered,
                // RFC 8628 §3.5: a lost answer is a reason to ask less often, not to give up.
                Err(Error::Transport(TransportError::Connection { .. } | TransportError::Late { .. })) => {
                    interval *= 2;
                    continue;
                }
                Err(error) => return Err(error),
            };
            match flow.read_poll(&response)? {
                Poll::Issued(issued) => return Ok((issued, asked_at, ahead)),
                Poll::Pending => {}
                Poll::SlowDown => interval += Duration::from_secs(5),
            }
        }
        Err(Error::NobodyCame(device.lifetime))
    }

    fn proof<'a>(&self, secrets: &'a Secrets) -> Proof<'a> {
        Proof { secrets, fresh: &uuid, now: self.clock.now() }
    }

    /// The answer, when the request was sent, and how many seconds the server's clock is ahead.
    async fn ask(&self, request: Request) -> Result<(Response, Timestamp, i64), Error> {
        let asked_at = self.clock.now();
        let response = self.transport.send(request).await?;
        let ahead = response.date().map_or(0, |date| date.as_secs() - self.clock.now().as_secs());
        Ok((response, asked_at, ahead))
    }
}
