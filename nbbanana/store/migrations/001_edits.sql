-- Version 1. Money is in US dollars, times are seconds since the epoch, hashes are lower-case hexadecimal.

CREATE TABLE edits (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice
    uid             TEXT NOT NULL UNIQUE,               -- the same wherever the edit travels
    model           TEXT NOT NULL,
    provider        TEXT NOT NULL,
    ask             TEXT NOT NULL,
    digest          TEXT NOT NULL,
    parameters      TEXT NOT NULL CHECK (json_valid(parameters)),
    seed            INTEGER,
    seed_given      INTEGER NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('prepared', 'submitting', 'queued', 'running', 'downloading',
                                                   'completed', 'failed', 'rejected', 'cancelled', 'unknown')),
    request_id      TEXT,
    created_at      REAL NOT NULL,
    accepted_at     REAL,
    started_at      REAL,
    done_at         REAL,                               -- the service was seen to be done
    finished_at     REAL,                               -- nothing is left to do here
    watched         INTEGER NOT NULL DEFAULT 1,         -- one kernel saw it from acceptance to the end
    price_quoted    REAL CHECK (price_quoted >= 0),
    reserved        REAL CHECK (reserved >= 0),         -- what a budget keeps back for it
    cost            REAL CHECK (cost >= 0),             -- what the service says it cost
    error           TEXT,
    error_kind      TEXT,
    notebook        TEXT,
    cell            TEXT,
    package_version TEXT NOT NULL,
    starred         INTEGER NOT NULL DEFAULT 0,
    rejected        INTEGER NOT NULL DEFAULT 0,
    note            TEXT,
    resolution      TEXT GENERATED ALWAYS AS (json_extract(parameters, '$.resolution')) VIRTUAL,
    -- What it counts in a budget, in billionths of a dollar so that sums are exact; NULL: nobody knows, never free.
    charge          INTEGER GENERATED ALWAYS AS (
        CASE
            WHEN cost IS NOT NULL THEN CAST(round(cost * 1e9) AS INTEGER)
            WHEN state = 'rejected' OR (state = 'cancelled' AND started_at IS NULL) THEN 0
            WHEN state = 'prepared' THEN CAST(round(coalesce(reserved, 0) * 1e9) AS INTEGER)
            ELSE CAST(round(coalesce(reserved, price_quoted) * 1e9) AS INTEGER)
        END
    ) VIRTUAL
);

