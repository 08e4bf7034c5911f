-- Version 2: which part of a picture an edit was about, as JSON, and masks, which are inputs under a parameter's name.

ALTER TABLE edits ADD COLUMN region TEXT CHECK (region IS NULL OR json_valid(region));
ALTER TABLE inputs ADD COLUMN parameter TEXT;
