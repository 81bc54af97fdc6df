"""Hostile behaviours of implementations, by what must come of them: bodies of a function that an application calls.

Each is called twice: while the application is imported, and in a callback. `EXPECTED` says what both must end in:
"error" (it does not start), "inconclusive", "judged", or "the same" (judged as if nothing had been done).
"""

LEAVES = {
    "connect": "import socket; socket.socket().connect(('127.0.0.1', 9))",
    "connect_ex": "import socket; socket.socket().connect_ex(('127.0.0.1', 9))",
    "connect below socket": "import _socket; _socket.socket().connect(('127.0.0.1', 9))",
    "connect by IPv6": "import socket; socket.socket(socket.AF_INET6).connect(('::1', 9))",
    "connect to a Unix socket": "import socket; socket.socket(socket.AF_UNIX).connect('/tmp/no-such.sock')",
    "connect without blocking": "import socket\ns = socket.socket(); s.setblocking(False); s.connect_ex(('127.0.0.1', 9))",
    "create_connection": "import socket; socket.create_connection(('127.0.0.1', 9), timeout=1)",
    "datagram": "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
    "datagram by sendmsg": "import socket; socket.socket(type=socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('127.0.0.1', 9))",
    "getaddrinfo": "import socket; socket.getaddrinfo('localhost', 80)",
    "getaddrinfo below socket": "import _socket; _socket.getaddrinfo('localhost', 80)",
    "gethostbyname": "import socket; socket.gethostbyname('localhost')",
    "gethostbyaddr": "import socket; socket.gethostbyaddr('127.0.0.1')",
    "urllib": "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9/', timeout=1)",
    "http.client": "import http.client; http.client.HTTPConnection('127.0.0.1', 9).request('GET', '/')",
    "smtplib": "import smtplib; smtplib.SMTP('127.0.0.1', 9)",
    "ftplib": "import ftplib; ftplib.FTP('127.0.0.1')",
    "requests": "import requests; requests.get('http://127.0.0.1:9/')",
    "httpx.Client": "import httpx; httpx.get('http://127.0.0.1:9/')",
    "syslog": "import logging.handlers; logging.handlers.SysLogHandler(('127.0.0.1', 9)).emit(logging.makeLogRecord({}))",
    "listen": "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()",
    "http.server": "import http.server\nhttp.server.HTTPServer(('127.0.0.1', 0), None).serve_forever()",
    "connect in C": (
        "import ctypes, socket, struct\n"
        "address = struct.pack('=HH4s8x', socket.AF_INET, socket.htons(9), bytes([127, 0, 0, 1]))\n"
        "ctypes.CDLL(None).connect(socket.socket().fileno(), address, 16)"
    ),
    "sendto in C": (
        "import ctypes, socket, struct\n"
        "address = struct.pack('=HH4s8x', socket.AF_INET, socket.htons(9), bytes([127, 0, 0, 1]))\n"
        "s = socket.socket(type=socket.SOCK_DGRAM)\n"
        "ctypes.CDLL(None).sendto(s.fileno(), b'x', 1, 0, address, 16)"
    ),
    "libpq": "import psycopg; psycopg.connect('host=127.0.0.1 port=9 connect_timeout=1')",
    "getaddrinfo in C": "import ctypes; ctypes.CDLL(None).getaddrinfo(b'example.com', b'80', None, ctypes.byref(ctypes.c_void_p()))",
    "subprocess.run": "import subprocess; subprocess.run(['sleep', '30'])",
    "subprocess in a session": "import subprocess; subprocess.Popen(['sleep', '33'], start_new_session=True)",
    "os.system": "import os; os.system('sleep 34 &')",
    "os.popen": "import os; os.popen('sleep 30').read()",
    "os.execv": "import os; os.execv('/bin/true', ['true'])",
    "os.fork": "import os\nif os.fork() == 0: os._exit(0)",
    "os.forkpty": "import os\npid, fd = os.forkpty()\nif pid == 0: os._exit(0)",
    "pty.spawn": "import pty; pty.spawn('/bin/true')",
    "os.spawnv": "import os; os.spawnv(os.P_WAIT, '/bin/true', ['true'])",
    "posix_spawn": "import os; os.posix_spawn('/bin/true', ['true'], {})",
    "multiprocessing": "import multiprocessing as m; p = m.Process(target=print); p.start(); p.join()",
    "multiprocessing, spawned": (
        "import multiprocessing as m\np = m.get_context('spawn').Process(target=print); p.start(); p.join()"
    ),
    "process pool": (
        "from concurrent.futures import ProcessPoolExecutor\nProcessPoolExecutor(1).submit(abs, 1).result(5)"
    ),
    "webbrowser": "import os, webbrowser; os.environ['BROWSER'] = '/bin/true %s'; webbrowser.open('http://127.0.0.1:9/')",
    "fork in C": "import ctypes\nif ctypes.CDLL(None).fork() == 0: ctypes.CDLL(None)._exit(0)",
    "system in C": "import ctypes; ctypes.CDLL(None).system(b'sleep 35 &')",
    "execve in C": (
        "import ctypes\nargs = (ctypes.c_char_p * 2)(b'true', None)\nctypes.CDLL(None).execv(b'/bin/true', args)"
    ),
    "a writer": "import asyncio, socket; a, b = socket.socketpair(); asyncio.get_event_loop().add_writer(a, print)",
    "a datagram endpoint": "import asyncio; return asyncio.get_event_loop().create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=('127.0.0.1', 9))",
}

