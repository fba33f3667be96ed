# shellcheck shell=bash
# InEvent: a tokenID for a password, shown in the query or as Bearer; refusals are a reason phrase.

username=$(demo .realms.inevent.username)
password=$(demo .realms.inevent.password)
event=$(demo .realms.inevent.event_id)
event_password=$(demo .realms.inevent.event_password)

# sign_in PASSWORD [CURL-ARGUMENT…]
sign_in() {
    local given=$1
    shift
    call --request POST "$URL/?action=person.signIn" --url-query "username=$username" \
        --header 'Accept: application/json' --data-urlencode "password=$given" "$@"
}

sign_in "$password"
same 'inevent sign-in: status' "$STATUS" 200
same 'inevent sign-in: envelope' "$(shape .)" 'count:number data:array'
same 'inevent sign-in: count' "$(member '[.count, (.data | length)]')" '[1,1]'
same 'inevent sign-in: members' "$(shape '.data[0]')" \
    'personID:string firstName:string lastName:string name:string username:string email:string image:string timezone:string telephone:string facebookID:string linkedInID:string twitterID:string date:string tokenID:string scope:string targetID:string'
same 'inevent sign-in: who' "$(text '.data[0].username')" "$username"
same 'inevent sign-in: scope' "$(member '.data[0] | [.scope, .targetID]')" '["system","0"]'
token=$(text '.data[0].tokenID')
person=$(text '.data[0].personID')

call "$URL/" --get --data-urlencode 'action=person.get' --data-urlencode "tokenID=$token"
same 'inevent person.get: status' "$STATUS" 200
same 'inevent person.get: members' "$(shape '.data[0]')" \
    'personID:string username:string level:string scope:string targetID:string'
same 'inevent person.get: who' "$(member '.data[0] | [.personID, .username]')" "[\"$person\",\"$username\"]"
same 'inevent person.get: scope' "$(member '.data[0] | [.scope, .targetID]')" '["system","0"]'

call --header "Authorization: Bearer $token" "$URL/api/describe"
same 'inevent api.describe: status' "$STATUS" 200
same 'inevent api.describe: lists person.get' "$(member '[.data[] | select(.action == "person.get")] | length')" 1

sign_in "$event_password" --url-query "eventID=$event"
same 'inevent event: status' "$STATUS" 200
same 'inevent event: scope' "$(member '.data[0] | [.scope, .targetID]')" "[\"event\",\"$event\"]"
event_token=$(text '.data[0].tokenID')
call --header "Authorization: Bearer $event_token" "$URL/person/get" --url-query "eventID=$event"
same 'inevent event: status at the API' "$STATUS" 200
same 'inevent event: an Admin there acts as User' "$(member '.data[0] | [.level, .scope, .targetID]')" "[\"User\",\"event\",\"$event\"]"

sign_in "$password" --url-query "eventID=$event"
same 'inevent event: the system password yields the system scope' \
    "$(member '.data[0] | [.scope, .targetID]')" '["system","0"]'

sign_in "not-$password"
same 'inevent wrong password: status' "$STATUS" 401
same 'inevent wrong password: reason' "$REASON" 'invalid username or password'
same 'inevent wrong password: header' "$(header x-inevent-error)" 'invalid username or password'
same 'inevent wrong password: body' "$BODY" ''

sign_in ''
same 'inevent no password: status' "$STATUS" 400
same 'inevent no password: reason' "$REASON" 'password cannot be empty'
same 'inevent no password: body' "$BODY" ''

call --request POST "$URL/person/signOut" --url-query "tokenID=$token"
same 'inevent sign-out: status' "$STATUS" 200
same 'inevent sign-out: body' "$BODY" '{"count":0,"data":[]}'
call --header "Authorization: Bearer $token" "$URL/person/get"
same 'inevent ended token: status' "$STATUS" 401
same 'inevent ended token: reason' "$REASON" 'tokenID is invalid'
same 'inevent ended token: body' "$BODY" ''
