"""InEvent: a tokenID for a password; refusals are a reason phrase."""

import requests

from check import same, shape

REALM = "inevent"

PERSON = (
    "personID:string firstName:string lastName:string name:string username:string email:string "
    "image:string timezone:string telephone:string facebookID:string linkedInID:string "
    "twitterID:string date:string tokenID:string scope:string targetID:string"
)


def run(url, key):
    def sign_in(password, **query):
        query = {"action": "person.signIn", "username": key["username"], **query}
        return requests.post(f"{url}/", params=query, data={"password": password}, timeout=30)

    def person(token, **query):
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(f"{url}/person/get", params=query, headers=headers, timeout=30)

    def refused(name, answer, status, reason):
        same(f"inevent {name}: status", answer.status_code, status)
        same(f"inevent {name}: reason", answer.reason, reason)
        same(f"inevent {name}: header", answer.headers.get("X-InEvent-Error"), reason)
        same(f"inevent {name}: body", answer.text, "")

    answer = sign_in(key["password"])
    same("inevent sign-in: status", answer.status_code, 200)
    same("inevent sign-in: envelope", shape(answer.json()), "count:number data:array")
    signed_in = answer.json()["data"][0]
    same("inevent sign-in: members", shape(signed_in), PERSON)
    same("inevent sign-in: who", signed_in["username"], key["username"])

    answer = person(signed_in["tokenID"])
    same("inevent person.get: status", answer.status_code, 200)
    seen = answer.json()["data"][0]
    same("inevent person.get: who", [seen["personID"], seen["username"]], [signed_in["personID"], key["username"]])
    same("inevent person.get: scope", [seen["scope"], seen["targetID"]], ["system", "0"])

    event = key["event_id"]
    signed_in = sign_in(key["event_password"], eventID=event).json()["data"][0]
    same("inevent event: scope", [signed_in["scope"], signed_in["targetID"]], ["event", event])
    seen = person(signed_in["tokenID"], eventID=event).json()["data"][0]
    same("inevent event: an Admin there acts as User", seen["level"], "User")

    wrong = sign_in("not-" + key["password"])
    refused("wrong password", wrong, 401, "invalid username or password")
    refused("no password", sign_in(""), 400, "password cannot be empty")
    refused("unknown token", person("unknown"), 401, "tokenID is invalid")
