"""Zro: a JWT for an API key; the old token is what the next one is got with."""

import uuid

import requests

from check import same, shape

REALM = "zro"

DENIED = {
    "success": False,
    "data": None,
    "error": "AUTH",
    "message": "Access is denied.",
    "code": "UNAUTHORIZED",
}


def run(url, key):
    def sign_in(body):
        return requests.post(f"{url}/auth/singin", json=body, timeout=30)

    def wallets(token, **query):
        headers = {"Authorization": f"Bearer {token}", "nonce": str(uuid.uuid4())}
        return requests.get(f"{url}/operations/wallets", headers=headers, params=query, timeout=30)

    answer = sign_in(key)
    same("zro sign-in: status", answer.status_code, 200)
    same("zro sign-in: members", shape(answer.json()), "access_token:string")
    token = answer.json()["access_token"]

    answer = wallets(token, page=1)
    same("zro wallets: status", answer.status_code, 200)
    same("zro wallets: envelope", shape(answer.json()), "success:boolean data:object error:null")
    page = answer.json()["data"]
    same("zro wallets: page", shape(page), "page:number page_size:number page_total:number total:number data:array")

    headers = {"x-access-token": token, "nonce": str(uuid.uuid4())}
    answer = requests.post(f"{url}/auth/refresh-token", headers=headers, timeout=30)
    same("zro refresh: status", answer.status_code, 200)
    same("zro refresh: members", shape(answer.json()), "access_token:string")
    same("zro refresh: the new token works", wallets(answer.json()["access_token"]).status_code, 200)
    answer = wallets(token)
    same("zro refresh: the old token has ended: status", answer.status_code, 401)
    same("zro refresh: the old token has ended: body", answer.json(), DENIED)

    answer = sign_in({**key, "api_key": "not-" + key["api_key"]})
    same("zro wrong key: status", answer.status_code, 401)
    same("zro wrong key: body", answer.json(), {"code": 401, "message": "User authentication failed"})
    answer = sign_in({"api_id": key["api_id"]})
    same("zro no key: status", answer.status_code, 400)
    same(
        "zro no key: body",
        answer.json(),
        {"code": 400, "message": "If any required params are missing or has invalid format or type."},
    )
