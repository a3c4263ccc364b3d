-- Rows as workers of 0013 write them: why no course is claimed.

INSERT INTO model_stops (server, kind, reason, purpose)
VALUES ('https://api.example a-model', 'setting', 'no such key', 'outline');
