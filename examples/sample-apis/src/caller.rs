//! Who calls, as the gate says.

use http::HeaderMap;
use percent_encoding::percent_decode_str;

/// The identity headers of one request. A header that is absent, empty or not plain text is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Caller {
    /// `X-Jeton-Subject`: the principal's id.
    pub(crate) subject: Option<String>,
    /// `X-Jeton-Number`: the same one's number, for APIs whose ids are numbers.
    pub(crate) number: Option<String>,
    /// `X-Jeton-Username`: a person's login; services have none.
    pub(crate) username: Option<String>,
    /// `X-Jeton-Client-Id`: the program that asked for the token.
    pub(crate) client_id: Option<String>,
    /// `X-Jeton-Scope`: scopes, separated by spaces.
    pub(crate) scope: Option<String>,
    /// `X-Jeton-Target`: number of the one target that the token reaches.
    pub(crate) target: Option<String>,
    /// `X-Jeton-Level`: the permission level in force for this token.
    pub(crate) level: Option<String>,
}

impl Caller {
    /// Reads what the gate wrote: percent-encoded where it is not printable ASCII.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| {
            let text = headers.get(name)?.to_str().ok()?;
            let text = percent_decode_str(text).decode_utf8().ok()?;
            (!text.is_empty()).then(|| text.into_owned())
        };
        Self {
            subject: text("x-jeton-subject"),
            number: text("x-jeton-number"),
            username: text("x-jeton-username"),
            client_id: text("x-jeton-client-id"),
            scope: text("x-jeton-scope"),
            target: text("x-jeton-target"),
            level: text("x-jeton-level"),
        }
    }
}
