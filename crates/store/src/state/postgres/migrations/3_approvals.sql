-- Holds that people lift. `document` is for the gateway, `shown` for approvers (masked), `sealed` the original under the
-- deployment's key, destroyed with the decision.
CREATE TABLE approvals (
    id BYTEA PRIMARY KEY CHECK (length(id) = 16),
    digest BYTEA NOT NULL CHECK (length(digest) = 32),
    rule TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'expired', 'used', 'revoked')),
    live SMALLINT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    document TEXT NOT NULL,
    shown BYTEA NOT NULL,
    sealed BYTEA
);

-- One approval lives for a call and a rule, whoever asks at the same time.
CREATE UNIQUE INDEX approvals_live ON approvals (digest, rule) WHERE live = 1;
CREATE INDEX approvals_pending ON approvals (expires) WHERE live = 1;
CREATE INDEX approvals_latest ON approvals (created);

CREATE TABLE grants (
    id BYTEA PRIMARY KEY CHECK (length(id) = 16),
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    role TEXT NOT NULL,
    approval BYTEA NOT NULL REFERENCES approvals (id),
    starts BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    revoked BIGINT
);
CREATE INDEX grants_counting ON grants (ends) WHERE revoked IS NULL;
