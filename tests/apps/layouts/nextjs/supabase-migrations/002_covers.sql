alter table public.songs add column if not exists task_id text unique, add column cover_url text;
alter table public.songs add column error_message text;
