PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, email TEXT UNIQUE, password TEXT, confirmed BOOLEAN,
    confirm_selector TEXT, attempt_count INTEGER, locked TIMESTAMP, recover_selector TEXT, oauth2_uid TEXT, oauth2_provider TEXT,
    totp_secret_key TEXT, sms_phone_number TEXT, recovery_codes TEXT, created_at TIMESTAMP);
INSERT INTO users VALUES(1,'plain','plain@example.org','$2b$04$QjBVQSp1GGxjG7KFpLPjieB9i35lFrQZQV3kozFkWNeQJ2J27Iba6',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2024-03-01 12:00:00');
INSERT INTO users VALUES(2,'app','app@example.org','$2b$04$BEkJoB81bO4Xd54Do80av.HYMAraLjl/6Qb1hDzcTDN7fZ/4Zp6wu',1,NULL,NULL,NULL,NULL,NULL,NULL,'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',NULL,'$2b$04$6yE89ITRPwKErqQStiR.VudlJPJL7vikQAXaJJmTIZt.hatLqQwlG,$2b$04$jfIqGuA2P7wRCpEW9z8LkOwtLmUk2Dix0ahoKvp7egL4nBrnvCB9m','2024-03-01 12:00:00');
INSERT INTO users VALUES(3,'text','text@example.org','$2b$04$e04Z0WLEZz9AdxtaWOPbouqOP5fBC8/IqM2OFFmIWDSGI6pbO4Fcm',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'+41791234567','','2024-03-01 12:00:00');
INSERT INTO users VALUES(4,'social','social@example.org','',1,NULL,NULL,NULL,NULL,'1050','google',NULL,NULL,NULL,'2024-03-01 12:00:00');
COMMIT;
