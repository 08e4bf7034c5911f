-- Version 4: indexes for looking through all edits: counts of every kind, and orders other than by time.

CREATE INDEX edits_kinds ON edits (model, provider, state);
CREATE INDEX edits_cost ON edits (cost);
CREATE INDEX edits_seconds ON edits (coalesce(done_at, finished_at) - accepted_at);
