//! What a person is shown: for each realm the lines to try, with this run's credentials in them.

use std::path::Path;

use super::credentials::Credentials;

/// The text for a terminal. Every command in it can be pasted as it stands.
pub(super) fn lines(credentials: &Credentials, url: &str, admin_url: &str, ca: Option<&Path>) -> String {
    let Credentials { events, orders, runs, wallets } = credentials;
    let ca = ca.map(|path| format!(" --cacert '{}'", path.display())).unwrap_or_default();
    let curl = format!("curl -sS{ca}");
    let username = events.username.replace('@', "%40");
    let form = "Content-Type: application/x-www-form-urlencoded";
    let json = "Content-Type: application/json";
    let user_path = "user-management-services-ws/oauth2/002";
    format!(
        r#"Jeton's demo is ready at {url} (health and metrics: {admin_url}). Ctrl-C ends it.

1. InEvent: sign in, call the API, sign in to event {event_id} alone
   TOKEN=$({curl} -X POST '{url}/?action=person.signIn&username={username}' \
     -H 'Accept: application/json' -H '{form}' -d 'password={password}' | sed 's/.*"tokenID":"\([^"]*\)".*/\1/')
   {curl} "{url}/?action=person.get&tokenID=$TOKEN"
   {curl} -X POST '{url}/?action=person.signIn&username={username}&eventID={event_id}' -d 'password={event_password}'

2. Pitchpoint: sign in, call the API, refresh
   ANSWER=$({curl} -X POST {url}/{user_path}/signInWithPassword \
     -H '{json}' -d '{{"username":"{orders_username}","password":"{orders_password}"}}')
   TOKEN=$(echo "$ANSWER" | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
   REFRESH=$(echo "$ANSWER" | sed 's/.*"refresh_token":"\([^"]*\)".*/\1/')
   {curl} -X POST {url}/riskinsight-services-ws/resources/v1/orders/query \
     -H "Authorization: Bearer $TOKEN" -H '{json}' -d '{{"limit":2}}'
   {curl} -X POST {url}/{user_path}/refreshIdToken -H '{json}' -d "{{\"refresh_token\":\"$REFRESH\"}}"

3. ION: an API key's token from its Keycloak realm, then GraphQL
   TOKEN=$({curl} -X POST --data-urlencode 'grant_type=client_credentials' \
     -d 'client_id={client_id}' -d 'client_secret={client_secret}' \
     {url}/realms/api-keys/protocol/openid-connect/token | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
   {curl} -X POST {url}/graphql -H "Authorization: $TOKEN" -H '{json}' \
     -d '{{"query":"{{ runs(first: 2) {{ edges {{ node {{ id title steps {{ id title }} }} }} }} }}"}}'

4. Zro: sign in, call the API, renew the token (once a minute)
   TOKEN=$({curl} -X POST {url}/auth/singin -H '{json}' \
     -d '{{"api_id":"{api_id}","api_key":"{api_key}"}}' | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
   {curl} {url}/operations/wallets -H "Authorization: Bearer $TOKEN" -H "nonce: $(cat /proc/sys/kernel/random/uuid)"
   {curl} -X POST {url}/auth/refresh-token -H "x-access-token: $TOKEN""#,
        event_id = events.event_id,
        password = events.password,
        event_password = events.event_password,
        orders_username = orders.username,
        orders_password = orders.password,
        client_id = runs.id,
        client_secret = runs.secret,
        api_id = wallets.id,
        api_key = wallets.secret,
    )
}
