# shellcheck shell=bash
# Zro: a JWT for an API key; the old token, even run out, is what the next one is got with.

api_id=$(demo .realms.zro.api_id)
api_key=$(demo .realms.zro.api_key)
nonce() {
    cat /proc/sys/kernel/random/uuid
}

# sign_in KEY [PATH]
sign_in() {
    call --header 'Content-Type: application/json' "$URL${2:-/auth/singin}" \
        --data "$(jq -nc --arg api_id "$api_id" --arg api_key "$1" '{$api_id, $api_key}')"
}

# wallets TOKEN [QUERY]
wallets() {
    call --header "Authorization: Bearer $1" --header "nonce: $(nonce)" "$URL/operations/wallets${2:-}"
}

sign_in "$api_key"
same 'zro sign-in: status' "$STATUS" 200
same 'zro sign-in: members' "$(shape .)" 'access_token:string'
token=$(text .access_token)
sign_in "$api_key" /auth/signin
same 'zro sign-in, spelled right: status' "$STATUS" 200

wallets "$token"
same 'zro wallets: status' "$STATUS" 200
same 'zro wallets: envelope' "$(shape .)" 'success:boolean data:object error:null'
same 'zro wallets: page' "$(shape .data)" 'page:number page_size:number page_total:number total:number data:array'
wallets "$token" '?size=101'
same 'zro wallets: bad size: status' "$STATUS" 422
same 'zro wallets: bad size: body' "$BODY" \
    '{"success":false,"data":null,"error":"USER","message":"The size value must be a whole number from 1 to 100.","code":"VALIDATION"}'
call "$URL/health"
same 'zro health needs no token' "$STATUS $(member .status)" '200 "ok"'

call --request POST --header "x-access-token: $token" --header "nonce: $(nonce)" "$URL/auth/refresh-token"
same 'zro refresh: status' "$STATUS" 200
same 'zro refresh: members' "$(shape .)" 'access_token:string'
next=$(text .access_token)
differ 'zro refresh: another token' "$next" "$token"
wallets "$next"
same 'zro refresh: the new token works' "$STATUS" 200
wallets "$token"
same 'zro refresh: the old token has ended: status' "$STATUS" 401
same 'zro refresh: the old token has ended: body' "$BODY" \
    '{"success":false,"data":null,"error":"AUTH","message":"Access is denied.","code":"UNAUTHORIZED"}'

sign_in "not-$api_key"
same 'zro wrong key: status' "$STATUS" 401
same 'zro wrong key: body' "$BODY" '{"code":401,"message":"User authentication failed"}'

call --header 'Content-Type: application/json' "$URL/auth/singin" --data "{\"api_id\":\"$api_id\"}"
same 'zro no key: status' "$STATUS" 400
same 'zro no key: body' "$BODY" \
    '{"code":400,"message":"If any required params are missing or has invalid format or type."}'

call --header "Authorization: Bearer $next" "$URL/operations/wallets"
same 'zro no nonce: status' "$STATUS" 422
same 'zro no nonce: body' "$BODY" \
    '{"success":false,"data":null,"error":"USER","message":"The field nonce was not informed.","code":"VALIDATION"}'

call --header "nonce: $(nonce)" "$URL/operations/wallets"
same 'zro no token: status' "$STATUS" 401
same 'zro no token: body' "$BODY" \
    '{"success":false,"data":null,"error":"AUTH","message":"Access is denied.","code":"UNAUTHORIZED"}'
