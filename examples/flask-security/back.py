"""Write accounts of Twofold back into the database of a Flask-Security application.

    twofold export --with-secrets --recipient age1... > accounts.age
    age --decrypt -i key.txt accounts.age | python3 back.py sqlite:///app.db

The application's tables must be there. An account is found by its id, and by its address if it has none of that id; one
that is not found is added. SECURITY_TOTP_SECRETS, as JSON, encrypts the keys of authenticator apps; without it they are
written as they are. SECURITY_PASSWORD_SCHEMES of the application must hold "django_argon2": passwords that were set at
Twofold are of that kind.

What does not go back: recovery codes, of which Twofold keeps hashes only, and sessions. All who were signed in sign in
again.
"""

import base64
import json
import os
import sys
import uuid
from datetime import datetime

import sqlalchemy as sa

TWOFOLD = ",keyid=dHdvZm9sZA"  # in hashes that Twofold made


def password(account):
    """Return the hash as Flask-Security stores it, or None and why there is none."""
    value = (account.get("password") or {}).get("value", "")
    pre = ""
    if value.startswith("$pre$"):
        pre, value = value[len("$pre$"):].split("$", 1)
    if not value:
        return None, "has no password"
    if value.startswith("$argon2id$") and TWOFOLD in value:
        return "argon2" + value.replace(TWOFOLD, ""), None
    if value.startswith(("$wrapped$", "$ask$")):
        return None, "has a password that only Twofold can check"
    if pre in ("", "flask", "nfkd", "none"):
        return value, None
    return None, "has a password of another system"


def wallet():
    """Return what encrypts the keys of authenticator apps."""
    secrets = os.environ.get("SECURITY_TOTP_SECRETS")
    if not secrets:
        return None
    from passlib.totp import TOTP

    return TOTP.using(secrets=json.loads(secrets))


def totp(app, apps):
    """Return an authenticator's key as Flask-Security stores it, or None if it cannot be used there."""
    if (app.get("digits") or 6, app.get("period") or 30, app.get("algorithm") or "SHA1") != (6, 30, "SHA1"):
        return None
    key = app["secret"].rstrip("=")
    if apps is None:
        return key
    return apps(key=key).to_json(encrypt=True)


def second(items):
    """Return the items that are second factors, the default one first."""
    items = [i for i in items or [] if i.get("use", "second") == "second"]
    return sorted(items, key=lambda i: not i.get("primary"))


def when(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).replace(tzinfo=None) if text else None


def row(account, columns, apps, report):
    """Return the row of one account."""
    address = (account.get("addresses") or [{}])[0]
    values = {
        "email": address.get("address"),
        "username": account.get("username") or None,
        "active": account["active"],
        "fs_uniquifier": uuid.uuid4().hex,
        "confirmed_at": when(address.get("proven_at")) or (datetime.utcnow() if address.get("proven") else None),
        "tf_primary_method": None,
        "tf_totp_secret": None,
        "tf_phone_number": None,
        "mf_recovery_codes": None,
    }
    values["password"], why = password(account)
    if why:
        report.append(why)
    keys, phones, boxes = (second(account.get(k)) for k in ("authenticators", "phones", "mailboxes"))
    if phones:
        values["tf_phone_number"] = phones[0]["number"]
    for method, found in (("authenticator", keys), ("sms", phones), ("email", boxes)):
        secret = totp(found[0], apps) if method == "authenticator" and found else None
        if method == "authenticator" and found and secret is None:
            report.append("has an authenticator app of another kind")
            continue
        if found and (values["tf_primary_method"] is None or found[0].get("primary")):
            values["tf_primary_method"] = method
            # Codes by text message and mail are made from a key, too.
            values["tf_totp_secret"] = secret or totp({"secret": base64.b32encode(os.urandom(20)).decode()}, apps)
    if account.get("recovery_codes"):
        report.append("must make new recovery codes")
    return {k: v for k, v in values.items() if k in columns}


def passkeys(db, tables, account, owner):
    """Write the passkeys of an account, in place of those that were there."""
    table = tables.get("web_authn", tables.get("webauthn"))
    if table is None:
        return
    db.execute(sa.delete(table).where(table.c.user_id == owner))
    for i, key in enumerate(account.get("passkeys") or []):
        db.execute(sa.insert(table).values(
            credential_id=base64.b64decode(key["credential_id"]), public_key=base64.b64decode(key["public_key"]),
            sign_count=key.get("counter", 0), transports=",".join(key.get("transports") or []),
            backup_state=key.get("backed_up", False),
            device_type="multi_device" if key.get("backup_eligible") else "single_device",
            extensions="", name=key.get("name") or f"passkey {i + 1}", usage="first" if key.get("use") == "first" else "secondary",
            create_datetime=when(key.get("created")) or datetime.utcnow(),
            lastuse_datetime=when(key.get("used")) or when(key.get("created")) or datetime.utcnow(), user_id=owner))


def main(address):
    engine = sa.create_engine(address)
    metadata = sa.MetaData()
    metadata.reflect(engine)
    tables, apps = metadata.tables, wallet()
    user = tables["user"]
    changed = added = 0
    with engine.begin() as db:
        for line in sys.stdin:
            account = json.loads(line)
            if "twofold" in account:  # the header
                continue
            report = []
            values = row(account, user.c, apps, report)
            found = None
            if account["id"].isdigit():
                found = db.execute(sa.select(user.c.id).where(user.c.id == int(account["id"]))).scalar()
            if found is None:
                found = db.execute(sa.select(user.c.id).where(user.c.email == values["email"])).scalar()
            if found is None:
                if "create_datetime" in user.c:
                    values["create_datetime"] = values["update_datetime"] = datetime.utcnow()
                found = db.execute(sa.insert(user).values(**values)).inserted_primary_key[0]
                added += 1
            else:
                db.execute(sa.update(user).where(user.c.id == found).values(**values))
                changed += 1
            passkeys(db, tables, account, found)
            for what in report:
                print(f"{values['email']} {what}", file=sys.stderr)
    print(f"{changed} accounts changed, {added} added")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