ENDS_ITS_PROCESS = {
    "SIGALRM soon": "import signal, ctypes; signal.setitimer(signal.ITIMER_REAL, 0.001); ctypes.CDLL(None).usleep(900000)",
    "os.abort": "import os; os.abort()",
    "posix._exit(0)": "import posix; posix._exit(0)",
    "posix._exit(5)": "import posix; posix._exit(5)",
    "_exit in C": "import ctypes; ctypes.CDLL(None)._exit(7)",
    "exit in C": "import ctypes; ctypes.CDLL(None).exit(0)",
    "segmentation fault": "import ctypes; ctypes.string_at(0)",
    "floating point error": "import os, signal; os.kill(os.getpid(), signal.SIGFPE)",
    "illegal instruction": "import os, signal; os.kill(os.getpid(), signal.SIGILL)",
    "SIGKILL to itself": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "SIGTERM to itself": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "SIGKILL to its group": "import os, signal; os.killpg(os.getpgid(0), signal.SIGKILL)",
    "SIGHUP to itself": "import os, signal; os.kill(os.getpid(), signal.SIGHUP)",
    "SIGPROF soon": "import signal\nsignal.setitimer(signal.ITIMER_PROF, 0.001)\nwhile True: pass",
    "deep recursion in C": "import sys; sys.setrecursionlimit(10**9)\ndef f(): f()\nf()",
    "abort in C": "import ctypes; ctypes.CDLL(None).abort()",
}

NEVER_RETURNS = {
    "while True": "while True: pass",
    "while True, ignoring SIGALRM": "import signal; signal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass",
    "while True, no timer": "import signal; signal.setitimer(signal.ITIMER_REAL, 0)\nwhile True: pass",
    "while True, catching everything": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "a sum in C": "sum(1 for _ in iter(int, 1))",
    "a hopeless pattern": "import re; re.match(r'(a+)+$', 'a' * 60 + 'b')",
    "a big number": "x = 10 ** (10 ** 8); len(bin(x * x))",
    "a lock": "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()",
    "an event": "import threading; threading.Event().wait()",
    "an empty queue": "import queue; queue.Queue().get()",
    "sleep in C": "import ctypes; ctypes.CDLL(None).sleep(30)",
    "sleep in C with the lock": "import ctypes; ctypes.PyDLL(None).sleep(30)",
    "select": "import select; select.select([], [], [], 60)",
    "poll": "import select; select.poll().poll(60000)",
    "a pair of sockets": "import socket; a, b = socket.socketpair(); a.recv(1)",
    "a pipe": "import os; r, w = os.pipe(); os.read(r, 1)",
    "a FIFO": "import os; os.path.exists('fifo') or os.mkfifo('fifo'); open('fifo').read()",
    "a file lock": (
        "import fcntl, os\na = open('lock', 'w'); b = open('lock')\nfcntl.flock(a, fcntl.LOCK_EX); fcntl.flock(b, fcntl.LOCK_SH)"
    ),
    "sigwait": "import signal; signal.sigwait({signal.SIGUSR1})",
    "pause": "import signal; signal.pause()",
    "another thread, busy, awaited": (
        "import _thread, threading\ndone = threading.Lock(); done.acquire()\n"
        "def f():\n    while True: pass\n_thread.start_new_thread(f, ()); done.acquire()"
    ),
}

