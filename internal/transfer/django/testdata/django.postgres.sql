CREATE TABLE account_emailaddress (
    id integer NOT NULL,
    email character varying(254) NOT NULL,
    verified boolean NOT NULL,
    "primary" boolean NOT NULL,
    user_id integer NOT NULL
);
CREATE SEQUENCE account_emailaddress_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE account_emailaddress_id_seq OWNED BY account_emailaddress.id;
CREATE TABLE account_emailconfirmation (
    id integer NOT NULL,
    created timestamp with time zone NOT NULL,
    sent timestamp with time zone,
    key character varying(64) NOT NULL,
    email_address_id integer NOT NULL
);
CREATE SEQUENCE account_emailconfirmation_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE account_emailconfirmation_id_seq OWNED BY account_emailconfirmation.id;
CREATE TABLE auth_group (
    id integer NOT NULL,
    name character varying(150) NOT NULL
);
CREATE SEQUENCE auth_group_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE auth_group_id_seq OWNED BY auth_group.id;
CREATE TABLE auth_group_permissions (
    id integer NOT NULL,
    group_id integer NOT NULL,
    permission_id integer NOT NULL
);
CREATE SEQUENCE auth_group_permissions_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE auth_group_permissions_id_seq OWNED BY auth_group_permissions.id;
CREATE TABLE auth_permission (
    id integer NOT NULL,
    name character varying(255) NOT NULL,
    content_type_id integer NOT NULL,
    codename character varying(100) NOT NULL
);
CREATE SEQUENCE auth_permission_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE auth_permission_id_seq OWNED BY auth_permission.id;
CREATE TABLE auth_user (
    id integer NOT NULL,
    password character varying(128) NOT NULL,
    last_login timestamp with time zone,
    is_superuser boolean NOT NULL,
    username character varying(150) NOT NULL,
    first_name character varying(150) NOT NULL,
    last_name character varying(150) NOT NULL,
    email character varying(254) NOT NULL,
    is_staff boolean NOT NULL,
    is_active boolean NOT NULL,
    date_joined timestamp with time zone NOT NULL
);
CREATE TABLE auth_user_groups (
    id integer NOT NULL,
    user_id integer NOT NULL,
    group_id integer NOT NULL
);
CREATE SEQUENCE auth_user_groups_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE auth_user_groups_id_seq OWNED BY auth_user_groups.id;
CREATE SEQUENCE auth_user_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE auth_user_id_seq OWNED BY auth_user.id;
CREATE TABLE auth_user_user_permissions (
    id integer NOT NULL,
    user_id integer NOT NULL,
    permission_id integer NOT NULL
);
CREATE SEQUENCE auth_user_user_permissions_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE auth_user_user_permissions_id_seq OWNED BY auth_user_user_permissions.id;
CREATE TABLE django_content_type (
    id integer NOT NULL,
    app_label character varying(100) NOT NULL,
    model character varying(100) NOT NULL
);
CREATE SEQUENCE django_content_type_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE django_content_type_id_seq OWNED BY django_content_type.id;
CREATE TABLE django_migrations (
    id integer NOT NULL,
    app character varying(255) NOT NULL,
    name character varying(255) NOT NULL,
    applied timestamp with time zone NOT NULL
);
CREATE SEQUENCE django_migrations_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE django_migrations_id_seq OWNED BY django_migrations.id;
CREATE TABLE django_site (
    id integer NOT NULL,
    domain character varying(100) NOT NULL,
    name character varying(50) NOT NULL
);
CREATE SEQUENCE django_site_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE django_site_id_seq OWNED BY django_site.id;
CREATE TABLE mfa_authenticator (
    id integer NOT NULL,
    user_id integer NOT NULL,
    type character varying(20) NOT NULL,
    data jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    last_used_at timestamp with time zone
);
CREATE SEQUENCE mfa_authenticator_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE mfa_authenticator_id_seq OWNED BY mfa_authenticator.id;
CREATE TABLE otp_email_emaildevice (
    id integer NOT NULL,
    name character varying(64) NOT NULL,
    confirmed boolean NOT NULL,
    user_id integer NOT NULL,
    token character varying(16),
    valid_until timestamp with time zone NOT NULL,
    email character varying(254),
    throttling_failure_count integer NOT NULL,
    throttling_failure_timestamp timestamp with time zone,
    CONSTRAINT otp_email_emaildevice_throttling_failure_count_check CHECK ((throttling_failure_count >= 0))
);
CREATE SEQUENCE otp_email_emaildevice_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE otp_email_emaildevice_id_seq OWNED BY otp_email_emaildevice.id;
CREATE TABLE otp_hotp_hotpdevice (
    id integer NOT NULL,
    name character varying(64) NOT NULL,
    confirmed boolean NOT NULL,
    key character varying(80) NOT NULL,
    digits smallint NOT NULL,
    tolerance smallint NOT NULL,
    counter bigint NOT NULL,
    user_id integer NOT NULL,
    throttling_failure_count integer NOT NULL,
    throttling_failure_timestamp timestamp with time zone,
    CONSTRAINT otp_hotp_hotpdevice_digits_check CHECK ((digits >= 0)),
    CONSTRAINT otp_hotp_hotpdevice_throttling_failure_count_check CHECK ((throttling_failure_count >= 0)),
    CONSTRAINT otp_hotp_hotpdevice_tolerance_check CHECK ((tolerance >= 0))
);
CREATE SEQUENCE otp_hotp_hotpdevice_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE otp_hotp_hotpdevice_id_seq OWNED BY otp_hotp_hotpdevice.id;
CREATE TABLE otp_static_staticdevice (
    id integer NOT NULL,
    name character varying(64) NOT NULL,
    confirmed boolean NOT NULL,
    user_id integer NOT NULL,
    throttling_failure_count integer NOT NULL,
    throttling_failure_timestamp timestamp with time zone,
    CONSTRAINT otp_static_staticdevice_throttling_failure_count_check CHECK ((throttling_failure_count >= 0))
);
CREATE SEQUENCE otp_static_staticdevice_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE otp_static_staticdevice_id_seq OWNED BY otp_static_staticdevice.id;
CREATE TABLE otp_static_statictoken (
    id integer NOT NULL,
    token character varying(16) NOT NULL,
    device_id integer NOT NULL
);
CREATE SEQUENCE otp_static_statictoken_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE otp_static_statictoken_id_seq OWNED BY otp_static_statictoken.id;
CREATE TABLE otp_totp_totpdevice (
    id integer NOT NULL,
    name character varying(64) NOT NULL,
    confirmed boolean NOT NULL,
    key character varying(80) NOT NULL,
    step smallint NOT NULL,
    t0 bigint NOT NULL,
    digits smallint NOT NULL,
    tolerance smallint NOT NULL,
    drift smallint NOT NULL,
    last_t bigint NOT NULL,
    user_id integer NOT NULL,
    throttling_failure_count integer NOT NULL,
    throttling_failure_timestamp timestamp with time zone,
    CONSTRAINT otp_totp_totpdevice_digits_check CHECK ((digits >= 0)),
    CONSTRAINT otp_totp_totpdevice_step_check CHECK ((step >= 0)),
    CONSTRAINT otp_totp_totpdevice_throttling_failure_count_check CHECK ((throttling_failure_count >= 0)),
    CONSTRAINT otp_totp_totpdevice_tolerance_check CHECK ((tolerance >= 0))
);
CREATE SEQUENCE otp_totp_totpdevice_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE otp_totp_totpdevice_id_seq OWNED BY otp_totp_totpdevice.id;
CREATE TABLE socialaccount_socialaccount (
    id integer NOT NULL,
    provider character varying(30) NOT NULL,
    uid character varying(191) NOT NULL,
    last_login timestamp with time zone NOT NULL,
    date_joined timestamp with time zone NOT NULL,
    extra_data text NOT NULL,
    user_id integer NOT NULL
);
CREATE SEQUENCE socialaccount_socialaccount_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE socialaccount_socialaccount_id_seq OWNED BY socialaccount_socialaccount.id;
CREATE TABLE socialaccount_socialapp (
    id integer NOT NULL,
    provider character varying(30) NOT NULL,
    name character varying(40) NOT NULL,
    client_id character varying(191) NOT NULL,
    secret character varying(191) NOT NULL,
    key character varying(191) NOT NULL
);
CREATE SEQUENCE socialaccount_socialapp_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE socialaccount_socialapp_id_seq OWNED BY socialaccount_socialapp.id;
CREATE TABLE socialaccount_socialapp_sites (
    id integer NOT NULL,
    socialapp_id integer NOT NULL,
    site_id integer NOT NULL
);
CREATE SEQUENCE socialaccount_socialapp_sites_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE socialaccount_socialapp_sites_id_seq OWNED BY socialaccount_socialapp_sites.id;
CREATE TABLE socialaccount_socialtoken (
    id integer NOT NULL,
    token text NOT NULL,
    token_secret text NOT NULL,
    expires_at timestamp with time zone,
    account_id integer NOT NULL,
    app_id integer NOT NULL
);
CREATE SEQUENCE socialaccount_socialtoken_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE socialaccount_socialtoken_id_seq OWNED BY socialaccount_socialtoken.id;
ALTER TABLE ONLY account_emailaddress ALTER COLUMN id SET DEFAULT nextval('account_emailaddress_id_seq'::regclass);
ALTER TABLE ONLY account_emailconfirmation ALTER COLUMN id SET DEFAULT nextval('account_emailconfirmation_id_seq'::regclass);
ALTER TABLE ONLY auth_group ALTER COLUMN id SET DEFAULT nextval('auth_group_id_seq'::regclass);
ALTER TABLE ONLY auth_group_permissions ALTER COLUMN id SET DEFAULT nextval('auth_group_permissions_id_seq'::regclass);
ALTER TABLE ONLY auth_permission ALTER COLUMN id SET DEFAULT nextval('auth_permission_id_seq'::regclass);
ALTER TABLE ONLY auth_user ALTER COLUMN id SET DEFAULT nextval('auth_user_id_seq'::regclass);
ALTER TABLE ONLY auth_user_groups ALTER COLUMN id SET DEFAULT nextval('auth_user_groups_id_seq'::regclass);
ALTER TABLE ONLY auth_user_user_permissions ALTER COLUMN id SET DEFAULT nextval('auth_user_user_permissions_id_seq'::regclass);
ALTER TABLE ONLY django_content_type ALTER COLUMN id SET DEFAULT nextval('django_content_type_id_seq'::regclass);
ALTER TABLE ONLY django_migrations ALTER COLUMN id SET DEFAULT nextval('django_migrations_id_seq'::regclass);
ALTER TABLE ONLY django_site ALTER COLUMN id SET DEFAULT nextval('django_site_id_seq'::regclass);
ALTER TABLE ONLY mfa_authenticator ALTER COLUMN id SET DEFAULT nextval('mfa_authenticator_id_seq'::regclass);
ALTER TABLE ONLY otp_email_emaildevice ALTER COLUMN id SET DEFAULT nextval('otp_email_emaildevice_id_seq'::regclass);
ALTER TABLE ONLY otp_hotp_hotpdevice ALTER COLUMN id SET DEFAULT nextval('otp_hotp_hotpdevice_id_seq'::regclass);
ALTER TABLE ONLY otp_static_staticdevice ALTER COLUMN id SET DEFAULT nextval('otp_static_staticdevice_id_seq'::regclass);
ALTER TABLE ONLY otp_static_statictoken ALTER COLUMN id SET DEFAULT nextval('otp_static_statictoken_id_seq'::regclass);
ALTER TABLE ONLY otp_totp_totpdevice ALTER COLUMN id SET DEFAULT nextval('otp_totp_totpdevice_id_seq'::regclass);
ALTER TABLE ONLY socialaccount_socialaccount ALTER COLUMN id SET DEFAULT nextval('socialaccount_socialaccount_id_seq'::regclass);
ALTER TABLE ONLY socialaccount_socialapp ALTER COLUMN id SET DEFAULT nextval('socialaccount_socialapp_id_seq'::regclass);
ALTER TABLE ONLY socialaccount_socialapp_sites ALTER COLUMN id SET DEFAULT nextval('socialaccount_socialapp_sites_id_seq'::regclass);
ALTER TABLE ONLY socialaccount_socialtoken ALTER COLUMN id SET DEFAULT nextval('socialaccount_socialtoken_id_seq'::regclass);
INSERT INTO account_emailaddress VALUES (1, 'plain@example.org', true, true, 1);
INSERT INTO account_emailaddress VALUES (2, 'second@example.org', false, false, 1);
INSERT INTO account_emailaddress VALUES (3, 'sha1@example.org', true, true, 2);
INSERT INTO account_emailaddress VALUES (4, 'argon@example.org', true, true, 3);
INSERT INTO account_emailaddress VALUES (5, 'bcrypt@example.org', true, true, 4);
INSERT INTO account_emailaddress VALUES (6, 'md5@example.org', true, true, 5);
INSERT INTO account_emailaddress VALUES (7, 'nopassword@example.org', true, true, 6);
INSERT INTO account_emailaddress VALUES (8, 'off@example.org', true, true, 7);
INSERT INTO account_emailaddress VALUES (9, 'boss@example.org', false, true, 8);
INSERT INTO account_emailaddress VALUES (10, 'app@example.org', true, true, 9);
INSERT INTO account_emailaddress VALUES (11, 'counter@example.org', true, true, 10);
INSERT INTO account_emailaddress VALUES (12, 'mailed@example.org', true, true, 11);
INSERT INTO account_emailaddress VALUES (13, 'allauth@example.org', true, true, 12);
INSERT INTO account_emailaddress VALUES (14, 'hooked@example.org', true, true, 13);
INSERT INTO account_emailaddress VALUES (15, 'migrated@example.org', true, true, 14);
INSERT INTO account_emailaddress VALUES (16, 'passkey@example.org', true, true, 123);
INSERT INTO auth_group VALUES (1, 'news editors');
INSERT INTO auth_user VALUES (1, 'pbkdf2_sha256$1000$JK0AqLAv4x9C9cty8AyIT7$q3dOa/5S/2EzkZfhjyRXyjNZwTYDkONXjUaeH9JX2E8=', '2024-03-05 12:00:00+00', false, 'plain', 'Pia', 'Plain', 'plain@example.org', false, true, '2024-03-01 12:00:00+00');
INSERT INTO auth_user VALUES (2, 'pbkdf2_sha1$1000$ruC8QcfQWxr0JweNqywurS$yJuFJNOe5KnZXbF6gHPRLp5ROIU=', NULL, false, 'sha1', '', '', 'sha1@example.org', false, true, '2024-03-01 12:00:00+00');
INSERT INTO auth_user VALUES (3, 'argon2$argon2id$v=19$m=102400,t=2,p=8$aEpvVW03Y282WDZZN2lkR2x3OGRoQg$UI4AY/nGMsLUR+1J9S18PA', NULL, false, 'argon', '', '', 'argon@example.org', false, true, '2024-03-01 12:00:00+00');
INSERT INTO auth_user VALUES (4, 'bcrypt_sha256$$2b$04$zXfjYnTo6IIh.wjstn.DtOvgbf/UbxGr9FOVP7RzCsMcsJtyzLD7i', NULL, false, 'bcrypt', '', '', 'bcrypt@example.org', false, true, '2024-03-01 12:00:00+00');
INSERT INTO auth_user VALUES (5, 'md5$fAZKx7NpuxJH0Pbry4sbcd$a5957f5e838d5432dea92686cbf9456c', NULL, false, 'md5', '', '', 'md5@example.org', false, true, '2024-03-01 12:00:00+00');
INSERT INTO auth_user VALUES (6, '!BnSZkE4MtQwlMGoWjUoqht4FuPYGzMOuhIPOg8Tm', NULL, false, 'nopassword', '', '', 'nopassword@example.org', false, true, '2024-03-01 12:00:00+00');
INSERT INTO auth_user VALUES (7, 'pbkdf2_sha256$1000$Hx5MrGDBS6pGv2wY8MHwGZ$+gLsNHMy0O6uTUhBCAo/j/a6+pe2PywAJNsWJwkQhyc=', NULL, false, 'off', '', '', 'off@example.org', false, false, '2024-03-01 12:00:00+00');
INSERT INTO auth_user VALUES (8, 'pbkdf2_sha256$1000$ylmQfp6s7RtSmScIp1JDli$w+Lbw+M+4JdTQR1buK0sFMcfWXj0Llpn7EYN59aoIfg=', NULL, true, 'boss', '', '', 'boss@example.org', true, true, '2024-03-01 12:00:00+00');
INSERT INTO auth_user VALUES (9, 'pbkdf2_sha256$1000$KWFRp39vrLNGjvAaVXS8AH$mj/rGgePksnGMBKwcK+Iex03pcUR2R9tcS8rnpooVdM=', NULL, false, 'app', '', '', 'app@example.org', false, true, '2024-03-01 12:00:00+00');
INSERT INTO auth_user VALUES (10, 'pbkdf2_sha256$1000$juZDlEmogIBw6mCRnTVE11$BUBq+np5hgWVlrfLEadsZKnGy6JTIeAGhw2NdU/lELg=', NULL, false, 'counter', '', '', 'counter@example.org', false, true, '2024-03-01 12:00:00+00');
INSERT INTO auth_user VALUES (11, 'pbkdf2_sha256$1000$eDS1VVAOBB9Xo4pu00NsuO$sfTksXto6IsYxyfQVgPhQ832b+u8DhDXNTQ7IE0ljIE=', NULL, false, 'mailed', '', '', 'mailed@example.org', false, true, '2024-03-01 12:00:00+00');
INSERT INTO auth_user VALUES (12, 'pbkdf2_sha256$1000$4WI5FRa0QfXZr2DTLuy6fR$QU7Ikn513pKuAHjzPDepMZtcz3Tn6wkj+9mJZp39knA=', NULL, false, 'allauth', '', '', 'allauth@example.org', false, true, '2024-03-01 12:00:00+00');
INSERT INTO auth_user VALUES (13, 'pbkdf2_sha256$1000$edgG9xn2RyudOqVurNakqZ$GDboTS2Jnjqy8A1QjFY11QTZ2ntMLO6KuC0ZNrAjaYQ=', NULL, false, 'hooked', '', '', 'hooked@example.org', false, true, '2024-03-01 12:00:00+00');
INSERT INTO auth_user VALUES (14, 'pbkdf2_sha256$1000$Sh999UCo2Huu2iXdggNskN$L9/TozPksTNJcFlTZcmlbRFfiIxOuPHrEQDAanPPDtY=', NULL, false, 'migrated', '', '', 'migrated@example.org', false, true, '2024-03-01 12:00:00+00');
INSERT INTO auth_user VALUES (123, 'pbkdf2_sha256$1000$23BTLVpCB84d5dLmYERIBU$i3DexUbfO8eLq0K3J2u6tgjkfOcmOGRHws47mZc2P5g=', NULL, false, 'passkey', '', '', 'passkey@example.org', false, true, '2024-03-01 12:00:00+00');
INSERT INTO auth_user_groups VALUES (1, 1, 1);
INSERT INTO django_site VALUES (1, 'example.com', 'example.com');
INSERT INTO mfa_authenticator VALUES (1, 12, 'totp', '{"secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}', '2024-03-02 12:00:00+00', NULL);
INSERT INTO mfa_authenticator VALUES (2, 12, 'recovery_codes', '{"seed": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "used_mask": 5}', '2026-11-29 09:46:50.618344+00', NULL);
INSERT INTO mfa_authenticator VALUES (3, 13, 'totp', '{"secret": "gAAAAABencrypted=="}', '2026-11-29 09:46:50.637672+00', NULL);
INSERT INTO mfa_authenticator VALUES (4, 14, 'totp', '{"secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}', '2026-11-29 09:46:50.641123+00', NULL);
INSERT INTO mfa_authenticator VALUES (5, 14, 'recovery_codes', '{"migrated_codes": ["11112222", "33334444"]}', '2026-11-29 09:46:50.641515+00', NULL);
INSERT INTO mfa_authenticator VALUES (6, 123, 'webauthn', '{"name": "Master key", "credential": {"id": "cmtZ8Hit-N7Gg99Sh9CfPwtIyljn_sPnl7dyxhk5hio", "type": "public-key", "rawId": "cmtZ8Hit-N7Gg99Sh9CfPwtIyljn_sPnl7dyxhk5hio", "response": {"transports": ["internal", "hybrid"], "clientDataJSON": "eyJjaGFsbGVuZ2UiOiJZMmhoYkd4bGJtZGwiLCJjcm9zc09yaWdpbiI6ZmFsc2UsIm9yaWdpbiI6Imh0dHBzOi8vc2l0ZS5leGFtcGxlIiwidHlwZSI6IndlYmF1dGhuLmNyZWF0ZSJ9", "attestationObject": "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVikOSe2wy2WhSiTBUm7oE2wfCZFDP4oGEvDasNKV_QoavVdAAAAAAAAAAAAAAAAAAAAAAAAAAAAIHJrWfB4rfjexoPfUofQnz8LSMpY5_7D55e3csYZOYYqpQECAyYgASFYIF1GY083Ggof5-32hNWJ_Gf7WNLSDzn8Yav4ReUFXLmPIlggtlv44DamolqP9CvRpec-mN_VfV7rv69KA6GXV4J_52Y"}, "clientExtensionResults": {"credProps": {"rk": true}}, "authenticatorAttachment": "platform"}}', '2026-11-29 09:46:50.65188+00', '2024-03-04 12:00:00+00');
INSERT INTO otp_email_emaildevice VALUES (1, 'mail', true, 11, NULL, '2026-11-29 09:46:50.613943+00', NULL, 0, NULL);
INSERT INTO otp_hotp_hotpdevice VALUES (1, 'token', true, '3232323232323232323232323232323232323232', 6, 5, 0, 10, 0, NULL);
INSERT INTO otp_static_staticdevice VALUES (1, 'backup', true, 9, 0, NULL);
INSERT INTO otp_static_statictoken VALUES (1, 'abcd2345', 1);
INSERT INTO otp_static_statictoken VALUES (2, 'k7k7k7k7', 1);
INSERT INTO otp_static_statictoken VALUES (3, 'abc', 1);
INSERT INTO otp_totp_totpdevice VALUES (1, 'phone', true, '3031323334353637383930313233343536373839', 30, 0, 8, 1, 0, 57000000, 9, 0, NULL);
INSERT INTO otp_totp_totpdevice VALUES (2, 'started', false, '3131313131313131313131313131313131313131', 30, 0, 6, 1, 0, -1, 9, 0, NULL);
INSERT INTO socialaccount_socialaccount VALUES (1, 'google', '1050', '2026-11-29 09:46:50.621066+00', '2026-11-29 09:46:50.62108+00', '{}', 12);
INSERT INTO socialaccount_socialaccount VALUES (2, 'steam', '7', '2026-11-29 09:46:50.635523+00', '2026-11-29 09:46:50.635544+00', '{}', 12);
SELECT pg_catalog.setval('account_emailaddress_id_seq', 16, true);
SELECT pg_catalog.setval('account_emailconfirmation_id_seq', 1, false);
SELECT pg_catalog.setval('auth_group_id_seq', 1, true);
SELECT pg_catalog.setval('auth_group_permissions_id_seq', 1, false);
SELECT pg_catalog.setval('auth_permission_id_seq', 64, true);
SELECT pg_catalog.setval('auth_user_groups_id_seq', 1, true);
SELECT pg_catalog.setval('auth_user_id_seq', 14, true);
SELECT pg_catalog.setval('auth_user_user_permissions_id_seq', 1, false);
SELECT pg_catalog.setval('django_content_type_id_seq', 16, true);
SELECT pg_catalog.setval('django_migrations_id_seq', 31, true);
SELECT pg_catalog.setval('django_site_id_seq', 1, true);
SELECT pg_catalog.setval('mfa_authenticator_id_seq', 6, true);
SELECT pg_catalog.setval('otp_email_emaildevice_id_seq', 1, true);
SELECT pg_catalog.setval('otp_hotp_hotpdevice_id_seq', 1, true);
SELECT pg_catalog.setval('otp_static_staticdevice_id_seq', 1, true);
SELECT pg_catalog.setval('otp_static_statictoken_id_seq', 3, true);
SELECT pg_catalog.setval('otp_totp_totpdevice_id_seq', 2, true);
SELECT pg_catalog.setval('socialaccount_socialaccount_id_seq', 2, true);
SELECT pg_catalog.setval('socialaccount_socialapp_id_seq', 1, false);
SELECT pg_catalog.setval('socialaccount_socialapp_sites_id_seq', 1, false);
SELECT pg_catalog.setval('socialaccount_socialtoken_id_seq', 1, false);
ALTER TABLE ONLY account_emailaddress
    ADD CONSTRAINT account_emailaddress_email_key UNIQUE (email);
