CREATE TABLE channels (
    id BIGSERIAL NOT NULL,
    name VARCHAR(255) NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE tokens (
    id BIGSERIAL NOT NULL,
    name VARCHAR(255) NOT NULL,
    prefix VARCHAR(12) NOT NULL,
    digest VARCHAR(64) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE,
    last_used_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    UNIQUE (digest)
);

CREATE TABLE customers (
    id BIGSERIAL NOT NULL,
    created_date TIMESTAMP WITH TIME ZONE NOT NULL,
    modified_date TIMESTAMP WITH TIME ZONE NOT NULL,
    omnitron_id INTEGER NOT NULL,
    email VARCHAR(254) NOT NULL,
    first_name VARCHAR(255),
    last_name VARCHAR(255),
    phone_number VARCHAR(128),
    erp_code VARCHAR(64),
    channel_id BIGINT,
    PRIMARY KEY (id),
    FOREIGN KEY(channel_id) REFERENCES channels (id)
);

CREATE INDEX ix_customers_first_name ON customers (first_name, id);

CREATE INDEX ix_customers_channel_id ON customers (channel_id, modified_date, id);

CREATE INDEX ix_customers_email ON customers (email, id);

CREATE INDEX ix_customers_last_name ON customers (last_name, id);

CREATE INDEX ix_customers_erp_code ON customers (erp_code, id);

CREATE INDEX ix_customers_phone_number ON customers (phone_number, id);

CREATE INDEX ix_customers_modified_date ON customers (modified_date, id);
