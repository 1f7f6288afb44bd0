#!/usr/bin/env python3
"""Random typed expressions, evaluated by terraform and by aipc, compared as {type, value, sensitive}.

usage: terraform-diff.py AIPC WORK-FOLDER --seed N --count N [--group NAME] [--verbose]

terraform evaluates each expression as an output in a file of its own: `apply` names the files whose expression fails, these are
taken away, and `output -json` gives the rest. aipc gets them as lines of `eval --batch --typed`. An expression agrees when both
fail, or both give the same type, value and mark. Exit status 1 when one does not; each is printed with both answers.

Differences that are meant, and kept out of what is generated (see docs/functions.md, "Kinder than Terraform"):
  x / 0 and x % 0      aipc: an error with its place; Terraform: infinity, which fails only where it is printed
  a && b, a || b       aipc: the right side is not evaluated when the left decides; Terraform 1.11: it is
  range()              aipc: up to 10,000,000 numbers; Terraform: up to 1,024
  element(list, -1)    aipc: the last one, as newer releases; Terraform 1.11: a panic or an error
  "Inf", "1p3"         aipc: no numbers; Terraform: infinity and 1 * 2^3, where a number is wanted
  "a\\u0000b"          aipc: an error as a key, path, prefix, time or name of something; Terraform: often a value
  base64gzip()         other bytes of the same text, as another compressor makes them
  signum(1e21)         aipc: 1; Terraform: an error beyond 64 bits
  {a = 1}[sensitive("a")]    aipc: the mark stays; Terraform: it goes
  merge(null, [])      aipc: an error; Terraform: an object, as nothing is looked at beside a null
  tolist([[{}], [tomap({a = 1}), {}]])    aipc: an error; Terraform: objects without what they held
  toset([0, -0])       aipc: one element, as the two are equal; Terraform: two
  cidr*("::ffff:...")  aipc: an IPv4 prefix; Terraform: addresses of another network
  cidrsubnet(..., -1)  aipc: an error; Terraform: a subnet of another network
  cidrhost(..., 2^64)  aipc: an error when the network is smaller; Terraform: an address outside of it
  cidrsubnets("fd00::/48", 33)    aipc: a subnet; Terraform: an error beyond 32 bits
  cidrsubnets("X/0")   aipc: subnets, of "0.0.0.0/8" and "::/64" too; Terraform: an error that says there is no room
  templatestring()     aipc: takes any string; Terraform: only a reference
  regex("a(?s)*", ""), regex("(?P<1a>a)", "a")    aipc: an error, as is a group's name given twice; Terraform: a match
  textencodebase64("a", "UTF-7"), and others that iconv knows    aipc: works; Terraform: an error
  yamldecode() of a list of merged maps, "! 5", "%YAML 1.2", hexadecimal beyond 64 bits, "&a b: *a"    aipc: works; Terraform: an error
  jsondecode() of a key that is not NFC    aipc: works; Terraform: an error
  fileset("[]", "*")   aipc: a folder of that name; Terraform: a pattern, as the folder is part of it
  fileset() with a / in {a,b}   aipc: works; Terraform: an error
  true ? "a" : [for x in [1] : x.y]   aipc: the type of a loop or splat that fails is not looked at; Terraform: it is a tuple
  timeadd()            aipc: an error behind the year 9999; Terraform: a time that no function reads
  tolist([null, []])   aipc: null takes the other's type, as in the results of a condition; Terraform: no single type (but with [null, "a"] it
                       has one), so an empty list may be one of anything. Told apart in same().
  true ? [[1], ["a"]] : tolist([])    aipc: a list; Terraform: an error
  [sensitive(null)]    aipc: the mark stays when the list is converted; Terraform: it goes
  list(... any ...)    aipc: values of a variable's type with any in it are made to be of one type where they can be; Terraform: an error
  try(), can()         aipc: not known while what they try is not; Terraform: decided where its types say so
  "a${unknown}" == null, unknown ? 1 : 1    aipc: not known; Terraform: known, as it tracks what an unknown value cannot be
  [unknown, 1] == [unknown, 2]    aipc: false; Terraform: not known
  pow(5, 0.3)          the last of 17 digits, as both work with doubles there: also in same().
"""
import argparse
import base64
import contextlib
import decimal
import json
import os
import random
import re
import shutil
import subprocess
import sys

decimal.getcontext().prec = 2000

# --- pools ------------------------------------------------------------------------------------------------------------------
def q(s):
    """S as a quoted string of the language."""
    out = s.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return '"' + out.replace("${", "$${").replace("%{", "%%{") + '"'

TEXTS = ["", "a", "b", "ab", "abc", "hello world", "Hello", "HELLO", " x ", "\tx\n", "a,b,c", "a,,b", "aXbXc", "foo-bar_baz", "it's", "1", "10",
         "-1", "1.5", "0", "true", "false", "null", "é", "e\u0301", "ÀÉÎ", "straße", "日本語", "🙂", "👩‍👩‍👧", "a\nb", "a\r\nb", "a\nb\n", "\n",
         "a b  c", "a/b/c", "x=1&y=2", "<a&b>", "a\\b", "q\"q", "%", "%%", "$", "{}", "[]", "ǆ", "İ", "ı", "ſ", "ß", "ΑΣ", "\u00a0x\u2003", "-", "--", "v1.2.3",
         "\u2028", "\u0001", "ﬁ", "Å", "aaa", "aaaa", "abab", "1e3", "0x1f", "+5", "007", "1_000", "zz", "ZZ", "9", "${x}", "%{if}", "~", "a.b.c"]
NUMBERS = ["0", "1", "2", "3", "5", "10", "-1", "-2", "-3", "0.5", "1.5", "-1.5", "2.5", "0.1", "1/3", "100", "255", "256", "1000", "1000000", "1e6", "1e21",
           "1e30", "123456789012345678901234567890", "9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "1e-7", "0.000001",
           "3.14159", "1.0", "1e2", "99.99", "1e100", "0.3", "0.1+0.2", "-0.5", "12345678.9", "2e-3", "4294967296"]
INTS = ["0", "1", "2", "3", "4", "5", "-1", "-2", "-3", "7", "10", "\"1\"", "\"2\"", "1.0", "100"]
BOOLS = ["true", "false", "\"true\"", "\"false\"", "1 == 1", "!true"]
PATTERNS = ["a", "[a-z]+", "(a)(b)?", "(?P<x>[a-z])(?P<y>[0-9])?", "^a", "a$", "\\d+", "\\w+", "\\s", ".", ".*", "a|b", "(a|b)+", "x*", "", "[^a-z]", "(?i)A", "(?s).",
            "(?m)^b", "\\bfoo", "[[:alpha:]]+", "\\pL", "a{2}", "a{2,}", "a{1,2}?", "(?:ab)+", "é", "[é-ü]", "\\x41", "\\.", "(", "[", "a**", "(?=a)", "\\1", "a{1001}",
            "(?P<n>a)|(b)", "a+?", "\\Qa.b\\E", "\\D", "\\W+", "[\\d,]+", "(,)", ",", "(?P<first>\\w+)[ -](?P<last>\\w+)"]
DATES = ["2017-11-22T00:00:00Z", "2018-01-02T23:12:01Z", "2020-02-29T12:30:45+05:30", "1999-12-31T23:59:59-08:00", "2020-01-01T00:00:00.5Z", "2020-1-1T00:00:00Z",
         "2020-13-01T00:00:00Z", "2021-02-29T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2020-06-05T07:08:09Z", "2020-06-05 07:08:09Z", "2020-06-05", "",
         "2020-06-05T07:08:09z", "2020-06-05T07:08:60Z", "2020-06-05T24:00:00Z", "2020-06-05T07:08:09+00:00", "2020-06-05T07:08:09-00:00", "2020-06-05T07:08:09.123456789Z",
         "2020-06-05t07:08:09Z", "2020-06-05T07:08:09"]
DATE_FORMATS = ["DD MMM YYYY hh:mm ZZZ", "EEEE, DD-MMM-YY hh:mm:ss ZZZ", "EEE, DD MMM YYYY hh:mm:ss ZZZ", "YYYY-MM-DD'T'hh:mm:ssZ", "MMMM D, YYYY", "H:mmaa", "HHAA", "h m s",
                "YY M D", "'at' hh", "''", "hh'h'mm'm'", "'", "Y", "YYY", "ZZZZ", "ZZZZZ", "Z", "ZZ", "EE", "A", "x", "", "s.ss", "'it''s'", "MMMMM", "DDD", "hhh", "EEEEE", "YYYYY"]
