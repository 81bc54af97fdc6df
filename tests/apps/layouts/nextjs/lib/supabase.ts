import { createClient } from "@supabase/supabase-js";

export const db = createClient("https://qwhzkfmtrblcnxdvpsgy.supabase.co", process.env.SUPABASE_SERVICE_ROLE_KEY!);
