// Serves app/**/route.ts as Next.js's app router does: folders are the path, [id] is a parameter, and a file exports
// a function for each method, which takes a Request and gives a Response.
import { readdirSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

type Context = { params: Promise<Record<string, string>> };
type Handler = (request: Request, context: Context) => Promise<Response>;
type Route = { pattern: RegExp; handlers: Record<string, Handler> };

const built = join(dirname(fileURLToPath(import.meta.url)), "app");

async function loadRoutes(): Promise<Route[]> {
  const files = readdirSync(built, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith("route.js"));
  return Promise.all(
    files.map(async (file) => {
      const path = relative(built, dirname(join(built, file)));
      const pattern = new RegExp(`^/${path.replace(/\[(\w+)\]/g, "(?<$1>[^/]+)")}$`);
      return { pattern, handlers: await import(pathToFileURL(join(built, file)).href) };
    }),
  );
}

async function toRequest(incoming: IncomingMessage): Promise<Request> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const body = chunks.length > 0 ? Buffer.concat(chunks) : undefined;
  const headers = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)] as [string, string]);
  return new Request(`http://${incoming.headers.host}${incoming.url}`, { method: incoming.method, headers, body });
}

async function answer(routes: Route[], request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  for (const { pattern, handlers } of routes) {
    const found = pattern.exec(pathname);
    if (!found) continue;
    const handler = handlers[request.method];
    if (!handler) return new Response(null, { status: 405 });
    return handler(request, { params: Promise.resolve({ ...found.groups }) });
  }
  return new Response(null, { status: 404 });
}

async function send(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(Buffer.from(await response.arrayBuffer()));
}

const routes = await loadRoutes();
const server = createServer(async (incoming, outgoing) => {
  try {
    await send(await answer(routes, await toRequest(incoming)), outgoing);
  } catch (error) {
    console.error(`${incoming.method} ${incoming.url} failed:`, error);
    if (!outgoing.headersSent) outgoing.writeHead(500).end();
  }
});
server.requestTimeout = 0;
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