DURATIONS = ["1h", "-1h", "10m", "1h30m", "1s", "0.5s", "1.5h", "100ms", "1us", "1ns", "1d", "", "0", "1", "-1.5h30m", "24h", "87600h", "1h1h", "+1h", "1 h", "2562047h", "9999999h", ".5h", "1.h"]
CIDRS = ["10.0.0.0/8", "10.1.2.240/28", "192.168.0.0/16", "172.16.0.0/12", "0.0.0.0/0", "10.0.0.1/32", "fd00:fd12:3456:7890::/56", "fe80::/64", "::/0", "2001:db8::1/128", "10.0.0.0",
         "10.0.0.0/33", "10.1.2.3/8", "010.0.0.0/8", "1.2.3/8", "::1/129", "fd00::/8", "10.0.0.0/08", "10.0.0.0/-1", "a/8", "/8", "10.0.0.0/24", "10.0.0.0/30", "1.2.3.4/0"]
IPS = ["10.0.0.1", "10.255.255.255", "11.0.0.0", "192.168.1.1", "::1", "fd00:fd12:3456:7890::1", "x", "1.2.3", "10.0.0.0/16", "10.0.0.0/4", "010.0.0.1"]
BASE64 = ["", "aGVsbG8=", "aGVsbG8", "YQ==", "YQ=", "Y Q==", "YWJj\n", "YWJ\nj", "/+8=", "____", "aGVsbG8gd29ybGQ=", "w6k=", "=", "====", "YQ==YQ==", "A", "AA==", "4pyT"]
JSON = ["{}", "[]", "null", "1", "1.50", "-0", "1e2", "\"a\"", "{\"a\":1,\"b\":[true,null]}", "[1,\"a\"]", "{\"a\":{\"b\":\"c\"}}", "{\"a\":1,\"a\":2}", "{a:1}", "[1,]", "", " 1 ", "1 2",
        "\"\\u00e9\\ud83d\\ude00\"", "\"\\ud800\"", "123456789012345678901234567890", "0.1", "1E400", "[[[]]]", "tru", "\"\n\"", "01", "{\"\":1}", "[1e-7]", "\"e\\u0301\"", "\"\\/\"", "nul", "[1 2]", "{\"a\" 1}", "\"\\x\""]
YAML = ["a: 1", "- 1\n- a", "a: yes", "no", "~", "", "null", "1.5", "\"x\"", "'it''s'", "a:\n  b: c\n", "{a: 1, b: [x, y]}", "|\n a\n b\n", ">\n a\n b\n\n c\n", "017", "0o17", "0x1F", "0b1", "1:30",
        "2020-01-01", "2020-01-01T00:00:00Z", "1_000", ".inf", "-.inf", ".nan", "1e3", "a: &x 1\nb: *x", "!!str 1", "!!int \"1\"", "!foo a", "a: 1\na: 2", "- - 1\n  - 2", "? a\n: b", "a: [", "\ta: 1", "--- 1\n--- 2",
        "--- a", "a: b: c", "on", "y", "N", "True", "TRUE", "+1", "-1", "1.", ".5", "12e03", "1: a", "true: b", "# c", "a: # c\n", "a: |-\n  x\n  y\n", "<<: {a: 1}", "a: {b: 1}\nc: d", "\"\\u00e9\\x41\"", "[a, b, ]", "!!set {a, b}", "!!binary aGk="]
CSV = ["a,b\n1,2\n3,4\n", "a\n", "", "a,b\n1\n", "a,b\n1,2,3\n", "a,a\n1,2\n", "a,b\n\"x,y\",\"q\"\"q\"\n", "a,b\r\n1,2\r\n", "a\n\n1\n", "\"a\",b\n 1, 2", "a,b\n\"1\n2\",3", "a,b\nx\"y,2", "a,b\n\"x\"y,2", ",\n1,2", "a,b"]
URLS = ["a b", "a%20b", "a+b", "%C3%A9", "%zz", "%", "/a/b?c=d&e", "", "é", "a%2Fb", "%FF", "~._-", "100%"]
FORMATS = ["%s", "%d", "%v", "%q", "%t", "%x", "%X", "%o", "%b", "%e", "%E", "%f", "%g", "%G", "%5s", "%-5s|", "%05d", "%+d", "% d", "%.2f", "%8.3f", "%%", "%#v", "%#x", "%s %s", "%[2]s %[1]s", "%[1]s %s", "%5.1f",
           "%.3s", "%5d|%-5d", "a%sb", "%", "%z", "%s %d %t", "none", "%3v", "%-6v|", "%.0f", "%06.2f", "%+.1e", "%q %v", "%5q", "%05s", "%[3]s", "%[0]s", "%c", "%U", "%1$s", "%.1v", "%+v", "%x %X", "%5t", "%.10g", "%+x", "%#o", "%#b", "%08b", "%-08d|"]
NAMES = ["a", "b", "c", "aa", "x1", "z_z"]
PATHS = ["a/b/c.txt", "a.txt", "/a/b", "", ".", "..", "a/", "/", "a//b", "../x", "~/x", "a/../b", "./a", "a/./b", "//", "/a/", "x.tar.gz"]
FILES = ["hello.txt", "data/one.json", "data/two.json", "data/deep/three.txt", "missing.txt", "data", "bin.dat", "", "./hello.txt"]
GLOBS = ["*.txt", "**", "**/*.json", "data/*", "*", "?ello.txt", "[a-h]*.txt", "{hello,x}.txt", "data/**", "**/*.txt", "", "[", "data/{one,two}.json", "d*/*.json", "**/t*"]
CHARSETS = ["UTF-8", "UTF-16LE", "UTF-16BE", "ISO-8859-1", "windows-1252", "US-ASCII", "Shift_JIS", "EUC-JP", "GBK", "Big5", "KOI8-R", "utf-8", "nope", "", "UTF-16", "latin1"]
NAMESPACES = ["dns", "url", "oid", "x500", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "nope", "", "6BA7B8109DAD11D180B400C04FD430C8"]
TEMPLATES = ["tpl/plain.tpl", "tpl/vars.tpl", "tpl/loop.tpl", "tpl/cond.tpl", "tpl/bad.tpl", "tpl/missing.tpl", "tpl/calls.tpl"]

STATE = "-state=../terraform.tfstate"
FIXTURES = {
    "hello.txt": b"hello\n", "data/one.json": b'{"a": [1, 2]}', "data/two.json": b"[]", "data/deep/three.txt": "é\r\nx".encode(), "bin.dat": bytes([0xff, 0xfe, 0]),
    "tpl/plain.tpl": b"plain\n", "tpl/vars.tpl": b"name=${name} n=${n}\n", "tpl/loop.tpl": b"%{ for x in list ~}\n- ${x}\n%{ endfor ~}\nend\n",
    "tpl/cond.tpl": b"%{ if n > 1 }many%{ else }one%{ endif }", "tpl/bad.tpl": b"${", "tpl/calls.tpl": b"${upper(name)}:${templatefile(\"fix/tpl/plain.tpl\", {})}",
}


