-- 0001 original: the tables and views of the original service, made where they are absent.
-- In a database that has them already this file changes nothing.

DO $$
BEGIN
    IF current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'The database % has the encoding %; courses need UTF8',
            current_database(), current_setting('server_encoding')
            USING HINT = 'CREATE DATABASE learningdb ENCODING ''UTF8'' TEMPLATE template0';
    END IF;
    IF to_regtype('public.course_status') IS NULL THEN
        CREATE TYPE public.course_status AS ENUM (
            'QUEUED',      -- waits for a worker
            'GENERATING',  -- a worker, or the program that inserted it, is writing it
            'READY',       -- complete; never changes again
            'FAILED'       -- ended without a course; error_code and error_message say why
        );
    END IF;
END
$$;

CREATE TABLE IF NOT EXISTS public.courses (
    id            UUID PRIMARY KEY,
    user_id       UUID NOT NULL,
    slug          TEXT GENERATED ALWAYS AS (regexp_replace(lower(title), '[^a-z0-9]+', '-', 'g')) STORED,
    title         TEXT NOT NULL,
    topic         TEXT NOT NULL,
    grade_level   TEXT NOT NULL,
    source_filter TEXT,
    total_lessons INT NOT NULL DEFAULT 0,
    outline_json  JSONB,
    status        public.course_status NOT NULL DEFAULT 'QUEUED',
    error_message TEXT,
    generated_at  TIMESTAMPTZ,
    created_at    TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at    TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS public.lessons (
    id                  UUID PRIMARY KEY,
    course_id           UUID NOT NULL REFERENCES public.courses (id) ON DELETE CASCADE,
    lesson_number       INT NOT NULL,
    title               TEXT NOT NULL,
    description         TEXT,
    key_concepts        TEXT[],
    learning_objectives TEXT[],
    sources             TEXT[],
    generated_at        TIMESTAMPTZ,
    created_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
    UNIQUE (course_id, lesson_number)
);

CREATE TABLE IF NOT EXISTS public.lesson_bodies (
    lesson_id    UUID PRIMARY KEY REFERENCES public.lessons (id) ON DELETE CASCADE,
    content_md   TEXT,
    content_json JSONB,
    updated_at   TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS public.lesson_checks (
    id         UUID PRIMARY KEY,
    lesson_id  UUID NOT NULL REFERENCES public.lessons (id) ON DELETE CASCADE,
    q_order    INT NOT NULL,
    question   TEXT NOT NULL,
    answer     TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    UNIQUE (lesson_id, q_order)
);

-- Guarded, not CREATE OR REPLACE: a later revision may have added columns, which a replacement can't take away.
DO $$
BEGIN
    IF to_regclass('public.v_course_summary') IS NULL THEN
        CREATE VIEW public.v_course_summary AS
        SELECT id, slug, title, topic, grade_level, total_lessons, status, generated_at, created_at, updated_at
        FROM public.courses;
    END IF;
    IF to_regclass('public.v_course_lessons') IS NULL THEN
        CREATE VIEW public.v_course_lessons AS
        SELECT course_id, lesson_number, title
        FROM public.lessons;
    END IF;
    IF to_regclass('public.v_lessons_full') IS NULL THEN
        CREATE VIEW public.v_lessons_full AS
        SELECT l.id, l.course_id, l.lesson_number, l.title, l.description, l.key_concepts, l.learning_objectives,
               l.sources, b.content_md, b.content_json, l.generated_at, l.created_at, l.updated_at
        FROM public.lessons l
        LEFT JOIN public.lesson_bodies b ON b.lesson_id = l.id;
    END IF;
END
$$;
