-- Version 3: what belongs to an edit stands with it: its model's schema, the provider's names, every POST, ratings by
-- position. `shipped_schemas` is a temporary table that the program fills from the catalogue before this step; `spell`
-- is the program's function that prepares text for the search index.

CREATE TABLE schemas (
    sha256 TEXT PRIMARY KEY CHECK (length(sha256) = 64),
    body   TEXT NOT NULL CHECK (json_valid(body))       -- canonical JSON
);
INSERT INTO schemas SELECT DISTINCT sha256, body FROM shipped_schemas WHERE model IN (SELECT model FROM edits);

CREATE TABLE new_edits (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice
    uid             TEXT NOT NULL UNIQUE,               -- the same wherever the edit travels
    model           TEXT NOT NULL,
    model_named     INTEGER NOT NULL DEFAULT 1,         -- the user chose it; 0: it was the provider's default
    provider_model  TEXT,                               -- what the provider calls it
    answered_model  TEXT,                               -- the model that answered, where the service says
    schema          TEXT REFERENCES schemas (sha256),
    provider        TEXT NOT NULL,
    is_play         INTEGER NOT NULL DEFAULT 0,         -- its prices are play money
    is_foreign      INTEGER NOT NULL DEFAULT 0,         -- another store made it: it counts in no sum
    ask             TEXT NOT NULL,
    digest          TEXT NOT NULL,
    parameters      TEXT NOT NULL CHECK (json_valid(parameters)),
    prompt_field    TEXT NOT NULL DEFAULT 'prompt',     -- the parameter that holds the prompt
    seed            INTEGER,
    seed_given      INTEGER NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('prepared', 'submitting', 'queued', 'running', 'downloading',
                                                   'completed', 'failed', 'rejected', 'cancelled', 'unknown',
                                                   'lost', 'gone')),
    request_id      TEXT,
    handle          TEXT,                               -- what a provider needs to collect the job
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
    kernel          TEXT,
    cell            TEXT,
    execution       INTEGER,                            -- of the cell in the kernel
    ordinal         INTEGER,                            -- the k-th request of the same ask in that execution
    package_version TEXT NOT NULL,
    note            TEXT,
    region          TEXT CHECK (region IS NULL OR json_valid(region)),
    resolution      TEXT GENERATED ALWAYS AS (json_extract(parameters, '$.resolution')) VIRTUAL,
    -- What it counts in a budget, in billionths of a dollar so that sums are exact; NULL: not known, never free.
    charge          INTEGER GENERATED ALWAYS AS (
        CASE
            WHEN is_foreign THEN 0
            WHEN cost IS NOT NULL THEN CAST(round(cost * 1e9) AS INTEGER)
            WHEN state = 'rejected' OR (state = 'cancelled' AND started_at IS NULL) THEN 0
            WHEN state = 'prepared' THEN CAST(round(coalesce(reserved, 0) * 1e9) AS INTEGER)
            ELSE CAST(round(coalesce(reserved, price_quoted) * 1e9) AS INTEGER)
        END
    ) VIRTUAL
);

INSERT INTO new_edits (
    id, uid, model, provider_model, schema, provider, is_play, ask, digest, parameters, seed, seed_given, state,
    request_id, handle, created_at, accepted_at, started_at, done_at, finished_at, watched, price_quoted, reserved,
    cost, error, error_kind, notebook, cell, package_version, note, region
)
SELECT
    id, uid, edits.model, edits.model, shipped_schemas.sha256, provider, provider = 'sandbox', ask, digest, parameters,
    seed, seed_given, state, request_id, request_id, created_at, accepted_at, started_at, done_at, finished_at, watched,
    iif(price_quoted > 1e6, NULL, price_quoted), iif(reserved > 1e6, NULL, reserved), iif(cost > 1e6, NULL, cost),
    error, error_kind, notebook, cell, package_version, note, region
FROM edits LEFT JOIN shipped_schemas ON shipped_schemas.model = edits.model
ORDER BY id;

