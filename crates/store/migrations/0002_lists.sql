-- What the lists of devices and threats filter and sort by at a million devices, and a journal whose rows lie whole
-- where they belong.

DROP INDEX device_model;
CREATE INDEX device_manufacturer ON device (tenant, manufacturer, id) WHERE manufacturer IS NOT NULL;
CREATE INDEX device_model ON device (tenant, model, id) WHERE model IS NOT NULL;
CREATE INDEX device_ownership ON device (tenant, ownership, id) WHERE ownership IS NOT NULL;

-- What a filter on risk or on "not compliant" (which implies a risk) reads, and a list of the highest scores, which
-- also has the scores that outlive their risk.
DROP INDEX device_risk;
CREATE INDEX device_risk ON device (tenant, risk, id, score) WHERE risk > 0 OR score > 0;

CREATE INDEX threat_changed ON threat (tenant, changed_at, id);

-- Entries are too long for a table without row ids, which keeps only a quarter of a page of each row where it belongs.
CREATE TABLE journal_by_row (
    tenant BIGINT NOT NULL,
    position BIGINT NOT NULL,
    at BIGINT NOT NULL,
    device_id UUID,
    organization_group UUID,
    previous BIGINT,
    entry TEXT NOT NULL,
    PRIMARY KEY (tenant, position)
);
INSERT INTO journal_by_row (tenant, position, at, device_id, organization_group, previous, entry)
    SELECT tenant, position, at, device_id, organization_group, previous, entry FROM journal;
DROP TABLE journal;
ALTER TABLE journal_by_row RENAME TO journal;