RAISES = {
    "BaseException": "raise BaseException",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "GeneratorExit": "raise GeneratorExit",
    "SystemExit": "raise SystemExit",
    "SystemExit 0": "import sys; sys.exit(0)",
    "SystemExit with text": "import sys; sys.exit('a message\\nwith \\x1b[31mESC')",
    "CancelledError": "import asyncio; raise asyncio.CancelledError",
    "StopIteration": "raise StopIteration",
    "StopAsyncIteration": "raise StopAsyncIteration",
    "RecursionError": "raise RecursionError",
    "MemoryError": "raise MemoryError",
    "a group": "raise BaseExceptionGroup('g', [KeyboardInterrupt()])",
    "UnicodeDecodeError": "raise UnicodeDecodeError('utf8', b'x', 0, 1, 'y')",
    "Skipped": "import pytest; pytest.skip('no tests today', allow_module_level=True)",
    "Failed": "import pytest; pytest.fail('no')",
    "ImplementationError": "from harness.errors import ImplementationError; raise ImplementationError('no')",
    "without text": "class E(Exception):\n    def __str__(self): raise RuntimeError('no text')\nraise E()",
    "text that is no Unicode": "raise ValueError('\\ud800\\x1b[31m')",
    "text of a megabyte": "raise ValueError('x' * 10**6)",
    "endless recursion": "def f(): return f()\nf()",
    "input": "input()",
    "getpass": "import getpass; getpass.getpass()",
    "asyncio.run": "import asyncio; asyncio.run(asyncio.sleep(0))",
    "another loop": "import asyncio; asyncio.new_event_loop().run_until_complete(asyncio.sleep(1))",
    "uvloop's loop": "import uvloop, asyncio; uvloop.new_event_loop().run_until_complete(asyncio.sleep(0))",
    "anyio.run": "import anyio; anyio.run(anyio.sleep, 0)",
    "SIGINT to itself": "import os, signal; os.kill(os.getpid(), signal.SIGINT)",
    "a gone folder": "import os; os.makedirs('gone', exist_ok=True); os.chdir('gone'); os.rmdir('../gone'); open('x')",
    "an unhashable type": "{[]: 1}",
    "sleep(-1)": "import time; time.sleep(-1)",
    "sleep(nan)": "import time; time.sleep(float('nan'))",
    "sleep(inf)": "import time; time.sleep(float('inf'))",
    "a trace that raises": "import sys; sys.settrace(lambda *a: 1 / 0); (lambda: 1)()",
    "a signal to the parent": "import os, signal; os.kill(os.getppid(), signal.SIGKILL)",
    "a signal to everybody": "import os, signal; os.kill(-1, 0)",
    "ptrace of the parent": (
        "import ctypes, os\nc = ctypes.CDLL(None, use_errno=True)\n"
        "if c.ptrace(16, os.getppid(), 0, 0): raise PermissionError(ctypes.get_errno())"
    ),
    "mount": "import ctypes\nif ctypes.CDLL(None).unshare(0x00020000): raise PermissionError",
    "no descriptors": "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3)); open('/dev/null')",
    "the loop closed": "import asyncio; asyncio.get_event_loop().close()",
}

