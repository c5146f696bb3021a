-- Whose the things are that model servers keep under ids of their own making.
CREATE TABLE owned_things (
    connection TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    made INTEGER NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (connection, id)
) STRICT, WITHOUT ROWID;

-- By owner first, so that somebody else's id and nobody's are missed in the same place.
CREATE INDEX owned_things_by_owner ON owned_things (issuer, subject, id);
CREATE INDEX owned_things_in_order ON owned_things (issuer, subject, connection, kind, made, id);
