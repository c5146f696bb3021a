-- Catalogues that decide beside the live one, without effect. The newest line counts; one without a digest says that there
-- is none. The files lie with those of the versions.
CREATE TABLE policy_candidates (
    number INTEGER PRIMARY KEY CHECK (number > 0),
    digest BLOB CHECK (length(digest) = 32),
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT;

CREATE TRIGGER policy_candidates_stay BEFORE UPDATE ON policy_candidates
BEGIN SELECT RAISE(ABORT, 'policy candidates are never changed'); END;
CREATE TRIGGER policy_candidates_remain BEFORE DELETE ON policy_candidates
BEGIN SELECT RAISE(ABORT, 'policy candidates are never removed'); END;
