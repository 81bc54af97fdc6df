// The part of Express that the layout needs, on Node's own http server, so that it runs without a package.
"use strict";
const http = require("node:http");

function Router() {
  const layers = [];
  const add = (method) => (path, ...handlers) => layers.push({ method, path, handlers });
  const use = (path, router) => layers.push(router ? { path, router } : { handlers: [path] });
  return { layers, use, get: add("GET"), post: add("POST") };
}

function matched(path, wanted) {
  const [parts, names] = [path, wanted].map((each) => each.split("/").filter(Boolean));
  if (parts.length !== names.length) return null;
  if (!names.every((name, index) => name.startsWith(":") || name === parts[index])) return null;
  return Object.fromEntries(names.flatMap((name, index) => (name.startsWith(":") ? [[name.slice(1), parts[index]]] : [])));
}

function find(router, method, path) {
  for (const layer of router.layers) {
    if (layer.router && path.startsWith(layer.path)) {
      const found = find(layer.router, method, path.slice(layer.path.length));
      if (found) return found;
    }
    const params = layer.method === method ? matched(path, layer.path) : null;
    if (params) return { handler: layer.handlers.at(-1), params };
  }
  return null;
}

function express() {
  const app = Router();
  app.listen = (port) => {
    const server = http.createServer(async (request, response) => {
      let text = "";
      for await (const chunk of request) text += chunk;
      response.status = (code) => Object.assign(response, { statusCode: code });
      response.json = (value) => response.setHeader("content-type", "application/json").end(JSON.stringify(value));
      const found = find(app, request.method, request.url.split("?")[0]);
      if (!found) return response.status(404).json({ error: "not found" });
      request.body = text ? JSON.parse(text) : {};
      request.params = found.params;
      request.get = (name) => request.headers[name.toLowerCase()];
      await found.handler(request, response);
    });
    return server.listen(port, "127.0.0.1");
  };
  return app;
}

module.exports = Object.assign(express, { Router, json: () => null });
