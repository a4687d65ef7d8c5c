-- Android devices under Google's management (Android Management API).

-- How a tenant is signed in to Google, and its enterprise there. config is JSON without secrets; secrets is JSON, sealed.
CREATE TABLE android_enterprise (
    tenant BIGINT NOT NULL PRIMARY KEY,
    config TEXT NOT NULL,
    secrets TEXT NOT NULL,
    version BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    -- A sign-up that was begun: what Google calls it, and the hash of what whoever comes back from there must show.
    sign_up_name TEXT,
    sign_up_hash BYTEA,
    sign_up_until BIGINT,
    -- How it is doing: JSON in the worker's words.
    state TEXT NOT NULL,
    state_at BIGINT NOT NULL,
    listed_at BIGINT,
    lease_owner TEXT,
    lease_until BIGINT NOT NULL
);

CREATE TABLE android_device (
    tenant BIGINT NOT NULL,
    device_id UUID NOT NULL,
    -- What Google calls it, and the enrollment token it came with.
    name TEXT NOT NULL,
    token UUID NOT NULL,
    state TEXT NOT NULL,
    enrolled_at BIGINT NOT NULL,
    -- The policy Google was told to put on it; none before.
    policy TEXT,
    -- Which profiles its newest policies were made of, oldest first: JSON.
    assigned TEXT NOT NULL,
    -- What the device said last, without what is kept elsewhere: JSON, sealed. When it said so.
    reading BYTEA,
    reported_at BIGINT,
    PRIMARY KEY (tenant, device_id)
);
CREATE UNIQUE INDEX android_device_name ON android_device (tenant, name);
CREATE INDEX android_device_policy ON android_device (tenant, policy);
CREATE INDEX android_device_state ON android_device (tenant, state, device_id);

-- Policies as Google has them. The id follows from what is in them.
CREATE TABLE android_policy (
    tenant BIGINT NOT NULL,
    id TEXT NOT NULL,
    version BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- Enrollment tokens of Google's that were made for ours, to be taken back with them.
CREATE TABLE android_token (
    tenant BIGINT NOT NULL,
    name TEXT NOT NULL,
    token UUID NOT NULL,
    policy TEXT NOT NULL,
    management TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);
CREATE INDEX android_token_token ON android_token (tenant, token);

-- What Google calls the commands of administrators that it has taken over.
CREATE TABLE android_operation (
    tenant BIGINT NOT NULL,
    name TEXT NOT NULL,
    command UUID NOT NULL,
    device_id UUID NOT NULL,
    issued_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);
CREATE INDEX android_operation_device ON android_operation (tenant, device_id);
