-- Devices that are managed by Apple's protocol, and the commands that administrators give devices.

CREATE TABLE apple_enrollment (
    tenant BIGINT NOT NULL,
    device_id UUID NOT NULL,
    -- The UDID, or the id of the enrollment where the device does not tell it.
    identifier TEXT NOT NULL,
    -- The enrollment token it came with: the device's certificates are issued for it.
    token UUID NOT NULL,
    topic TEXT NOT NULL,
    state TEXT NOT NULL,
    began_at BIGINT NOT NULL,
    -- What the device is asked by itself, and when it answered: JSON.
    inquiries TEXT NOT NULL,
    -- From when on there is something to ask it.
    ask_at BIGINT NOT NULL,
    -- What it postponed before this time it is given again.
    resumed_at BIGINT NOT NULL,
    -- Sealed with the server's key: how to wake it, what it gave us to keep, and the messages as they came.
    push BYTEA,
    push_changed_at BIGINT,
    unlock_token BYTEA,
    bootstrap_token BYTEA,
    authenticate BYTEA NOT NULL,
    token_update BYTEA,
    PRIMARY KEY (tenant, device_id)
);
CREATE UNIQUE INDEX apple_enrollment_token ON apple_enrollment (tenant, token);
CREATE INDEX apple_enrollment_ask ON apple_enrollment (tenant, ask_at) WHERE push IS NOT NULL;

-- payload and answer are sealed with the server's key. A command that is past its time is expired, whatever its state.
CREATE TABLE device_command (
    tenant BIGINT NOT NULL,
    id UUID NOT NULL,
    device_id UUID NOT NULL,
    request_type TEXT NOT NULL,
    rank BIGINT NOT NULL,
    state TEXT NOT NULL,
    -- The device said "not now", and has not begun anew since.
    postponed BOOLEAN NOT NULL,
    requested_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    sent_at BIGINT,
    answered_at BIGINT,
    detail TEXT,
    payload BYTEA NOT NULL,
    answer BYTEA,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX device_command_device ON device_command (tenant, device_id, id);
CREATE INDEX device_command_open ON device_command (tenant, device_id, postponed, rank, id)
    WHERE state IN ('queued', 'sent', 'not_now');
