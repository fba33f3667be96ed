-- What limits a session, and a token below its session: JSON, as jeton-core's `Bounds` has it. Nothing: no more than
-- what their other columns say.
ALTER TABLE session ADD COLUMN bounds TEXT;
ALTER TABLE token ADD COLUMN bounds TEXT;
