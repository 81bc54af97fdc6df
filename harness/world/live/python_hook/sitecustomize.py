"""Loaded by a started Python process at its start: follows what a request of the harness causes.

Its folder is first in PYTHONPATH. A request of the harness has the header `x-harness-entry`; it is taken away before
the application sees it. A request to a fake (HARNESS_FAKES, a JSON list of origins) gets `x-harness-cause`, the number
of the request during which it was sent, or 0 for work of the process's own, and `x-harness-where`, the application's
code that sent it. In between, a context variable carries the number through tasks, threads and thread pools. A process
whose server is none of those below says nothing, and the cause is guessed. HARNESS_FOLLOWED is a file that is made once
a server is followed.

Modules are only changed once the application imports them. Nothing here may fail or be slow: it runs in every Python
process that the application starts, by any version of Python from 3.7 on.
"""

import os
import sys

ENTRY, CAUSE, WHERE = "x-harness-entry", "x-harness-cause", "x-harness-where"
NONE = "0"
HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARIES = (HERE, os.path.dirname(os.path.abspath(os.__file__)))
PACKAGES = ("site-packages", "dist-packages")
FRAMES_MAX = 4
PORTS = {"http": 80, "https": 443}


class Following:
    """What is known of the request in hand, and which addresses are fakes."""

    def __init__(self):
        from contextvars import ContextVar

        self.entry = ContextVar("harness_entry", default=None)
        self.is_followed = False  # whether the process has a server that is followed
        self._fakes = None

    def serves(self):
        """Note that a server is followed, so that requests to it get a number."""
        self.is_followed = True
        try:
            with open(os.environ["HARNESS_FOLLOWED"], "a"):
                pass
        except (KeyError, OSError):  # the run is over, or the process may not write
            pass

    def begin(self, number):
        """Begin to handle a request with a number, or without one (None)."""
        self.entry.set(number or None)

    def cause(self, host, port):
        """Return the number to send with a request to a host, or None."""
        number = self.entry.get() or (NONE if self.is_followed else None)
        return number if number is not None and (host, port) in self.fakes() else None

    def marks(self, host, port):
        """Return the headers to send with a request to a host, as pairs."""
        number = self.cause(host, port)
        return [] if number is None else [(CAUSE, number), (WHERE, here())]

    def fakes(self):
        """Return the fakes as pairs of host and port."""
        if self._fakes is None:
            import json

            self._fakes = set()
            for origin in json.loads(os.environ.get("HARNESS_FAKES") or "[]"):
                scheme, _, rest = origin.partition("://")
                host, _, port = rest.partition(":")
                self._fakes.add((host, int(port or PORTS[scheme])))
        return self._fakes


def here():
    """Return where the application's own code is, as JSON: `["shop/web.py:120 in order"]`, innermost first."""
    import json

    found = []
    frame = sys._getframe(1)
    while frame is not None and len(found) < FRAMES_MAX:
        code = frame.f_code
        file = os.path.abspath(code.co_filename)
        is_own = not file.startswith(LIBRARIES) and not any(each in file for each in PACKAGES)
        if is_own and not code.co_filename.startswith("<"):
            folder = os.getcwd() + os.sep
            name = getattr(code, "co_qualname", code.co_name).replace("<locals>.", "")
            shown = file[len(folder) :] if file.startswith(folder) else os.path.basename(file)
            found.append(f"{shown}:{frame.f_lineno} in {name}")
        frame = frame.f_back
    return json.dumps(found)


FOLLOWING = Following() if sys.version_info >= (3, 7) else None


def follow_http_server(module):
    """http.server, and with it wsgiref, werkzeug and Django's runserver."""
    handler, server = module.BaseHTTPRequestHandler, module.HTTPServer
    parse_request, handle, server_bind = handler.parse_request, handler.handle, server.server_bind

    def parsed(self):
        is_parsed = parse_request(self)
        if is_parsed:
            number = self.headers.get(ENTRY)
            del self.headers[ENTRY]
            FOLLOWING.begin(number)
        return is_parsed

    def handled(self):
        try:
            return handle(self)
        finally:
            FOLLOWING.begin(None)

    def bound(self):
        FOLLOWING.serves()
        return server_bind(self)

    handler.parse_request, handler.handle, server.server_bind = parsed, handled, bound


def follow_gunicorn(module):
    """gunicorn.http.wsgi: every worker that speaks WSGI."""
    create = module.create
    FOLLOWING.serves()

    def created(req, *values, **named):
        FOLLOWING.begin(next((value for name, value in req.headers if name.lower() == ENTRY), None))
        req.headers = [each for each in req.headers if each[0].lower() != ENTRY]
        return create(req, *values, **named)

    module.create = created


def follow_waitress(module):
    """waitress.task."""
    service = module.WSGITask.service
    FOLLOWING.serves()

    def served(self):
        FOLLOWING.begin(self.request.headers.pop("X_HARNESS_ENTRY", None))
        try:
            return service(self)
        finally:
            FOLLOWING.begin(None)

    module.WSGITask.service = served


def of_scope(scope):
    """Begin to handle an ASGI request; return its scope as the application sees it."""
    if scope["type"] != "http":
        return scope
    name = ENTRY.encode()
    number = next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)
    FOLLOWING.begin(number)
    scope["headers"] = [each for each in scope["headers"] if each[0] != name]
    return scope


def follow_uvicorn(module):
    """uvicorn.config: the application, whatever protocol calls it."""
    load = module.Config.load
    FOLLOWING.serves()

    def loaded(self):
        load(self)
        app = self.loaded_app

        async def followed(scope, receive, send):
            await app(of_scope(scope), receive, send)

        self.loaded_app = followed

    module.Config.load = loaded


