-- Version 5: what a prompt is composed of, as canonical JSON; NULL where it is a person's own words.

ALTER TABLE edits ADD COLUMN parts TEXT CHECK (parts IS NULL OR json_valid(parts));
