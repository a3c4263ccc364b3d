-- Rows as a worker writes them at revision 0007.

INSERT INTO model_calls (id, course_id, attempt, purpose, lesson_number, model, seconds, outcome, budget_tokens)
VALUES (gen_random_uuid(), '00000006-0000-4000-8000-000000000001', 1, 'lesson', 2, 'a model', 0.5, 'cut off', 812);
