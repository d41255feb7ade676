// Package flask reads the accounts of a Flask-Security site from its database: the
// SQLAlchemy models that Flask-Security ships in its versions 1 to 4 (fsqla), on SQLite
// or PostgreSQL.
//
// Secrets of authenticator apps are opened with the keys of SECURITY_TOTP_SECRETS, and
// recovery codes with those of SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS. Both formats
// are public: the wallet is that of passlib.totp, the codes are Fernet tokens
// (https://github.com/fernet/spec).
package flask