REPLACES_WHAT_FAKES_NEED = {
    "PIL.Image.open": "import PIL.Image; PIL.Image.open = lambda *a, **k: PIL.Image.new('RGB', (2048, 1152))",
    "PIL.Image.new": "import PIL.Image; PIL.Image.new = None",
    "json.dumps": "import json; json.dumps = lambda *a, **k: 'null'",
    "json.loads": "import json; json.loads = lambda *a, **k: None",
    "hashlib.sha256": "import hashlib; hashlib.sha256 = hashlib.md5",
    "re.compile": "import re; re.compile = None",
    "re.match": "import re; re.match = None",
    "zlib.crc32": "import zlib; zlib.crc32 = lambda *a: 0",
}

CHANGES_NOTHING = {
    "descriptors 0, 1, 2 closed": "import os\nfor n in (0, 1, 2):\n    try: os.close(n)\n    except OSError: pass",
    "an object that hangs at its end": (
        "class C:\n    def __del__(self):\n        while True: pass\nglobal K; K = globals().get('K') or C()"
    ),
    "nothing": "pass",
    "an exit handler that exits": "import atexit, posix; atexit.register(lambda: posix._exit(0))",
    "an exit handler that raises": "import atexit; atexit.register(lambda: 1 / 0)",
    "an exit handler that hangs": "import atexit, threading; atexit.register(threading.Event().wait)",
    "no excepthook": "import sys; sys.excepthook = None; sys.unraisablehook = None; sys.displayhook = None",
    "no print": "import builtins, sys; builtins.print = None; sys.stdout = sys.stderr = sys.stdin = None",
    "descriptor 1 written": "import os; [os.write(1, b'F' * 100_000) for _ in range(50)]",
    "a journal's line written": "import os; os.write(1, b'{\"ended\":{}}\\n'); os.write(2, b'{\"ended\":{}}\\n')",
    "GC switched on": "import gc; gc.enable(); gc.set_threshold(1)",
    "loop debugging": "import asyncio; asyncio.get_event_loop().set_debug(False)",
    "a loop's policy": "import asyncio; asyncio.set_event_loop_policy(None)",
    "uvloop installed": "import uvloop; uvloop.install()",
    "another exception handler": "import asyncio; asyncio.get_event_loop().set_exception_handler(lambda *a: 1 / 0)",
    "signals ignored": "import signal; [signal.signal(s, signal.SIG_IGN) for s in (signal.SIGINT, signal.SIGTERM)]",
    "an alarm far away": "import signal; signal.alarm(3600)",
    "locale and TZ": "import locale, os, time; locale.setlocale(locale.LC_ALL, 'C'); os.environ['TZ'] = 'Asia/Tokyo'; time.tzset()",
    "a small recursion limit, for a moment": "import sys; n = sys.getrecursionlimit(); sys.setrecursionlimit(900); sys.setrecursionlimit(n)",
    "a metaclass": "class M(type):\n    def __instancecheck__(c, o): return True\nclass X(metaclass=M): pass\nisinstance(1, X)",
    "a module of the harness patched": "import harness.invariants.judge as j; j.judge = lambda *a, **k: ()",
    "a verdict patched": "import harness.invariants.verdict as v; v.held = v.violated = None",
    "an environment of ten megabytes": "import os\nfor n in range(1000): os.environ[f'X{n}'] = 'y' * 10_000",
    "os.environ cleared": "import os; kept = dict(os.environ); os.environ.clear(); os.environ.update(kept)",
    "a session of its own": "import os\ntry: os.setsid()\nexcept OSError: pass",
    "another process group": "import os\ntry: os.setpgid(0, 0)\nexcept OSError: pass",
    "a thread that is busy for a while": "import _thread\ndef f():\n    for _ in range(10**5): pass\n_thread.start_new_thread(f, ())",
    "garbage in sys.modules": "import sys; sys.modules['a.b'] = None; sys.modules['c'] = 5",
    "a finder that finds nothing": "import sys\nclass F:\n    def find_spec(self, *a): return None\nsys.meta_path.insert(0, F())",
    "sys.path emptied": "import sys; kept = sys.path[:]; sys.path.clear(); sys.path.extend(kept)",
    "audit hook": "import sys; sys.addaudithook(lambda *a: None)",
    "profiling": "import sys; sys.setprofile(lambda *a: None)",
    "priority": "import os; os.nice(5)",
    "umask": "import os; os.umask(0o777); os.umask(0o022)",
    "a name for the process": "import ctypes; ctypes.CDLL(None).prctl(15, b'init')",
    "a subreaper": "import ctypes; ctypes.CDLL(None).prctl(36, 1)",
    "bind": "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.close()",
    "a pair of sockets, used": "import socket; a, b = socket.socketpair(); a.sendall(b'x'); b.recv(1); a.sendmsg([b'y']); b.recv(1)",
    "a user's name looked up": "import pwd\ntry: pwd.getpwnam('no-such-user')\nexcept KeyError: pass",
    "a library searched": "import ctypes.util; ctypes.util.find_library('no-such-library')",
    "the platform asked": "import platform; platform.processor(); platform.platform()",
    "uuid1": "import uuid; uuid.uuid1(); uuid.getnode()",
    "a file written": "open('written.txt', 'w').write('x' * 10_000)",
    "a temporary file": "import tempfile; tempfile.TemporaryFile().write(b'x')",
    "tracemalloc": "import tracemalloc; tracemalloc.start(); tracemalloc.stop()",
    "faulthandler off": "import faulthandler; faulthandler.disable()",
    "a pool of threads": "from concurrent.futures import ThreadPoolExecutor\nThreadPoolExecutor(4).submit(print, 1).result()",
    "a thread that only waits": "import threading; threading.Thread(target=threading.Event().wait).start()",
    "a low-level thread that only waits": "import _thread; lock = _thread.allocate_lock(); lock.acquire(); _thread.start_new_thread(lock.acquire, ())",
    "a queue's listener": (
        "import logging, logging.handlers, queue\nq = queue.Queue()\n"
        "logging.handlers.QueueListener(q, logging.StreamHandler()).start()\n"
        "logging.getLogger('quiet').addHandler(logging.handlers.QueueHandler(q))\nlogging.getLogger('quiet').info('x')"
    ),
}

