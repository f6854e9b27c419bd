"""Looks for secrets in files: as they are, and as hex, base64 or a number in little-endian bytes.

Reads from standard input, as JSON, what to look for by its name:
`{"text": …}`, `{"base64": …}`, `{"pem": path of a private key}` or `{"age": "AGE-SECRET-KEY-1…"}`.
Prints what was found where, as a JSON list.
"""

import base64
import json
import sys

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

WINDOW = 24  # Bytes of a long number that are looked for together: nothing else has them.


def of_age(text):
    """The 32 bytes in a Bech32 identity."""
    charset = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    number = 0
    values = [charset.index(character) for character in text.lower().rsplit("1", 1)[1][:-6]]
    for value in values:
        number = number << 5 | value
    return (number >> (len(values) * 5 - 256)).to_bytes(32, "big")


def of_pem(path):
    """The secret numbers, and the lines that hold them: line ends cut base64 into pieces."""
    pem = open(path, "rb").read()
    key = load_pem_private_key(pem, None)
    lines = pem.splitlines()[1:-1]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return [key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()), lines[0]]
    numbers = key.private_numbers()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return [numbers.private_value.to_bytes(32, "big"), *lines[:2]]
    assert isinstance(key, rsa.RSAPrivateKey)
    # The first lines are the modulus, which is public.
    parts = lines[7:-1]
    for number in (numbers.p, numbers.q, numbers.d, numbers.dmp1, numbers.dmq1, numbers.iqmp):
        whole = number.to_bytes((number.bit_length() + 7) // 8, "big")
        parts += [whole[at : at + WINDOW] for at in (0, len(whole) // 2, len(whole) - WINDOW)]
    return parts


def parts(secret):
    if "text" in secret:
        return [secret["text"].encode()]
    if "base64" in secret:
        return [base64.b64decode(secret["base64"])]
    if "pem" in secret:
        return of_pem(secret["pem"])
    text = secret["age"].strip()
    return [text.upper().encode(), text.lower().encode(), of_age(text)]


def forms(part):
    yield "bytes", part
    yield "bytes in reverse", part[::-1]
    yield "hex", part.hex().encode()
    yield "hex", part.hex().upper().encode()
    for shift in range(3):
        # The characters that depend on nothing but the secret, wherever it is in what was encoded.
        whole = (len(part) + shift) * 8 // 6
        encoded = base64.b64encode(bytes(shift) + part)[[0, 2, 3][shift] : whole]
        yield "base64", encoded
        yield "base64url", encoded.translate(bytes.maketrans(b"+/", b"-_"))


def read(path):
    """The file without its empty pages: nearly all of a core."""
    with open(path, "rb") as file:
        pages = iter(lambda: file.read(4096), b"")
        return b"".join(page for page in pages if page.count(0) != len(page))


secrets = json.load(sys.stdin)
found = []
for path in sys.argv[1:]:
    content = read(path)
    for name, secret in secrets.items():
        for part in parts(secret):
            assert len(part) >= 16, f"{name} is too short to be told from chance"
            for form, needle in forms(part):
                at = content.find(needle)
                if at >= 0:
                    around = repr(content[max(0, at - 48) : at + len(needle) + 48])
                    found.append({"secret": name, "as": form, "file": path, "around": around})
json.dump(found, sys.stdout)
