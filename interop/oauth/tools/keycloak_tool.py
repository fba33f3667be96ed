"""PyPI python-keycloak: knows Keycloak's addresses, and is given nothing but the host."""

import json

from keycloak import KeycloakOpenID

import peer
from peer import (
    ACCESS_TOKEN,
    CLIENTS,
    DEVICE_CODE,
    METADATA,
    PEER,
    PERSON,
    SCOPE,
    approve,
    assert_inactive,
    assert_token,
    same,
)

HOST, REALM = PEER["issuer"].split("/realms/")


def session(client):
    """A client of this tool."""
    cert = (client["certificate"], client["key"]) if "certificate" in client else None
    return KeycloakOpenID(
        f"{HOST}/", REALM, client["client_id"], client.get("client_secret"), cert=cert, verify=PEER["ca"]
    )


def token(client, **more):
    """A machine's token."""
    return session(client).token(grant_type="client_credentials", **{"scope": SCOPE, **more})


def refused(code, ask):
    """The tool's error has the answer as it came."""
    peer.refused(code, lambda error: json.loads(error.response_body)["error"], ask)


def discovery():
    """Keycloak's addresses are the server's."""
    same(session(CLIENTS["post"]).well_known()["token_endpoint"], METADATA["token_endpoint"])


def by_certificate(role):
    """The handshake proves the client."""

    def check():
        answer = token(CLIENTS[role])
        assert_token(answer, CLIENTS[role])
        peer.assert_bound(answer["access_token"], CLIENTS[role])

    return check


def resource():
    """RFC 8707: the audience is the one asked for."""
    same(peer.claims(token(CLIENTS["post"], resource=PEER["resource"])["access_token"])["aud"], PEER["resource"])


def jwt_by_jwks():
    """With the keys that the tool fetches."""
    one = session(CLIENTS["post"])
    good = token(CLIENTS["post"], resource=PEER["resource"])["access_token"]
    here = {"check_claims": {"aud": PEER["resource"], "iss": PEER["issuer"], "exp": None}}
    same(one.decode_token(good, **here)["client_id"], CLIENTS["post"]["client_id"])
    elsewhere = {"check_claims": {"aud": PEER["forbiddenResource"]}}
    for wrong in (
        lambda: one.decode_token(good, **elsewhere),
        lambda: one.decode_token(good[:-8] + "AAAAAAAA", **here),
    ):
        try:
            wrong()
        except Exception:  # pylint: disable=broad-except # jwcrypto's have nothing in common
            continue
        raise AssertionError("accepted")


def introspection():
    """RFC 7662."""
    good = token(CLIENTS["post"])["access_token"]
    one = session(CLIENTS["resourceServer"])
    same(one.introspect(good)["client_id"], CLIENTS["post"]["client_id"])
    assert_inactive(one.introspect("garbage"))


def password():
    """RFC 6749 §4.3."""
    assert_token(session(CLIENTS["family"]).token(**PERSON, scope=SCOPE), CLIENTS["family"])
    refused("invalid_grant", lambda: session(CLIENTS["family"]).token(PERSON["username"], "wrong", scope=SCOPE))


def refresh_token():
    """Each refresh token has a successor, which ends the session at Keycloak's logout, where there is one."""
    one = session(CLIENTS["family"])
    first = one.token(**PERSON, scope=SCOPE)["refresh_token"]
    second = one.refresh_token(first)
    assert_token(second, CLIENTS["family"])
    if second["refresh_token"] == first:
        raise AssertionError("the refresh token has no successor")
    refused("invalid_grant", lambda: one.refresh_token("garbage"))
    if "logout" in PEER:
        one.logout(second["refresh_token"])
        refused("invalid_grant", lambda: one.refresh_token(second["refresh_token"]))
        refused("invalid_grant", lambda: one.logout("garbage"))


def token_exchange():
    """RFC 8693, with Keycloak's members besides, empty."""
    one = session(CLIENTS["exchange"])
    subject = one.token(grant_type="client_credentials", scope=SCOPE)["access_token"]
    answer = one.exchange_token(
        subject, subject_token_type=ACCESS_TOKEN, requested_token_type=ACCESS_TOKEN, scope=SCOPE
    )
    same(answer["issued_token_type"], ACCESS_TOKEN)
    assert_token(answer, CLIENTS["exchange"])


def workload_by_exchange():
    """A workload's own token for one of the server's."""
    answer = session(CLIENTS["workload"]).exchange_token(
        peer.workload_token(), subject_token_type=peer.JWT, requested_token_type=ACCESS_TOKEN, scope=SCOPE
    )
    assert_token(answer, CLIENTS["workload"])


def device():
    """RFC 8628: approved after the first question, where somebody can."""
    client = session(CLIENTS["device"])
    answer = client.device(SCOPE)
    if not (answer["user_code"] and answer["verification_uri"] and answer["expires_in"] > 0):
        raise AssertionError(answer)

    def poll():
        return client.token(grant_type=DEVICE_CODE, device_code=answer["device_code"], scope=SCOPE)

    refused("authorization_pending", poll)
    if "approve" in PEER:
        approve(answer["user_code"])
        assert_token(poll(), CLIENTS["device"])


peer.run(
    {
        "discovery": discovery,
        "client_secret_post": lambda: assert_token(token(CLIENTS["post"]), CLIENTS["post"]),
        "tls_client_auth": by_certificate("mtls"),
        "self_signed_tls_client_auth": by_certificate("selfSigned"),
        "resource": resource,
        "JWT by JWKS": jwt_by_jwks,
        "introspection": introspection,
        "password": password,
        "refresh_token": refresh_token,
        "token exchange": token_exchange,
        "workload by exchange": workload_by_exchange,
        "device": device,
        "wrong secret": lambda: refused("invalid_client", lambda: token({**CLIENTS["post"], "client_secret": "wrong"})),
        "wrong scope": lambda: refused("invalid_scope", lambda: token(CLIENTS["post"], scope=PEER["forbiddenScope"])),
        "wrong resource": lambda: refused(
            "invalid_target", lambda: token(CLIENTS["post"], resource=PEER["forbiddenResource"])
        ),
    },
    {
        **{
            feature: "it puts secrets in the form and signs no assertion"
            for feature in PEER["allFeatures"]
            if feature.startswith("private_key_jwt") or feature in ("client_secret_basic", "long assertion")
        },
        "DPoP": "it has no DPoP",
        "introspection as JWT": "it reads introspection as JSON alone",
        "revocation": "it ends sessions at Keycloak's logout, and does so under refresh_token",
        "workload by jwt-bearer": "it has no such grant",
        "registration": "it writes Keycloak's own representation of a client",
    },
)
