"""PyPI PyJWT: verifies a token with the keys that its client fetches. It gets none: that is done without a tool."""

import jwt
import requests

import peer
from peer import CLIENTS, METADATA, PEER, SCOPE, TOKEN_URL, same


def jwt_by_jwks():
    """Issuer, audience, time, signature, `typ`."""
    client = CLIENTS["basic"]
    asked = {"grant_type": "client_credentials", "scope": SCOPE, "resource": PEER["resource"]}
    good = requests.post(TOKEN_URL, asked, auth=(client["client_id"], client["client_secret"]), timeout=10).json()[
        "access_token"
    ]
    keys = jwt.PyJWKClient(METADATA["jwks_uri"])
    expected = {
        "audience": PEER["resource"],
        "issuer": PEER["issuer"],
        "options": {"require": ["exp", "iat", "jti", "sub"]},
    }

    def verified(token, **wrong):
        return jwt.decode(token, keys.get_signing_key_from_jwt(token), **{**expected, **wrong})

    same(verified(good)["client_id"], client["client_id"])
    same(jwt.get_unverified_header(good)["typ"], "at+jwt")
    refusals = [
        (good, {"audience": PEER["forbiddenResource"]}, jwt.InvalidAudienceError),
        (good, {"issuer": PEER["issuer"] + "/"}, jwt.InvalidIssuerError),
        (good, {"leeway": -100_000, "options": {"verify_iat": False}}, jwt.ExpiredSignatureError),
        (good[:-8] + "AAAAAAAA", {}, jwt.InvalidSignatureError),
    ]
    for token, wrong, error in refusals:
        try:
            verified(token, **wrong)
        except error:
            continue
        raise AssertionError(f"accepted in spite of {wrong}")


peer.run({"JWT by JWKS": jwt_by_jwks}, "it verifies tokens and gets none")