-- Each POST is a row: how an edit was sent, and what came of that.
CREATE TABLE posts (
    edit_id  INTEGER NOT NULL REFERENCES edits (id),
    ordinal  INTEGER NOT NULL,                          -- from 0
    sent_at  REAL NOT NULL,
    provider TEXT NOT NULL,
    handle   TEXT,
    outcome  TEXT CHECK (outcome IN ('accepted', 'refused', 'uncertain', 'not sent')),  -- NULL: under way
    quote    REAL CHECK (quote >= 0),
    cost     REAL CHECK (cost >= 0),
    seed     INTEGER,
    PRIMARY KEY (edit_id, ordinal)
) WITHOUT ROWID;
INSERT INTO posts (edit_id, ordinal, sent_at, provider, handle, outcome, quote, cost, seed)
SELECT
    id, 0, sent.at, provider, request_id,
    CASE
        WHEN accepted_at IS NOT NULL OR request_id IS NOT NULL THEN 'accepted'
        WHEN state = 'submitting' THEN NULL
        WHEN state = 'rejected' THEN iif(error_kind = 'NetworkError', 'not sent', 'refused')
        WHEN state = 'cancelled' THEN 'not sent'
        ELSE 'uncertain'
    END,
    price_quoted, cost, seed
FROM new_edits
    JOIN (SELECT edit_id, max(at) AS at FROM transitions WHERE state = 'submitting' GROUP BY edit_id) AS sent
        ON sent.edit_id = new_edits.id
ORDER BY id;

-- What a person thinks of an edit (position -1) or of one of its outputs.
CREATE TABLE ratings (
    edit_id  INTEGER NOT NULL REFERENCES edits (id),
    position INTEGER NOT NULL CHECK (position >= -1),
    rating   TEXT NOT NULL CHECK (rating IN ('starred', 'rejected')),
    PRIMARY KEY (edit_id, position)
) WITHOUT ROWID;
CREATE INDEX ratings_rating ON ratings (rating, edit_id);

-- Until now: a flag of the edit, and a tag such as `starred[1]` for an output where not all had the mark. The flag was
-- the newer word: without it a star's tag was left over. Where both marks meet, the star stays.
CREATE TEMP TABLE marks AS
SELECT tags.edit_id, outputs.position, mark.rating, tags.tag,
       iif(mark.rating = 'starred', edits.starred, 1) AS counts
FROM (SELECT 'starred' AS rating UNION ALL SELECT 'rejected') AS mark
    JOIN tags ON tags.tag GLOB mark.rating || '[[]*'
    JOIN outputs ON outputs.edit_id = tags.edit_id AND tags.tag = mark.rating || '[' || outputs.position || ']'
    JOIN edits ON edits.id = tags.edit_id;
INSERT OR IGNORE INTO ratings SELECT edit_id, position, rating FROM marks WHERE counts ORDER BY rating = 'rejected';
INSERT OR IGNORE INTO ratings
    SELECT id, -1, 'starred' FROM edits
    WHERE starred AND id NOT IN (SELECT edit_id FROM marks WHERE rating = 'starred');
INSERT OR IGNORE INTO ratings
    SELECT id, -1, 'rejected' FROM edits
    WHERE rejected AND id NOT IN (SELECT edit_id FROM marks WHERE rating = 'rejected');
DELETE FROM tags WHERE (edit_id, tag) IN (SELECT edit_id, tag FROM marks);
UPDATE words
    SET tags = (SELECT coalesce(group_concat(spell(tag), ' '), '') FROM tags WHERE edit_id = words.rowid)
    WHERE rowid IN (SELECT edit_id FROM marks);
DROP TABLE marks;

-- What may be spent at a provider by all kernels of this store together, counted by order: a clock can be wrong.
CREATE TABLE new_budgets (
    provider TEXT PRIMARY KEY,
    amount   REAL NOT NULL CHECK (amount >= 0),
    after_id INTEGER NOT NULL                           -- edits with greater ids count
) WITHOUT ROWID;
INSERT INTO new_budgets
    SELECT provider, amount, coalesce((SELECT min(id) - 1 FROM edits WHERE created_at >= since),
                                      (SELECT max(id) FROM edits), 0)
    FROM budgets;