# --- expressions ------------------------------------------------------------------------------------------------------------------
class Gen:
    def __init__(self, rng):
        self.r = rng
        self.names = []

    def pick(self, *xs):
        return self.r.choice(xs)

    def text(self, d):
        if d <= 0 or self.r.random() < 0.6:
            return q(self.r.choice(TEXTS))
        return self.pick(self.t_template, self.t_cond, self.t_call, self.t_index)(d - 1, "text")

    def num(self, d):
        if d <= 0 or self.r.random() < 0.5:
            return self.r.choice(NUMBERS)
        k = self.r.random()
        if k < 0.5:
            op = self.pick("+", "-", "*", "/", "%")
            right = self.pick("2", "3", "7", "10", "0.5", "1.5", "-3") if op in "/%" else self.num(d - 1)
            return f"({self.num(d - 1)} {op} {right})"
        if k < 0.6:
            return f"-({self.num(d - 1)})"
        return self.pick(self.t_cond, self.t_call, self.t_index)(d - 1, "num")

    def int(self, d):
        return self.r.choice(INTS) if self.r.random() < 0.9 else self.num(d - 1)

    def bool(self, d):
        k = self.r.random()
        if d <= 0 or k < 0.3:
            return self.r.choice(BOOLS)
        if k < 0.5:
            return f"({self.num(d - 1)} {self.pick('<', '<=', '>', '>=', '==', '!=')} {self.num(d - 1)})"
        if k < 0.65:
            a = self.any(d - 1)
            return f"({a} {self.pick('==', '!=')} {a if self.r.random() < 0.3 else self.any(d - 1)})"
        if k < 0.75:
            return f"({self.r.choice(BOOLS)} {self.pick('&&', '||')} {self.r.choice(BOOLS)})"
        if k < 0.85:
            return f"!{self.bool(d - 1)}"
        return self.pick(self.t_cond, self.t_call)(d - 1, "bool")

    def t_template(self, d, _):
        k = self.r.random()
        if k < 0.4:
            return '"' + self.pick("", "a", "<") + "${" + self.scalar(d) + "}" + self.pick("b", "", " ") + '"'
        if k < 0.6:
            m = self.pick("", "~")
            return '"x %{' + m + ' if ' + self.bool(d) + ' ' + self.pick("", "~") + '} yes %{ else ' + m + '} no %{ endif ' + self.pick("", "~") + '} y"'
        if k < 0.8:
            return '"%{ for v in ' + self.list(d) + ' ' + self.pick("", "~") + '}<${v}> %{ endfor ' + self.pick("", "~") + '}"'
        return '"%{ for k, v in ' + self.map(d) + ' }${k}=${v};%{ endfor }"'

    def t_cond(self, d, kind):
        other = kind if self.r.random() < 0.85 else self.pick("text", "num", "bool", "list", "map", "any", "null")
        return f"({self.bool(d)} ? {self.of(kind, d)} : {self.of(other, d)})"

    def t_index(self, d, kind):
        n = self.r.randrange(1, 4)
        xs = [self.of(kind, d) for _ in range(n)]
        k = self.r.random()
        if k < 0.4:
            return f"[{', '.join(xs)}][{self.r.randrange(n) if self.r.random() < 0.9 else self.int(0)}]"
        if k < 0.6:
            return f"tolist([{', '.join(xs)}])[{self.r.randrange(n)}]"
        pairs = ", ".join(f"{a} = {x}" for a, x in zip(NAMES, xs))
        return f"{{{pairs}}}" + self.pick(".a", '["a"]', f'[{q(self.pick("a", "b", "zz"))}]')

    def t_call(self, d, kind):
        return call(self, self.r.choice(RESULTS[kind]), d)

    def scalar(self, d):
        return self.pick(self.text, self.num, self.bool)(d)

    def null(self, _):
        return self.pick("null", "null", "tostring(null)", "tonumber(null)", "tobool(null)", "tolist(null)", "tomap(null)")

    def list(self, d):
        k = self.r.random()
        if d > 0 and k < 0.12:
            return self.for_list(d - 1)
        if d > 0 and k < 0.2:
            return self.splat(d - 1)
        if d > 0 and k < 0.35:
            return call(self, self.r.choice(RESULTS["list"]), d - 1)
        if d > 0 and k < 0.4:
            return self.t_cond(d - 1, "list")
        if d > 0 and k < 0.45:
            return self.map(d - 1) if self.r.random() < 0.1 else f"values({self.map(d - 1)})"
        n = self.r.choice([0, 1, 1, 2, 2, 3, 4])
        kind = self.pick("text", "text", "num", "num", "bool", "any", "scalar")
        body = "[" + ", ".join(self.of(kind, d - 1) for _ in range(n)) + "]"
        return self.pick("{}", "{}", "{}", "tolist({})", "toset({})").format(body)

    def set(self, d):
        return f"toset({self.list(d)})" if self.r.random() < 0.8 else self.list(d)

    def texts(self, d):
        n = self.r.choice([0, 1, 2, 3, 3])
        body = "[" + ", ".join(self.text(d - 1) if self.r.random() < 0.93 else self.scalar_or_null(d - 1) for _ in range(n)) + "]"
        return self.pick("{}", "{}", "tolist({})", "toset({})").format(body)

    def scalar_or_null(self, d):
        return self.scalar(d) if self.r.random() < 0.6 else self.null(d)

    def nums(self, d):
        n = self.r.choice([0, 1, 2, 3])
        body = "[" + ", ".join(self.num(d - 1) if self.r.random() < 0.9 else self.scalar_or_null(d - 1) for _ in range(n)) + "]"
        return self.pick("{}", "{}", "tolist({})", "toset({})").format(body)

    def bools(self, d):
        body = "[" + ", ".join(self.bool(d - 1) if self.r.random() < 0.9 else self.scalar_or_null(d - 1) for _ in range(self.r.randrange(4))) + "]"
        return self.pick("{}", "{}", "tolist({})", "toset({})").format(body)

    def map(self, d):
        k = self.r.random()
        if d > 0 and k < 0.12:
            return self.for_map(d - 1)
        if d > 0 and k < 0.25:
            return call(self, self.r.choice(RESULTS["map"]), d - 1)
        if d > 0 and k < 0.3:
            return self.t_cond(d - 1, "map")
        n = self.r.choice([0, 1, 2, 2, 3])
        kind = self.pick("text", "num", "any", "scalar")
        keys = self.r.sample(NAMES, n) if self.r.random() < 0.95 else [self.r.choice(NAMES) for _ in range(n)]
        body = "{" + ", ".join(f"{self.key(x)} {self.pick('=', ':')} {self.of(kind, d - 1)}" for x in keys) + "}"
        return self.pick("{}", "{}", "{}", "tomap({})").format(body)

    def key(self, x):
        return self.pick(x, x, q(x), f"({q(x)})")

    def maplists(self, d):
        return "{" + ", ".join(f"{x} = {self.texts(d - 1)}" for x in self.r.sample(NAMES, self.r.randrange(3))) + "}"

    def for_list(self, d):
        src, two = (self.list(d), self.r.random() < 0.4) if self.r.random() < 0.7 else (self.map(d), self.r.random() < 0.6)
        body = self.pick("v", "v", '"<${v}>"', "[v]", "{x = v}", "v == null", "upper(v)", "v + 1") if not two else self.pick("k", "v", '"${k}-${v}"', "[k, v]", "{(k) = v}")
        cond = self.pick("", "", "", " if v != null", " if v != \"a\"", " if true", ' if can(v + 0)')
        return f"[for {'k, v' if two else 'v'} in {src} : {body}{cond}]"

    def for_map(self, d):
        if self.r.random() < 0.5:
            return f"{{for k, v in {self.map(d)} : {self.pick('k', 'upper(k)')} => {self.pick('v', '[v]', 'k')}{self.pick('', '', ' if v != null')}}}"
        key = self.pick("v", '"k${v}"', "k", "length(tostring(v))")
        return f"{{for k, v in {self.list(d)} : {key} => {self.pick('v', 'k', '[k, v]')}{self.pick('...', '', '...')}}}"

    def splat(self, d):
        k = self.r.random()
        if k < 0.5:
            objs = ", ".join(f"{{a = {self.any(d - 1)}, b = [{self.scalar(0)}]}}" for _ in range(self.r.randrange(4)))
            src = self.pick("[{}]", "tolist([{}])").format(objs)
            return src + self.pick("[*].a", ".*.a", "[*].b[0]", "[*]", "[*][\"a\"]", "[*].b", ".*.b[0]", "[*].zz")
        return f"({self.any(d)})" + self.pick("[*]", "[*]", "[*].a")

    def any(self, d):
        k = self.r.random()
        if k < 0.1:
            return self.null(d)
        if k < 0.16:
            return f"sensitive({self.any(d - 1)})"
        return self.of(self.pick("text", "num", "bool", "list", "map", "text", "num"), d)

    def of(self, kind, d):
        return getattr(self, kind)(d)

    # arguments of functions that want a certain text
    def pool(self, xs):
        return q(self.r.choice(xs))

    def pattern(self, _): return self.pool(PATTERNS)
    def date(self, _): return self.pool(DATES)
    def dateformat(self, _): return self.pool(DATE_FORMATS)
    def duration(self, _): return self.pool(DURATIONS)
    def cidr(self, _): return self.pool(CIDRS)
    def ip(self, _): return self.pool(IPS)
    def base64(self, _): return self.pool(BASE64 + [base64.b64encode(self.r.choice(TEXTS).encode()).decode()])
    def json(self, d): return self.pool(JSON) if self.r.random() < 0.6 else f"jsonencode({self.any(d - 1)})"
    def yaml(self, d): return self.pool(YAML) if self.r.random() < 0.8 else f"yamlencode({self.any(d - 1)})"
    def csv(self, _): return self.pool(CSV)
    def url(self, _): return self.pool(URLS + TEXTS)
    def path(self, _): return self.pool(PATHS)
    def file(self, _): return q(self.pick("fix/", "fix/", "fix/", "./fix/") + self.r.choice(FILES))
    def folder(self, _): return self.pool(["fix", "fix/data", "fix/nope", "fix/data/deep"])
    def glob(self, _): return self.pool(GLOBS)
    def charset(self, _): return self.pool(CHARSETS)
    def namespace(self, _): return self.pool(NAMESPACES)
    def template(self, _): return q("fix/" + self.r.choice(TEMPLATES))
    def name(self, _): return self.pool(NAMES)
    def small(self, _): return self.pick("0", "1", "2", "3", "4", "8", "16")
    def host(self, _): return self.pick("0", "1", "2", "5", "10", "-1", "-2", "254", "256", "65536", "1.5", "-100000")
    def nat(self, _): return self.pick("0", "1", "2", "3", "4", "5", "10", "\"1\"", "1.0", "1.5")
    def soon(self, _): return self.pool([x for x in DATES if not x.startswith("9999")])
    def whole(self, _): return self.r.choice(INTS)
    def wide(self, _): return self.pool([x for x in CIDRS if not x.endswith("/0")])
    def netnum(self, _): return self.pick("0", "1", "2", "5", "10", "254", "256", "65536", "1.5")
    def base(self, _): return self.pick("2", "8", "10", "16", "36", "62", "1", "63", "0")
    def digits(self, _): return self.pool(["0", "1", "10", "ff", "FF", "z", "Zz", "-5", "+5", "", " 1", "1_0", "0x1f", "12a", "00", "99999999999999999999999", "1.0", "-", "é"])
    def vars(self, d):
        return f"{{name = {self.text(0)}, n = {self.num(0)}, list = {self.texts(0)}}}" if self.r.random() < 0.7 else self.map(d - 1)
    def radd(self, d): return self.pick('"/a/"', '"/[a-z]/"', '"/(a)(b)?/"', '"/(?P<x>.)/"', '"a"', '""', '"/"', '"//"', '"/x*/"', self.text(0), '"/(/"')
    def rwith(self, d): return self.pick('"$1"', '"$${1}"', '"$1x"', '"$${x}"', '"$$"', '"<$0>"', '"-"', '""', self.text(0), '"$2"', '"$${2}-$1"')
    def rangen(self, _): return self.pick("0", "1", "3", "5", "-3", "10", "0.5", "2", "1.5", "-1")


