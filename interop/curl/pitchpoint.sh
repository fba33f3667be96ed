# shellcheck shell=bash
# Pitchpoint: a JWT and a refresh token for a password; the refresh token is kept.

oauth=$URL/user-management-services-ws/oauth2/002
orders=$URL/riskinsight-services-ws/resources/v1/orders/query
username=$(demo .realms.pitchpoint.username)
password=$(demo .realms.pitchpoint.password)
members='access_token:string refresh_token:string scope:string token_type:string expires_in:number'

# post URL JSON [CURL-ARGUMENT…]
post() {
    call --request POST --header 'Content-Type: application/json' --data "$2" "$1" "${@:3}"
}

# credentials PASSWORD: the sign-in body
credentials() {
    jq -nc --arg username "$username" --arg password "$1" '{$username, $password}'
}

post "$oauth/signInWithPassword" "$(credentials "$password")"
same 'pitchpoint sign-in: status' "$STATUS" 200
same 'pitchpoint sign-in: members' "$(shape .)" "$members"
same 'pitchpoint sign-in: type and lifetime' "$(member '[.token_type, .expires_in]')" '["Bearer",3600]'
access=$(text .access_token)
refresh=$(text .refresh_token)

# part N: the JSON of a part of the JWT
part() {
    BODY=$(cut -d . -f "$1" <<<"$access" | tr '_-' '/+' | { base64 --decode 2>/dev/null || true; })
}
part 1
same 'pitchpoint JWT: header' "$(shape .)" 'kid:string typ:string alg:string'
same 'pitchpoint JWT: algorithm' "$(text .alg)" RS256
kid=$(text .kid)
part 2
same 'pitchpoint JWT: claims' "$(shape .)" \
    'aud:string sub:string email_verified:boolean user_id:string auth_time:number iss:string exp:number iat:number email:string'
same 'pitchpoint JWT: one hour' "$(member '.exp - .iat')" 3600
same 'pitchpoint JWT: subject' "$(member '.sub == "xpps|" + .user_id')" true
call "$(text .iss)/.well-known/jwks.json"
same 'pitchpoint JWT: its key is published' "$(member "[.keys[] | select(.kid == \"$kid\") | .alg]")" '["RS256"]'

post "$orders" '{"limit":2}' --header "Authorization: Bearer $access"
same 'pitchpoint orders: status' "$STATUS" 200
same 'pitchpoint orders: members' "$(shape .)" 'count:number limit:number nextMarker:string results:array'
same 'pitchpoint orders: page' "$(member '[.count, .limit, (.results | length)]')" '[2,2,2]'
call --request POST --header "Authorization: Bearer $access" "$orders"
same 'pitchpoint orders: an empty body is the first hundred' "$(member '[.count, .limit]')" '[100,100]'

post "$oauth/refreshIdToken" "$(jq -nc --arg refresh_token "$refresh" '{$refresh_token}')"
same 'pitchpoint refresh: status' "$STATUS" 200
same 'pitchpoint refresh: members' "$(shape .)" "$members"
same 'pitchpoint refresh: the same refresh token' "$(text .refresh_token)" "$refresh"
# Within one second the access token may be the same, since its documented claims hold nothing random.
post "$orders" '{}' --header "Authorization: Bearer $(text .access_token)"
same 'pitchpoint refresh: the new token works' "$STATUS" 200

post "$oauth/signInWithPassword" "$(credentials "not-$password")"
same 'pitchpoint wrong password: status' "$STATUS" 403
same 'pitchpoint wrong password: body' "$BODY" \
    '{"error_description":"Invalid username / password combination","error":"access_denied"}'

post "$oauth/refreshIdToken" '{"refresh_token":"AMf-unknown""}'
same 'pitchpoint broken JSON: status' "$STATUS" 400
same 'pitchpoint broken JSON: members' "$(shape .)" 'error_description:string error:string'
same 'pitchpoint broken JSON: error' "$(text .error)" invalid_request

post "$oauth/refreshIdToken" '{"refresh_token":"AMf-unknown"}'
same 'pitchpoint unknown refresh token: status' "$STATUS" 403
same 'pitchpoint unknown refresh token: body' "$BODY" \
    '{"error_description":"Invalid refresh token","error":"access_denied"}'

post "$orders" '{}'
same 'pitchpoint no token: status' "$STATUS" 401
same 'pitchpoint no token: challenge' "$(header www-authenticate)" 'Bearer error="invalid_token"'
same 'pitchpoint no token: members' "$(shape .)" 'error_description:string error:string'
same 'pitchpoint no token: error' "$(text .error)" invalid_token
