-- Back to the definitions of 0010. Those in migrations/functions don't differ from them yet: where one does, it follows here
-- as 0010 has it.

DROP TABLE IF EXISTS public.schema_functions;
