-- One history for SQLite and PostgreSQL. Every key leads with the tenant, so that the tables can be spread by tenant.
-- Times are microseconds since 1970 UTC; levels and states that lists sort by are small numbers, others are words.

-- One row a tenant. Writers lock it first: it orders their commits and hands out journal positions.
CREATE TABLE tenant (
    tenant BIGINT NOT NULL PRIMARY KEY,
    journal_position BIGINT NOT NULL,
    rules_version BIGINT NOT NULL,
    settings TEXT NOT NULL,
    settings_version BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE organization_group (
    tenant BIGINT NOT NULL,
    id UUID NOT NULL,
    parent UUID,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant) REFERENCES tenant (tenant)
);
CREATE UNIQUE INDEX organization_group_name ON organization_group (tenant, parent, name);

CREATE TABLE users (
    tenant BIGINT NOT NULL,
    id UUID NOT NULL,
    organization_group UUID NOT NULL,
    user_name TEXT NOT NULL,
    display_name TEXT,
    email TEXT,
    phone TEXT,
    locale TEXT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    -- Kept by the engine: sums over the user's devices.
    devices BIGINT NOT NULL,
    score BIGINT NOT NULL,
    incidents_low BIGINT NOT NULL,
    incidents_medium BIGINT NOT NULL,
    incidents_high BIGINT NOT NULL,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, organization_group) REFERENCES organization_group (tenant, id)
);
CREATE UNIQUE INDEX users_name ON users (tenant, user_name);
CREATE INDEX users_score ON users (tenant, score, id) WHERE score > 0;
CREATE INDEX users_email ON users (tenant, email) WHERE email IS NOT NULL;
CREATE INDEX users_organization_group ON users (tenant, organization_group, id);

CREATE TABLE user_group (
    tenant BIGINT NOT NULL,
    id UUID NOT NULL,
    organization_group UUID NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, organization_group) REFERENCES organization_group (tenant, id)
);
CREATE UNIQUE INDEX user_group_name ON user_group (tenant, name);

