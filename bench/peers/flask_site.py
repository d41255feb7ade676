"""A site that signs in with Flask-Security, for comparison with Twofold: see bench/README.md.

    /usr/bin/python3 bench/peers/flask_site.py seed FILE USERS
    FILE=FILE gunicorn --chdir bench/peers -w 2 --threads 8 -k gthread --keep-alive 60 -b 127.0.0.1:8081 flask_site:app

FILE has a full path for gunicorn. It needs Debian's python3-flask-security, python3-flask-sqlalchemy, python3-bcrypt and gunicorn. HASH and ROUNDS choose the
hash of passwords; the default is the one of Flask-Security, bcrypt with 12 rounds. Everything not set here has the default of
Flask-Security.
"""

import base64
import hashlib
import os
import sys

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from flask_security import Security, SQLAlchemyUserDatastore, auth_required, hash_password
from flask_security.models import fsqla_v3 as fsqla

app = Flask(__name__)
app.config.update(
    SECRET_KEY="bench: this key protects nothing at all, everybody can read it",
    SECURITY_PASSWORD_SALT="bench",
    SECURITY_PASSWORD_HASH=os.environ.get("HASH", "bcrypt"),
    SECURITY_PASSWORD_HASH_OPTIONS={"bcrypt": {"rounds": int(os.environ.get("ROUNDS", "12"))}},
    SECURITY_TWO_FACTOR=True,
    SECURITY_TWO_FACTOR_ENABLED_METHODS=["authenticator"],
    SECURITY_TOTP_SECRETS={"1": "bench: this key protects nothing"},
    SECURITY_TOTP_ISSUER="bench",
    SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False},
    SQLALCHEMY_DATABASE_URI="sqlite:///" + os.path.abspath(os.environ.get("FILE") or sys.argv[2]),
    SQLALCHEMY_TRACK_MODIFICATIONS=False,
    WTF_CSRF_ENABLED=False,
)
db = SQLAlchemy(app)
fsqla.FsModels.set_db_info(db)


class Role(db.Model, fsqla.FsRoleMixin):
    pass


class User(db.Model, fsqla.FsUserMixin):
    pass


security = Security(app, SQLAlchemyUserDatastore(db, User, Role))


@app.route("/bare")
def bare():
    return "hello\n"


@app.route("/guarded")
@auth_required("session")
def guarded():
    return "hello\n"


def seed(users):
    """Stores the users that bench/person.go describes."""
    db.create_all()
    password = hash_password("correct horse battery staple")
    factory = security._totp_factory
    for i in range(users):
        secret = hashlib.sha256(f"bench/secret/{i}".encode()).digest()[:20]
        security.datastore.create_user(
            email=f"user{i:07d}@example.com", password=password, tf_primary_method="authenticator",
            tf_totp_secret=factory._totp(key=base64.b32encode(secret).decode()).to_json(encrypt=True))
    db.session.commit()


if __name__ == "__main__":
    with app.app_context():
        seed(int(sys.argv[3]))