ALTER TABLE ONLY account_emailaddress
    ADD CONSTRAINT account_emailaddress_pkey PRIMARY KEY (id);
ALTER TABLE ONLY account_emailconfirmation
    ADD CONSTRAINT account_emailconfirmation_key_key UNIQUE (key);
ALTER TABLE ONLY account_emailconfirmation
    ADD CONSTRAINT account_emailconfirmation_pkey PRIMARY KEY (id);
ALTER TABLE ONLY auth_group
    ADD CONSTRAINT auth_group_name_key UNIQUE (name);
ALTER TABLE ONLY auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_group_id_permission_id_0cd325b0_uniq UNIQUE (group_id, permission_id);
ALTER TABLE ONLY auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY auth_group
    ADD CONSTRAINT auth_group_pkey PRIMARY KEY (id);
ALTER TABLE ONLY auth_permission
    ADD CONSTRAINT auth_permission_content_type_id_codename_01ab375a_uniq UNIQUE (content_type_id, codename);
ALTER TABLE ONLY auth_permission
    ADD CONSTRAINT auth_permission_pkey PRIMARY KEY (id);
ALTER TABLE ONLY auth_user_groups
    ADD CONSTRAINT auth_user_groups_pkey PRIMARY KEY (id);
ALTER TABLE ONLY auth_user_groups
    ADD CONSTRAINT auth_user_groups_user_id_group_id_94350c0c_uniq UNIQUE (user_id, group_id);
