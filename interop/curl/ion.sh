# shellcheck shell=bash
# ION: OAuth client credentials, then GraphQL with the token bare, as Token or as Bearer.

oauth=$URL/realms/api-keys/protocol/openid-connect
client_id=$(demo .realms.ion.client_id)
client_secret=$(demo .realms.ion.client_secret)

# ask TOKEN-ADDRESS [CURL-ARGUMENT…]
ask() {
    call --data-urlencode 'grant_type=client_credentials' "$@"
}

# graphql QUERY [AUTHORIZATION]
graphql() {
    call --header 'Content-Type: application/json' --header "Authorization: ${2:-}" \
        --data "$(jq -nc --arg query "$1" '{$query}')" "$URL/graphql"
}

key=(--data-urlencode "client_id=$client_id" --data-urlencode "client_secret=$client_secret")
ask "$oauth/token" "${key[@]}"
same 'ion token: status' "$STATUS" 200
same 'ion token: members' "$(shape .)" \
    'access_token:string expires_in:number refresh_expires_in:number token_type:string not-before-policy:number scope:string'
same 'ion token: values' "$(member '[.expires_in, .refresh_expires_in, .token_type, ."not-before-policy"]')" '[300,0,"Bearer",0]'
same 'ion token: not to be kept' "$(header cache-control), $(header pragma)" 'no-store, no-cache'
token=$(text .access_token)

graphql '{ runs(first: 10) { edges { node { id title steps { id title } } } pageInfo { hasNextPage count } } }' "$token"
same 'ion runs: status' "$STATUS" 200
same 'ion runs: page' "$(member '.data.runs.pageInfo')" '{"hasNextPage":true,"count":10}'
same 'ion runs: a run' "$(shape '.data.runs.edges[0].node')" 'id:number title:string steps:array'
for scheme in Bearer Token; do
    graphql '{ me { id name organization { domain } } }' "$scheme $token"
    same "ion me as $scheme: status" "$STATUS" 200
    same "ion me as $scheme: members" "$(shape .data.me)" 'id:number name:string organization:object'
done

call --user "$client_id:$client_secret" --data-urlencode "token=$token" "$oauth/token/introspect"
same 'ion introspection' "$(member '[.active, .client_id, .typ]')" "[true,\"$client_id\",\"Bearer\"]"

# There is no refresh token with this grant: one asks again, here at the older path and by Basic.
ask "$URL/auth/realms/api-keys/protocol/openid-connect/token" --user "$client_id:$client_secret"
same 'ion asking again: status' "$STATUS" 200
differ 'ion asking again: another token' "$(text .access_token)" "$token"

call --user "$client_id:$client_secret" --data-urlencode "token=$token" "$oauth/revoke"
same 'ion revocation: status' "$STATUS" 200
same 'ion revocation: body' "$BODY" ''
graphql '{ me { id } }' "Bearer $token"
same 'ion revoked token: status' "$STATUS" 401
same 'ion revoked token: members' "$(shape .) $(shape '.errors[0]')" 'errors:array message:string'

ask "$oauth/token" --data-urlencode "client_id=$client_id" --data-urlencode "client_secret=not-$client_secret"
same 'ion wrong secret: status' "$STATUS" 401
same 'ion wrong secret: body' "$BODY" \
    '{"error":"invalid_client","error_description":"Invalid client or Invalid client credentials"}'

call "${key[@]}" "$oauth/token"
same 'ion no grant type: status' "$STATUS" 400
same 'ion no grant type: body' "$BODY" \
    '{"error":"invalid_request","error_description":"Missing form parameter: grant_type"}'

graphql '{ me { id } }'
same 'ion no token: status' "$STATUS" 401
same 'ion no token: body' "$BODY" '{"errors":[{"message":"Please provide proper credentials"}]}'
