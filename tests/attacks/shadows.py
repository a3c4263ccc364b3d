"""Functions and operators in `public` that fit calls of ours better than PostgreSQL's own."""

import re

from src.operations.known_schema import ROOT
from src.operations.migrations import functions

STATEMENTS = sorted((ROOT / "src" / "services" / "database" / "sql").glob("*.sql"))

# What looks like a call and is syntax.
_SYNTAX = re.compile("values|in|any|all|cast|exists|as|coalesce|greatest|least|nullif|array|filter|operator")


def _names() -> list[str]:
    texts = (*(path.read_text() for path in STATEMENTS), *functions().values())
    calls = {name for text in texts for name in re.findall(r"(?<![.\w])([a-z_]+)\(", re.sub("--.*", "", text))}
    return sorted(name for name in calls if not _SYNTAX.fullmatch(name))


# For every name that a statement or function of ours uses, and for the kinds of arguments that its values can have.
# Each leaves a trace in a sequence if it is called. Says how many were made.
SHADOWS = """
SET search_path = pg_catalog; -- or it would call them itself
CREATE SEQUENCE public.shadows_called;
GRANT ALL ON public.shadows_called TO PUBLIC;
DO $do$
DECLARE
    made INT := 0;
    name TEXT;
    arguments TEXT;
    kinds TEXT[] := string_to_array(
        'text varchar numeric int bigint float8 jsonb uuid timestamptz interval bytea text[] public.course_status',
        ' ');
    kind TEXT;
    number INT;
BEGIN
    FOREACH name IN ARRAY string_to_array('{functions}', ' ') LOOP
        FOR number IN 0..3 LOOP
            FOREACH kind IN ARRAY kinds LOOP
                arguments := array_to_string(array_fill(kind, ARRAY[number]), ', ');
                BEGIN
                    EXECUTE format('CREATE FUNCTION public.%I(%s) RETURNS %s LANGUAGE sql AS $$'
                        ' SELECT nextval(''public.shadows_called''); SELECT NULL::%s $$', name, arguments, kind, kind);
                    made := made + 1;
                EXCEPTION WHEN duplicate_function THEN NULL;
                END;
            END LOOP;
        END LOOP;
    END LOOP;
    FOREACH kind IN ARRAY kinds LOOP
        EXECUTE format('CREATE FUNCTION public.shadow(%s, %s) RETURNS boolean LANGUAGE sql AS $$'
            ' SELECT nextval(''public.shadows_called''); SELECT NULL::boolean $$', kind, kind);
        FOREACH name IN ARRAY string_to_array('= <> < > <= >= || -> ->> ~ @> @@ - +', ' ') LOOP
            EXECUTE format('CREATE OPERATOR public.%s (FUNCTION = public.shadow, LEFTARG = %s, RIGHTARG = %s)',
                name, kind, kind);
            made := made + 1;
        END LOOP;
    END LOOP;
    PERFORM set_config('shadows.made', made::text, FALSE);
END
$do$;
SELECT current_setting('shadows.made');
""".replace("{functions}", " ".join(_names()))
