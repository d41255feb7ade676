"""A small Flask-Security site, for the tests of moving there and back.

    site.py make app.db                        makes the database with one person of each kind
    site.py signin app.db EMAIL PASSWORD [KEY] signs in, with the key of an authenticator app, and prints what came of it
    site.py password app.db EMAIL PASSWORD     gives someone another password
    site.py serve app.db PORT TWOFOLD          serves the site, and pages of the application: /app is who is signed in
                                               here, /asks is who is signed in at the address TWOFOLD
"""

import json
import sys
import urllib.error
import urllib.request

from flask import Flask, request
from flask_login import current_user
from flask_security import Security, SQLAlchemyUserDatastore, hash_password
from flask_security.models import fsqla_v3 as fsqla
from flask_sqlalchemy import SQLAlchemy
from passlib.totp import TOTP

SECRETS = {"1": "kq3VvWZkS1vYUn0GxZ3bqv5d6sMN2f0mWl7rJxq8abc"}


def site(database):
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY="x" * 40,
        SECURITY_PASSWORD_SALT="146585145368132386173505678016728509634",
        SECURITY_PASSWORD_HASH="argon2",
        SECURITY_PASSWORD_SCHEMES=["argon2", "django_argon2", "bcrypt", "pbkdf2_sha512"],
        SECURITY_DEPRECATED_PASSWORD_SCHEMES=[],
        SECURITY_TWO_FACTOR=True,
        SECURITY_TWO_FACTOR_ENABLED_METHODS=["authenticator"],
        SECURITY_TOTP_SECRETS=SECRETS,
        SECURITY_TOTP_ISSUER="site",
        SQLALCHEMY_DATABASE_URI="sqlite:///" + database,
        SQLALCHEMY_TRACK_MODIFICATIONS=False,
        WTF_CSRF_ENABLED=False,
        SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False},
    )
    db = SQLAlchemy(app)
    fsqla.FsModels.set_db_info(db)

    class Role(db.Model, fsqla.FsRoleMixin):
        pass

    class User(db.Model, fsqla.FsUserMixin):
        pass

    class WebAuthn(db.Model, fsqla.FsWebAuthnMixin):
        pass

    Security(app, SQLAlchemyUserDatastore(db, User, Role, WebAuthn))
    return app, db


def make(app, db):
    db.create_all()
    store = app.extensions["security"].datastore
    store.create_user(email="ann@example.org", password=hash_password("walking boots 71"), confirmed_at=None)
    bob = store.create_user(email="bob@example.org", password=hash_password("walking boots 72"))
    bob.tf_primary_method = "authenticator"
    bob.tf_totp_secret = TOTP.using(secrets=SECRETS)(key="GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").to_json(encrypt=True)
    db.session.commit()


def signin(app, email, password, key=None):
    client = app.test_client()
    answer = client.post("/login", json={"email": email, "password": password})
    body = answer.json["response"]
    if answer.status_code != 200:
        return "refused"
    if not body.get("tf_required"):
        return "session"
    if key is None:
        return "second factor"
    code = TOTP.using()(key=key).generate().token
    answer = client.post("/tf-validate", json={"code": code})
    return "session" if answer.status_code == 200 else "refused: " + json.dumps(answer.json)


def password(app, db, email, password):
    app.extensions["security"].datastore.find_user(email=email).password = hash_password(password)
    db.session.commit()


def serve(app, port, twofold):
    @app.get("/app")
    def here():
        return {"user": current_user.email if current_user.is_authenticated else ""}

    @app.get("/asks")
    def there():
        asked = urllib.request.Request(twofold + "/me", headers={
            "Host": request.host, "Cookie": request.headers.get("Cookie", ""), "Accept": "application/json"})
        try:
            with urllib.request.urlopen(asked) as answer:
                return {"user": json.load(answer)["response"]["user"]["email"]}
        except urllib.error.HTTPError as e:
            return {"user": "", "status": e.code}

    app.run(host="127.0.0.1", port=int(port))


if __name__ == "__main__":
    app, db = site(sys.argv[2])
    if sys.argv[1] == "serve":
        serve(app, *sys.argv[3:])
    with app.app_context():
        if sys.argv[1] == "make":
            make(app, db)
        elif sys.argv[1] == "password":
            password(app, db, *sys.argv[3:])
        else:
            print(signin(app, *sys.argv[3:]))
