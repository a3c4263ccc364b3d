-- Nobody has tried for a day whether it still holds: its workers have other settings by now, or are gone.
DELETE FROM public.model_stops WHERE next_trial_at < now() - interval '1 day'
