//! Asking whether a token is good now.

use std::future::Future;
use std::sync::Arc;

use jeton_core::dialect::Values;
use jeton_core::domain::refusal::Refusal;
use jeton_core::secret::Secret;

use crate::caller::Caller;

/// Whoever can say what a token is good for: a realm's introspection endpoint
/// ([`Introspection`](crate::introspection::Introspection)), or the server itself over its store.
///
/// Asked once for each call and never remembered, so that a revocation holds from the next call on.
pub trait CheckToken: Send + Sync {
    /// Whom `token` speaks for. `also` holds what the dialect shows beside it, such as a nonce that counts once.
    ///
    /// # Errors
    /// The reason for which the token is of no use; [`Reason::Unavailable`] when nobody can tell.
    ///
    /// [`Reason::Unavailable`]: jeton_core::domain::refusal::Reason::Unavailable
    fn check(&self, token: &Secret<String>, also: &Values) -> impl Future<Output = Result<Caller, Refusal>> + Send;
}

impl<T: CheckToken> CheckToken for Arc<T> {
    async fn check(&self, token: &Secret<String>, also: &Values) -> Result<Caller, Refusal> {
        T::check(self, token, also).await
    }
}
