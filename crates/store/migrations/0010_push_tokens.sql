-- Where the agent of a device is told by its platform's push service that there is something for it: one address a
-- device.
CREATE TABLE push_token (
    tenant BIGINT NOT NULL,
    device_id UUID NOT NULL,
    provider TEXT NOT NULL,
    token TEXT NOT NULL,
    topic TEXT,
    environment TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, device_id),
    FOREIGN KEY (tenant, device_id) REFERENCES device (tenant, id) ON DELETE CASCADE
);
CREATE INDEX push_token_token ON push_token (tenant, provider, token);