DROP TABLE budgets;
ALTER TABLE new_budgets RENAME TO budgets;

DROP TABLE edits;
ALTER TABLE new_edits RENAME TO edits;

-- Every index ends in the id by itself, so "newest first" needs no sorting.
CREATE INDEX edits_ask ON edits (ask);
CREATE INDEX edits_digest ON edits (digest);
CREATE INDEX edits_provider ON edits (provider);
CREATE INDEX edits_model ON edits (model);
CREATE INDEX edits_created ON edits (created_at);
CREATE INDEX edits_request ON edits (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX edits_seed ON edits (seed) WHERE seed IS NOT NULL;
CREATE INDEX edits_not_completed ON edits (state) WHERE state <> 'completed';
CREATE INDEX edits_notebook ON edits (notebook) WHERE notebook IS NOT NULL;
CREATE INDEX edits_cell ON edits (cell) WHERE cell IS NOT NULL;
CREATE INDEX edits_durations ON edits (provider, model, resolution)
    WHERE watched = 1 AND is_foreign = 0 AND state = 'completed' AND done_at IS NOT NULL AND accepted_at IS NOT NULL;
CREATE INDEX edits_charges ON edits (provider, id, charge, cost) WHERE charge IS NULL OR charge <> 0;

-- Kept by the triggers below, so that counting and adding up stay instant at a million edits.
DROP TABLE totals;
CREATE TABLE totals (
    provider TEXT NOT NULL,
    is_play  INTEGER NOT NULL,
    edits    INTEGER NOT NULL DEFAULT 0,
    accepted INTEGER NOT NULL DEFAULT 0,  -- of these, and below, only what this store asked for
    known    INTEGER NOT NULL DEFAULT 0,  -- charges the service told
    held     INTEGER NOT NULL DEFAULT 0,  -- charges that are quoted or kept back
    unpriced INTEGER NOT NULL DEFAULT 0,  -- edits whose charge is not known
    PRIMARY KEY (provider, is_play)
) WITHOUT ROWID;
INSERT INTO totals
    SELECT provider, is_play, count(*), sum(accepted_at IS NOT NULL AND NOT is_foreign),
           sum(iif(cost IS NULL, 0, charge)), sum(iif(cost IS NULL, coalesce(charge, 0), 0)), sum(charge IS NULL)
    FROM edits GROUP BY provider, is_play;

CREATE TRIGGER edits_counted AFTER INSERT ON edits BEGIN
    INSERT OR IGNORE INTO totals (provider, is_play) VALUES (NEW.provider, NEW.is_play);
    UPDATE totals SET
        edits = edits + 1,
        accepted = accepted + (NEW.accepted_at IS NOT NULL AND NOT NEW.is_foreign),
        known = known + iif(NEW.cost IS NULL, 0, NEW.charge),
        held = held + iif(NEW.cost IS NULL, coalesce(NEW.charge, 0), 0),
        unpriced = unpriced + (NEW.charge IS NULL)
    WHERE provider = NEW.provider AND is_play = NEW.is_play;
END;

CREATE TRIGGER edits_recounted AFTER UPDATE OF state, cost, price_quoted, reserved, accepted_at, started_at ON edits
BEGIN
    UPDATE totals SET
        accepted = accepted + (NEW.accepted_at IS NOT NULL AND NOT NEW.is_foreign)
                            - (OLD.accepted_at IS NOT NULL AND NOT OLD.is_foreign),
        known = known + iif(NEW.cost IS NULL, 0, NEW.charge) - iif(OLD.cost IS NULL, 0, OLD.charge),
        held = held + iif(NEW.cost IS NULL, coalesce(NEW.charge, 0), 0)
                    - iif(OLD.cost IS NULL, coalesce(OLD.charge, 0), 0),
        unpriced = unpriced + (NEW.charge IS NULL) - (OLD.charge IS NULL)
    WHERE provider = NEW.provider AND is_play = NEW.is_play;
END;