ALTER TABLE ONLY auth_user
    ADD CONSTRAINT auth_user_pkey PRIMARY KEY (id);
ALTER TABLE ONLY auth_user_user_permissions
    ADD CONSTRAINT auth_user_user_permissions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY auth_user_user_permissions
    ADD CONSTRAINT auth_user_user_permissions_user_id_permission_id_14a6b632_uniq UNIQUE (user_id, permission_id);
ALTER TABLE ONLY auth_user
    ADD CONSTRAINT auth_user_username_key UNIQUE (username);
ALTER TABLE ONLY django_content_type
    ADD CONSTRAINT django_content_type_app_label_model_76bd3d3b_uniq UNIQUE (app_label, model);
ALTER TABLE ONLY django_content_type
    ADD CONSTRAINT django_content_type_pkey PRIMARY KEY (id);
ALTER TABLE ONLY django_migrations
    ADD CONSTRAINT django_migrations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY django_site
    ADD CONSTRAINT django_site_domain_a2e37b91_uniq UNIQUE (domain);
ALTER TABLE ONLY django_site
    ADD CONSTRAINT django_site_pkey PRIMARY KEY (id);
ALTER TABLE ONLY mfa_authenticator
    ADD CONSTRAINT mfa_authenticator_pkey PRIMARY KEY (id);
