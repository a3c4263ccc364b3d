DROP TABLE public.model_stops;
ALTER TABLE public.generation_queue DROP COLUMN refusal, DROP COLUMN refused_by;