# function: kinds of its arguments; "+KIND" any number of them, "?KIND" perhaps one.
FUNCS = {
    "string": {
        "chomp": ["text"], "endswith": ["text", "text"], "startswith": ["text", "text"], "strcontains": ["text", "text"], "indent": ["small", "text"],
        "join": ["text", "texts", "+texts"], "split": ["text", "text"], "lower": ["text"], "upper": ["text"], "title": ["text"], "strrev": ["text"],
        "substr": ["text", "int", "int"], "trim": ["text", "text"], "trimprefix": ["text", "text"], "trimsuffix": ["text", "text"], "trimspace": ["text"],
        "replace": ["text", "radd", "rwith"], "regex": ["pattern", "text"], "regexall": ["pattern", "text"],
    },
    "format": {"format": ["FORMAT"], "formatlist": ["FORMATLIST"]},
    "number": {
        "abs": ["num"], "ceil": ["num"], "floor": ["num"], "signum": ["whole"], "max": ["num", "+num"], "min": ["num", "+num"], "pow": ["int", "int"], "log": ["num", "num"],
        "parseint": ["digits", "base"], "sum": ["nums"],
    },
    "collection": {
        "alltrue": ["bools"], "anytrue": ["bools"], "chunklist": ["list", "small"], "coalesce": ["any", "+any"], "coalescelist": ["list", "+list"], "compact": ["texts"],
        "concat": ["list", "+list"], "contains": ["list", "any"], "distinct": ["list"], "element": ["list", "nat"], "flatten": ["list"], "index": ["list", "any"],
        "keys": ["map"], "length": ["any"], "lookup": ["map", "name", "?any"], "matchkeys": ["list", "list", "list"], "merge": ["map", "+map"], "one": ["list"],
        "range": ["rangen", "?rangen", "?rangen"], "reverse": ["list"], "setintersection": ["set", "+set"], "setproduct": ["list", "list", "+list"],
        "setsubtract": ["set", "set"], "setunion": ["set", "+set"], "slice": ["list", "small", "small"], "sort": ["texts"], "transpose": ["maplists"],
        "values": ["map"], "zipmap": ["texts", "list"],
    },
    "conversion": {
        "tobool": ["any"], "tolist": ["any"], "tomap": ["any"], "tonumber": ["any"], "toset": ["any"], "tostring": ["any"], "sensitive": ["any"], "nonsensitive": ["any"],
        "issensitive": ["any"], "can": ["any"], "try": ["any", "any"],
    },
    "encoding": {
        "base64decode": ["base64"], "base64encode": ["text"], "csvdecode": ["csv"], "jsondecode": ["json"], "jsonencode": ["any"], "yamldecode": ["yaml"],
        "yamlencode": ["any"], "urlencode": ["url"], "textencodebase64": ["text", "charset"], "textdecodebase64": ["base64", "charset"],
    },
    "hash": {
        "md5": ["text"], "sha1": ["text"], "sha256": ["text"], "sha512": ["text"], "base64sha256": ["text"], "base64sha512": ["text"], "uuidv5": ["namespace", "text"],
        "filemd5": ["file"], "filesha1": ["file"], "filesha256": ["file"], "filesha512": ["file"], "filebase64sha256": ["file"], "filebase64sha512": ["file"],
    },
    "time": {"formatdate": ["dateformat", "date"], "timeadd": ["soon", "duration"], "timecmp": ["date", "date"]},
    "network": {"cidrhost": ["cidr", "host"], "cidrnetmask": ["cidr"], "cidrsubnet": ["cidr", "small", "netnum"], "cidrsubnets": ["wide", "+small"]},
    "filesystem": {
        "basename": ["path"], "dirname": ["path"], "file": ["file"], "fileexists": ["file"], "filebase64": ["file"], "fileset": ["folder", "glob"],
        "templatefile": ["template", "vars"],
    },
}
RESULTS = {
    "text": ["upper", "lower", "join", "replace", "substr", "trim", "format", "jsonencode", "tostring", "md5", "base64encode", "title", "strrev", "urlencode"],
    "num": ["length", "abs", "ceil", "floor", "max", "min", "sum", "tonumber", "parseint", "pow", "signum", "index"],
    "bool": ["contains", "alltrue", "anytrue", "startswith", "endswith", "strcontains", "can", "tobool", "issensitive"],
    "list": ["concat", "distinct", "flatten", "reverse", "slice", "sort", "split", "compact", "range", "keys", "values", "setunion", "setproduct", "chunklist", "tolist",
             "toset", "regexall", "formatlist", "setintersection", "setsubtract", "coalescelist", "matchkeys"],
    "map": ["merge", "zipmap", "tomap", "transpose", "jsondecode", "yamldecode"],
}
ARGS = {name: kinds for group in FUNCS.values() for name, kinds in group.items()}
ARGS["FORMAT"] = ARGS["FORMATLIST"] = []


def format_args(g, d, lists):
    fmt = g.r.choice(FORMATS)
    n = sum(1 for i, c in enumerate(fmt) if c == "%" and fmt[i + 1:i + 2] not in ("%", ""))
    n = max(0, n + g.r.choice([0, 0, 0, 0, 0, 0, 1, -1]))
    kinds = ("text", "num", "bool", "any", "num") if not lists else ("texts", "nums", "text", "num", "list")
    return [q(fmt)] + [g.of(g.pick(*kinds), d) for _ in range(n)]


def call(g, name, d):
    if name in ("format", "formatlist"):
        args = format_args(g, d - 1, name == "formatlist")
    else:
        args = []
        for kind in ARGS[name]:
            if kind[0] == "+":
                args += [argument(g, kind[1:], d - 1) for _ in range(g.r.choice([0, 0, 1, 2]))]
            elif kind[0] != "?" or (g.r.random() < 0.6 and len(args) == len([k for k in ARGS[name] if k[0] not in "?+"]) + [k for k in ARGS[name] if k[0] == "?"].index(kind)):
                args.append(argument(g, kind.lstrip("?"), d - 1))
    if args and g.r.random() < 0.02:
        args.pop() if g.r.random() < 0.5 else args.append(g.any(0))
    if args and g.r.random() < 0.03:
        return f"{name}({', '.join(args[:-1] + [''])}[{args[-1]}]...)"
    prefix = "core::" if g.r.random() < 0.01 else ""
    return f"{prefix}{name}({', '.join(args)})"


def argument(g, kind, d):
    k = g.r.random()
    if k < 0.03:
        return g.null(d)
    if k < 0.07:
        return g.any(d)
    if k < 0.12:
        return f"sensitive({g.of(kind, d)})"
    return g.of(kind, d)


def expression(g, group):
    d = g.r.choice([1, 1, 2, 2, 3])
    if group != "language":
        return call(g, g.r.choice(sorted(FUNCS[group])), d)
    k = g.r.random()
    if k < 0.1:
        return g.splat(d + 1)
    if k < 0.3:
        return g.for_list(d) if k < 0.2 else g.for_map(d)
    if k < 0.45:
        return g.t_cond(d, g.pick("text", "num", "list", "map", "any"))
    if k < 0.6:
        return g.t_template(d, "")
    if k < 0.7:
        return g.t_index(d, g.pick("text", "num", "any"))
    return g.of(g.pick("num", "bool", "list", "map", "any"), d + 1)


def escaped(text):
    """TEXT as it can stand in YAML."""
    return text.replace("\u0001", "\\u0001").replace("\u2028", "\\u2028")


