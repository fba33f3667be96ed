"""Pitchpoint: a JWT and a refresh token for a password; the refresh token is kept."""

import requests

from check import same, shape

REALM = "pitchpoint"

TOKENS = "access_token:string refresh_token:string scope:string token_type:string expires_in:number"


def run(url, key):
    oauth = f"{url}/user-management-services-ws/oauth2/002"

    def sign_in(password):
        body = {"username": key["username"], "password": password}
        return requests.post(f"{oauth}/signInWithPassword", json=body, timeout=30)

    def refresh(token):
        body = {"refresh_token": token}
        return requests.post(f"{oauth}/refreshIdToken", json=body, timeout=30)

    def orders(**request):
        path = "/riskinsight-services-ws/resources/v1/orders/query"
        return requests.post(url + path, timeout=30, **request)

    def bearer(token):
        return {"Authorization": f"Bearer {token}"}

    answer = sign_in(key["password"])
    same("pitchpoint sign-in: status", answer.status_code, 200)
    first = answer.json()
    same("pitchpoint sign-in: members", shape(first), TOKENS)
    same("pitchpoint sign-in: lifetime", first["expires_in"], 3600)

    answer = orders(headers=bearer(first["access_token"]), json={"limit": 3})
    same("pitchpoint orders: status", answer.status_code, 200)
    page = answer.json()
    same("pitchpoint orders: members", shape(page), "count:number limit:number nextMarker:string results:array")
    same("pitchpoint orders: page", [page["count"], page["limit"], len(page["results"])], [3, 3, 3])

    answer = refresh(first["refresh_token"])
    same("pitchpoint refresh: status", answer.status_code, 200)
    second = answer.json()
    same("pitchpoint refresh: members", shape(second), TOKENS)
    same("pitchpoint refresh: the same refresh token", second["refresh_token"], first["refresh_token"])
    answer = orders(headers=bearer(second["access_token"]))
    same("pitchpoint refresh: the new token works", answer.status_code, 200)

    answer = sign_in("not-" + key["password"])
    same("pitchpoint wrong password: status", answer.status_code, 403)
    same(
        "pitchpoint wrong password: body",
        answer.json(),
        {"error_description": "Invalid username / password combination", "error": "access_denied"},
    )
    answer = refresh("AMf-unknown")
    same("pitchpoint unknown refresh token: status", answer.status_code, 403)
    same(
        "pitchpoint unknown refresh token: body",
        answer.json(),
        {"error_description": "Invalid refresh token", "error": "access_denied"},
    )
    answer = orders()
    same("pitchpoint no token: status", answer.status_code, 401)
    same("pitchpoint no token: challenge", answer.headers.get("WWW-Authenticate"), 'Bearer error="invalid_token"')
    same("pitchpoint no token: members", shape(answer.json()), "error_description:string error:string")
