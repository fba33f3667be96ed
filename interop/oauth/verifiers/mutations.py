"""What is made of a token without its key: the same for the same token."""

import base64
import hashlib
import hmac
import json
import random
import string

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import PyJWK

# The orders of the groups of P-256 (SEC 2 §2.4.2) and Ed25519 (RFC 8032 §5.1).
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


def decoded(segment):
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def encoded(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def mutations(token, jwk, other):
    """Names and texts. `jwk` is the public key that it is signed with, `other` another good token."""
    chance = random.Random(hashlib.sha256(token.encode()).digest())
    for name, text in [
        *of_bits(token, chance),
        *of_segments(token, other),
        *of_header(token, jwk),
        *of_claims(token),
        *of_signature(token, jwk),
        *of_numbers(token, jwk),
        *of_base64(token),
    ]:
        if text != token:
            yield name, text


def twin(token):
    """The same token with the other signature that anybody can make of an ES256 one: both (r, s) and (r, n-s) satisfy
    ECDSA's equation, and no standard of JWTs picks one. None for other algorithms."""
    header, claims, signature = token.split(".")
    if json.loads(decoded(header))["alg"] != "ES256":
        return None
    r, s = halves(decoded(signature))
    other = (P256_ORDER - int.from_bytes(s, "big")).to_bytes(32, "big")
    return f"{header}.{claims}.{encoded(r + other)}"


def of_bits(token, chance):
    """One bit of each segment's bytes, and one character of the text, at places by chance."""
    segments = token.split(".")
    for number, segment in enumerate(segments):
        data = decoded(segment)
        for _ in range(12):
            at = chance.randrange(8 * len(data))
            flipped = bytearray(data)
            flipped[at // 8] ^= 1 << at % 8
            yield f"bit {at} of segment {number}", ".".join(
                [*segments[:number], encoded(bytes(flipped)), *segments[number + 1 :]]
            )
    for _ in range(12):
        at = chance.randrange(len(token))
        yield f"character {at}", token[:at] + chance.choice(ALPHABET) + token[at + 1 :]


def of_segments(token, other):
    header, claims, signature = token.split(".")
    strange_header, strange_claims, strange_signature = other.split(".")
    half = len(signature) // 2
    for name, parts in {
        "no signature": [header, claims],
        "empty signature": [header, claims, ""],
        "empty claims": [header, "", signature],
        "empty header": ["", claims, signature],
        "nothing": ["", "", ""],
        "four segments": [header, claims, signature, signature],
        "five segments, as JWE": [header, claims, signature, "AAAA", "AAAA"],
        "unencoded": [header, "", signature, claims],
        "swapped": [claims, header, signature],
        "turned": [signature, claims, header],
        "half a signature": [header, claims, signature[:half]],
        "signature twice": [header, claims, signature + signature],
        "signature and four zeros": [header, claims, encoded(decoded(signature) + bytes(4))],
        "zeros before the signature": [header, claims, encoded(bytes(4) + decoded(signature))],
        "another's signature": [header, claims, strange_signature],
        "another's claims": [header, strange_claims, signature],
        "another's header": [strange_header, claims, signature],
        "claims twice": [header, claims + claims, signature],
    }.items():
        yield name, ".".join(parts)
    for name, text in {
        "space before": f" {token}",
        "space behind": f"{token} ",
        "line break behind": f"{token}\n",
        "tab between": token.replace(".", ".\t", 1),
        "point before": f".{token}",
        "point behind": f"{token}.",
        "NUL behind": f"{token}\0",
        "twice": token + token,
        "twice with a comma": f"{token},{token}",
        "in quotation marks": f'"{token}"',
        "as JSON": json.dumps({"protected": header, "payload": claims, "signature": signature}),
        "in capitals": token.upper(),
    }.items():
        yield name, text


def of_header(token, jwk):
    header, *rest = token.split(".")
    members = json.loads(decoded(header))
    without_kid = {name: value for name, value in members.items() if name != "kid"}
    changed = {
        "no kid": without_kid,
        "empty kid": {**members, "kid": ""},
        "kid of another": {**members, "kid": "another"},
        "kid as a list": {**members, "kid": [members["kid"]]},
        "kid as a path": {**members, "kid": "../../../../dev/null"},
        "no alg": {name: value for name, value in members.items() if name != "alg"},
        "alg as a list": {**members, "alg": [members["alg"]]},
        "alg in lower case": {**members, "alg": members["alg"].lower()},
        "crit of exp": {**members, "crit": ["exp"], "exp": 1},
        "crit, empty": {**members, "crit": []},
        "crit of an unknown": {**members, "crit": ["x"], "x": True},
        "b64 false": {**members, "b64": False, "crit": ["b64"]},
        "b64 false, uncritical": {**members, "b64": False},
        "zip": {**members, "zip": "DEF"},
        "jwk": {**members, "jwk": jwk},
        "jku": {**members, "jku": "https://evil.example/keys"},
        "x5u": {**members, "x5u": "https://evil.example/certificate"},
        "x5c": {**members, "x5c": ["AAAA"]},
        "typ of an ID token": {**members, "typ": "JWT"},
        "typ of a proof": {**members, "typ": "dpop+jwt"},
        "no members": {},
        "enc": {**members, "alg": "dir", "enc": "A256GCM"},
    }
    for alg in ("ES256", "ES384", "ES256K", "EdDSA", "RS256", "PS256", "RS1", "HS256"):
        changed[f"alg {alg}"] = {**members, "alg": alg}
    for name, value in changed.items():
        yield name, ".".join([encoded(compact(value)), *rest])
    text = decoded(header)
    for name, data in {
        "header with a space": b" " + text,
        "alg twice": b'{"alg":"none",' + text[1:],
        "header as a list": b"[" + text + b"]",
        "header that goes on": text + b"{}",
        "header with a byte order mark": b"\xef\xbb\xbf" + text,
        "header with a wrong byte": text[:-1] + b',"\xff":1}',
    }.items():
        yield name, ".".join([encoded(data), *rest])


def of_claims(token):
    header, claims, signature = token.split(".")
    text, members = decoded(claims), json.loads(decoded(claims))
    aud = members.get("aud", [])
    changed = {
        "longer": {**members, "exp": members["exp"] + 3600},
        "for ever": {**members, "exp": 2**62},
        "exp as text": {**members, "exp": str(members["exp"])},
        "exp as a fraction": {**members, "exp": members["exp"] + 0.5},
        "over": {**members, "exp": 1},
        "no exp": {name: value for name, value in members.items() if name != "exp"},
        "not yet": {**members, "nbf": members["exp"]},
        "of somebody else": {**members, "sub": "admin"},
        "of another issuer": {**members, "iss": "https://evil.example"},
        "for everybody": {**members, "aud": "*"},
        "for one more": {**members, "aud": [*([aud] if isinstance(aud, str) else aud), "more"]},
        "more scope": {**members, "scope": "admin"},
        "unbound": {name: value for name, value in members.items() if name not in ("cnf", "jti")},
        "bound otherwise": {**members, "cnf": {"jkt": "A" * 43}},
    }
    for name, value in changed.items():
        yield name, ".".join([header, encoded(compact(value)), signature])
    for name, data in {
        "claims with a space": text + b" ",
        "exp twice": text[:-1] + b',"exp":' + str(2**40).encode() + b"}",
        "claims as a list": b"[" + text + b"]",
        "claims deep": b'{"a":' * 5000 + text + b"}" * 5000,
    }.items():
        yield name, ".".join([header, encoded(data), signature])


def of_signature(token, jwk):
    """Signed by nobody, and with what everybody knows: the public key as a secret."""
    header, claims, _ = token.split(".")
    members = json.loads(decoded(header))
    for alg in ("none", "None", "NONE", "nOnE", ""):
        unsigned = f"{encoded(compact({**members, 'alg': alg}))}.{claims}."
        yield f"alg {alg!r}", unsigned
        yield f"alg {alg!r} with a signature", unsigned + "AAAA"
    for bits, digest in ((256, "sha256"), (384, "sha384"), (512, "sha512")):
        signed = f"{encoded(compact({**members, 'alg': f'HS{bits}'}))}.{claims}"
        for name, secret in secrets(jwk).items():
            yield f"HS{bits} by {name}", f"{signed}.{encoded(hmac.digest(secret, signed.encode(), digest))}"
    for name, size in (("zeros", 64), ("zeros, as long as RSA's", 256)):
        yield f"signature of {name}", f"{header}.{claims}.{encoded(bytes(size))}"
    yield "DER of zeros", f"{header}.{claims}.{encoded(bytes.fromhex('3006020100020100'))}"


def of_numbers(token, jwk):
    """Numbers that stand for the same ones where a verifier does not look at their range, or at their sign."""
    header, claims, signature = token.split(".")
    data = decoded(signature)
    first, second = halves(data)
    if jwk["alg"] == "ES256":
        changed = {
            "r and s swapped": second + first,
            "n-r for r": (P256_ORDER - int.from_bytes(first, "big")).to_bytes(32, "big") + second,
            "n for s": first + P256_ORDER.to_bytes(32, "big"),
        }
    elif jwk["alg"] == "EdDSA":
        # RFC 8032 §5.1.7: S is below the order.
        changed = {"S+L for S": first + (int.from_bytes(second, "little") + ED25519_ORDER).to_bytes(32, "little")}
    else:
        # RFC 8017 §5.2.2: a signature is below the modulus.
        number, modulus = int.from_bytes(data, "big"), int.from_bytes(decoded(jwk["n"]), "big")
        larger = number + modulus
        changed = {
            "s+n for s": larger.to_bytes(max(len(data), (larger.bit_length() + 7) // 8), "big"),
            "n-s for s": (modulus - number).to_bytes(len(data), "big"),
        }
    for name, value in changed.items():
        yield name, f"{header}.{claims}.{encoded(value)}"


def halves(data):
    return data[: len(data) // 2], data[len(data) // 2 :]


def secrets(jwk):
    """What a confused verifier could take for a shared secret."""
    key = PyJWK(jwk).key
    subject = PublicFormat.SubjectPublicKeyInfo
    pem = key.public_bytes(Encoding.PEM, subject)
    known = {
        "PEM": pem,
        "PEM without its last line break": pem.strip(),
        "DER": key.public_bytes(Encoding.DER, subject),
        "JWK": compact(jwk),
        "kid": jwk["kid"].encode(),
        "nothing": b"",
    }
    for member in ("x", "n"):
        if member in jwk:
            known[member] = jwk[member].encode()
            known[f"{member}, decoded"] = decoded(jwk[member])
    return known


def of_base64(token):
    """The same bytes in other letters."""
    segments = token.split(".")
    for number, segment in enumerate(segments):
        padding = "=" * (-len(segment) % 4)
        # How many bits of the last letter stand for nothing (RFC 4648 §3.5).
        spare = {2: 4, 3: 2}.get(len(segment) % 4, 0)
        last = ALPHABET.index(segment[-1])
        texts = {
            "padded": segment + padding,
            "padded for nothing": segment + "====",
            "in the other alphabet": segment.replace("-", "+").replace("_", "/"),
            "with a line break": segment[:4] + "\r\n" + segment[4:],
            "with a space": segment[:4] + " " + segment[4:],
            "with a percent sign": segment[:-1] + f"%{ord(segment[-1]):02X}",
            "one letter longer": segment + "A",
        }
        if spare:
            texts["with another bit behind"] = segment[:-1] + ALPHABET[last ^ 1]
            texts["with all bits behind"] = segment[:-1] + ALPHABET[last | 2**spare - 1]
        for name, text in texts.items():
            yield f"segment {number} {name}", ".".join([*segments[:number], text, *segments[number + 1 :]])


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()
