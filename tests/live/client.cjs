// Asks Supabase by the published client: takes lines of {url, key, token, expression}, prints what each expression gives.
"use strict";
const readline = require("node:readline");
const { createClient } = require("@supabase/supabase-js");

const options = {
  auth: { persistSession: false, autoRefreshToken: false },
  realtime: { transport: class {} }, // Node 20 has no WebSocket of its own
};

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { url, key, token, expression } = JSON.parse(line);
    const global = token ? { headers: { Authorization: `Bearer ${token}` } } : {};
    let given;
    try {
      given = await new Function("db", `return (${expression})`)(createClient(url, key, { ...options, global }));
    } catch (error) {
      given = { thrown: String(error) };
    }
    // An error's message is a property that JSON leaves out.
    if (given?.error) given = { ...given, error: { ...given.error, message: given.error.message } };
    process.stdout.write(`${JSON.stringify(given)}\n`);
  }
}
main();
