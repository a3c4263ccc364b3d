-- Records a call to the model. The id comes from the worker, so that a repeated unit of work doesn't count a call
-- twice.
INSERT INTO public.model_calls (id, course_id, attempt, purpose, lesson_number, model, input_tokens, cached_tokens,
                         output_tokens, cost, seconds, outcome, budget_tokens, repair)
VALUES (:id, :course_id, :attempt, :purpose, :lesson_number, :model, :input_tokens, :cached_tokens,
        :output_tokens, :cost, :seconds, :outcome, :budget_tokens, :repair)
ON CONFLICT DO NOTHING
