"""A stand-in for Supabase: what supabase-js asks of it for an application's tables, on a PostgreSQL server."""
