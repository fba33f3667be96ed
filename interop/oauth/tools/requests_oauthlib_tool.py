"""PyPI requests-oauthlib, with the clients of oauthlib."""

from oauthlib.oauth2 import BackendApplicationClient, LegacyApplicationClient, ServiceApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

import peer
from peer import CLIENTS, METADATA, PEER, PERSON, SCOPE, TOKEN_URL, assert_inactive, assert_token, introspected, same


def auth(client):
    """Basic, as the session takes it."""
    return HTTPBasicAuth(client["client_id"], client["client_secret"])


def session(client, kind=BackendApplicationClient):
    """A client of this tool."""
    return OAuth2Session(client=kind(client_id=client["client_id"], scope=[SCOPE]))


def token(client, **more):
    """A machine's token."""
    return session(client).fetch_token(TOKEN_URL, auth=auth(client), **more)


def refused(code, ask):
    """oauthlib has the code in its error."""
    peer.refused(code, lambda error: error.error, ask)


def client_secret_post():
    """Both in the form."""
    client = CLIENTS["post"]
    answer = session(client).fetch_token(TOKEN_URL, include_client_id=True, client_secret=client["client_secret"])
    assert_token(answer, client)


def by_certificate(role):
    """The handshake proves the client."""

    def check():
        client = CLIENTS[role]
        answer = session(client).fetch_token(
            TOKEN_URL, include_client_id=True, cert=(client["certificate"], client["key"])
        )
        assert_token(answer, client)
        peer.assert_bound(answer["access_token"], client)

    return check


def revoke(client, one, ended, kind):
    """RFC 7009: oauthlib writes the request, the session sends it."""
    url, headers, body = (
        one._client.prepare_token_revocation_request(  # pylint: disable=protected-access # has no other way
            METADATA["revocation_endpoint"], ended, token_type_hint=kind
        )
    )
    same(one.request("POST", url, data=body, headers=headers, auth=auth(client), withhold_token=True).status_code, 200)


def revocation():
    """A revoked token counts no more."""
    one = session(CLIENTS["basic"])
    ended = one.fetch_token(TOKEN_URL, auth=auth(CLIENTS["basic"]))["access_token"]
    revoke(CLIENTS["basic"], one, ended, "access_token")
    assert_inactive(introspected(ended))


def family():
    """A person's session with this tool, and its first answer."""
    one = session(CLIENTS["family"], LegacyApplicationClient)
    return one, one.fetch_token(TOKEN_URL, auth=auth(CLIENTS["family"]), **PERSON)


def password():
    """RFC 6749 §4.3."""
    assert_token(family()[1], CLIENTS["family"])
    wrong = {**PERSON, "password": "wrong"}
    refused(
        "invalid_grant",
        lambda: session(CLIENTS["family"], LegacyApplicationClient).fetch_token(
            TOKEN_URL, auth=auth(CLIENTS["family"]), **wrong
        ),
    )


def refresh_token():
    """Each refresh token has a successor; what is revoked has none."""
    one, first = family()
    before = first["refresh_token"]
    second = dict(one.refresh_token(TOKEN_URL, refresh_token=before, auth=auth(CLIENTS["family"])))
    assert_token(second, CLIENTS["family"])
    if second["refresh_token"] == before:
        raise AssertionError("the refresh token has no successor")
    revoke(CLIENTS["family"], one, second["refresh_token"], "refresh_token")
    refused(
        "invalid_grant",
        lambda: one.refresh_token(TOKEN_URL, refresh_token=second["refresh_token"], auth=auth(CLIENTS["family"])),
    )


def workload_by_jwt_bearer():
    """oauthlib signs the assertion, in the place of the workload's issuer; it names no key."""
    workload, client = PEER["workload"], CLIENTS["workload"]
    with open(workload["key"], encoding="ascii") as pem:
        kind = ServiceApplicationClient(
            client["client_id"],
            private_key=pem.read(),
            subject=workload["subject"],
            issuer=workload["issuer"],
            audience=PEER["issuer"],
        )
    has_secret = "client_secret" in client
    answer = OAuth2Session(client=kind, scope=[SCOPE]).fetch_token(
        TOKEN_URL,
        auth=auth(client) if has_secret else None,
        include_client_id=not has_secret,
        jwt_id=peer.random_id(),
        expires_at=peer.soon(),
    )
    assert_token(answer, client)


def resource():
    """RFC 8707: the audience is the one asked for."""
    same(peer.claims(token(CLIENTS["basic"], resource=PEER["resource"])["access_token"])["aud"], PEER["resource"])


peer.run(
    {
        "client_secret_basic": lambda: assert_token(token(CLIENTS["basic"]), CLIENTS["basic"]),
        "client_secret_post": client_secret_post,
        "tls_client_auth": by_certificate("mtls"),
        "self_signed_tls_client_auth": by_certificate("selfSigned"),
        "resource": resource,
        "revocation": revocation,
        "password": password,
        "refresh_token": refresh_token,
        "workload by jwt-bearer": workload_by_jwt_bearer,
        "wrong secret": lambda: refused(
            "invalid_client", lambda: token({**CLIENTS["basic"], "client_secret": "wrong"})
        ),
        "wrong scope": lambda: refused(
            "invalid_scope", lambda: token(CLIENTS["basic"], scope=[PEER["forbiddenScope"]])
        ),
        "wrong resource": lambda: refused(
            "invalid_target", lambda: token(CLIENTS["basic"], resource=PEER["forbiddenResource"])
        ),
    },
    "it has no such request",
)
