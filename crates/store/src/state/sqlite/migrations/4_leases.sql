-- What is lent for the length of a call. `lapses` is when it counts no more unless its holder says so; no secret is here.
CREATE TABLE leases (
    id BLOB PRIMARY KEY CHECK (length(id) = 16),
    call_id BLOB NOT NULL CHECK (length(call_id) = 16),
    kind TEXT NOT NULL CHECK (kind IN ('token', 'postgresql')),
    holder BLOB NOT NULL CHECK (length(holder) = 16),
    lapses INTEGER NOT NULL,
    until INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT;

-- A call has one token.
CREATE UNIQUE INDEX leases_token ON leases (call_id) WHERE kind = 'token';
CREATE INDEX leases_call ON leases (call_id);
CREATE INDEX leases_lapsing ON leases (lapses);
