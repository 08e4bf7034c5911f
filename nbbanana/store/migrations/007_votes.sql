-- Version 7: which of two outputs was preferred. Edits are named by their uid, so that a vote holds in any store.

CREATE TABLE raters (
    uid  TEXT PRIMARY KEY,                      -- random: what a bundle tells raters apart by
    name TEXT UNIQUE                            -- never leaves the store; NULL: not known here
) WITHOUT ROWID;

CREATE TABLE votes (
    id            INTEGER PRIMARY KEY,
    uid           TEXT NOT NULL UNIQUE,         -- the same in every store, so that a merge doubles nothing
    sweep         TEXT NOT NULL,                -- SHA-256 of what the cells ask among which it was cast
    first_uid     TEXT NOT NULL,                -- of the edit; in a form the picture at the left
    first_output  INTEGER NOT NULL CHECK (first_output >= 0),
    second_uid    TEXT NOT NULL,
    second_output INTEGER NOT NULL CHECK (second_output >= 0),
    preferred     TEXT NOT NULL CHECK (preferred IN ('first', 'second', 'tie')),
    rater         TEXT REFERENCES raters (uid),
    at            REAL NOT NULL,                -- seconds since the epoch
    CHECK (first_uid <> second_uid OR first_output <> second_output)
);
CREATE INDEX votes_first ON votes (first_uid, second_uid);
