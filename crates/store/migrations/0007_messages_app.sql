-- The Messages app of a device's owner, and how devices are woken.

-- What a device message is; of older ones: a notice.
ALTER TABLE notification ADD COLUMN message_kind TEXT;

-- One-time links with which the app is bound to a device. Used ones stay until they expire, to say so.
CREATE TABLE messages_link (
    tenant BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    device_id UUID NOT NULL,
    purpose TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (tenant, hash),
    FOREIGN KEY (tenant, device_id) REFERENCES device (tenant, id) ON DELETE CASCADE
);
CREATE INDEX messages_link_device ON messages_link (tenant, device_id, purpose, created_at);

-- A browser in which the app is bound to a device.
CREATE TABLE messages_session (
    tenant BIGINT NOT NULL,
    id UUID NOT NULL,
    hash BYTEA NOT NULL,
    device_id UUID NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, device_id) REFERENCES device (tenant, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX messages_session_hash ON messages_session (tenant, hash);
CREATE INDEX messages_session_device ON messages_session (tenant, device_id, id);

-- Where a browser wants to be told that there is a message: endpoint and keys, sealed with the server's key.
CREATE TABLE push_subscription (
    tenant BIGINT NOT NULL,
    session UUID NOT NULL,
    device_id UUID NOT NULL,
    endpoint_hash BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, session),
    FOREIGN KEY (tenant, session) REFERENCES messages_session (tenant, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX push_subscription_endpoint ON push_subscription (tenant, device_id, endpoint_hash);

-- Keys the server has made for itself, sealed with its own.
CREATE TABLE server_key (
    tenant BIGINT NOT NULL,
    name TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);
