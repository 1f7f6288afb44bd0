#!/usr/bin/env bash
# aipc console at a real terminal: editing, completion, several lines, Ctrl-C, Ctrl-D, mistakes, sensitive values, the history file.
# shellcheck source=tests/e2e/lib.bash
. "$(dirname "$0")/lib.bash"
command -v python3 >/dev/null || skip "python3 is missing: it holds the terminal"
cat >main.aipc.yaml <<'SPEC'
variable:
  nodes: { default: 3 }
  token: { default: hunter2, sensitive: true }
locals: { rack-names: [r1, r2] }
resource: { aipc_data: { first: { input: 1 } } }
SPEC
PYTHONPATH=$root/tests/e2e PYTHONDONTWRITEBYTECODE=1 python3 - <<'PY'
import os, stat, sys, time
from terminal import Terminal

class Console(Terminal):
    def __init__(self, env):
        super().__init__(['aipc', 'console'], env)

    # Types KEYS; what is printed up to the next prompt, which is PROMPT, must hold WANT.
    def ask(self, keys, want='', prompt='\n> ', never=None):
        self.type(keys)
        got = self.until(want.removesuffix('\r\n')) + self.until(prompt)
        if never and never in got:
            sys.exit('%r in %r' % (never, got))

    # Ctrl-C, until a prompt answers: one that comes before the line is read is a signal to nobody.
    def interrupt(self):
        for _ in range(20):
            self.type('\x03')
            while self.read(1):              # a terminal that is not read yet echoes ^C: that is no answer
                pass
            if b'\n> ' in self.seen:
                break
        self.until('\n> ')

    # KEYS, until the program ends: a Ctrl-D that comes before the line is read ends nothing, and may stand in the line then: Ctrl-U takes it away.
    def end(self, keys):
        for n in range(20):
            self.type(('\x15' if n else '') + keys)
            while self.read(1):
                pass
            time.sleep(0.1)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                break
        else:
            sys.exit('%r ended nothing: %r' % (keys, self.all))
        status = os.waitstatus_to_exitcode(status)
        if status:
            sys.exit('exit status %d after %r' % (status, self.all))

here = os.getcwd()
env = dict(os.environ, HOME=here + '/home', TERM='xterm')
env.pop('XDG_STATE_HOME', None)
os.mkdir(here + '/home')
os.umask(0o022)

t = Console(env)
t.until('> ')
t.ask('var.nodes + 39\n', '\r\n42\r\n')
t.ask('var.nod\t * 2\n', '\r\n6\r\n')                            # Tab: a variable,
t.ask('local.rack-n\t[1]\n', '\r\n"r2"\r\n')                     # a local whose name has a dash,
t.ask('uppe\t"x")\n', '\r\n"X"\r\n')                             # a function,
t.ask('aipc_data.fi\t\n', '\r\n(known after apply)\r\n')         # a resource
t.type('max(1, 2, 30')
t.ask('\x7f\x7f20) + 1\n', '\r\n21\r\n')                         # backspace
t.type('2 + 5')
t.ask('\x01100 + \n', '\r\n107\r\n')                             # to the start of the line
t.ask('\x1b[A\n', '\r\n107\r\n')                                 # the line before
t.ask('[\n', prompt='\n: ')                                      # goes on
t.ask('  "a",\n', prompt='\n: ')
t.ask(']\n', '\r\n[\r\n  "a",\r\n]\r\n')
t.ask('<<-END\n', prompt='\n: ')
t.ask('  text\n', prompt='\n: ')
t.ask('  END\n', 'text')
t.ask('1 +\n', 'error[E0201]')                                   # a mistake, and it goes on
t.ask('uper("x")\n', 'did you mean "upper"?')
t.ask('var.token\n', '(sensitive value)', never='hunter2')
t.ask('"x${var.token}"\n', '(sensitive value)', never='hunter2')
t.ask('jsondecode(var.token)\n', 'E0215', never='hunter2')
t.ask('type(local.rack-names)\n', 'tuple')
t.type('1 + 1')
t.until('1 + 1')
t.interrupt()                                                     # Ctrl-C drops the line,
t.ask('7 * 7\n', '\r\n49\r\n')
t.ask('(8 +\n', prompt='\n: ')
t.interrupt()                                                    # and what is open
t.ask('9 * 9\n', '\r\n81\r\n')
t.ask('help\n', 'Ctrl-D')
t.end('\x04')

path = here + '/home/.local/state/aipc/console_history'
if stat.S_IMODE(os.stat(path).st_mode) != 0o600:
    sys.exit('the history is readable: %o' % os.stat(path).st_mode)

t = Console(env)                                                 # the history of before
t.until('> ')
t.ask('\x1b[A\x1b[A\n', '\r\n81\r\n')
t.end('exit\n')

t = Console(dict(env, XDG_STATE_HOME=here + '/state'))
t.until('> ')
t.ask('5\n', '\r\n5\r\n')
t.end('quit\n')
if not os.path.exists(here + '/state/aipc/console_history'):
    sys.exit('no history below XDG_STATE_HOME')

t = Console(dict(env, HOME='/dev/null'))                         # nowhere to keep it: it works without
t.until('> ')
t.ask('6\n', '\r\n6\r\n')
t.end('\x04')
PY
