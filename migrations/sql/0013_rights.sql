-- 0013 rights: functions look names up where callers can't create any, and those that write are not for everybody. Both
-- stand in migrations/functions. Until now every role could call them. Those that may write the queue, as workers that
-- don't own the schema do, keep that right.

DO $$
DECLARE
    worker NAME;
BEGIN
    FOR worker IN
        SELECT r.rolname FROM pg_roles r JOIN pg_class c ON c.oid = 'public.generation_queue'::regclass
        WHERE NOT r.rolsuper AND r.oid <> c.relowner AND r.rolname !~ '^pg_' AND has_table_privilege(r.oid, c.oid, 'UPDATE')
    LOOP
        EXECUTE format(
            'GRANT EXECUTE ON FUNCTION public.hold_lease(uuid, uuid), public.repeat_result(uuid, text, text),'
            ' public.put_status(public.courses, interval) TO %I', worker);
    END LOOP;
END
$$;
