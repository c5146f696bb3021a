-- A catalogue's files by the digest of all of them, so that going back to an earlier version stores nothing twice.
CREATE TABLE policy_files (
    digest BYTEA NOT NULL CHECK (length(digest) = 32),
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (digest, position)
);

CREATE TABLE policy_versions (
    number BIGINT PRIMARY KEY CHECK (number > 0),
    digest BYTEA NOT NULL CHECK (length(digest) = 32),
    issuer TEXT,
    subject TEXT,
    at BIGINT NOT NULL,
    reason TEXT NOT NULL,
    restores BIGINT REFERENCES policy_versions (number),
    CHECK ((issuer IS NULL) = (subject IS NULL))
);

-- What was decided by a version must stay readable: versions are added, never changed.
CREATE FUNCTION policy_versions_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'policy versions are never changed or removed'; END $$;
CREATE TRIGGER policy_versions_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON policy_versions
FOR EACH STATEMENT EXECUTE FUNCTION policy_versions_stay();
CREATE TRIGGER policy_files_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON policy_files
FOR EACH STATEMENT EXECUTE FUNCTION policy_versions_stay();
