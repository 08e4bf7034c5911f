-- Version 6: what changed from the first input to each output, as it was measured; see docs/explanation/measuring.md.

CREATE TABLE drifts (
    edit_id            INTEGER NOT NULL REFERENCES edits (id),
    position           INTEGER NOT NULL CHECK (position >= 0),  -- of the output
    against            TEXT NOT NULL,                   -- SHA-256 of the picture that it was measured against
    sentence           TEXT NOT NULL,                   -- what changed, or why that cannot be said
    reason             TEXT,                            -- why it was refused, as one word; NULL: it was measured
    figures            TEXT CHECK (figures IS NULL OR json_valid(figures)),
    moved              REAL,                            -- pixels of the corner that moved most
    recoloured_outside REAL,                            -- mean ΔE00 outside of what was to change
    redrawn_outside    REAL,                            -- 0 to 1
    recoloured_inside  REAL,
    redrawn_inside     REAL,
    heat_map           BLOB,                            -- a tile a pixel, PNG of 8-bit greys; last: most reads skip it
    PRIMARY KEY (edit_id, position),
    CHECK ((figures IS NULL) <> (reason IS NULL))
);
-- For what is filtered by: the id beside it, so that the rows are not read.
CREATE INDEX drifts_moved ON drifts (moved, edit_id) WHERE moved IS NOT NULL;
CREATE INDEX drifts_recoloured ON drifts (recoloured_outside, edit_id) WHERE recoloured_outside IS NOT NULL;
CREATE INDEX drifts_redrawn ON drifts (redrawn_outside, edit_id) WHERE redrawn_outside IS NOT NULL;
