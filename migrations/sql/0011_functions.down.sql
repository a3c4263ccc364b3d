-- A function that has changed since 0010 without a later revision is put back here as 0010 has it. So far none has.

DROP TABLE IF EXISTS public.schema_functions;
