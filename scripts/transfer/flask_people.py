# Makes a database with the real Flask-Security: see scripts/transfer/flask.
# usage: flask_people.py VERSION ADDRESS WORK NUMBER     (NUMBER 0: one of every kind)
import base64, datetime, json, os, subprocess, sys, unicodedata
sys.path[0] = "/usr/lib/python3/dist-packages"  # not this folder, which has a flask of its own
from importlib import import_module
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from flask_security import Security, SQLAlchemyUserDatastore, hash_password, verify_password
from cryptography.fernet import Fernet
from passlib.totp import TOTP

version, address, work, number = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
SALT = "salt of the old site"
SECRETS = {"1": "first secret of the old site", "2": "second secret of the old site"}
KEYS = [base64.urlsafe_b64encode(b"%032d" % i).decode() for i in (2, 1)]  # the first is the primary
SCHEMES = ["bcrypt", "argon2", "des_crypt", "pbkdf2_sha256", "pbkdf2_sha512", "sha256_crypt", "sha512_crypt", "plaintext"]
CHEAP = {"bcrypt__rounds": 4, "argon2__rounds": 2, "argon2__memory_cost": 1024, "pbkdf2_sha256__rounds": 1000,
    "pbkdf2_sha512__rounds": 1000, "sha256_crypt__rounds": 1000, "sha512_crypt__rounds": 1000}

db = SQLAlchemy()
models = import_module("flask_security.models." + {1: "fsqla", 2: "fsqla_v2", 3: "fsqla_v3"}[version])
models.FsModels.set_db_info(db)

class Role(db.Model, models.FsRoleMixin):
    pass

class User(db.Model, models.FsUserMixin):
    if version == 3:  # the model has it only where python3-webauthn is
        webauthn = db.relationship("WebAuthn", backref="users", cascade="all, delete")

if version == 3:
    class WebAuthn(db.Model, models.FsWebAuthnMixin):
        pass
    datastore = SQLAlchemyUserDatastore(db, User, Role, WebAuthn)
else:
    datastore = SQLAlchemyUserDatastore(db, User, Role)

def make(scheme, encrypt):
    app = Flask(scheme)
    app.config.update(SECRET_KEY="x" * 32, SQLALCHEMY_DATABASE_URI=address, SECURITY_PASSWORD_SALT=SALT,
        SECURITY_PASSWORD_HASH=scheme, SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS=CHEAP, SECURITY_TOTP_SECRETS=SECRETS,
        SECURITY_TOTP_ISSUER="site", SECURITY_TWO_FACTOR=True, SECURITY_TWO_FACTOR_REQUIRED=False,
        SECURITY_MULTI_FACTOR_RECOVERY_CODES=version == 3,
        SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS=KEYS if encrypt else None)
    db.init_app(app)
    app.security = Security(app, datastore)
    return app

apps = {s: make(s, True) for s in SCHEMES}
plain = make("bcrypt", False)
app = apps["bcrypt"]
people, n = [], 0
now = datetime.datetime(2026, 11, 1, 12, 0, 0)

def hashed(scheme, password):
    with apps[scheme].app_context():
        h = hash_password(unicodedata.normalize("NFKD", password))
        assert verify_password(unicodedata.normalize("NFKD", password), h)
        return h

def secret(tag="2"):
    """A new key, encrypted by the real code under the newest key, or under another one."""
    factory = app.security._totp_factory._totp
    if tag != "2":
        factory = TOTP.using(secrets={tag: SECRETS[tag]})
    made = factory.new()
    return made.to_json(encrypt=True), made.base32_key.rstrip("=")

def codes():
    util = app.security._mf_recovery_codes_util
    shown = app.security._totp_factory.generate_recovery_codes(5)
    return shown, util.encrypt_codes(shown)

def passkey(user, usage, i):
    origin = "https://login.example.org"
    options = {"challenge": "Y2hhbGxlbmdl", "rp": {"id": "login.example.org"},
        "user": {"id": base64.urlsafe_b64encode(user.fs_webauthn_user_handle.encode()).decode().rstrip("=")}}
    kept = os.path.join(work, "key%d.json" % i)
    answer = json.loads(subprocess.run(["softkey", origin, kept], input=json.dumps(options), text=True, check=True,
        capture_output=True).stdout)
    raw = base64.urlsafe_b64decode(answer["response"]["attestationObject"] + "==")
    at = raw.index(b"authData") + len("authData")
    assert raw[at] == 0x58  # a byte string with one byte of length
    data = raw[at + 2:at + 2 + raw[at + 1]]
    size = int.from_bytes(data[53:55], "big")
    flags = data[32]
    datastore.create_webauthn(user, name="key %d" % i, credential_id=data[55:55 + size], public_key=data[55 + size:],
        sign_count=int.from_bytes(data[33:37], "big"), transports=answer["response"]["transports"],
        backup_state=bool(flags & 0x10), device_type="multi_device" if flags & 0x08 else "single_device",
        extensions=json.dumps({"credProps": {"rk": True}}), usage=usage)
    return json.load(open(kept))