CREATE TABLE user_group_member (
    tenant BIGINT NOT NULL,
    user_group UUID NOT NULL,
    user_id UUID NOT NULL,
    PRIMARY KEY (tenant, user_group, user_id),
    FOREIGN KEY (tenant, user_group) REFERENCES user_group (tenant, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX user_group_member_user ON user_group_member (tenant, user_id, user_group);

-- One row a device: the facts, threats, reports and posture as one compact value (doc), and beside it only what lists
-- filter and sort by. An update touches one page.
CREATE TABLE device (
    tenant BIGINT NOT NULL,
    id UUID NOT NULL,
    doc BYTEA NOT NULL,
    version BIGINT NOT NULL,
    organization_group UUID NOT NULL,
    user_id UUID,
    friendly_name TEXT NOT NULL,
    platform TEXT NOT NULL,
    serial_number TEXT,
    udid TEXT,
    external_id TEXT,
    manufacturer TEXT,
    model TEXT,
    os_version TEXT,
    ownership TEXT,
    enrollment TEXT NOT NULL,
    risk BIGINT NOT NULL,
    protection BIGINT NOT NULL,
    compliance BIGINT NOT NULL,
    score BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    -- Time alone may change the posture from then on. May be too early, never too late.
    due_at BIGINT,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, organization_group) REFERENCES organization_group (tenant, id),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id)
);
CREATE UNIQUE INDEX device_serial_number ON device (tenant, serial_number) WHERE serial_number IS NOT NULL;
CREATE UNIQUE INDEX device_udid ON device (tenant, udid) WHERE udid IS NOT NULL;
CREATE UNIQUE INDEX device_external_id ON device (tenant, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX device_name ON device (tenant, friendly_name, id);
CREATE INDEX device_user ON device (tenant, user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX device_organization_group ON device (tenant, organization_group, id);
CREATE INDEX device_model ON device (tenant, manufacturer, model, id);
CREATE INDEX device_os_version ON device (tenant, platform, os_version, id);
CREATE INDEX device_enrollment ON device (tenant, enrollment, id) WHERE enrollment <> 'enrolled';
-- What a filter on risk or on "not compliant" (which implies a risk) reads.
CREATE INDEX device_risk ON device (tenant, risk, id) WHERE risk > 0;
-- What a filter on protection or on "compliance unknown" (which implies a sensor that is not activated) reads.
CREATE INDEX device_protection ON device (tenant, protection, id) WHERE protection <> 1;
CREATE INDEX device_due ON device (tenant, due_at, id) WHERE due_at IS NOT NULL;

-- Ordinary tags on devices; the engine's follow from risk and protection.
CREATE TABLE device_tag (
    tenant BIGINT NOT NULL,
    tag UUID NOT NULL,
    device_id UUID NOT NULL,
    PRIMARY KEY (tenant, tag, device_id)
) WITHOUT ROWID;

CREATE TABLE device_smart_group (
    tenant BIGINT NOT NULL,
    smart_group UUID NOT NULL,
    device_id UUID NOT NULL,
    PRIMARY KEY (tenant, smart_group, device_id)
) WITHOUT ROWID;

-- Where each profile stands on the devices it concerns.
CREATE TABLE device_profile (
    tenant BIGINT NOT NULL,
    profile UUID NOT NULL,
    device_id UUID NOT NULL,
    status TEXT NOT NULL,
    PRIMARY KEY (tenant, profile, device_id)
) WITHOUT ROWID;

-- Threats, one row each for lists and evidence; what the evaluation needs is in the device's own row.
CREATE TABLE threat (
    tenant BIGINT NOT NULL,
    id UUID NOT NULL,
    device_id UUID NOT NULL,
    organization_group UUID NOT NULL,
    source TEXT NOT NULL,
    threat_id TEXT NOT NULL,
    classification TEXT NOT NULL,
    status TEXT NOT NULL,
    severity TEXT,
    first_seen BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    ignored TEXT,
    details TEXT NOT NULL,
    -- No longer in the device's own row.
    archived BOOLEAN NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX threat_open ON threat (tenant, id) WHERE status = 'open';
CREATE INDEX threat_open_classification ON threat (tenant, classification, id) WHERE status = 'open';
CREATE INDEX threat_archived ON threat (tenant, device_id, source, threat_id) WHERE archived;

-- Digests of (source, event id) of every message taken in.
CREATE TABLE seen_event (
    tenant BIGINT NOT NULL,
    digest UUID NOT NULL,
    PRIMARY KEY (tenant, digest)
) WITHOUT ROWID;

-- What sources call our devices.
CREATE TABLE device_alias (
    tenant BIGINT NOT NULL,
    source TEXT NOT NULL,
    external_id TEXT NOT NULL,
    device_id UUID NOT NULL,
    PRIMARY KEY (tenant, source, external_id)
) WITHOUT ROWID;
CREATE INDEX device_alias_device ON device_alias (tenant, device_id);

-- Messages that wait for their device, and those that could not be understood.
CREATE TABLE source_event (
    tenant BIGINT NOT NULL,
    id UUID NOT NULL,
    source TEXT NOT NULL,
    event_id TEXT NOT NULL,
    state TEXT NOT NULL,
    external_id TEXT,
    reason TEXT NOT NULL,
    event TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX source_event_state ON source_event (tenant, state, id);
CREATE INDEX source_event_waiting ON source_event (tenant, source, external_id, id) WHERE state = 'waiting';

-- Threat feeds that are connected.
CREATE TABLE integration (
    tenant BIGINT NOT NULL,
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    base_url TEXT NOT NULL,
    sealed_key BYTEA NOT NULL,
    position TEXT,
    state TEXT NOT NULL,
    state_at BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX integration_name ON integration (tenant, name);

-- Every change, in commit order. previous is the position of the device's entry before this one.
CREATE TABLE journal (
    tenant BIGINT NOT NULL,
    position BIGINT NOT NULL,
    at BIGINT NOT NULL,
    device_id UUID,
    organization_group UUID,
    previous BIGINT,
    entry TEXT NOT NULL,
    PRIMARY KEY (tenant, position)
) WITHOUT ROWID;

CREATE TABLE protections_row (
    tenant BIGINT NOT NULL,
    classification TEXT NOT NULL,
    level TEXT NOT NULL,
    response TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant, classification)
) WITHOUT ROWID;

CREATE TABLE tag (
    tenant BIGINT NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    engine TEXT,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX tag_name ON tag (tenant, name);

CREATE TABLE smart_group (
    tenant BIGINT NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    organization_group UUID NOT NULL,
    selection TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, organization_group) REFERENCES organization_group (tenant, id)
);
CREATE UNIQUE INDEX smart_group_name ON smart_group (tenant, name);

CREATE TABLE profile (
    tenant BIGINT NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    platform TEXT NOT NULL,
    organization_group UUID NOT NULL,
    state TEXT NOT NULL,
    -- The version in force; 0 before the first publication.
    published_version BIGINT NOT NULL,
    draft TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, organization_group) REFERENCES organization_group (tenant, id)
);
CREATE UNIQUE INDEX profile_name ON profile (tenant, name);

CREATE TABLE profile_version (
    tenant BIGINT NOT NULL,
    profile UUID NOT NULL,
    number BIGINT NOT NULL,
    spec TEXT NOT NULL,
    published_at BIGINT NOT NULL,
    published_by TEXT NOT NULL,
    PRIMARY KEY (tenant, profile, number),
    FOREIGN KEY (tenant, profile) REFERENCES profile (tenant, id)
);

CREATE TABLE enrollment_token (
    tenant BIGINT NOT NULL,
    id UUID NOT NULL,
    hash BYTEA NOT NULL,
    user_id UUID NOT NULL,
    platform TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    device_id UUID,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX enrollment_token_hash ON enrollment_token (tenant, hash);

CREATE TABLE device_credential (
    tenant BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    device_id UUID NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, hash),
    FOREIGN KEY (tenant, device_id) REFERENCES device (tenant, id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX device_credential_device ON device_credential (tenant, device_id);

CREATE TABLE role (
    tenant BIGINT NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    rights TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX role_name ON role (tenant, name);

-- Credentials of programs. role is the name of a built-in role or the id of one of the tenant's.
CREATE TABLE api_token (
    tenant BIGINT NOT NULL,
    id UUID NOT NULL,
    hash BYTEA NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    organization_group UUID NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX api_token_hash ON api_token (tenant, hash);

CREATE TABLE job (
    tenant BIGINT NOT NULL,
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    scope TEXT NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    progress TEXT,
    total BIGINT NOT NULL,
    done BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX job_unfinished ON job (tenant, id) WHERE state <> 'done';

-- Answers to requests that carried an Idempotency-Key.
CREATE TABLE idempotency (
    tenant BIGINT NOT NULL,
    key BYTEA NOT NULL,
    request BYTEA NOT NULL,
    status BIGINT NOT NULL,
    body TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX idempotency_at ON idempotency (tenant, at);
