create table public.profiles (id uuid primary key, plan text);
create table public.songs (
  id uuid primary key default gen_random_uuid(),
  title text not null,
  status text not null default 'pending',
  audio_url text
);
