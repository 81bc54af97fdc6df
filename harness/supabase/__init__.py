"""A stand-in for Supabase: what supabase-js asks of it for an application's tracks, on SQLite or a real PostgreSQL."""
