-- Messages that are no longer worth sending are found without looking at all that wait.
CREATE INDEX notification_expiring ON notification (tenant, expires_at) WHERE next_attempt_at IS NOT NULL;