# Whole blocks, as modules have them: heredocs, loops in loops, splats of what may be null, types with defaults, dates and nets in a row.
class Shapes(Gen):
    """Expressions over several lines: see shape()."""

    def heredoc(self, d):
        strip = [self.pick("", "~") for _ in range(6)]
        pad = self.pick("", "  ", "    ", "\t")
        lines = [self.pick("a", "  b ", "", "$${x} %%{y}", "\\n \\t", 'q"q"', "é") for _ in range(self.r.randrange(3))]
        parts = [
            "%{" + strip[0] + " for v in " + self.list(d) + " " + strip[1] + "}", "- ${" + strip[2] + " v " + strip[3] + "}", "%{" + strip[4] + " endfor " + strip[5] + "}",
            "%{ if " + self.bool(d) + " " + strip[1] + "}", "yes", "%{ else " + strip[2] + "}", "  no", "%{" + strip[3] + " endif }"]
        use = self.pick([], parts[:3], parts[3:], parts)
        at = self.r.randrange(len(lines) + 1)
        body = "\n".join(pad + self.pick("", "", "  ") + x if x else x for x in lines[:at] + use + lines[at:])
        if not body and self.r.random() < 0.5:
            body = pad + "x"
        return self.pick("<<EOT", "<<-EOT", "<<-EOT") + "\n" + (body + "\n" if body else "") + pad + "EOT\n"

    def records(self, d):
        rows = []
        for _ in range(self.r.randrange(4)):
            tail = self.pick("", ", t = null", ", t = [1]", ", t = []")
            rows.append(f"{{n = {self.text(0)}, g = {self.pick(*map(q, 'aab'))}, s = {self.texts(0)}, p = {self.num(0)}{tail}}}")
        return "[" + ",\n  ".join(rows) + "]"

    def nested(self, d):
        rs = self.records(d)
        return self.pick(
            f"{{ for r in {rs} : r.g => r.n... }}",
            f"{{ for g in distinct({rs}[*].g) : g => [\n  for i, r in {rs} : {{ i = i, n = upper(r.n) }} if r.g == g\n] }}",
            f"flatten([for i, r in {rs} : [for s in r.s : {{ key = \"${{i}}-${{s}}\", p = r.p }}]])",
            f"merge([for r in {rs} : {{ for s in r.s : \"${{r.g}}/${{s}}\" => r.p }}]...)",
            f"merge({{}}, [for r in {rs} : {{ (r.n) = r.s }}]...)",
            f"{{ for p in setproduct(distinct({rs}[*].g), {self.texts(d)}) : \"${{p[0]}}.${{p[1]}}\" => p... }}",
            f"zipmap(distinct({rs}[*].n), range(length(distinct({rs}[*].n))))",
            f"[for r in {rs} : try(r.t[0], r.s[0], \"none\")]",
            f"{{ for k, v in {{ for r in {rs} : r.n => r... }} : k => [for x in v : x.p if x.p > 0] }}",
            f"[for r in {rs} : r if can(r.t)]",
            f"sort(distinct(concat({rs}[*].n, {self.texts(d)})))",
            f"[for r in {rs} : lookup(r, \"t\", null) == null ? \"-\" : \"t\"]")

    def splats(self, d):
        x = self.pick("null", self.records(d), self.any(d), "tolist(null)", "tomap({a = {b = 1}})", "{a = [{b = 1}, {b = null}]}", "toset([1, 2])")
        return f"({x})" + self.pick("[*]", "[*].a", "[*].n", "[*].s[0]", ".*.n", "[*].a[*].b", "[*].a.b", "[*].t", "[*][\"g\"]", ".*.s.0")

    def nets(self, d):
        c = self.pick("10.0.0.0/16", "10.0.0.0/8", "192.168.0.0/20", "fd00::/48")
        n = self.pick("3", "length(range(2))", "4")
        return self.pick(
            f"[for i in range({n}) : cidrsubnet({q(c)}, {self.pick('4', '8')}, i)]",
            f"[for s in cidrsubnets({q(c)}, [for i in range({n}) : i + 3]...) : cidrhost(s, {self.pick('1', '-2', '5')})]",
            f"{{ for i, z in {self.texts(d)} : z => cidrsubnet({q(c)}, 8, i)... }}",
            f"[cidrhost({q(c)}, 1), try(cidrnetmask({q(c)}), \"v6\"), split(\"/\", {q(c)})[1]]")

    def times(self, d):
        t = q(self.r.choice(DATES[:4] + DATES[10:11]))
        return self.pick(
            f"formatdate({q(self.r.choice(DATE_FORMATS[:12]))}, timeadd({t}, {q(self.r.choice(DURATIONS[:8]))}))",
            f"[for d in [\"0h\", \"24h\", {q(self.r.choice(DURATIONS[:8]))}] : formatdate(\"YYYY-MM-DD\", timeadd({t}, d))]",
            f"timecmp({t}, timeadd({t}, {q(self.r.choice(DURATIONS[:8]))})) < 0")

    def regexes(self, d):
        p, t = q(self.r.choice(PATTERNS)), self.text(d)
        return self.pick(
            f"can(regex({p}, {t})) ? regex({p}, {t}) : {self.pick('null', '{}', '[]', q('-'))}", f"try(regexall({p}, {t})[0], null)",
            f"[for m in regexall({p}, {t}) : try(m[0], m)]", f"join(\",\", flatten(regexall({q('[a-z]+')}, {t})))", f"replace({t}, {q('/' + self.r.choice(PATTERNS[:20]) + '/')}, {self.rwith(d)})")

    def shape(self, d):
        return escaped(self.pick(self.heredoc, self.heredoc, self.nested, self.nested, self.nested, self.splats, self.nets, self.times, self.regexes)(d))


# A value that is given to a variable of a type: what optional() fills in and drops, what is converted, and how deep.
class Typed(str):
    """An expression with the type of the variable that takes it: see typed_tf() and typed_aipc()."""
    type = ""


class Types(Gen):
    """Types and values that mostly fit them."""

    def kind(self, d, collections=True):
        if d <= 0 or self.r.random() < 0.3:
            return self.pick("string", "number", "bool", "string", "any")
        k = self.r.random()
        if k < 0.4 and collections:
            return f"{self.pick('list', 'set', 'map')}({self.kind(d - 1)})"
        if k < 0.5:
            return "tuple([" + ", ".join(self.kind(d - 1) for _ in range(self.r.randrange(3))) + "])"
        return "object({" + ", ".join(f"{n} = {self.field(d - 1)}" for n in self.r.sample(NAMES[:4], self.r.randrange(1, 4))) + "})"

    def field(self, d):
        t = self.kind(d)
        k = self.r.random()
        if k < 0.35:
            return t
        if k < 0.6 or "any" in t:
            return f"optional({t})"
        return f"optional({t}, {self.fitting(t, True)})"

    def fitting(self, t, sure=False):
        """An expression that fits T, or nearly; SURE: a constant that does."""
        k = 1 if sure else self.r.random()
        if k < 0.05:
            return self.pick("null", self.any(1))
        if k < 0.1:
            return f"sensitive({self.fitting(t)})"
        if t in ("string", "number", "bool", "any"):
            texts, nums, bools = [q(x) for x in ("a", "", "1", "true", "1.50", "x y")], ["0", "1", "2.5", "-3", "1e3"], ["true", "false"]
            xs = {"string": texts, "number": nums, "bool": bools, "any": texts + nums + ["[]", "{}", '{ a = "1" }', '["1", "b"]']}[t]
            return self.pick(*xs) if sure or self.r.random() < 0.8 else self.pick(*texts, *nums, *bools, '"1"', '"false"')
        name, inner = t[:t.index("(")], t[t.index("(") + 1:-1]
        if name in ("list", "set"):
            return "[" + ", ".join(self.fitting(inner, sure) for _ in range(self.r.randrange(3))) + "]"
        if name == "map":
            return "{" + ", ".join(f"{n} = {self.fitting(inner, sure)}" for n in self.r.sample(NAMES, self.r.randrange(3))) + "}"
        if name == "tuple":
            return "[" + ", ".join(self.fitting(x, sure) for x in parts(inner[1:-1])) + "]"
        out = []
        for n, x in (f.split(" = ", 1) for f in parts(inner[1:-1])):
            if x.startswith("optional("):
                if self.r.random() < 0.5:
                    continue
                x = parts(x[9:-1])[0]
                if self.r.random() < 0.2:
                    out.append(f"{n} = null")
                    continue
            elif not sure and self.r.random() < 0.04:
                continue
            out.append(f"{n} = {self.fitting(x, sure)}")
        if not sure and self.r.random() < 0.1:
            out.append("more = 1")
        return "{" + ", ".join(out) + "}"

    def typed(self):
        t = self.kind(3)
        e = Typed(escaped(self.fitting(t)))
        e.type = t
        return e


def parts(text):
    """What commas part at the top of TEXT."""
    out, depth, quoted = [""], 0, False
    for c in text:
        quoted ^= c == '"'
        depth += 0 if quoted else (c in "([{") - (c in ")]}")
        if c == "," and not depth and not quoted:
            out.append("")
        else:
            out[-1] += c
    return [x.strip() for x in out if x.strip()]


