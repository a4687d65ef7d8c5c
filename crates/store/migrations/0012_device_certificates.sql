-- By which certificates devices show who they are, who issues them, and whose are believed besides.

-- How devices are managed by Apple's protocol. config is JSON without secrets; secrets is JSON too, sealed.
CREATE TABLE apple_mdm_setting (
    tenant BIGINT NOT NULL PRIMARY KEY,
    config TEXT NOT NULL,
    secrets TEXT NOT NULL,
    version BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);

-- The tenant's own authorities, of which the newest issues, and who takes requests for them: certificates, and keys sealed
-- with the server's.
CREATE TABLE device_authority (
    tenant BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    certificate BYTEA NOT NULL,
    sealed_key BYTEA NOT NULL,
    registration BYTEA NOT NULL,
    sealed_registration_key BYTEA NOT NULL,
    not_after BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, generation)
);

-- One-time passwords with which the device of an enrollment token gets its certificate: the one that it got.
CREATE TABLE enrollment_challenge (
    tenant BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    token UUID NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    certificate BYTEA,
    PRIMARY KEY (tenant, hash)
);
CREATE INDEX enrollment_challenge_token ON enrollment_challenge (tenant, token, created_at);

-- Certificates of devices, ours and those of authorities that are trusted. token is the enrollment, device_id the device
-- once it has enrolled.
CREATE TABLE device_certificate (
    tenant BIGINT NOT NULL,
    fingerprint BYTEA NOT NULL,
    token UUID NOT NULL,
    device_id UUID,
    issuer TEXT NOT NULL,
    own BOOLEAN NOT NULL,
    certificate BYTEA NOT NULL,
    not_before BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (tenant, fingerprint)
);
CREATE INDEX device_certificate_token ON device_certificate (tenant, token);
CREATE INDEX device_certificate_device ON device_certificate (tenant, device_id, created_at);
