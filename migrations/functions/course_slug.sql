-- Makes the slug of a title. It lists what separates words, not what belongs to them: [[:alnum:]] splits Devanagari at
-- its vowel signs, and under C collation drops it whole. Joiners (U+200C, U+200D) stand inside words and are taken out.
CREATE OR REPLACE FUNCTION public.course_slug(title TEXT, id UUID) RETURNS TEXT
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(
        nullif(
            rtrim(left(
                trim(BOTH '-' FROM
                    regexp_replace(
                        regexp_replace(lower(title), '[\u200C\u200D\uFE00-\uFE0F]', '', 'g'),
                        '[\u0001-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u00A9\u00AB-\u00B4\u00B6-\u00B9\u00BB-\u00BF'
                        '\u00D7\u00F7\u055A-\u055F\u0589\u058A\u05BE\u05C0\u05C3\u060C\u061B\u061E\u061F\u066A-\u066D'
                        '\u06D4\u0964\u0965\u0970\u0E4F\u0E5A\u0E5B\u1680\u2000-\u206F\u20A0-\u20CF\u2190-\u2BFF'
                        '\u2E00-\u2E7F\u3000-\u3004\u3008-\u3020\u3030\u303D\u30A0\u30FB\uE000-\uF8FF\uFE10-\uFE6F'
                        '\uFF00-\uFF0F\uFF1A-\uFF20\uFF3B-\uFF40\uFF5B-\uFF65\uFFE0-\uFFFF'
                        '\U0001F000-\U0001FAFF\U000E0000-\U0010FFFF]+',
                        '-', 'g'
                    )
                ),
                120
            ), '-'),
            ''
        ),
        'course-' || left(id::text, 8)
    )
$$;
