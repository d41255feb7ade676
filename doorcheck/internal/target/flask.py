"""A site with Flask-Security, set up as its documentation says, for doorcheck.

usage: flask.py HOST PORT DATABASE MAILBOX
"""
import json
import sys
import urllib.request
from datetime import timedelta
from importlib.metadata import version

from flask import Flask, jsonify
from flask_security import MailUtil, Security, SQLAlchemyUserDatastore, auth_required, current_user
from flask_security.models import fsqla_v3
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

host, port, database, mailbox = sys.argv[1:]
app = Flask("site")
app.config.update(
    # Quick start
    SECRET_KEY="a secret key of 32 bytes or more, for this run only", SECURITY_PASSWORD_SALT="146585145368132386173505678016728509634",
    SQLALCHEMY_DATABASE_URI="sqlite:///" + database, SQLALCHEMY_ENGINE_OPTIONS={"pool_pre_ping": True},
    SESSION_COOKIE_SAMESITE="strict", REMEMBER_COOKIE_SAMESITE="strict",
    SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False},  # there is no DNS on loopback
    # Flask: "Security considerations", set cookie options
    SESSION_COOKIE_SECURE=True, SESSION_COOKIE_HTTPONLY=True, REMEMBER_COOKIE_SECURE=True, REMEMBER_COOKIE_HTTPONLY=True,
    # Features
    SECURITY_REGISTERABLE=True, SECURITY_CONFIRMABLE=True, SECURITY_RECOVERABLE=True, SECURITY_CHANGEABLE=True,
    # Two-factor configurations
    SECURITY_TWO_FACTOR=True, SECURITY_TWO_FACTOR_ENABLED_METHODS=["email", "authenticator"],
    SECURITY_TOTP_SECRETS={"1": "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B"}, SECURITY_TOTP_ISSUER="site",
    SECURITY_MULTI_FACTOR_RECOVERY_CODES=True,
    # Two-factor configurations: browsers can be trusted, for 90 seconds in place of 30 days, so that the end can be waited for
    SECURITY_TWO_FACTOR_ALWAYS_VALIDATE=False, SECURITY_TWO_FACTOR_LOGIN_VALIDITY="90 seconds",
    # Unified sign-in
    SECURITY_UNIFIED_SIGNIN=True, SECURITY_US_ENABLED_METHODS=["password", "email"],
    # Security patterns: generic responses
    SECURITY_RETURN_GENERIC_RESPONSES=True,
    # Testing, "unit testing your application": hashes at their least cost, as no attack here depends on it
    SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS={"bcrypt__rounds": 4}, SECURITY_HASHING_SCHEMES=["hex_md5"],
    SECURITY_DEPRECATED_HASHING_SCHEMES=[],
    # Freshness: 20 seconds in place of a day, so that a stale proof can be waited for
    SECURITY_FRESHNESS=timedelta(seconds=20), SECURITY_FRESHNESS_GRACE_PERIOD=timedelta(seconds=0),
)
CSRFProtect(app)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)
db = SQLAlchemy(app)
fsqla_v3.FsModels.set_db_info(db)


class Role(db.Model, fsqla_v3.FsRoleMixin):
    pass


class WebAuthn(db.Model, fsqla_v3.FsWebAuthnMixin):
    pass


class User(db.Model, fsqla_v3.FsUserMixin):
    webauthn = db.relationship("WebAuthn", backref="users", cascade="all, delete")


class Mail(MailUtil):
    def send_mail(self, template, subject, recipient, sender, body, html, **kwargs):
        data = json.dumps({"to": recipient, "text": f"{subject}\n{body}"}).encode()
        urllib.request.urlopen(urllib.request.Request(mailbox, data, {"Content-Type": "application/json"})).close()


app.security = Security(app, SQLAlchemyUserDatastore(db, User, Role, WebAuthn), mail_util_cls=Mail)


@app.get("/protected")
@auth_required()
def protected():
    return jsonify(email=current_user.email)


@app.get("/version")
def versions():
    return jsonify({name: version(name) for name in ("Flask-Security-Too", "Flask")})


with app.app_context():
    db.create_all()
app.run(host, int(port), threaded=True)