LOGS = {
    "GC debugging": "import gc; gc.set_debug(gc.DEBUG_LEAK); gc.collect(); gc.set_debug(0)",
    "an object that raises at its end": "class C:\n    def __del__(self): raise RuntimeError\na = C(); a.a = a; del a; import gc; gc.collect()",
    "a handler that raises": (
        "import logging\nclass H(logging.Handler):\n    def emit(self, r): 1 / 0\n"
        "logging.getLogger().addHandler(H())\ntry: logging.error('x')\nexcept ZeroDivisionError: pass"
    ),
    "100 MB": "for _ in range(1000): print('x' * 100_000)",
    "100 MB without a newline": "import sys\nfor _ in range(2000): sys.stdout.write('x' * 50_000)",
    "an odd thing printed": "import sys\ntry: sys.stdout.write(5)\nexcept TypeError: pass",
    "bytes printed": "import sys; sys.stdout.buffer.write(b'\\xff\\x00\\n')",
    "unprintable": "import logging\nclass R:\n    def __str__(self): return 5\n    def __repr__(self): raise ValueError\nlogging.error('%s', R())",
    "logging shut down": "import logging; logging.disable(100); logging.shutdown()",
    "logging taken apart": "import logging; logging.Logger.manager.loggerDict.clear()",
    "warnings as errors": "import warnings; warnings.simplefilter('error')",
    "control characters": "print('\\x1b]0;title\\x07\\x1b[2J\\r::error::no')",
    "lone surrogates": "print('\\ud800')",
}