def person(kind, scheme="bcrypt", **more):
    """An account, and what its owner holds."""
    global n
    n += 1
    refused = more.pop("refused", None)
    password = None if scheme is None else "correct horse %d b\u00e4ttery" % n
    user = datastore.create_user(email="p%d@example.org" % n, password="", active=more.pop("active", True))
    user.password = hashed(scheme, password) if password else (None if version > 2 else "")
    user.create_datetime = user.update_datetime = now
    user.fs_uniquifier = "%064d" % n
    if version == 3:
        user.fs_webauthn_user_handle = "%032x" % n
    for name, value in more.items():
        setattr(user, name, value)
    me = {"id": n, "email": user.email, "kind": kind, "scheme": scheme, "password": password, "refused": refused}
    people.append(me)
    return user, me

def app_factor(user, me, tag="2"):
    user.tf_primary_method = "authenticator"
    user.tf_totp_secret, me["app"] = secret(tag)

def recovery(user, me):
    shown, stored = codes()
    user.mf_recovery_codes, me["codes"] = stored, shown

def one(kind, scheme):
    user, me = person(kind, scheme)
    if kind == "app":
        app_factor(user, me)
    elif kind == "old tag":
        app_factor(user, me, "1")
    elif kind == "sms":
        user.tf_primary_method, user.tf_phone_number = "sms", "+4915112%06d" % n
        user.tf_totp_secret, _ = secret()
    elif kind == "email":
        user.tf_primary_method = "email"
        user.tf_totp_secret, _ = secret()
    elif kind == "unified":
        s, me["first app"] = secret()
        user.us_totp_secrets = json.dumps({"authenticator": s, "sms": secret()[0], "email": secret()[0]})
        user.us_phone_number = "+4915113%06d" % n
    elif kind == "codes":
        app_factor(user, me)
        recovery(user, me)
    elif kind == "passkey first":
        me["passkey"] = passkey(user, "first", n)
    elif kind == "passkey second":
        me["passkey"] = passkey(user, "secondary", n)
    elif kind == "everything":
        app_factor(user, me)
        recovery(user, me)
        me["passkey"] = passkey(user, "secondary", n)
        user.username = "person%d" % n
        user.confirmed_at = now
        user.login_count, user.current_login_at, user.last_login_at = 7, now, now
        user.current_login_ip, user.last_login_ip = "192.0.2.7", "192.0.2.8"
        datastore.add_role_to_user(user, "editor")
    return user, me

kinds = ["none", "app", "old tag", "sms", "email"]
if version > 1:
    kinds += ["unified"]
if version > 2:
    kinds += ["codes", "passkey first", "passkey second", "everything"]

with app.app_context():
    db.drop_all()
    db.create_all()
    editor = datastore.create_role(name="editor", description="may edit", permissions=["read", "write"])
    reader = datastore.create_role(name="reader", permissions=["read"])
    editor.update_datetime = reader.update_datetime = now
    if number:
        for i in range(number):
            one(kinds[i % len(kinds)], SCHEMES[i // len(kinds) % len(SCHEMES)])
            if i % 50 == 49:
                db.session.commit()
    else:
        for s in SCHEMES:
            one("none", s)
        for k in kinds[1:]:
            one(k, "bcrypt")
        user, me = person("confirmed", "argon2", confirmed_at=now, username="Confirmed", login_count=3, current_login_at=now,
            last_login_at=now - datetime.timedelta(days=1), current_login_ip="192.0.2.1", last_login_ip="192.0.2.2")
        user.roles = [reader, editor]
        person("off", "bcrypt", active=False)
        person("no password", None)
        person("not finished", "bcrypt", tf_totp_secret=secret()[0])
        # What cannot come: each is refused, not let in without its second factor.
        lost = TOTP.using(secrets={"9": "a secret that was lost"}).new().to_json(encrypt=True)
        person("lost key", "bcrypt", tf_primary_method="authenticator", tf_totp_secret=lost, refused="SECURITY_TOTP_SECRETS")
        person("damaged", "bcrypt", tf_primary_method="authenticator", tf_totp_secret='{"enckey":', refused="damaged")
        person("no phone", "bcrypt", tf_primary_method="sms", refused="no phone number")
        user, me = person("odd hash", "bcrypt", refused="of a kind that Flask-Security does not have")
        user.password = "$scrypt$ln=16,r=8,p=1$aaa$bbb"
        # Keys as old versions stored them: in plain.
        user, me = person("plain key", "bcrypt", tf_primary_method="google_authenticator")
        made = TOTP.new()
        user.tf_totp_secret, me["app"] = made.to_json(encrypt=False), made.base32_key.rstrip("=")
        user, me = person("bare key", "bcrypt", tf_primary_method="authenticator")
        user.tf_totp_secret = me["app"] = TOTP.new().base32_key.rstrip("=")
        if version == 3:
            user, me = person("old codes", "bcrypt")
            app_factor(user, me)
            shown = ["0123-4567-89ab"]
            user.mf_recovery_codes = [Fernet(KEYS[1]).encrypt(shown[0].encode()).decode(),
                Fernet(Fernet.generate_key()).encrypt(b"ffff-ffff-ffff").decode()]
            me["codes"] = shown
    db.session.commit()
    total = User.query.count()

json.dump({"salt": SALT, "secrets": SECRETS, "keys": KEYS, "people": people}, open(os.path.join(work, "people.json"), "w"),
    indent=1 if not number else None)
print(total, "accounts of version", version, file=sys.stderr)