ALTER TABLE ONLY otp_email_emaildevice
    ADD CONSTRAINT otp_email_emaildevice_pkey PRIMARY KEY (id);
ALTER TABLE ONLY otp_hotp_hotpdevice
    ADD CONSTRAINT otp_hotp_hotpdevice_pkey PRIMARY KEY (id);
ALTER TABLE ONLY otp_static_staticdevice
    ADD CONSTRAINT otp_static_staticdevice_pkey PRIMARY KEY (id);
ALTER TABLE ONLY otp_static_statictoken
    ADD CONSTRAINT otp_static_statictoken_pkey PRIMARY KEY (id);
ALTER TABLE ONLY otp_totp_totpdevice
    ADD CONSTRAINT otp_totp_totpdevice_pkey PRIMARY KEY (id);
ALTER TABLE ONLY socialaccount_socialaccount
    ADD CONSTRAINT socialaccount_socialaccount_pkey PRIMARY KEY (id);
ALTER TABLE ONLY socialaccount_socialaccount
    ADD CONSTRAINT socialaccount_socialaccount_provider_uid_fc810c6e_uniq UNIQUE (provider, uid);
ALTER TABLE ONLY socialaccount_socialapp_sites
    ADD CONSTRAINT socialaccount_socialapp__socialapp_id_site_id_71a9a768_uniq UNIQUE (socialapp_id, site_id);
