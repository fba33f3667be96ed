"""PyPI Authlib: a session of requests for the client's half, and a validator of JWT access tokens."""

import requests
from authlib.integrations.requests_client import AssertionSession, OAuth2Session
from authlib.oauth2.rfc6750.errors import InvalidTokenError
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url
from joserfc import jwk

import peer
from peer import CLIENTS, METADATA, PEER, PERSON, SCOPE, TOKEN_URL, assert_inactive, assert_token, introspected, same


def session(client, method="client_secret_basic", **more):
    """A client of this tool."""
    return OAuth2Session(
        client["client_id"], client.get("client_secret"), token_endpoint_auth_method=method, scope=SCOPE, **more
    )


def token(client, method="client_secret_basic", **more):
    """A machine's token."""
    return session(client, method).fetch_token(TOKEN_URL, grant_type="client_credentials", **more)


def refused(code, ask):
    """Authlib has the code in its error."""
    peer.refused(code, lambda error: error.error, ask)


def with_key(role, alg, claims=None):
    """A machine's token for an assertion. By itself the tool makes one for the token endpoint, good for an hour."""
    client = CLIENTS[role]
    key = jwk.import_key(client["key"]["private"])
    one = OAuth2Session(client["client_id"], key, token_endpoint_auth_method="private_key_jwt", scope=SCOPE)
    # The `jti` it makes stays in the claims it was given: a session for each assertion.
    one.register_client_auth_method(PrivateKeyJWT(TOKEN_URL, claims=claims, alg=alg))
    return one.fetch_token(TOKEN_URL, grant_type="client_credentials")


def by_key(role, alg):
    """An assertion as RFC 7523 has it since 2025: for the issuer alone, and short-lived."""
    return lambda: assert_token(with_key(role, alg, {"aud": PEER["issuer"], "exp": peer.soon()}), CLIENTS[role])


def long_assertion():
    """As the tool makes it by itself: refused, but for the client that is allowed it."""
    refused("invalid_client", lambda: with_key("RS256", "RS256"))
    assert_token(with_key("tolerant", "RS256"), CLIENTS["tolerant"])


def by_certificate(role):
    """The handshake proves the client."""

    def check():
        client = CLIENTS[role]
        one = session(client, "none")
        one.cert = (client["certificate"], client["key"])
        answer = one.fetch_token(TOKEN_URL, grant_type="client_credentials")
        assert_token(answer, client)
        peer.assert_bound(answer["access_token"], client)
        refused("invalid_client", lambda: token(client, "none"))

    return check


def discovery():
    """Its own validation of the metadata, which wants an address for people's sign-in too."""
    document = requests.get(get_well_known_url(PEER["issuer"], external=True), timeout=10).json()
    metadata = OpenIDProviderMetadata(document)
    metadata.validate_issuer()
    metadata.validate_token_endpoint()
    metadata.validate_jwks_uri()
    same(metadata.issuer, PEER["issuer"])


def resource():
    """RFC 8707: the audience is the one asked for."""
    same(peer.claims(token(CLIENTS["basic"], resource=PEER["resource"])["access_token"])["aud"], PEER["resource"])


class Validator(JWTBearerTokenValidator):
    """A resource server."""

    def get_jwks(self):
        return requests.get(METADATA["jwks_uri"], timeout=10).json()


def jwt_by_jwks():
    """The validator of RFC 9068, `typ` included."""
    good = token(CLIENTS["basic"], resource=PEER["resource"])["access_token"]
    here = Validator(PEER["issuer"], PEER["resource"])
    here.validate_token(here.authenticate_token(good), [SCOPE], None)
    elsewhere = Validator(PEER["issuer"], PEER["forbiddenResource"])
    for wrong in (
        lambda: elsewhere.validate_token(elsewhere.authenticate_token(good), [SCOPE], None),
        lambda: here.authenticate_token(good[:-8] + "AAAAAAAA"),
    ):
        try:
            wrong()
        except InvalidTokenError:
            continue
        raise AssertionError("accepted")


def introspection():
    """RFC 7662."""
    good = token(CLIENTS["basic"])["access_token"]
    server = session(CLIENTS["resourceServer"])
    same(
        server.introspect_token(METADATA["introspection_endpoint"], token=good).json()["client_id"],
        CLIENTS["basic"]["client_id"],
    )
    assert_inactive(server.introspect_token(METADATA["introspection_endpoint"], token="garbage").json())


def revocation():
    """RFC 7009."""
    client = session(CLIENTS["basic"])
    ended = client.fetch_token(TOKEN_URL, grant_type="client_credentials")["access_token"]
    client.revoke_token(METADATA["revocation_endpoint"], token=ended)
    assert_inactive(introspected(ended))


