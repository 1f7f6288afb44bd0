"""A TCP proxy that can go silent: stall_proxy.py PORT-FILE TARGET-PORT.

SIGUSR1: what is connected now stays open and nothing more passes through it; new connections work.
SIGUSR2: nothing passes through new ones either, until the next SIGUSR1.
"""
import os, selectors, signal, socket, sys

sel = selectors.DefaultSelector()
frozen = set()
pairs = {}
all_frozen = False


def freeze(*_):
    global all_frozen
    all_frozen = False
    for s in list(pairs):
        frozen.add(s)
        sel.unregister(s) if s in registered else None
    registered.clear()


def freeze_all(*_):
    global all_frozen
    freeze()
    all_frozen = True


registered = set()
signal.signal(signal.SIGUSR1, freeze)
signal.signal(signal.SIGUSR2, freeze_all)
listener = socket.create_server(("127.0.0.1", 0), backlog=128)
sel.register(listener, selectors.EVENT_READ)
with open(sys.argv[1] + ".new", "w") as f:
    f.write(str(listener.getsockname()[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])


def drop(s):
    for one in (s, pairs.get(s)):
        if one is None:
            continue
        if one in registered:
            registered.discard(one)
            sel.unregister(one)
        pairs.pop(one, None)
        one.close()


while True:
    for key, _ in sel.select(0.2):
        s = key.fileobj
        if s is listener:
            a, _addr = listener.accept()
            try:
                b = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
            except OSError:
                a.close()
                continue
            pairs[a], pairs[b] = b, a
            if not all_frozen:
                for one in (a, b):
                    registered.add(one)
                    sel.register(one, selectors.EVENT_READ)
        elif s in registered:
            try:
                data = s.recv(65536)
                pairs[s].sendall(data) if data else drop(s)
            except OSError:
                drop(s)
