-- The outbox: when a message is to be sent, who has it in hand and what came of each attempt; what messages are sent by;
-- and what users were last told of their risk status.

-- Set while a mail or text message waits: when it is tried next, or until when a node has it in hand.
ALTER TABLE notification ADD COLUMN next_attempt_at BIGINT;
ALTER TABLE notification ADD COLUMN lease_owner TEXT;
ALTER TABLE notification ADD COLUMN attempts BIGINT NOT NULL DEFAULT 0;
ALTER TABLE notification ADD COLUMN expires_at BIGINT;
-- Who took it over, and what they call it.
ALTER TABLE notification ADD COLUMN provider TEXT;
ALTER TABLE notification ADD COLUMN message_id TEXT;
CREATE INDEX notification_due ON notification (tenant, channel, next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX notification_failed ON notification (tenant, id) WHERE state = 'failed';
-- Receipts for text messages name them so.
CREATE INDEX notification_message_id ON notification (tenant, message_id)
    WHERE channel = 'sms' AND message_id IS NOT NULL;

CREATE TABLE notification_attempt (
    tenant BIGINT NOT NULL,
    notification UUID NOT NULL,
    at BIGINT NOT NULL,
    provider TEXT NOT NULL,
    outcome TEXT NOT NULL,
    answer TEXT NOT NULL,
    PRIMARY KEY (tenant, notification, at)
) WITHOUT ROWID;

-- config is JSON without secrets; secrets is JSON too, sealed.
CREATE TABLE channel_setting (
    tenant BIGINT NOT NULL,
    channel TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    config TEXT NOT NULL,
    secrets TEXT NOT NULL,
    version BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, channel)
) WITHOUT ROWID;

-- A user's risk status and since when it is so; the one they were told of last, how often they were told, and when it
-- is to be seen whether there is news for them.
CREATE TABLE account_status (
    tenant BIGINT NOT NULL,
    user_id UUID NOT NULL,
    status TEXT NOT NULL,
    since BIGINT NOT NULL,
    told TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    due_at BIGINT,
    PRIMARY KEY (tenant, user_id)
) WITHOUT ROWID;
CREATE INDEX account_status_due ON account_status (tenant, due_at) WHERE due_at IS NOT NULL;

-- The last day (of UTC, counted from 1970) whose digest was written.
CREATE TABLE digest (
    tenant BIGINT NOT NULL PRIMARY KEY,
    day BIGINT NOT NULL
);
