create type track_status as enum ('pending', 'complete', 'failed');

create table public.tracks (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references auth.users (id),
  title text not null,
  status track_status not null default 'pending',
  task_id text unique,
  audio_url text,
  image_url text,
  image_resolution text,
  seconds integer,
  created_at timestamptz not null default now()
);

alter table public.tracks enable row level security;
