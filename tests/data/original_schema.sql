-- The schema of the original service, with ten courses as it leaves them behind.

CREATE TYPE course_status AS ENUM ('QUEUED', 'GENERATING', 'READY', 'FAILED');

CREATE TABLE courses (
    id            UUID PRIMARY KEY,
    user_id       UUID NOT NULL,
    slug          TEXT GENERATED ALWAYS AS (regexp_replace(lower(title), '[^a-z0-9]+', '-', 'g')) STORED,
    title         TEXT NOT NULL,
    topic         TEXT NOT NULL,
    grade_level   TEXT NOT NULL,
    source_filter TEXT,
    total_lessons INT NOT NULL DEFAULT 0,
    outline_json  JSONB,
    status        course_status NOT NULL DEFAULT 'QUEUED',
    error_message TEXT,
    generated_at  TIMESTAMPTZ,
    created_at    TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at    TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE lessons (
    id                  UUID PRIMARY KEY,
    course_id           UUID NOT NULL REFERENCES courses (id) ON DELETE CASCADE,
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

CREATE TABLE lesson_bodies (
    lesson_id    UUID PRIMARY KEY REFERENCES lessons (id) ON DELETE CASCADE,
    content_md   TEXT,
    content_json JSONB,
    updated_at   TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE lesson_checks (
    id         UUID PRIMARY KEY,
    lesson_id  UUID NOT NULL REFERENCES lessons (id) ON DELETE CASCADE,
    q_order    INT NOT NULL,
    question   TEXT NOT NULL,
    answer     TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    UNIQUE (lesson_id, q_order)
);

CREATE VIEW v_course_summary AS
SELECT id, slug, title, topic, grade_level, total_lessons, status, generated_at, created_at, updated_at FROM courses;

CREATE VIEW v_course_lessons AS
SELECT course_id, lesson_number, title FROM lessons;

CREATE VIEW v_lessons_full AS
SELECT l.id, l.course_id, l.lesson_number, l.title, l.description, l.key_concepts, l.learning_objectives, l.sources,
       b.content_md, b.content_json, l.generated_at, l.created_at, l.updated_at
FROM lessons l
LEFT JOIN lesson_bodies b ON b.lesson_id = l.id;

-- Six READY, one FAILED, one QUEUED, two GENERATING. Some titles have slugs that only the original would make.
INSERT INTO courses (id, user_id, title, topic, grade_level, source_filter, total_lessons, outline_json, status,
                     error_message, generated_at, created_at, updated_at)
SELECT
    ('00000000-0000-4000-8000-0000000000' || lpad(n::text, 2, '0'))::uuid,
    '7b1f4c52-8d5b-4f0e-9a3f-2f2d1c0a9b11',
    (ARRAY['Cell Biology', 'What is life?', 'Größen & Einheiten', '!!!', 'Plants',
           'Ends with a dot.', 'Failed one', 'Waiting', 'Half done', 'Hardly begun'])[n],
    'Topic ' || n, 'Grade 8', CASE WHEN n % 2 = 0 THEN 'biology/' END, 2,
    jsonb_build_object('title', 'Course ' || n, 'lessons', '[]'::jsonb),
    (CASE WHEN n <= 6 THEN 'READY' WHEN n = 7 THEN 'FAILED' WHEN n = 8 THEN 'QUEUED' ELSE 'GENERATING' END)::course_status,
    CASE WHEN n = 7 THEN 'OpenAI timed out' END,
    CASE WHEN n <= 6 THEN timestamptz '2025-01-01 10:00:00+00' + n * interval '1 hour' END,
    timestamptz '2025-01-01 09:00:00+00' + n * interval '1 hour',
    timestamptz '2025-01-01 11:00:00+00' + n * interval '1 hour'
FROM generate_series(1, 10) n;

INSERT INTO lessons (id, course_id, lesson_number, title, description, key_concepts, learning_objectives, sources,
                     generated_at, created_at, updated_at)
SELECT
    md5(c.id::text || k)::uuid, c.id, k, 'Lesson ' || k, 'About ' || c.topic, ARRAY['a', 'b'], ARRAY['Describe a'],
    ARRAY[]::text[], c.created_at, c.created_at, c.created_at
FROM courses c, generate_series(1, 2) k
WHERE c.status = 'READY' OR (c.title = 'Half done' AND k = 1);

INSERT INTO lesson_bodies (lesson_id, content_md, content_json, updated_at)
SELECT id, '# ' || title, jsonb_build_object('lesson_number', lesson_number, 'title', title, 'sections', '[]'::jsonb), created_at
FROM lessons;

INSERT INTO lesson_checks (id, lesson_id, q_order, question, answer, created_at)
SELECT md5(id::text || 'q')::uuid, id, 1, 'What is a?', NULL, created_at
FROM lessons;