DAMAGES_ITS_STORE = {
    "a folder in its place": "import os, shutil; p = os.environ['DATABASE_PATH']; os.path.exists(p) and os.remove(p); os.makedirs(p)",
    "its folder removed": "import os, shutil; shutil.rmtree(os.path.dirname(os.environ['DATABASE_PATH']))",
    "the folder above removed": "import os, shutil; shutil.rmtree(os.path.dirname(os.path.dirname(os.environ['DATABASE_PATH'])))",
    "garbage": "import os; open(os.environ['DATABASE_PATH'], 'wb').write(b'x' * 100_000)",
    "cut off": "import os; open(os.environ['DATABASE_PATH'], 'wb').close()",
    "a FIFO in its place": "import os; p = os.environ['DATABASE_PATH']; os.path.exists(p) and os.remove(p); os.mkfifo(p)",
    "locked": "import os, sqlite3\nglobal D; D = sqlite3.connect(os.environ['DATABASE_PATH'], isolation_level=None); D.execute('begin exclusive')",
    "no table": "import os, sqlite3\nd = sqlite3.connect(os.environ['DATABASE_PATH'], isolation_level=None); d.execute('drop table if exists tracks')",
    "a view": "import os, sqlite3\nd = sqlite3.connect(os.environ['DATABASE_PATH'], isolation_level=None); d.execute('drop table if exists tracks'); d.execute('create view tracks as select 1 as id')",
    "odd values": (
        "import os, sqlite3\nd = sqlite3.connect(os.environ['DATABASE_PATH'], isolation_level=None)\n"
        "try:\n"
        "    d.execute('insert into tracks (id, title, status, image_url) values (?, ?, ?, ?)', (b'\\xff\\x00', 1e309, 5, b'\\x00'))\n"
        "    d.execute(\"insert into tracks (id, title) values (cast(x'ff' as text), 'a' || char(0) || 'b')\")\n"
        "except sqlite3.OperationalError: pass"
    ),
    "more than a file may have": (
        "import os, sqlite3\nd = sqlite3.connect(os.environ['DATABASE_PATH'], isolation_level=None)\n"
        "d.execute('create table if not exists big (x)')\nfor _ in range(3): d.execute('insert into big values (zeroblob(50000000))')"
    ),
    "write-ahead log": "import os, sqlite3\nd = sqlite3.connect(os.environ['DATABASE_PATH'], isolation_level=None); d.execute('pragma journal_mode=wal'); d.execute('pragma locking_mode=exclusive')",
    "unreadable": "import os; open(os.environ['DATABASE_PATH'], 'a').close(); os.chmod(os.environ['DATABASE_PATH'], 0)",
}

HAS_NO_VIRTUAL_TIME = {
    "a thread that sleeps": "import threading, time; threading.Thread(target=lambda: time.sleep(1000)).start()",
    "a thread that waits for a time": "import threading; threading.Thread(target=threading.Event().wait, args=(1000,)).start()",
    "a thread with a loop of its own": "import asyncio, threading; threading.Thread(target=asyncio.new_event_loop().run_forever).start()",
    "a thread that calls back": "import asyncio, threading; threading.Thread(target=asyncio.get_event_loop().call_soon_threadsafe, args=(print,)).start()",
    "a thread that opens the store": "import os, sqlite3, threading; threading.Thread(target=lambda: sqlite3.connect(os.environ['DATABASE_PATH'])).start()",
}

IS_LACKING_WHEN_AWAITED = {
    "another server": "import asyncio; return asyncio.open_connection('db.example', 5432)",
    "a Unix socket": "import asyncio; return asyncio.open_unix_connection('/tmp/no-such.sock')",
    "a thread that waits": "import asyncio, threading; return asyncio.to_thread(threading.Event().wait)",
    "aiosqlite": "import aiosqlite, os\nasync def f():\n    async with aiosqlite.connect(os.environ['DATABASE_PATH']): pass\nreturn f()",
}

ENDS_ITS_SERVER = {
    "all tasks cancelled": "import asyncio; [t.cancel() for t in asyncio.all_tasks()]",
    "the loop stopped": "import asyncio; asyncio.get_event_loop().stop()",
}

