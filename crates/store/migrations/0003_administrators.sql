-- People who sign in to the console: who they are, how they show it, and their sessions.

CREATE TABLE admin (
    tenant BIGINT NOT NULL,
    id UUID NOT NULL,
    user_name TEXT NOT NULL,
    email TEXT,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    organization_group UUID NOT NULL,
    state TEXT NOT NULL,
    -- Argon2id in the PHC format; none until an invitation was taken up.
    password TEXT,
    password_set_at BIGINT,
    -- Sealed with the server's key.
    totp_secret BYTEA,
    -- The last time step a code was taken of, so that none is taken twice.
    totp_step BIGINT NOT NULL,
    -- Wrong attempts since the last right one.
    failures BIGINT NOT NULL,
    locked_until BIGINT,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    last_signed_in_at BIGINT,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX admin_user_name ON admin (tenant, user_name, id);
CREATE INDEX admin_role ON admin (tenant, role);
CREATE INDEX admin_organization_group ON admin (tenant, organization_group);

-- Who signs in says no tenant. These rows are the server's own (tenant 0) and lead from a user name or mail address, in
-- lower case, to the tenant (home) and the administrator; being in one tenant they are unique over the whole server.
CREATE TABLE sign_in_name (
    tenant BIGINT NOT NULL,
    name TEXT NOT NULL,
    home BIGINT NOT NULL,
    admin UUID NOT NULL,
    PRIMARY KEY (tenant, name)
) WITHOUT ROWID;
CREATE INDEX sign_in_name_admin ON sign_in_name (tenant, home, admin);

CREATE TABLE passkey (
    tenant BIGINT NOT NULL,
    id UUID NOT NULL,
    admin UUID NOT NULL,
    name TEXT NOT NULL,
    -- The public key and its counter, as the WebAuthn library writes them.
    credential TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, admin) REFERENCES admin (tenant, id) ON DELETE CASCADE
);
CREATE INDEX passkey_admin ON passkey (tenant, admin, id);

CREATE TABLE recovery_code (
    tenant BIGINT NOT NULL,
    admin UUID NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (tenant, admin, hash),
    FOREIGN KEY (tenant, admin) REFERENCES admin (tenant, id) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE TABLE session (
    tenant BIGINT NOT NULL,
    id UUID NOT NULL,
    hash BYTEA NOT NULL,
    admin UUID NOT NULL,
    second_factor TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- When the password was last given.
    password_at BIGINT NOT NULL,
    user_agent TEXT,
    address TEXT,
    -- What a step that is under way has to remember, sealed with the server's key.
    step BYTEA,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, admin) REFERENCES admin (tenant, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX session_hash ON session (tenant, hash);
CREATE INDEX session_admin ON session (tenant, admin, id);

-- One-time links: to set a server or customer up, to take up an invitation, to choose a new password.
CREATE TABLE sign_in_link (
    tenant BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    kind TEXT NOT NULL,
    organization_group UUID NOT NULL,
    admin UUID,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, hash),
    FOREIGN KEY (tenant, admin) REFERENCES admin (tenant, id) ON DELETE CASCADE
);
CREATE INDEX sign_in_link_admin ON sign_in_link (tenant, admin);
