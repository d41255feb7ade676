CREATE TABLE IF NOT EXISTS customers (
	id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	email         text NOT NULL,
	password_hash text NOT NULL DEFAULT '',
	confirmed     boolean NOT NULL DEFAULT false,
	active        boolean NOT NULL DEFAULT true,
	admin         boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX IF NOT EXISTS customers_email ON customers (lower(email));
CREATE TABLE IF NOT EXISTS invoices (
	number   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	customer bigint NOT NULL REFERENCES customers,
	subject  text NOT NULL,
	cents    bigint NOT NULL,
	paid     boolean NOT NULL DEFAULT false
);