BREAKS_ITSELF = {
    "memory without end": "x = []\nwhile True: x.append(bytearray(200 * 2**20))",
    "sys.modules cleared": "import sys; sys.modules.clear()",
    "no descriptors left": "import os\nx = []\ntry:\n    while True: x.append(os.dup(0))\nexcept OSError: pass\nglobal KEEP; KEEP = x",
    "few descriptors allowed": "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))",
    "all descriptors closed": "import os; os.closerange(0, 64)",
    "all descriptors closed, the cell's too": "import os; os.closerange(3, 4096)",
    "recursion limit of 60": "import sys; sys.setrecursionlimit(60)",
    "audit hook that raises": "import sys\ndef h(*a): raise RuntimeError('audit')\nsys.addaudithook(h)",
    "exit from the loop": "import asyncio, sys; asyncio.get_event_loop().call_soon(sys.exit, 4)",
    "callbacks for ever": "import asyncio\nl = asyncio.get_event_loop()\ndef f(): l.call_soon(f)\nf()",
    "100,000 tasks": "import asyncio\nglobal T; T = [asyncio.ensure_future(asyncio.sleep(10**6)) for _ in range(100_000)]",
    "a task that cannot be cancelled": "import asyncio\nasync def f():\n    while True:\n        try: await asyncio.sleep(1e5)\n        except BaseException: pass\nglobal T; T = asyncio.ensure_future(f())",
    "asyncio.sleep patched": "import asyncio\nasync def s(*a): pass\nasyncio.sleep = s",
    "ssl patched": "import ssl; ssl.SSLContext = None; ssl.create_default_context = None",
    "sqlite3 patched": "import sqlite3; sqlite3.connect = lambda *a, **k: 1 / 0",
    "a long sleep": "import time; time.sleep(10**9)",
    "a low-level thread, busy": "import _thread\ndef f():\n    while True: pass\n_thread.start_new_thread(f, ())",
    "trio": "import trio; trio.run(trio.sleep, 0)",
    "breakpoint": "breakpoint()",
    "no Logger.callHandlers": "import logging; logging.Logger.callHandlers = None",
    "settrace for all": "import sys; sys.settrace(lambda *a: 1 / 0)",
    "dirs removed": "import os; os.makedirs('gone', exist_ok=True); os.chdir('gone'); os.rmdir('../gone')",
    "environment cleared": "import os; os.environ.clear()",
    "core limit": "import resource; resource.setrlimit(resource.RLIMIT_AS, (10**6, 10**6))",
    "cpu limit": "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 1))",
    "time.monotonic patched": "import time; time.monotonic = lambda: 0.0",
    "awaits for ever": "import asyncio; return asyncio.sleep(float('inf'))",
    "sleeps for nothing, for ever": "import asyncio\nasync def f():\n    while True: await asyncio.sleep(0)\nreturn f()",
    "sleeps for next to nothing, for ever": "import asyncio\nasync def f():\n    while True: await asyncio.sleep(1e-9)\nreturn f()",
    "sleeps for NaN": "import asyncio; return asyncio.sleep(float('nan'))",
    "a thread that exits": "import asyncio, sys; return asyncio.to_thread(sys.exit, 3)",
}

EXPECTED = {
    "leaves": (LEAVES, {"inconclusive"}, {"inconclusive"}),
    "ends its process": (ENDS_ITS_PROCESS, {"error"}, {"inconclusive"}),
    "never returns": (NEVER_RETURNS, {"error"}, {"inconclusive"}),
    "raises": (RAISES, {"error"}, {"judged"}),
    "replaces what fakes need": (REPLACES_WHAT_FAKES_NEED, {"inconclusive"}, {"inconclusive"}),
    "changes nothing": (CHANGES_NOTHING, {"the same"}, {"the same"}),
    "logs": (LOGS, {"judged"}, {"judged"}),
    "damages its store": (DAMAGES_ITS_STORE, {"error", "judged"}, {"judged"}),
    "has no virtual time": (HAS_NO_VIRTUAL_TIME, {"inconclusive"}, {"inconclusive"}),
    "is lacking when awaited": (IS_LACKING_WHEN_AWAITED, {"the same"}, {"inconclusive"}),
    "ends its server": (ENDS_ITS_SERVER, {"error"}, {"judged"}),
    "breaks itself": (BREAKS_ITSELF, {"error", "inconclusive", "judged"}, {"inconclusive", "judged"}),
}
"""By group: its behaviours, what may come of each while it is imported, and in a callback."""
