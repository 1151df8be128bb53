CREATE TABLE channels (
    id INTEGER NOT NULL,
    name VARCHAR(255) NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE tokens (
    id INTEGER NOT NULL,
    name VARCHAR(255) NOT NULL,
    prefix VARCHAR(12) NOT NULL,
    digest VARCHAR(64) NOT NULL,
    created_at DATETIME NOT NULL,
    expires_at DATETIME,
    revoked_at DATETIME,
    last_used_at DATETIME,
    PRIMARY KEY (id),
    UNIQUE (digest)
);

CREATE TABLE customers (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    created_date DATETIME NOT NULL,
    modified_date DATETIME NOT NULL,
    omnitron_id INTEGER NOT NULL,
    email VARCHAR(254) NOT NULL,
    first_name VARCHAR(255),
    last_name VARCHAR(255),
    phone_number VARCHAR(128),
    erp_code VARCHAR(64),
    channel_id INTEGER,
    FOREIGN KEY(channel_id) REFERENCES channels (id)
);

CREATE INDEX ix_customers_first_name ON customers (first_name, id);

CREATE INDEX ix_customers_channel_id ON customers (channel_id, modified_date, id);

CREATE INDEX ix_customers_email ON customers (email, id);

CREATE INDEX ix_customers_last_name ON customers (last_name, id);

CREATE INDEX ix_customers_erp_code ON customers (erp_code, id);

CREATE INDEX ix_customers_phone_number ON customers (phone_number, id);

CREATE INDEX ix_customers_modified_date ON customers (modified_date, id);
