-- Returns how the database keeps text, and whether this session may write; if not, who has said so: pg_settings.source.
SELECT current_database()::text AS database, session_user::text AS role, current_setting('server_encoding') AS encoding,
       pg_is_in_recovery() AS is_standby, s.setting = 'on' AS is_read_only, s.source
FROM pg_settings s WHERE s.name = 'default_transaction_read_only'
