-- Returns how many passages there are, and how many of them are under the prefix.
SELECT coalesce((SELECT passages FROM public.source_prefixes WHERE prefix = ''), 0) AS passages,
       coalesce((SELECT passages FROM public.source_prefixes WHERE prefix = :prefix), 0) AS allowed