ALTER TABLE ONLY socialaccount_socialapp
    ADD CONSTRAINT socialaccount_socialapp_pkey PRIMARY KEY (id);
ALTER TABLE ONLY socialaccount_socialapp_sites
    ADD CONSTRAINT socialaccount_socialapp_sites_pkey PRIMARY KEY (id);
ALTER TABLE ONLY socialaccount_socialtoken
    ADD CONSTRAINT socialaccount_socialtoken_app_id_account_id_fca4e0ac_uniq UNIQUE (app_id, account_id);
ALTER TABLE ONLY socialaccount_socialtoken
    ADD CONSTRAINT socialaccount_socialtoken_pkey PRIMARY KEY (id);
CREATE INDEX account_emailaddress_email_03be32b2_like ON account_emailaddress USING btree (email varchar_pattern_ops);
CREATE INDEX account_emailaddress_user_id_2c513194 ON account_emailaddress USING btree (user_id);
CREATE INDEX account_emailconfirmation_email_address_id_5b7f8c58 ON account_emailconfirmation USING btree (email_address_id);
CREATE INDEX account_emailconfirmation_key_f43612bd_like ON account_emailconfirmation USING btree (key varchar_pattern_ops);
CREATE INDEX auth_group_name_a6ea08ec_like ON auth_group USING btree (name varchar_pattern_ops);
CREATE INDEX auth_group_permissions_group_id_b120cbf9 ON auth_group_permissions USING btree (group_id);
CREATE INDEX auth_group_permissions_permission_id_84c5c92e ON auth_group_permissions USING btree (permission_id);
CREATE INDEX auth_permission_content_type_id_2f476e4b ON auth_permission USING btree (content_type_id);
CREATE INDEX auth_user_groups_group_id_97559544 ON auth_user_groups USING btree (group_id);
CREATE INDEX auth_user_groups_user_id_6a12ed8b ON auth_user_groups USING btree (user_id);
CREATE INDEX auth_user_user_permissions_permission_id_1fbb5f2c ON auth_user_user_permissions USING btree (permission_id);
CREATE INDEX auth_user_user_permissions_user_id_a95ead1b ON auth_user_user_permissions USING btree (user_id);
CREATE INDEX auth_user_username_6821ab7c_like ON auth_user USING btree (username varchar_pattern_ops);
CREATE INDEX django_site_domain_a2e37b91_like ON django_site USING btree (domain varchar_pattern_ops);
CREATE INDEX mfa_authenticator_user_id_0c3a50c0 ON mfa_authenticator USING btree (user_id);
CREATE INDEX otp_email_emaildevice_user_id_0215c274 ON otp_email_emaildevice USING btree (user_id);
CREATE INDEX otp_hotp_hotpdevice_user_id_831afee3 ON otp_hotp_hotpdevice USING btree (user_id);
CREATE INDEX otp_static_staticdevice_user_id_7f9cff2b ON otp_static_staticdevice USING btree (user_id);
CREATE INDEX otp_static_statictoken_device_id_74b7c7d1 ON otp_static_statictoken USING btree (device_id);
CREATE INDEX otp_static_statictoken_token_d0a51866 ON otp_static_statictoken USING btree (token);
CREATE INDEX otp_static_statictoken_token_d0a51866_like ON otp_static_statictoken USING btree (token varchar_pattern_ops);
CREATE INDEX otp_totp_totpdevice_user_id_0fb18292 ON otp_totp_totpdevice USING btree (user_id);
CREATE INDEX socialaccount_socialaccount_user_id_8146e70c ON socialaccount_socialaccount USING btree (user_id);
CREATE INDEX socialaccount_socialapp_sites_site_id_2579dee5 ON socialaccount_socialapp_sites USING btree (site_id);
CREATE INDEX socialaccount_socialapp_sites_socialapp_id_97fb6e7d ON socialaccount_socialapp_sites USING btree (socialapp_id);
CREATE INDEX socialaccount_socialtoken_account_id_951f210e ON socialaccount_socialtoken USING btree (account_id);
CREATE INDEX socialaccount_socialtoken_app_id_636a42d7 ON socialaccount_socialtoken USING btree (app_id);
ALTER TABLE ONLY account_emailaddress
    ADD CONSTRAINT account_emailaddress_user_id_2c513194_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES auth_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY account_emailconfirmation
    ADD CONSTRAINT account_emailconfirm_email_address_id_5b7f8c58_fk_account_e FOREIGN KEY (email_address_id) REFERENCES account_emailaddress(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY auth_group_permissions
    ADD CONSTRAINT auth_group_permissio_permission_id_84c5c92e_fk_auth_perm FOREIGN KEY (permission_id) REFERENCES auth_permission(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_group_id_b120cbf9_fk_auth_group_id FOREIGN KEY (group_id) REFERENCES auth_group(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY auth_permission
    ADD CONSTRAINT auth_permission_content_type_id_2f476e4b_fk_django_co FOREIGN KEY (content_type_id) REFERENCES django_content_type(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY auth_user_groups
    ADD CONSTRAINT auth_user_groups_group_id_97559544_fk_auth_group_id FOREIGN KEY (group_id) REFERENCES auth_group(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY auth_user_groups
    ADD CONSTRAINT auth_user_groups_user_id_6a12ed8b_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES auth_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY auth_user_user_permissions
    ADD CONSTRAINT auth_user_user_permi_permission_id_1fbb5f2c_fk_auth_perm FOREIGN KEY (permission_id) REFERENCES auth_permission(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY auth_user_user_permissions
    ADD CONSTRAINT auth_user_user_permissions_user_id_a95ead1b_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES auth_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY mfa_authenticator
    ADD CONSTRAINT mfa_authenticator_user_id_0c3a50c0_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES auth_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY otp_email_emaildevice
    ADD CONSTRAINT otp_email_emaildevice_user_id_0215c274_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES auth_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY otp_hotp_hotpdevice
    ADD CONSTRAINT otp_hotp_hotpdevice_user_id_831afee3_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES auth_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY otp_static_staticdevice
    ADD CONSTRAINT otp_static_staticdevice_user_id_7f9cff2b_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES auth_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY otp_static_statictoken
    ADD CONSTRAINT otp_static_statictok_device_id_74b7c7d1_fk_otp_stati FOREIGN KEY (device_id) REFERENCES otp_static_staticdevice(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY otp_totp_totpdevice
    ADD CONSTRAINT otp_totp_totpdevice_user_id_0fb18292_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES auth_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY socialaccount_socialtoken
    ADD CONSTRAINT socialaccount_social_account_id_951f210e_fk_socialacc FOREIGN KEY (account_id) REFERENCES socialaccount_socialaccount(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY socialaccount_socialtoken
    ADD CONSTRAINT socialaccount_social_app_id_636a42d7_fk_socialacc FOREIGN KEY (app_id) REFERENCES socialaccount_socialapp(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY socialaccount_socialapp_sites
    ADD CONSTRAINT socialaccount_social_site_id_2579dee5_fk_django_si FOREIGN KEY (site_id) REFERENCES django_site(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY socialaccount_socialapp_sites
    ADD CONSTRAINT socialaccount_social_socialapp_id_97fb6e7d_fk_socialacc FOREIGN KEY (socialapp_id) REFERENCES socialaccount_socialapp(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY socialaccount_socialaccount
    ADD CONSTRAINT socialaccount_socialaccount_user_id_8146e70c_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES auth_user(id) DEFERRABLE INITIALLY DEFERRED;
