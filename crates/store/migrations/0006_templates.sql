-- What messages to people say where a tenant changed it, and the picture in mails.

CREATE TABLE notification_template (
    tenant BIGINT NOT NULL,
    occasion TEXT NOT NULL,
    channel TEXT NOT NULL,
    language TEXT NOT NULL,
    subject TEXT,
    body TEXT NOT NULL,
    html TEXT,
    version BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    changed_by TEXT NOT NULL,
    PRIMARY KEY (tenant, occasion, channel, language)
);

CREATE TABLE branding_logo (
    tenant BIGINT NOT NULL PRIMARY KEY,
    content_type TEXT NOT NULL,
    bytes BYTEA NOT NULL,
    changed_at BIGINT NOT NULL
);
