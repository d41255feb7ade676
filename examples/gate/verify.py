"""Says who Twofold let through. Needs PyJWT: pip install "pyjwt[crypto]", or Debian's
python3-jwt and python3-cryptography."""
import os

import jwt

ISSUER = os.environ.get("TWOFOLD_ISSUER", "https://login.example.org")
AUDIENCE = os.environ.get("APP_HOST", "app.example.org")
KEYS = jwt.PyJWKClient(os.environ.get("TWOFOLD_KEYS", ISSUER + "/.well-known/jwks.json"))


def who(headers):
    """Returns the claims of a request's assertion, or None for a stranger on a public
    page. Raises jwt.PyJWTError for a forged one."""
    text = headers.get("Twofold-Assertion")
    if not text:
        return None
    return jwt.decode(
        text,
        KEYS.get_signing_key_from_jwt(text).key,
        algorithms=["EdDSA"],  # never what the assertion says
        audience=AUDIENCE,
        issuer=ISSUER,
        leeway=10,  # seconds that the two clocks may differ
        options={"require": ["sub", "exp", "iat", "aud", "iss"]},
    )
