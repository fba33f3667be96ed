//! Client authentication: the id looked up, the secret's keyed hash compared.

use std::borrow::Cow;
use std::collections::HashMap;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

/// The clients, by id.
pub(crate) struct Clients {
    pepper: hmac::Key,
    by_id: HashMap<String, Client>,
}

/// A client that proved itself.
pub(crate) struct Client {
    /// Whom its tokens speak for.
    pub(crate) subject: String,
    digest: hmac::Tag,
}

impl Clients {
    /// One client with one secret.
    pub(crate) fn with(id: &str, secret: &str) -> Self {
        let pepper = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
        let subject = "0193b3a0-7c1e-7000-8000-000000000001".to_owned();
        let client = Client { subject, digest: hmac::sign(&pepper, secret.as_bytes()) };
        Self { by_id: HashMap::from([(id.to_owned(), client)]), pepper }
    }

    /// The client of this id, if the secret is its own.
    pub(crate) fn authenticated(&self, id: &str, secret: &str) -> Option<&Client> {
        let client = self.by_id.get(id)?;
        let digest = hmac::sign(&self.pepper, secret.as_bytes());
        verify_slices_are_equal(digest.as_ref(), client.digest.as_ref()).ok()?;
        Some(client)
    }
}

/// The members of a form that are read here.
#[derive(Default)]
pub(crate) struct Form<'a> {
    pub(crate) grant_type: Cow<'a, str>,
    pub(crate) client_id: Cow<'a, str>,
    pub(crate) client_secret: Cow<'a, str>,
    pub(crate) token: Cow<'a, str>,
}

impl<'a> Form<'a> {
    /// Reads a form body.
    pub(crate) fn read(body: &'a [u8]) -> Self {
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            match name.as_ref() {
                "grant_type" => form.grant_type = value,
                "client_id" => form.client_id = value,
                "client_secret" => form.client_secret = value,
                "token" => form.token = value,
                _ => {}
            }
        }
        form
    }
}