# Where the mark of what is sensitive goes in collections.
class Marks(Gen):
    """Collections with marked members, through functions and loops: which members are marked in the end, and is the whole?"""

    def some(self):
        x = self.pick('"a"', '"b"', "1", "true", "null", '["x"]', "{a = 1}")
        return f"sensitive({x})" if self.r.random() < 0.4 else x

    def members(self):
        xs = [self.some() for _ in range(self.r.randrange(1, 4))]
        return self.pick("[{}]", "[{}]", "tolist([{}])", "toset([{}])", "sensitive([{}])").format(", ".join(xs)) if self.r.random() < 0.6 else \
            self.pick("{{{}}}", "{{{}}}", "tomap({{{}}})").format(", ".join(f"{n} = {x}" for n, x in zip(NAMES, xs)))

    def marked(self, _):
        a, b = self.members(), self.members()
        x = self.pick(
            a, f"concat({a}, {b})", f"merge({a}, {b})", f"reverse({a})", f"values({a})", f"keys({a})", f"flatten([{a}, {b}])", f"distinct({a})", f"setunion({a}, {b})",
            f"setproduct({a}, {b})", f"slice({a}, 0, 1)", f"one({a})", f"one([{a}])", f"chunklist({a}, 1)", f"compact({a})", f"coalescelist({a}, {b})", f"tolist({a})", f"zipmap([\"x\", \"y\"], {a})",
            f"[for v in {a} : v]", f"[for v in {a} : v if v != null]", f"{{for k, v in {a} : k => v}}", f"{{for v in {a} : \"k\" => v...}}", f"{a}[*]", f"({self.some()} == 1 ? {a} : {b})",
            f"[{a}[0], {self.some()}]", f"try({a}.a, {b})", f"jsondecode(jsonencode({a}))", f"element({a}, 0)", f"lookup({a}, \"a\", {self.some()})", f"matchkeys({a}, {a}, {b})",
            f"toset({a})", f"transpose({{a = {a}}})", f"[for i in range(2) : {a}]")
        return self.pick(
            f"[for v in {x} : issensitive(v)]", f"{{for k, v in {x} : k => issensitive(v)}}", f"[issensitive({x}), can({x}[0]) ? issensitive({x}[0]) : null]", x,
            f"[for v in {x} : try(issensitive(v.a), issensitive(v[0]), null)]", f"length({x})", f"[for v in {x} : can(v.a) ? issensitive(v.a) : issensitive(v)]")


# What is known of what is not known: a string that an object has once it was made, called `u` here.
class Unknowns(Gen):
    """Expressions over terraform_data.u.output, or tostring(aipc_data.u.output): does something come out, and what?"""

    def text(self, d):
        return self.pick('"${u}"', '"a${u}"', '"${u}b"', q(self.r.choice(TEXTS[:12]))) if self.r.random() < 0.5 else super().text(d)

    def num(self, d):
        return self.pick("length(\"${u}\")", "tonumber(u)", "length([u, 1])") if self.r.random() < 0.3 else super().num(d)

    def bool(self, d):
        return self.pick("u == null", "u == u", "tobool(u)", "u == 1", "\"${u}\" == null", "[u] == [1]", "[u, 1] == [u, 2]", "can(u.x)") if self.r.random() < 0.3 else super().bool(d)

    def list(self, d):
        return self.pick("[u]", "[u, 1]", "tolist([\"${u}\", \"a\"])", "toset([\"${u}\"])", "split(\",\", u)", "[\"a\", [u]]") if self.r.random() < 0.4 else super().list(d)

    def map(self, d):
        return self.pick("{a = u}", "{a = u, b = 1}", "tomap({a = \"${u}\"})", "{(u) = 1}", "{a = {b = u}}") if self.r.random() < 0.4 else super().map(d)

    def unknown(self, d):
        return self.pick(
            self.list, self.map, self.bool, lambda n: f"length({self.list(n)})", lambda n: f"keys({self.map(n)})", lambda n: f"[for v in {self.list(n)} : 1]",
            lambda n: f"[for k, v in {self.map(n)} : k]", lambda n: f"({self.bool(n)} ? 1 : 1)", lambda n: f"contains({self.list(n)}, \"a\")",
            lambda n: f"coalesce({self.any(n)}, u)", lambda n: f"lookup({self.map(n)}, \"b\", 2)", lambda n: f"{self.map(n)}.b", lambda n: f"{self.list(n)}[1]",
            lambda n: f"merge({self.map(n)}, {self.map(n)})", lambda n: f"concat({self.list(n)}, [1])", lambda n: f"can({self.any(n)})", lambda n: f"try({self.any(n)}, 1)",
            lambda n: f"startswith({self.text(n)}, \"a\")", lambda n: f"element({self.list(n)}, 1)", lambda n: f"{self.list(n)}[*]", lambda n: f"issensitive({self.any(n)})",
            lambda n: call(self, self.r.choice(PURE), n + 1), lambda n: f"length({call(self, self.r.choice(RESULTS['list']), n)})",
            lambda n: f"[for v in {call(self, self.r.choice(RESULTS['list'] + RESULTS['map']), n)} : 1]", lambda n: f"setunion({self.list(n)}, [\"a\"])", lambda n: f"{self.any(n)} == null", lambda n: f"length(distinct({self.list(n)}))", lambda n: f"{self.text(n)} != null")(d)


# Functions get what they are not made for.
TREES = ["null", "[]", "{}", "[null]", "{a = null}", "[[]]", "[{}]", "[[], {}]", "[1, \"a\"]", "[1, true]", "[true, \"a\"]", "[null, 1, \"a\"]", "[[1], [\"a\"]]", "[[1], [1, 2]]",
         "[[1], [\"a\", true]]", "[{a = 1}, {a = \"x\"}]", "[{a = 1}, {b = 1}]", "[{a = 1}, {a = 1, b = 2}]", "{a = 1, b = \"x\"}", "{a = [1], b = [\"x\"]}", "{a = [], b = {}}",
         "{a = {}, b = {c = 1}}", "[tolist([]), [1]]", "[tolist([\"a\"]), [1]]", "[toset([1]), [\"a\"]]", "[tomap({a = 1}), {b = true}]", "tolist([])", "toset([])", "tomap({})",
         "tolist(null)", "tomap(null)", "toset(null)", "tostring(null)", "tonumber(null)", "tobool(null)", "toset([[1], [2]])", "toset([{a = 1}, {a = 2}])", "toset([null])",
         "tolist([null, \"a\"])", "tomap({a = null, b = 1})", "[1, 1.0, \"1\"]", "[\"b\", \"a\", \"B\", \"é\", \"e\u0301\", \"\", \"10\", \"9\"]", "[3, 1, 2, 1]", "[[3], [1], [3]]",
         "[true, false, true]", "{\"é\" = 1, \"e\u0301\" = 2}", "{1 = 1, true = 2}", "{\"a b\" = 1, \"\" = 2}", "{for x in [] : x => x}", "[for x in [1] : x if false]",
         "sensitive([])", "sensitive(null)", "sensitive({a = 1})", "[sensitive(1)]", "{a = sensitive(\"x\")}", "{(sensitive(\"a\")) = 1}", "toset([sensitive(\"a\"), \"b\"])",
         "[[[[]]]]", "[\"a\", [\"b\", [\"c\", []]]]", "{a = {b = {c = null}}}", "[tolist([1]), toset([1])]", "[{a = tolist([])}, {a = [1]}]", "[[null], [1]]", "[{a = null}, {a = 1}]",
         "[[null], [\"a\", null]]", "values({a = 1, b = \"x\"})", "(true ? [1] : [\"a\"])", "(true ? [] : [1])", "(true ? {a = 1} : {})", "(true ? null : [1])", "[true ? null : 1]",
         "tolist([{a = 1}, {a = null}])", "tolist([[1], []])", "tomap({a = [], b = [1]})", "tolist([tolist([]), tolist([1])])", "[\"1\", \"2\"]", "[\"true\", true]", "tolist([\"1\", 2])"]
WILD = ["\"a\\u0000b\"", "\"\\ud800\"", "\"\\U0010ffff\"", "\"\\U00110000\"", "\"\\u00e9\"", "\"e\\u0301\"", "\"\\u1100\\u1161\"", "\"\\ufeffa\"", "\"\\u200b\"", "\"🇩🇪🇫🇷\"", "\"👍🏽\"", "\"각\"",
        "\"a\u0300\u0301\"", "\"\\r\"", "\"\\r\\n\"", "\"\\u0085\"", "\"\\u00a0\"", "\"\\u3000\"", "\"ŒÆ\"", "\"ǅ\"", "\"ŉ\"", "\"ᾳ\"", "\"Σίσυφος\"", "1e308", "1e309", "-1e309", "1e-400", "1e1000",
        "0.1+0.2", "1/3", "2/3*3", "1e21", "1e20", "123456789.123456789", "-0", "0.0", "-0.0", "1e0", "18446744073709551616", "18446744073709551615", "1.7976931348623157e308",
        "0.30000000000000004", "100000000000000000000.5", "1e15+0.3", "4.35*100", "1.005*1000", "1e16", "2.5", "-2.5", "1e-6", "1e-5", "\"1e3\"", "\"0x10\"", "\"1_0\"", "\" 1\"", "\"1 \"",
        "\"1.0\"", "\".5\"", "\"5.\"", "\"+1\"", "\"-0\"", "\"1e400\"", "\"Inf\"", "\"NaN\"", "\"infinity\"", "\"True\"", "\"TRUE\"", "\"yes\"", "\"on\"", "\"t\"", "\"0\"", "\"1\"", "\"\""]


