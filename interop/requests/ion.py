"""ION: OAuth client credentials, then GraphQL with the token bare, as Token or as Bearer."""

import requests

from check import same, shape

REALM = "ion"

TOKEN = (
    "access_token:string expires_in:number refresh_expires_in:number token_type:string "
    "not-before-policy:number scope:string"
)


def run(url, key):
    oauth = f"{url}/realms/api-keys/protocol/openid-connect"
    basic = (key["client_id"], key["client_secret"])

    def graphql(query, authorization):
        headers = {"Authorization": authorization} if authorization else {}
        return requests.post(f"{url}/graphql", json={"query": query}, headers=headers, timeout=30)

    form = {"grant_type": "client_credentials", "audience": url, **key}
    answer = requests.post(f"{oauth}/token", data=form, timeout=30)
    same("ion token: status", answer.status_code, 200)
    first = answer.json()
    same("ion token: members", shape(first), TOKEN)
    same("ion token: lifetimes", [first["expires_in"], first["refresh_expires_in"]], [300, 0])
    token = first["access_token"]

    answer = graphql("{ runs(first: 10) { edges { node { id title steps { id title } } } } }", token)
    same("ion runs: status", answer.status_code, 200)
    edges = answer.json()["data"]["runs"]["edges"]
    same("ion runs: page", len(edges), 10)
    same("ion runs: a run", shape(edges[0]["node"]), "id:number title:string steps:array")
    same("ion runs: a step", shape(edges[0]["node"]["steps"][0]), "id:number title:string")
    for scheme in ("Bearer", "Token", "bearer"):
        answer = graphql("{ me { id name organization { domain } } }", f"{scheme} {token}")
        same(f"ion me as {scheme}: status", answer.status_code, 200)
        same(f"ion me as {scheme}: members", shape(answer.json()["data"]["me"]), "id:number name:string organization:object")

    # There is no refresh token with this grant: one asks again.
    answer = requests.post(f"{oauth}/token", data={"grant_type": "client_credentials"}, auth=basic, timeout=30)
    same("ion asking again: status", answer.status_code, 200)
    same("ion asking again: another token", answer.json()["access_token"] != token, True)

    wrong = {**form, "client_secret": "not-" + key["client_secret"]}
    answer = requests.post(f"{oauth}/token", data=wrong, timeout=30)
    same("ion wrong secret: status", answer.status_code, 401)
    same(
        "ion wrong secret: body",
        answer.json(),
        {"error": "invalid_client", "error_description": "Invalid client or Invalid client credentials"},
    )
    answer = requests.post(f"{oauth}/token", data=key, timeout=30)
    same("ion no grant type: status", answer.status_code, 400)
    same(
        "ion no grant type: body",
        answer.json(),
        {"error": "invalid_request", "error_description": "Missing form parameter: grant_type"},
    )
    answer = graphql("{ me { id } }", None)
    same("ion no token: status", answer.status_code, 401)
    same("ion no token: body", answer.json(), {"errors": [{"message": "Please provide proper credentials"}]})
