SELECT version_num FROM public.alembic_version