-- Every index ends in the id by itself, so "newest first" needs no sorting.
CREATE INDEX edits_ask ON edits (ask);
CREATE INDEX edits_digest ON edits (digest);
CREATE INDEX edits_provider ON edits (provider);
CREATE INDEX edits_model ON edits (model);
CREATE INDEX edits_created ON edits (created_at);
CREATE INDEX edits_request ON edits (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX edits_seed ON edits (seed) WHERE seed IS NOT NULL;
CREATE INDEX edits_not_completed ON edits (state) WHERE state <> 'completed';
CREATE INDEX edits_starred ON edits (starred) WHERE starred = 1;
CREATE INDEX edits_rejected ON edits (rejected) WHERE rejected = 1;
CREATE INDEX edits_notebook ON edits (notebook) WHERE notebook IS NOT NULL;
CREATE INDEX edits_durations ON edits (provider, model, resolution)
    WHERE watched = 1 AND state = 'completed' AND done_at IS NOT NULL AND accepted_at IS NOT NULL;
CREATE INDEX edits_charges ON edits (provider, created_at, charge, cost) WHERE charge IS NULL OR charge <> 0;

CREATE TABLE inputs (
    edit_id  INTEGER NOT NULL REFERENCES edits (id),
    position INTEGER NOT NULL,
    name     TEXT NOT NULL,
    identity TEXT NOT NULL,
    sha256   TEXT CHECK (length(sha256) = 64),
    url      TEXT,
    width    INTEGER,
    height   INTEGER,
    note     TEXT,
    PRIMARY KEY (edit_id, position)
) WITHOUT ROWID;
CREATE INDEX inputs_name ON inputs (name);
CREATE INDEX inputs_identity ON inputs (identity);
CREATE INDEX inputs_sha256 ON inputs (sha256) WHERE sha256 IS NOT NULL;

CREATE TABLE outputs (
    edit_id  INTEGER NOT NULL REFERENCES edits (id),
    position INTEGER NOT NULL,
    sha256   TEXT NOT NULL CHECK (length(sha256) = 64),
    mime     TEXT NOT NULL,
    width    INTEGER NOT NULL,
    height   INTEGER NOT NULL,
    size     INTEGER NOT NULL,
    url      TEXT,
    PRIMARY KEY (edit_id, position)
) WITHOUT ROWID;
CREATE INDEX outputs_sha256 ON outputs (sha256);

CREATE TABLE parents (
    edit_id   INTEGER NOT NULL REFERENCES edits (id),
    position  INTEGER NOT NULL,
    parent_id INTEGER NOT NULL REFERENCES edits (id),
    PRIMARY KEY (edit_id, position)
) WITHOUT ROWID;
CREATE INDEX parents_parent ON parents (parent_id);

CREATE TABLE transitions (
    edit_id  INTEGER NOT NULL REFERENCES edits (id),
    position INTEGER NOT NULL,
    state    TEXT NOT NULL,
    at       REAL NOT NULL,
    note     TEXT,
    PRIMARY KEY (edit_id, position)
) WITHOUT ROWID;

CREATE TABLE tags (
    edit_id INTEGER NOT NULL REFERENCES edits (id),
    tag     TEXT NOT NULL,
    PRIMARY KEY (edit_id, tag)
) WITHOUT ROWID;
CREATE INDEX tags_tag ON tags (tag);

CREATE TABLE leases (
    edit_id    INTEGER PRIMARY KEY REFERENCES edits (id),
    owner      TEXT NOT NULL,
    expires_at REAL NOT NULL
);
CREATE INDEX leases_owner ON leases (owner);

-- What may be spent at a provider by all kernels of this store together.
CREATE TABLE budgets (
    provider TEXT PRIMARY KEY,
    amount   REAL NOT NULL CHECK (amount >= 0),
    since    REAL NOT NULL                              -- edits begun before do not count
) WITHOUT ROWID;

-- Kept by the triggers below, so that counting and adding up stay instant at a million edits.
CREATE TABLE totals (
    provider TEXT PRIMARY KEY,
    edits    INTEGER NOT NULL DEFAULT 0,
    accepted INTEGER NOT NULL DEFAULT 0,
    known    INTEGER NOT NULL DEFAULT 0,  -- charges the service told
    held     INTEGER NOT NULL DEFAULT 0,  -- charges that are quoted or kept back
    unpriced INTEGER NOT NULL DEFAULT 0   -- edits whose charge nobody knows
) WITHOUT ROWID;

CREATE TRIGGER edits_counted AFTER INSERT ON edits BEGIN
    INSERT OR IGNORE INTO totals (provider) VALUES (NEW.provider);
    UPDATE totals SET
        edits = edits + 1,
        accepted = accepted + (NEW.accepted_at IS NOT NULL),
        known = known + iif(NEW.cost IS NULL, 0, NEW.charge),
        held = held + iif(NEW.cost IS NULL, coalesce(NEW.charge, 0), 0),
        unpriced = unpriced + (NEW.charge IS NULL)
    WHERE provider = NEW.provider;
END;

CREATE TRIGGER edits_recounted AFTER UPDATE OF state, cost, price_quoted, reserved, accepted_at, started_at ON edits
BEGIN
    UPDATE totals SET
        accepted = accepted + (NEW.accepted_at IS NOT NULL) - (OLD.accepted_at IS NOT NULL),
        known = known + iif(NEW.cost IS NULL, 0, NEW.charge) - iif(OLD.cost IS NULL, 0, OLD.charge),
        held = held + iif(NEW.cost IS NULL, coalesce(NEW.charge, 0), 0)
                    - iif(OLD.cost IS NULL, coalesce(OLD.charge, 0), 0),
        unpriced = unpriced + (NEW.charge IS NULL) - (OLD.charge IS NULL)
    WHERE provider = NEW.provider;
END;

-- Holds words that nbbanana.store.search has spelled out already: the tokenizer only splits them at spaces.
CREATE VIRTUAL TABLE words USING fts5 (prompt, names, tags, note, tokenize = 'ascii', prefix = '2 3');