class Hostile(Gen):
    """Calls of any function, most arguments of which are of another kind, or odd ones of theirs."""

    def odd(self):
        k = self.r.random()
        if k < 0.45:
            return self.r.choice(TREES)
        if k < 0.7:
            return self.r.choice(WILD)
        if k < 0.8:
            return self.pick("[{}]", "[{}, \"a\"]", "toset([{}])", "tolist([{}])", "{{a = {}}}", "sensitive({})", "tomap({{a = {}, b = {}}})", "[[{}]]", "\"x${{{}}}y\"").replace("{}", "%s").replace("{{", "{").replace("}}", "}") \
                .replace("%s", self.r.choice(WILD + TREES))
        return q(self.r.choice(TEXTS))

    def hostile(self):
        name = self.r.choice(ALL)
        if name in ("format", "formatlist"):
            args = format_args(self, 1, name == "formatlist")
            args = [args[0]] + [self.odd() if self.r.random() < 0.7 else x for x in args[1:]]
        else:
            args = []
            for kind in ARGS[name]:
                for _ in range(self.r.choice([0, 1, 1, 2]) if kind[0] == "+" else self.r.choice([0, 1]) if kind[0] == "?" else 1):
                    args.append(self.odd() if self.r.random() < 0.6 else self.of(kind.lstrip("+?"), 1))
        e = f"{name}({', '.join(args)})"
        k = self.r.random()
        if k < 0.1:
            return f"[{e}, {self.odd()}][0]"
        if k < 0.2:
            return f"{self.pick('tolist', 'toset', 'tomap', 'tostring', 'jsonencode', 'yamlencode', 'keys', 'flatten', 'length', 'sort', 'distinct')}({e})"
        if k < 0.25:
            return f"(true ? {e} : {self.odd()})"
        return f"try({e}, \"-\")" if k < 0.28 else e


ARGS.update(abspath=["path"], ephemeralasnull=["any"], pathexpand=["path"])
ALL = sorted((ARGS.keys() - {"FORMAT", "FORMATLIST"}))
PURE = sorted(set(ALL) - FUNCS["filesystem"].keys() - {x for x in FUNCS["hash"] if x.startswith("file")} - {"abspath", "pathexpand"})
GROUPS = ["language", "shapes", "types", "marks", "unknown", "hostile"] + sorted(FUNCS)


def generate(group, seed):
    """A function that gives the next expression of GROUP."""
    rng = random.Random(f"{seed}/{group}")
    if group == "shapes":
        g = Shapes(rng)
        return lambda: g.shape(1)
    if group == "types":
        return Types(rng).typed
    if group == "marks":
        g = Marks(rng)
        return lambda: g.marked(1)
    if group == "hostile":
        return Hostile(rng).hostile
    if group == "unknown":
        g = Unknowns(rng)
        return lambda: g.unknown(1)
    g = Gen(rng)
    return lambda: expression(g, group)


# --- the two programs ----------------------------------------------------------------------------------------------------------------
def fixtures(folder):
    for name, data in FIXTURES.items():
        path = os.path.join(folder, "fix", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)


def terraform_env():
    env = dict(os.environ, CHECKPOINT_DISABLE="1", TF_IN_AUTOMATION="1", TF_CLI_CONFIG_FILE=os.devnull)
    env.pop("TF_LOG", None)
    return env


def terraform(folder, exprs):
    """[{"type", "value"} or {"error"}], in order."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    fixtures(folder)
    left, failed = set(range(len(exprs))), {}
    for i, e in enumerate(exprs):
        with open(os.path.join(folder, f"o{i}.tf"), "w", encoding="utf-8", newline="") as f:
            f.write(typed_tf(folder, i, e) if isinstance(e, Typed) else
                    f'output "o{i}" {{\nsensitive = true\nvalue = {e}\n}}\noutput "s{i}" {{\nvalue = issensitive({e})\n}}\n')
    if any(isinstance(e, Typed) for e in exprs):
        subprocess.run(["terraform", "get", "-no-color"], cwd=folder, env=terraform_env(), capture_output=True, check=False)
    for _ in range(20):
        with contextlib.suppress(FileNotFoundError):
            os.remove(os.path.join(folder, "..", "terraform.tfstate"))       # what is there must be of this apply
        r = subprocess.run(["terraform", "apply", "-auto-approve", "-json", "-input=false", "-no-color", "-lock=false", STATE], cwd=folder, env=terraform_env(),
                           capture_output=True, check=False)
        text = (r.stdout + r.stderr).decode("utf-8", "replace")
        # Infinity is found when the state is written: an error, or a panic when there are two.
        bad = {int(i): "cannot serialize infinity" for i in re.findall(r'output value \\*"[os](\d+)\\*": cannot serialize infinity', text)}
        for line in r.stdout.decode("utf-8", "replace").split("\n"):
            d = json.loads(line).get("diagnostic") if line.startswith("{") else None
            if d and d["severity"] == "error" and "range" in d:
                bad.setdefault(int(re.search(r"\d+", d["range"]["filename"])[0]), d["summary"] + ": " + d["detail"])
        if r.returncode == 0:
            break
        if not bad:
            raise SystemExit("terraform failed:\n" + text[-3000:])
        for i, why in bad.items():
            failed[i] = why
            left.discard(i)
            os.remove(os.path.join(folder, f"o{i}.tf"))
    else:
        raise SystemExit("terraform goes on failing")
    r = subprocess.run(["terraform", "output", "-json", STATE], cwd=folder, env=terraform_env(), capture_output=True, check=True)
    out = json.loads(r.stdout, parse_float=decimal.Decimal, parse_int=decimal.Decimal)
    result = []
    for i in range(len(exprs)):
        if i in failed:
            result.append({"error": failed[i]})
        else:
            o = out.get(f"o{i}", {"type": None, "value": None})
            result.append({"type": o["type"], "value": o["value"], "sensitive": out.get(f"s{i}", {"value": None})["value"]})
    return result


def typed_tf(folder, i, e):
    """Writes the module that takes E; what calls it."""
    os.makedirs(os.path.join(folder, f"t{i}"), exist_ok=True)
    with open(os.path.join(folder, f"t{i}", "main.tf"), "w", encoding="utf-8") as f:
        f.write(f'variable "v" {{\ntype = {e.type}\n}}\noutput "o" {{\nsensitive = true\nvalue = var.v\n}}\noutput "s" {{\nvalue = issensitive(var.v)\n}}\n')
    return f'module "m{i}" {{\nsource = "./t{i}"\nv = {e}\n}}\noutput "o{i}" {{\nsensitive = true\nvalue = module.m{i}.o\n}}\noutput "s{i}" {{\nvalue = module.m{i}.s\n}}\n'


def typed_aipc(program, folder, e):
    """The same as a spec of its own: a call that fails must not keep others from being read."""
    sub = os.path.join(folder, "typed")
    os.makedirs(os.path.join(sub, "m"), exist_ok=True)
    with open(os.path.join(sub, "main.aipc.yaml"), "w", encoding="utf-8") as f:
        f.write("module:\n  m:\n    source: ./m\n    v: |-\n      ${" + e + "}\n")
    with open(os.path.join(sub, "m", "main.aipc.yaml"), "w", encoding="utf-8") as f:
        f.write(f"variable:\n  v:\n    type: '{e.type}'\noutput:\n  o: {{ value: '${{var.v}}', sensitive: true }}\n  s: {{ value: '${{issensitive(var.v)}}' }}\n")
    r = subprocess.run([program, "eval", "--batch", "--typed", "--show-sensitive"], cwd=sub, input=b"module.m.o\nmodule.m.s\n", capture_output=True, check=False)
    got = [json.loads(x, parse_float=decimal.Decimal, parse_int=decimal.Decimal) for x in r.stdout.decode("utf-8").split("\n")[:-1]]
    if len(got) != 2:
        return {"error": r.stderr.decode("utf-8")[-300:]}
    if "\0error" in got[0] or "error" in got[0]:
        return got[0]
    return dict(got[0], sensitive=got[1].get("value"))


def not_known(j):
    """Is something in J, of after_unknown, not known?"""
    return j is True or (isinstance(j, (list, dict)) and any(not_known(x) for x in (j.values() if isinstance(j, dict) else j)))


def unknown_tf(folder, exprs):
    """What a plan says of each: {"value"}, {"unknown"} or {"error"}."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    with open(os.path.join(folder, "u.tf"), "w", encoding="utf-8") as f:
        f.write('resource "terraform_data" "u" {\ninput = "x"\n}\n')
    for i, e in enumerate(exprs):
        with open(os.path.join(folder, f"o{i}.tf"), "w", encoding="utf-8", newline="") as f:
            f.write(f'output "o{i}" {{\nsensitive = true\nvalue = {re.sub(U, "terraform_data.u.output", e)}\n}}\n')
    failed = {}
    for _ in range(20):
        r = subprocess.run(["terraform", "plan", "-out=p", "-json", "-input=false", "-lock=false"], cwd=folder, env=terraform_env(), capture_output=True, check=False)
        if r.returncode == 0:
            break
        bad = {int(i): "cannot serialize infinity" for i in re.findall(r'output value \\*"o(\d+)\\*": cannot serialize infinity', r.stdout.decode("utf-8", "replace"))}
        for line in r.stdout.decode("utf-8", "replace").split("\n"):
            d = json.loads(line).get("diagnostic") if line.startswith("{") else None
            if d and d["severity"] == "error" and "range" in d:
                bad.setdefault(int(d["range"]["filename"][1:-3]), d["summary"] + ": " + d["detail"])
        if not bad:
            raise SystemExit("terraform failed:\n" + (r.stdout + r.stderr).decode("utf-8", "replace")[-3000:])
        for i in bad:
            os.remove(os.path.join(folder, f"o{i}.tf"))
        failed.update(bad)
    r = subprocess.run(["terraform", "show", "-json", "p"], cwd=folder, env=terraform_env(), capture_output=True, check=True)
    out = json.loads(r.stdout, parse_float=decimal.Decimal, parse_int=decimal.Decimal)["output_changes"]
    result = []
    for i in range(len(exprs)):
        c = out.get(f"o{i}", {"after": None})
        result.append({"error": failed[i]} if i in failed else {"unknown": True} if not_known(c.get("after_unknown")) else {"value": c["after"]})
    return result


