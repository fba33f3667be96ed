"""PyPI google-auth: a workload's identity, as Google's libraries exchange it (identity pool credentials)."""

from google.auth import exceptions, identity_pool
from google.auth.transport.requests import Request

import peer
from peer import CLIENTS, PEER, SCOPE, TOKEN_URL, assert_token


def credentials(audience):
    """What a Google client has in its credential file: where the workload's token comes from, and where it goes."""
    client = CLIENTS["workload"]
    return identity_pool.Credentials(
        audience=PEER["issuer"],
        subject_token_type=peer.JWT,
        token_url=TOKEN_URL,
        credential_source={
            "url": f"{PEER['workload']['tokenUrl']}?audience={audience}",
            "format": {"type": "json", "subject_token_field_name": "value"},
        },
        client_id=client["client_id"],
        client_secret=client.get("client_secret"),
        scopes=[SCOPE],
    )


def workload_by_exchange():
    """RFC 8693, with a workload's token."""
    good = credentials(PEER["issuer"])
    good.refresh(Request())
    assert_token({"token_type": "bearer", "access_token": good.token}, CLIENTS["workload"])
    if good.expired or good.expiry is None:
        raise AssertionError("it does not know how long its token is good")
    try:
        credentials("https://elsewhere.example.com").refresh(Request())
    except exceptions.OAuthError:
        return
    raise AssertionError("a token for somebody else was exchanged")


peer.run(
    {"workload by exchange": workload_by_exchange},
    "it exchanges a workload's token and does nothing else with a server that is not Google's",
)
