-- What kinds of threats are called, and what their owners are told to do, in a tenant's own words.
CREATE TABLE classification_text (
    tenant BIGINT NOT NULL,
    classification TEXT NOT NULL,
    language TEXT NOT NULL,
    name TEXT NOT NULL,
    user_text TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant, classification, language)
);
