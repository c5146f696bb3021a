-- A catalogue's files by the digest of all of them, so that going back to an earlier version stores nothing twice.
CREATE TABLE policy_files (
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (digest, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE policy_versions (
    number INTEGER PRIMARY KEY CHECK (number > 0),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    issuer TEXT,
    subject TEXT,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    restores INTEGER REFERENCES policy_versions (number),
    CHECK ((issuer IS NULL) = (subject IS NULL))
) STRICT;

-- What was decided by a version must stay readable: versions are added, never changed.
CREATE TRIGGER policy_versions_stay BEFORE UPDATE ON policy_versions
BEGIN SELECT RAISE(ABORT, 'policy versions are never changed'); END;
CREATE TRIGGER policy_versions_remain BEFORE DELETE ON policy_versions
BEGIN SELECT RAISE(ABORT, 'policy versions are never removed'); END;
CREATE TRIGGER policy_files_stay BEFORE UPDATE ON policy_files
BEGIN SELECT RAISE(ABORT, 'policy files are never changed'); END;
CREATE TRIGGER policy_files_remain BEFORE DELETE ON policy_files
BEGIN SELECT RAISE(ABORT, 'policy files are never removed'); END;
