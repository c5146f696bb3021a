-- Whose the things are that model servers keep under ids of their own making.
CREATE TABLE owned_things (
    connection TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    issuer TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    made BIGINT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (connection, id)
);

-- By owner first, so that somebody else's id and nobody's are missed in the same place.
CREATE INDEX owned_things_by_owner ON owned_things (issuer, subject, id);
CREATE INDEX owned_things_in_order ON owned_things (issuer, subject, connection, kind, made, id);
