-- Roles with no more rights than each needs. The owner of the database runs this, once the schema is there, and again
-- after each upgrade:
--
--     psql -d learningdb -f docs/roles.sql
--
-- They can't log in. Give them to those who can: GRANT course_requester TO portal;

BEGIN;

DO $$
DECLARE
    wanted TEXT;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['course_worker', 'course_requester', 'course_reader', 'course_operator'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        END IF;
    END LOOP;
END
$$;

-- Up to PostgreSQL 14, and after an upgrade from it, everybody may create things in `public`. Other programs may take
-- such a thing for one of PostgreSQL's own; this one doesn't.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO course_worker, course_requester, course_reader, course_operator;

-- Reads courses, lessons and what was measured of them.
GRANT SELECT ON public.courses, public.lessons, public.lesson_bodies, public.lesson_checks, public.lesson_citations,
    public.v_course_summary, public.v_course_lessons, public.v_lessons_full, public.v_course_quality, public.v_stale_courses
    TO course_reader;

-- Asks for courses without a broker, and cancels and retries them; it can't lock the table against others.
GRANT SELECT ON public.courses TO course_requester;
GRANT INSERT (user_id, topic, title, grade_level, total_lessons, source_filter, language, request_id),
    UPDATE (status, error_message) ON public.courses TO course_requester;

-- Looks into everything; cancels, retries, pauses and deletes courses, and sends results again.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO course_operator;
GRANT UPDATE (status, error_message), DELETE ON public.courses TO course_operator;
GRANT UPDATE (run_after, priority) ON public.generation_queue TO course_operator;
GRANT DELETE ON public.model_stops TO course_operator;
GRANT INSERT, UPDATE ON public.outbox TO course_operator;
GRANT EXECUTE ON FUNCTION public.repeat_result(uuid, text, text), public.put_status(public.courses, interval)
    TO course_operator;

-- Works: all rights on all rows, none on the schema. `db upgrade` and the first `sources add` with an embedding model
-- (which makes an index) need the owner.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO course_worker;
REVOKE INSERT, UPDATE, DELETE ON public.alembic_version, public.schema_functions FROM course_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO course_worker;
GRANT EXECUTE ON FUNCTION public.hold_lease(uuid, uuid), public.repeat_result(uuid, text, text),
    public.put_status(public.courses, interval) TO course_worker;

COMMIT;
