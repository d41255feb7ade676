// Package flask reads the accounts of a Flask-Security site from its database: the
// SQLAlchemy models that Flask-Security ships in its versions 1 to 4 (fsqla), on SQLite
// or PostgreSQL.
//
// Keys of authenticator apps are decrypted with SECURITY_TOTP_SECRETS, and recovery
// codes with SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS. Both formats are public:
// the first is the wallet of passlib.totp, and the codes are Fernet tokens
// (https://github.com/fernet/spec).
package flask
