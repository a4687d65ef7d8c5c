-- Who was told what, the dashboard's days, how fast threats led to restrictions, and the search for people by name.

-- One cause, one recipient, one channel: one notification. recipient is the device of a device message, else the user.
CREATE TABLE notification (
    tenant BIGINT NOT NULL,
    id UUID NOT NULL,
    cause_kind TEXT NOT NULL,
    cause TEXT NOT NULL,
    channel TEXT NOT NULL,
    recipient UUID NOT NULL,
    recipient_name TEXT NOT NULL,
    user_id UUID,
    device_id UUID,
    organization_group UUID NOT NULL,
    address TEXT,
    subject TEXT,
    body TEXT NOT NULL,
    html TEXT,
    state TEXT NOT NULL,
    reason TEXT,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX notification_once ON notification (tenant, cause, recipient, channel);
CREATE INDEX notification_user ON notification (tenant, user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX notification_device ON notification (tenant, device_id, id) WHERE device_id IS NOT NULL;
-- What devices have not fetched yet.
CREATE INDEX notification_waiting ON notification (tenant, device_id, id)
    WHERE state = 'queued' AND device_id IS NOT NULL;

-- One row a day (of UTC, counted from 1970) and organization group, as counted last on that day.
CREATE TABLE trend_day (
    tenant BIGINT NOT NULL,
    day BIGINT NOT NULL,
    organization_group UUID NOT NULL,
    score BIGINT NOT NULL,
    users_with_devices BIGINT NOT NULL,
    users_low BIGINT NOT NULL,
    users_medium BIGINT NOT NULL,
    users_high BIGINT NOT NULL,
    risky_users BIGINT NOT NULL,
    risky_devices BIGINT NOT NULL,
    incidents_low BIGINT NOT NULL,
    incidents_medium BIGINT NOT NULL,
    incidents_high BIGINT NOT NULL,
    PRIMARY KEY (tenant, day, organization_group)
) WITHOUT ROWID;

-- When a node last took it on itself to count a tenant's day.
CREATE TABLE trend_count (
    tenant BIGINT NOT NULL PRIMARY KEY,
    counted_at BIGINT NOT NULL
);

-- How long it took from a threat to the restriction it led to: how many times in which bucket, by hour from 1970.
CREATE TABLE enforcement_hour (
    tenant BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    organization_group UUID NOT NULL,
    bucket BIGINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (tenant, hour, organization_group, bucket)
) WITHOUT ROWID;

-- Holds all that is counted about users with a score. It is written when a score moves, and so are they.
DROP INDEX users_score;
CREATE INDEX users_score ON users
    (tenant, score, id, organization_group, incidents_low, incidents_medium, incidents_high) WHERE score > 0;

CREATE INDEX users_display_name ON users (tenant, display_name, id) WHERE display_name IS NOT NULL;
