//! A sign-in on another device (RFC 8628).

use std::time::Duration;

use jeton_core::secret::Secret;
use serde::Deserialize;

use super::super::{Act, FlowError, Issued, Request, Response};
use super::form::Form;
use super::{OAuthFlow, Proof, error_name, refused};
use crate::address;

/// What a person types where, and what the client asks with meanwhile.
#[derive(Debug)]
pub struct Device {
    device_code: Secret<String>,
    /// What to type.
    pub user_code: String,
    /// The page to type it at.
    pub url: String,
    /// The page with the code in it.
    pub url_with_code: Option<String>,
    /// How long the code is good.
    pub lifetime: Duration,
    /// How long to wait before each question.
    pub interval: Duration,
}

/// What the answer to a question says.
#[derive(Debug)]
pub enum Poll {
    /// The person has allowed it.
    Issued(Issued),
    /// Not yet.
    Pending,
    /// Not yet, or the issuer is overloaded; from now on wait five seconds longer.
    SlowDown,
}

impl OAuthFlow {
    /// The request for a code to show.
    ///
    /// # Errors
    /// The issuer has no such sign-in, or what proves the client is missing.
    pub fn begin_device(&self, proof: Proof<'_>) -> Result<Request, FlowError> {
        let missing = || FlowError::Unsupported("device authorization endpoint");
        let endpoint = self.metadata.device_authorization_endpoint.as_deref().ok_or_else(missing)?;
        let form = Form::default()
            .with_given("scope", self.value("scope"))
            .with_each("resource", self.value("resource"))
            .with_given("audience", self.value("audience"));
        self.request(endpoint, form, proof)
    }

    /// Reads the answer to [`OAuthFlow::begin_device`].
    ///
    /// # Errors
    /// The issuer refuses, or the answer cannot be read.
    pub fn read_device(&self, response: &Response) -> Result<Device, FlowError> {
        #[derive(Deserialize)]
        struct Answer {
            device_code: String,
            user_code: String,
            verification_uri: String,
            verification_uri_complete: Option<String>,
            expires_in: u32,
            interval: Option<u32>,
        }
        if response.status != 200 {
            return Err(refused(Act::SignIn, response));
        }
        let shape = |why: String| FlowError::Shape { status: response.status, why };
        let answer: Answer = serde_json::from_slice(response.body.expose())
            .map_err(|_| shape("it is not an answer as in RFC 8628 §3.2".to_owned()))?;
        // Both are shown on a terminal and opened in a browser: no control characters, no other scheme.
        for url in answer.verification_uri_complete.iter().chain([&answer.verification_uri]) {
            address::check_endpoint(url).map_err(|error| shape(error.to_string()))?;
        }
        if answer.user_code.chars().any(char::is_control) {
            return Err(shape("its code cannot be typed".to_owned()));
        }
        Ok(Device {
            device_code: Secret::new(answer.device_code),
            user_code: answer.user_code,
            url: answer.verification_uri,
            url_with_code: answer.verification_uri_complete,
            lifetime: Duration::from_secs(answer.expires_in.into()),
            interval: Duration::from_secs(answer.interval.unwrap_or(5).max(1).into()),
        })
    }

    /// The question whether the person has allowed it.
    ///
    /// # Errors
    /// What proves the client is missing or has the wrong form.
    pub fn poll(&self, device: &Device, proof: Proof<'_>) -> Result<Request, FlowError> {
        let form = Form::for_grant("urn:ietf:params:oauth:grant-type:device_code")
            .with("device_code", device.device_code.expose())
            .with_each("resource", self.value("resource"));
        self.request(&self.metadata.token_endpoint, form, proof)
    }

    /// Reads the answer to [`OAuthFlow::poll`].
    ///
    /// # Errors
    /// The person or the issuer said no, or the code is too old.
    pub fn read_poll(&self, response: &Response) -> Result<Poll, FlowError> {
        if response.status == 200 {
            return self.read(Act::SignIn, response).map(Poll::Issued);
        }
        match error_name(response).as_deref() {
            Some("authorization_pending") => Ok(Poll::Pending),
            Some("slow_down") => Ok(Poll::SlowDown),
            _ if response.overload().is_some() => Ok(Poll::SlowDown),
            _ => Err(refused(Act::SignIn, response)),
        }
    }
}