def follow_hypercorn(module):
    """hypercorn.app_wrappers."""
    FOLLOWING.serves()

    def follow(wrapper):
        call = wrapper.__call__

        async def called(self, scope, *values):
            return await call(self, of_scope(scope), *values)

        wrapper.__call__ = called

    follow(module.ASGIWrapper)
    follow(module.WSGIWrapper)


def follow_aiohttp_server(module):
    """aiohttp.web_protocol."""
    handle = module.RequestHandler._handle_request
    FOLLOWING.serves()

    async def handled(self, request, *values):
        FOLLOWING.begin(request.headers.get(ENTRY))
        headers = request.headers.copy()
        headers.popall(ENTRY, None)
        request._headers = type(request.headers)(headers)
        return await handle(self, request, *values)

    module.RequestHandler._handle_request = handled


def mark_http_client(module):
    """http.client, and with it urllib, urllib3, requests."""
    endheaders = module.HTTPConnection.endheaders

    def ended(self, *values, **named):
        tunnel = getattr(self, "_tunnel_host", None)
        for name, value in FOLLOWING.marks(tunnel or self.host, (self._tunnel_port or 443) if tunnel else self.port):
            self.putheader(name, value)
        return endheaders(self, *values, **named)

    module.HTTPConnection.endheaders = ended


def mark_httpcore(module):
    """httpcore, and with it httpx."""

    def mark(pool, name):
        send = getattr(pool, name)

        def sent(self, request):
            url = request.url
            port = url.port or PORTS.get(url.scheme.decode("ascii"), 0)
            marks = FOLLOWING.marks(url.host.decode("ascii"), port)
            request.headers = [*request.headers, *((name.encode(), value.encode("latin-1")) for name, value in marks)]
            return send(self, request)

        setattr(pool, name, sent)

    mark(module.ConnectionPool, "handle_request")
    mark(module.AsyncConnectionPool, "handle_async_request")


def mark_aiohttp(module):
    """aiohttp.client_reqrep."""
    send = module.ClientRequest.send

    async def sent(self, conn):
        for name, value in FOLLOWING.marks(self.url.host, self.url.port):
            self.headers[name] = value
        return await send(self, conn)

    module.ClientRequest.send = sent


def carried(function):
    """Return a function that runs during the request in hand, in whichever thread; other context variables are not
    carried, since without the harness they would not be."""
    number = FOLLOWING.entry.get()

    def run(*values, **named):
        token = FOLLOWING.entry.set(number)
        try:
            return function(*values, **named)
        finally:
            FOLLOWING.entry.reset(token)

    return run


def carry_into_pools(module):
    """concurrent.futures.thread, and with it asyncio's executors."""
    submit = module.ThreadPoolExecutor.submit

    def submitted(self, *values, **named):
        if values:
            values = (carried(values[0]), *values[1:])
        return submit(self, *values, **named)

    module.ThreadPoolExecutor.submit = submitted


def carry_into_threads(module):
    """threading: what a thread does belongs to the request that has started it, until it takes work from a queue."""
    start = module.Thread.start

    def started(self):
        if FOLLOWING.entry.get() is not None:
            self.run = carried(self.run)
        return start(self)

    module.Thread.start = started


def end_at_queues(module):
    """queue: a thread that waits for work works for itself; a last-in, first-out queue is a pool (urllib3's)."""
    get = module.Queue.get

    def got(self, block=True, timeout=None):
        item = get(self, block, timeout)
        if block and type(self) is module.Queue and "run" in vars(module.threading.current_thread()):
            FOLLOWING.entry.set(None)
        return item

    module.Queue.get = got


CHANGES = {
    "http.server": follow_http_server,
    "gunicorn.http.wsgi": follow_gunicorn,
    "waitress.task": follow_waitress,
    "uvicorn.config": follow_uvicorn,
    "hypercorn.app_wrappers": follow_hypercorn,
    "aiohttp.web_protocol": follow_aiohttp_server,
    "http.client": mark_http_client,
    "httpcore": mark_httpcore,
    "aiohttp.client_reqrep": mark_aiohttp,
    "concurrent.futures.thread": carry_into_pools,
    "threading": carry_into_threads,
    "queue": end_at_queues,
}


def change(name, module):
    """Change a module; where it is not as expected, it stays as it is as far as that goes."""
    try:  # noqa: SIM105 -- without an import
        CHANGES[name](module)
    except Exception:
        pass


class Finder:
    """Finds the modules to be changed as the other finders do."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name not in CHANGES:
            return None
        for finder in sys.meta_path:
            spec = None if finder is Finder else finder.find_spec(name, path, target)
            if spec is not None:
                break
        else:
            return None
        loader = spec.loader
        if loader is not None and hasattr(loader, "exec_module") and not isinstance(loader, type):
            execute = loader.exec_module

            def executed(module):
                execute(module)
                change(name, module)

            loader.exec_module = executed
        return spec


def load_users_own():
    """Load the `sitecustomize` that Python would have loaded without this one, and let the process see it alone."""
    sys.path[:] = [each for each in sys.path if os.path.abspath(each) != HERE]
    this = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # noqa: F401
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
    finally:
        sys.modules.setdefault("sitecustomize", this)


if FOLLOWING is not None:
    sys.meta_path.insert(0, Finder)
    for each in CHANGES:
        if each in sys.modules:
            change(each, sys.modules[each])
load_users_own()
