"""A program at a terminal of its own, for tests: Terminal(ARGUMENTS, env=..., size=(ROWS, COLUMNS)) starts it; read, until, type, ended."""
import fcntl, os, pty, select, struct, sys, termios, time


class Terminal:
    def __init__(self, args, env=os.environ, size=None):
        self.seen, self.all = b'', b''
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            if size:                     # by the child itself: it is there before the program looks
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', *size, 0, 0))
            os.execvpe(args[0], args, env)

    def read(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return b''
        try:
            got = os.read(self.fd, 4096)
        except OSError:              # the other side is closed
            got = b''
        self.seen += got
        self.all += got
        return got

    def until(self, want, seconds=20):
        end = time.monotonic() + seconds
        want = want.encode()
        while want not in self.seen:
            if not self.read(max(0, end - time.monotonic())):
                sys.exit('no %r in %r' % (want, self.all))
        at = self.seen.index(want) + len(want)
        got, self.seen = self.seen[:at], self.seen[at:]
        return got.decode()

    def type(self, keys):
        os.write(self.fd, keys.encode())

    # Reads until the program ends; its exit status.
    def ended(self, seconds=60):
        end = time.monotonic() + seconds
        while True:
            more = self.read(0.2)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                while self.read(0.2):
                    pass
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() > end:
                os.kill(self.pid, 9)
                sys.exit('it did not end; it printed %r' % self.all)
            if not more:
                time.sleep(0.05)
