create type public.track_status as enum ('pending', 'complete', 'failed');

create table public.tracks (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz not null default now(),
  title text not null,
  prompt text not null,
  status public.track_status not null default 'pending',
  suno_task_id text unique,
  audio_url text,
  image_url text,
  image_resolution text,
  error text
);

alter table public.tracks enable row level security;