def password():
    """RFC 6749 §4.3."""
    assert_token(session(CLIENTS["family"]).fetch_token(TOKEN_URL, **PERSON), CLIENTS["family"])
    refused(
        "invalid_grant", lambda: session(CLIENTS["family"]).fetch_token(TOKEN_URL, **{**PERSON, "password": "wrong"})
    )


def refresh_token():
    """Each refresh token has a successor; what is revoked has none."""
    client = session(CLIENTS["family"])
    first = client.fetch_token(TOKEN_URL, **PERSON)["refresh_token"]
    second = client.refresh_token(TOKEN_URL, refresh_token=first)
    assert_token(second, CLIENTS["family"])
    if second["refresh_token"] == first:
        raise AssertionError("the refresh token has no successor")
    client.revoke_token(METADATA["revocation_endpoint"], token=second["refresh_token"], token_type_hint="refresh_token")
    refused("invalid_grant", lambda: client.refresh_token(TOKEN_URL, refresh_token=second["refresh_token"]))


def token_exchange():
    """RFC 8693."""
    client = session(CLIENTS["exchange"])
    subject = client.fetch_token(TOKEN_URL, grant_type="client_credentials")["access_token"]
    asked = {"grant_type": peer.TOKEN_EXCHANGE, "subject_token_type": peer.ACCESS_TOKEN}
    answer = client.fetch_token(TOKEN_URL, **asked, subject_token=subject)
    same(answer["issued_token_type"], peer.ACCESS_TOKEN)
    assert_token(answer, CLIENTS["exchange"])
    refused("invalid_request", lambda: client.fetch_token(TOKEN_URL, **asked, subject_token="garbage"))


def workload_by_exchange():
    """A workload's own token for one of the server's."""
    answer = workload_session().fetch_token(
        TOKEN_URL, grant_type=peer.TOKEN_EXCHANGE, subject_token=peer.workload_token(), subject_token_type=peer.JWT
    )
    assert_token(answer, CLIENTS["workload"])


def workload_by_jwt_bearer():
    """RFC 7523 §2.1, with an assertion that the tool signs itself, in the place of the workload's issuer."""
    workload, client = PEER["workload"], CLIENTS["workload"]
    with open(workload["key"], encoding="ascii") as pem:
        one = AssertionSession(
            TOKEN_URL,
            workload["issuer"],
            workload["subject"],
            PEER["issuer"],
            key=pem.read(),
            scope=SCOPE,
            header={"alg": "RS256", "kid": workload["kid"]},
            expires_in=240,
        )
    if "client_secret" in client:
        one.auth = (client["client_id"], client["client_secret"])
    else:
        one.client_id = client["client_id"]
    assert_token(one.refresh_token(), client)


def workload_session():
    """A workload has a secret of its own only where the server asks for one."""
    return session(CLIENTS["workload"], "client_secret_basic" if "client_secret" in CLIENTS["workload"] else "none")


peer.run(
    {
        "discovery": discovery,
        "client_secret_basic": lambda: assert_token(token(CLIENTS["basic"]), CLIENTS["basic"]),
        "client_secret_post": lambda: assert_token(token(CLIENTS["post"], "client_secret_post"), CLIENTS["post"]),
        "private_key_jwt ES256": by_key("ES256", "ES256"),
        "private_key_jwt RS256": by_key("RS256", "RS256"),
        "private_key_jwt PS256": by_key("PS256", "PS256"),
        "private_key_jwt Ed25519": by_key("EdDSA", "EdDSA"),
        "long assertion": long_assertion,
        "tls_client_auth": by_certificate("mtls"),
        "self_signed_tls_client_auth": by_certificate("selfSigned"),
        "resource": resource,
        "JWT by JWKS": jwt_by_jwks,
        "introspection": introspection,
        "revocation": revocation,
        "password": password,
        "refresh_token": refresh_token,
        "token exchange": token_exchange,
        "workload by exchange": workload_by_exchange,
        "workload by jwt-bearer": workload_by_jwt_bearer,
        "wrong secret": lambda: refused(
            "invalid_client", lambda: token({**CLIENTS["basic"], "client_secret": "wrong"})
        ),
        "wrong scope": lambda: refused("invalid_scope", lambda: token(CLIENTS["basic"], scope=PEER["forbiddenScope"])),
        "wrong resource": lambda: refused(
            "invalid_target", lambda: token(CLIENTS["basic"], resource=PEER["forbiddenResource"])
        ),
    },
    {
        "DPoP": "it has no DPoP",
        "introspection as JWT": "it reads introspection as JSON alone",
        "device": "it has the server's half alone",
        "registration": "it has the server's half alone",
    },
)
