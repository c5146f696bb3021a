-- Catalogues that decide beside the live one, without effect. The newest line counts; one without a digest says that there
-- is none. The files lie with those of the versions.
CREATE TABLE policy_candidates (
    number BIGINT PRIMARY KEY CHECK (number > 0),
    digest BYTEA CHECK (length(digest) = 32),
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    at BIGINT NOT NULL,
    reason TEXT NOT NULL
);

CREATE TRIGGER policy_candidates_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON policy_candidates
FOR EACH STATEMENT EXECUTE FUNCTION policy_versions_stay();
