"""A stand-in for Supabase: the requests of supabase-js for an application's tables, on a PostgreSQL server."""
