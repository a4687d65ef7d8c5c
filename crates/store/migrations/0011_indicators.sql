-- Indicators, the sets they come in, and what is on devices that they are compared with.

CREATE TABLE indicator_set (
    tenant BIGINT NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    origin TEXT NOT NULL,
    -- What all of its indicators are taken for, in place of what the set itself says.
    classification TEXT,
    url TEXT,
    refresh_seconds BIGINT NOT NULL,
    -- What was loaded last: how many indicators; how much was skipped, and the first of that with the reasons (JSON).
    format TEXT,
    indicators BIGINT NOT NULL,
    skipped BIGINT NOT NULL,
    findings TEXT NOT NULL,
    digest TEXT,
    etag TEXT,
    last_modified TEXT,
    loaded_at BIGINT,
    -- Who is loading it: of two only the later goes on.
    loading UUID,
    -- When its URL or file was looked at last, what went wrong then, and when it is looked at next.
    checked_at BIGINT,
    error TEXT,
    next_check_at BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX indicator_set_name ON indicator_set (tenant, name);
CREATE INDEX indicator_set_due ON indicator_set (tenant, next_check_at) WHERE next_check_at IS NOT NULL;

-- Found by its value, in one step whatever the size of the sets.
CREATE TABLE indicator (
    tenant BIGINT NOT NULL,
    value TEXT NOT NULL,
    kind TEXT NOT NULL,
    set_id UUID NOT NULL,
    name TEXT NOT NULL,
    classification TEXT NOT NULL,
    reference TEXT,
    -- Whether it counts now, and when that changes.
    active BOOLEAN NOT NULL,
    valid_from BIGINT,
    valid_until BIGINT,
    due_at BIGINT,
    PRIMARY KEY (tenant, value, kind, set_id)
) WITHOUT ROWID;
CREATE INDEX indicator_of_set ON indicator (tenant, set_id, value, kind);
CREATE INDEX indicator_name ON indicator (tenant, name, value, kind, set_id);
CREATE INDEX indicator_due ON indicator (tenant, due_at) WHERE due_at IS NOT NULL;

-- Apps and configuration profiles, each once however many devices have it. The id is a digest of the rest.
CREATE TABLE item (
    tenant BIGINT NOT NULL,
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    identifier TEXT NOT NULL,
    name TEXT,
    version TEXT,
    certificate_sha256 TEXT,
    certificate_sha1 TEXT,
    sha256 TEXT,
    source TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE INDEX item_identifier ON item (tenant, identifier);
CREATE INDEX item_certificate_sha256 ON item (tenant, certificate_sha256) WHERE certificate_sha256 IS NOT NULL;
CREATE INDEX item_certificate_sha1 ON item (tenant, certificate_sha1) WHERE certificate_sha1 IS NOT NULL;
CREATE INDEX item_sha256 ON item (tenant, sha256) WHERE sha256 IS NOT NULL;

-- Which device has which of them.
CREATE TABLE device_item (
    tenant BIGINT NOT NULL,
    device_id UUID NOT NULL,
    item UUID NOT NULL,
    PRIMARY KEY (tenant, device_id, item)
) WITHOUT ROWID;
CREATE INDEX device_item_item ON device_item (tenant, item, device_id);