U = r"(?<![\w.\"\\])u(?![\w(\"=])"


def unknown_aipc(program, folder, exprs):
    with open(os.path.join(folder, "main.aipc.yaml"), "w", encoding="utf-8") as f:
        f.write("resource:\n  aipc_data:\n    u: {}\n")
    lines = [re.sub(U, "tostring(aipc_data.u.output)", e) for e in exprs]
    r = subprocess.run([program, "eval", "--batch", "--show-sensitive"], cwd=folder, input="".join(e + "\n" for e in lines).encode(), capture_output=True, check=False)
    result = []
    for x in r.stdout.decode("utf-8").split("\n")[:-1]:
        j = json.loads(x, parse_float=decimal.Decimal, parse_int=decimal.Decimal)
        failed = isinstance(j, dict) and "\0error" in j
        result.append({"unknown": True} if failed and j["code"] == "E0229" else {"error": j["error"]} if failed else {"value": j})
    return result


def aipc(program, folder, exprs):
    """One expression a line; what has several lines becomes a local of a spec, as a block scalar."""
    if any(isinstance(e, Typed) for e in exprs):
        return [typed_aipc(program, folder, e) for e in exprs]
    spec = os.path.join(folder, "main.aipc.yaml")
    lines = [e if "\n" not in e else f"local.e{i}" for i, e in enumerate(exprs)]
    with open(spec, "w", encoding="utf-8", newline="") as f:
        f.write("locals:\n  none: null\n")
        f.writelines(f"  e{i}: |-\n    ${{" + e.replace("\n", "\n    ") + "}\n" for i, e in enumerate(exprs) if "\n" in e)
    exprs = lines
    r = subprocess.run([program, "eval", "--batch", "--typed", "--show-sensitive"], cwd=folder, input="".join(e + "\n" for e in exprs).encode(), capture_output=True, check=False)
    lines = r.stdout.decode("utf-8").split("\n")[:-1]
    if len(lines) != len(exprs) or r.returncode != 0:
        raise SystemExit(f"aipc eval: {len(lines)} answers to {len(exprs)} expressions, status {r.returncode}: {r.stderr.decode()[-500:]}")
    return [json.loads(x, parse_float=decimal.Decimal, parse_int=decimal.Decimal) for x in lines]


def describe(x):
    if x is None or "error" in x:
        return "error: " + x["error"]
    return json.dumps({"type": x["type"], "value": x["value"], "sensitive": x["sensitive"]}, default=str, ensure_ascii=False)


def nearly(a, b):
    """Two numbers, as texts or not, that agree in 15 digits."""
    try:
        x, y = decimal.Decimal(str(a)), decimal.Decimal(str(b))
    except decimal.InvalidOperation:
        return False
    return abs(x - y) <= abs(x) * decimal.Decimal("1e-15")


KINDER = ["panic in function", "types must all match for conversion to", "more than 1024 values", '"signum" failed: value must be a whole number', "failed to glob pattern"]


def meant(e, tf, us):
    if "Inf" in e or any(x in us.get("error", "") for x in ("NUL character", "subnets have numbers from 0 on")):
        return True
    if "error" in tf and "error" not in us:
        return any(x in tf["error"] for x in KINDER) or ("null" in e and re.search("of any single type|must have the same type|must have consistent types", tf["error"]))
    if "error" not in tf and "sensitive" in e and "null" in e:
        if "error" not in us and (us["sensitive"] or "issensitive" in e):
            return tf["type"] == us["type"]
        return tf["type"] == "dynamic" and tf["value"] is None and "not known" in us.get("error", "")    # format() of a null without type
    if "error" not in tf and "error" not in us and tf["value"] == us["value"]:                # a type that only the other result of a condition has
        return (re.search(r"null|\[]|{}", e) and ("dynamic" in str(tf["type"]) or us["value"] == [])) or re.search(r"for |\[\*]|\.\*", e)
    return "error" not in tf and "error" not in us and re.search(r"\b(pow|log)\(", e) and tf["type"] == us["type"] and nearly(tf["value"], us["value"])


def same(tf, us):
    if tf.get("sensitive", "") is None:                        # not known, as format() is of a null without type
        return "not known" in us.get("error", "")
    if "error" in tf or "error" in us:
        return "error" in tf and "error" in us
    if tf["sensitive"] != us["sensitive"] or tf["value"] != us["value"]:
        return False
    return tf["value"] is None or tf["type"] == us["type"]     # an output that is null is not stored, with its type


def meant_unknown(e, tf, us):
    """What is left open is never wrong; a value has to be that of Terraform, and there."""
    if "[u, 1] == [u, 2]" in e or ("unknown" in tf and "value" in us and re.search(r"\b(alltrue|anytrue|matchkeys)\(", e)):
        return True
    if "unknown" in us:
        return "error" in tf or re.search(r"\b(can|try|set\w+|matchkeys)\(|length\(\"|[!=]= (null|to\w+\(null\))|\? 1 : 1|u == u|length\(toset\(", e)
    if "unknown" in tf and "error" in us:                      # it fails whatever the unknown turns out to be
        return any(x in us["error"] for x in ("zipmap(): the number of keys", "coalescelist(): a list or tuple"))
    if "value" in tf and "flatten(): a list, set or tuple" in us.get("error", ""):
        return True                                            # of an object, which is an error where all is known
    return "error" in tf and "null" in e and "of any single type" in tf["error"]


def compare_unknown(args, exprs):
    folder = os.path.join(args.folder, "terraform")
    tf = unknown_tf(folder, exprs)
    bad = 0
    for e, a, b in zip(exprs, tf, unknown_aipc(args.aipc, folder, exprs)):
        if (a.keys() != b.keys() or a.get("value") != b.get("value")) and not meant_unknown(e, a, b):
            bad += 1
            print(f"EXPR {e}\n  terraform: {a}\n  aipc:      {b}")
    return bad, sum("error" not in a for a in tf)


def compare(args, exprs):
    folder = os.path.join(args.folder, "terraform")
    tf = terraform(folder, exprs)
    us = aipc(args.aipc, folder, exprs)
    bad = 0
    for e, a, b in zip(exprs, tf, us):
        if not same(a, b) and not meant(e, a, b):
            bad += 1
            print(f"EXPR {e}{' as ' + e.type if isinstance(e, Typed) else ''}\n  terraform: {describe(a)}\n  aipc:      {describe(b)}")
    return bad, sum("error" not in a for a in tf)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("aipc")
    p.add_argument("folder")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--count", type=int, default=400)
    p.add_argument("--group", choices=GROUPS)
    p.add_argument("--expressions", help="a file with one expression a line, instead of random ones")
    args = p.parse_args()
    args.aipc = os.path.abspath(args.aipc)
    total = bad = fine = 0
    if args.expressions:
        with open(args.expressions, encoding="utf-8") as f:
            exprs = f.read().rstrip("\n").split("\n")
        bad, fine = compare(args, exprs)
        total = len(exprs)
    for group in [] if args.expressions else [args.group] if args.group else GROUPS:
        one = generate(group, args.seed)
        exprs = [one() for _ in range(args.count)]
        b, n = (compare_unknown if group == "unknown" else compare)(args, exprs)
        bad, fine, total = bad + b, fine + n, total + len(exprs)
    print(f"{total} expressions of seed {args.seed}, {fine} with a value, {bad} different")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
