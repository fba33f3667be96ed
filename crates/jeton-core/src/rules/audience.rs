//! Scope and audience: what is asked for, within what is allowed (RFC 6749 §3.3, RFC 8707).

use crate::domain::client::Client;
use crate::domain::refusal::{Reason, Refusal};

/// The scope words that were asked for, if all are allowed; all that is allowed, if nothing was asked for.
///
/// # Errors
/// [`Reason::DeniedScope`] for a word that is not allowed.
pub fn scope(asked: Option<&str>, allowed: &[&str]) -> Result<String, Refusal> {
    let asked: Vec<&str> = words(asked.unwrap_or_default()).collect();
    if asked.is_empty() {
        return Ok(allowed.join(" "));
    }
    if asked.iter().any(|word| !allowed.contains(word)) {
        let text = format!("Invalid scopes: {}", asked.join(" "));
        return Err(Refusal::new(Reason::DeniedScope).detail(text));
    }
    Ok(asked.join(" "))
}

/// The resources that were asked for, each once, if all are allowed; all that is allowed, if none was asked for.
///
/// # Errors
/// [`Reason::DeniedAudience`] for one that is not allowed.
pub fn audience(resources: &[String], allowed: &[String]) -> Result<Vec<String>, Refusal> {
    if resources.is_empty() {
        return Ok(allowed.to_vec());
    }
    if let Some(denied) = resources.iter().find(|resource| !allowed.contains(resource)) {
        return Err(Refusal::new(Reason::DeniedAudience).detail(format!("Invalid resource: {denied}")));
    }
    let mut audience: Vec<String> = Vec::new();
    for resource in resources {
        if !audience.contains(resource) {
            audience.push(resource.clone());
        }
    }
    Ok(audience)
}

/// The resources that were asked for, where the realm itself may be named too: by clients whose tokens are for nobody in
/// particular, which is the same.
pub fn but_the_realm<'r>(resources: &'r [String], allowed: &[String], issuer: &str) -> &'r [String] {
    let realm_alone = allowed.is_empty() && resources.iter().all(|resource| resource == issuer);
    if realm_alone { &[] } else { resources }
}

/// Whether one of these names is the client's: its `client_id`, or where it is an API, what its API is called.
pub fn names(audience: &[String], client: &Client) -> bool {
    let settings = &client.settings;
    let is_api = settings.resource_server && settings.audiences.iter().any(|name| audience.contains(name));
    is_api || audience.contains(&client.client_id)
}

/// The words of a scope.
pub fn words(scope: &str) -> impl Iterator<Item = &str> {
    scope.split(' ').filter(|word| !word.is_empty())
}
