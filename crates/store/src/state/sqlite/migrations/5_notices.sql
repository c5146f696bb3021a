-- What people are told of approvals. An occasion of an approval is announced once; what goes to which channel waits in
-- `notices`, without a word of what is said.
CREATE TABLE announcements (
    approval BLOB NOT NULL CHECK (length(approval) = 16),
    occasion TEXT NOT NULL CHECK (occasion IN ('asked', 'decided')),
    at INTEGER NOT NULL,
    PRIMARY KEY (approval, occasion)
) STRICT;

CREATE TABLE notices (
    id BLOB PRIMARY KEY CHECK (length(id) = 16),
    approval BLOB NOT NULL CHECK (length(approval) = 16),
    occasion TEXT NOT NULL CHECK (occasion IN ('asked', 'decided')),
    channel TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed', 'moot')),
    attempts INTEGER NOT NULL,
    created INTEGER NOT NULL,
    due INTEGER NOT NULL,
    ended INTEGER,
    trouble TEXT,
    UNIQUE (approval, occasion, channel)
) STRICT;

CREATE INDEX notices_waiting ON notices (channel, due) WHERE state = 'waiting';
CREATE INDEX notices_latest ON notices (created);
CREATE INDEX announcements_oldest ON announcements (at);
