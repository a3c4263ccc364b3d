COMMENT ON COLUMN public.model_calls.purpose IS NULL;
COMMENT ON COLUMN public.model_calls.cost IS 'US dollars by OPENAI_PRICE_INPUT and OPENAI_PRICE_OUTPUT; NULL where they are not set';
DELETE FROM public.model_calls WHERE purpose NOT IN ('outline', 'lesson');
ALTER TABLE public.model_calls DROP CONSTRAINT IF EXISTS model_calls_purpose,
    DROP CONSTRAINT IF EXISTS model_calls_purpose_check,
    ADD CONSTRAINT model_calls_purpose_check CHECK (purpose IN ('outline', 'lesson'));
COMMENT ON COLUMN public.generation_queue.postponements IS 'How often in a row the course went back because the model was away';
COMMENT ON COLUMN public.generation_queue.postponed_since IS 'When that began; NULL: the model was not away';
DROP TABLE IF EXISTS public.source_embeddings, public.source_passages, public.source_documents, public.source_lexemes,
    public.source_prefixes;
DROP FUNCTION IF EXISTS public.source_passages_count();
-- The extension vector stays: who made it can't be told, and other tables may use it.
CREATE OR REPLACE FUNCTION public.course_usage(course UUID) RETURNS JSONB
LANGUAGE sql STABLE
SET search_path = public, pg_temp
AS $$
    SELECT jsonb_build_object(
        'calls', count(*),
        'input_tokens', coalesce(sum(input_tokens), 0),
        'cached_tokens', coalesce(sum(cached_tokens), 0),
        'output_tokens', coalesce(sum(output_tokens), 0),
        'cost', sum(cost)
    )
    FROM model_calls
    WHERE course_id = course
$$;
