#!/usr/bin/env python3
"""Modules of Terraform, ported line by line, give what they give in Terraform.

usage: terraform-port.py AIPC WORK-FOLDER FILE.tf...

A file holds variable, locals, output, check and terraform_data blocks. What stands right of an `=` is copied into `${...}` as it is,
with its comments, line breaks and heredocs; only terraform_data is called aipc_data. After an apply the locals, and outputs as locals, are
compared: type, value and sensitivity. Comments of a file say more:
  #vars {"name": value}    once more with these values of variables
  #fails {"name": value}   both must refuse these; Terraform's message names the variable that aipc's names
"""
import json
import os
import re
import shutil
import subprocess
import sys
from decimal import Decimal

OPEN, CLOSE = "([{", ")]}"


# --- reading: blocks, attributes and where an expression ends ---------------------------------------------------------------------
def after_string(s, i):
    """I at a quote: behind the closing one."""
    i += 1
    while s[i] != '"':
        if s[i] == "\\":
            i += 2
        elif s.startswith(("$${", "%%{"), i):
            i += 3
        elif s.startswith(("${", "%{"), i):
            i = after_brackets(s, i + 1)
        else:
            i += 1
    return i + 1


def after_heredoc(s, i):
    word = re.compile(r"<<-?(\w+)\r?\n").match(s, i)
    return re.compile(r"^[ \t]*" + word[1] + r"[ \t]*$", re.M).search(s, word.end()).end()


def step(s, i):
    """Behind the token at I: a comment, a string, a heredoc, or one character."""
    if s[i] == '"':
        return after_string(s, i)
    if s.startswith("/*", i):
        return s.index("*/", i) + 2
    if s[i] == "#" or s.startswith("//", i):
        end = s.find("\n", i)
        return len(s) if end < 0 else end
    if re.compile(r"<<-?\w+\r?\n").match(s, i):
        return after_heredoc(s, i)
    return i + 1


def after_brackets(s, i):
    """I at an opening bracket: behind its closing one."""
    depth = 0
    while True:
        depth += (s[i] in OPEN) - (s[i] in CLOSE)
        i = step(s, i)
        if depth == 0:
            return i


def after_expression(s, i):
    while i < len(s) and s[i] not in "\n}":
        if s[i] == "#" or s.startswith("//", i):
            break
        i = after_brackets(s, i) if s[i] in OPEN else step(s, i)
    return i


def skip(s, i):
    while i < len(s) and (s[i].isspace() or s[i] == "#" or s.startswith(("//", "/*"), i)):
        i = step(s, i)
    return i


def body(s, i):
    """[(name, labels, text or body)] up to a closing brace or the end, and the place behind."""
    out = []
    while True:
        i = skip(s, i)
        if i >= len(s) or s[i] == "}":
            return out, i + 1
        name = re.compile(r"[\w-]+").match(s, i)
        i = name.end()
        labels = []
        while True:
            i += len(re.compile(r"[ \t]*").match(s, i)[0])
            if s[i] == "=":
                start = skip_blank(s, i + 1)
                i = after_expression(s, start)
                out.append((name[0], None, s[start:i].rstrip()))
                break
            if s[i] == "{":
                inner, i = body(s, i + 1)
                out.append((name[0], labels, inner))
                break
            label = re.compile(r'"([^"]*)"|([\w-]+)').match(s, i)
            labels.append(label[1] or label[2])
            i = label.end()


def skip_blank(s, i):
    return i + len(re.compile(r"[ \t]*").match(s, i)[0])


# --- writing: YAML with every expression as a block scalar or in quotes ---------------------------------------------------------------
def scalar(text, indent, out):
    if "\n" in text:
        out.append((" |" if len(text) % 2 else " |-") + "\n")
        out.extend((" " * indent + line if line.strip() else line) + "\n" for line in text.split("\n"))
    else:
        out.append(" '" + text.replace("'", "''") + "'\n")


def expression(text):
    """A heredoc's last word stands alone on its line, so the brace goes below it."""
    heredoc = re.match(r"<<-?(\w+)$", text.split("\n")[0])
    return "${" + re.sub(r"\bterraform_data\b", "aipc_data", text) + ("\n}" if heredoc else "}")


PLAIN = ("sensitive", "nullable", "ephemeral")


def write(indent, key, value, out):
    out.append(" " * indent + key + ":")
    if isinstance(value, str):
        scalar(value, indent + 2, out)
    elif isinstance(value, dict):
        out.append(" {}\n" if not value else "\n")
        for k, v in value.items():
            write(indent + 2, k, v, out)
    else:
        out.append("\n")
        for item in value:
            if "path" in item:
                out.append(" " * (indent + 2) + "- " + item["path"] + "\n")
                continue
            lines = []
            for k, v in item.items():
                write(indent + 4, k, v, lines)
            text = "".join(lines)
            out.append(" " * (indent + 2) + "- " + text[indent + 4:])


def members(inner):
    out = {}
    for name, labels, value in inner:
        if labels is not None:
            part = members(value)
            if name == "lifecycle":
                out[name] = part
            else:
                out.setdefault(name, []).append(part)
        elif name == "type":
            out[name] = value
        elif name in PLAIN:
            out[name] = value
        elif name == "ignore_changes":
            out[name] = [{"path": x.strip()} for x in value.strip("[]").split(",")]
        elif name not in ("description", "depends_on"):
            out[name] = expression(value)
    return out


def port(blocks):
    spec = {}
    for kind, labels, inner in blocks:
        if kind == "locals":
            spec.setdefault("locals", {}).update({n: expression(v) for n, _, v in inner})
        elif kind == "resource":
            spec.setdefault("resource", {}).setdefault("aipc_data", {})[labels[1]] = members(inner)
        elif kind in ("variable", "output", "check"):
            spec.setdefault(kind, {})[labels[0]] = members(inner)
    for name, o in spec.get("output", {}).items():
        spec.setdefault("locals", {})["out_" + name] = o["value"]
    out = []
    for k, v in spec.items():
        write(0, k, v, out)
    return re.sub(r"^( *(?:%s):) '(\w+)'$" % "|".join(PLAIN), r"\1 \2", "".join(out), flags=re.M)


# --- the two programs -------------------------------------------------------------------------------------------------------------
def run(args, folder, env=None):
    return subprocess.run(args, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, stdin=subprocess.DEVNULL)


def terraform(folder, values):
    env = dict(os.environ, CHECKPOINT_DISABLE="1", TF_IN_AUTOMATION="1", TF_CLI_CONFIG_FILE=os.devnull)
    extra = [] if values is None else ["-var-file=values.tfvars.json"]
    r = run(["terraform", "init", "-input=false", "-no-color"], folder, env)
    r = run(["terraform", "apply", "-auto-approve", "-input=false", "-no-color", *extra], folder, env) if r.returncode == 0 else r
    if r.returncode:
        return None, r.stderr
    out = json.loads(run(["terraform", "output", "-json"], folder, env).stdout, parse_float=Decimal, parse_int=Decimal)
    return {n[5:]: dict(out.get("port_" + n[5:], {"type": None, "value": None}), sensitive=o["value"]) for n, o in out.items() if n.startswith("mark_")}, ""


def aipc(program, folder, values, names):
    extra = [] if values is None else ["--var-file=values.json"]
    r = run([program, "apply", "--yes", *extra], folder)
    if r.returncode:
        return None, r.stderr
    text = "".join("local.%s\n" % n for n in names)
    r = subprocess.run([program, "eval", "--batch", "--typed", "--show-sensitive", *extra], cwd=folder, input=text, stdout=subprocess.PIPE, text=True, check=False)
    told = dict(zip(names, [json.loads(x, parse_float=Decimal, parse_int=Decimal) for x in r.stdout.splitlines()]))
    stored = json.loads(run([program, "output", "--json"], folder).stdout or "{}", parse_float=Decimal, parse_int=Decimal)
    for n, x in told.items():                                          # what only an apply can tell is in the outputs, without its type
        if x.get("code") == "E0229" and n[4:] in stored:
            told[n] = dict(stored[n[4:]], type=None)
    return told, ""


def try_both(program, work, path, blocks, values, fails):
    shutil.rmtree(work, ignore_errors=True)
    for side in ("tf", "us"):
        os.makedirs(os.path.join(work, side))
        shutil.copytree(os.path.join(os.path.dirname(os.path.abspath(path)), "files"), os.path.join(work, side, "files"))
    shutil.copy(path, os.path.join(work, "tf", "main.tf"))
    values_of = {n: "local." + n for kind, _, inner in blocks if kind == "locals" for n, _, _ in inner}
    values_of.update({"out_" + labels[0]: v for kind, labels, inner in blocks if kind == "output" for n, _, v in inner if n == "value"})
    with open(os.path.join(work, "tf", "port.tf"), "w") as f:
        f.writelines('output "port_%s" {\n  value = %s\n  sensitive = true\n}\noutput "mark_%s" {\n  value = issensitive(%s\n  )\n}\n' % (n, v, n, v)
                     for n, v in values_of.items())
    with open(os.path.join(work, "us", "main.aipc.yaml"), "w") as f:
        f.write(port(blocks))
    for side, name in (("tf", "values.tfvars.json"), ("us", "values.json")):
        with open(os.path.join(work, side, name), "w") as f:
            json.dump(values, f)
    tf, tf_why = terraform(os.path.join(work, "tf"), values)
    us, us_why = aipc(program, os.path.join(work, "us"), values, list(values_of))
    if fails:
        blamed = re.findall(r'var\.(\w+)|variable "(\w+)"', tf_why)
        if tf is not None or us is not None or not any(a and a in us_why or b and b in us_why for a, b in blamed):
            return ["refused by %s\n  terraform: %s\n  aipc: %s" % ("one only" if tf is None or us is None else "none", tf_why, us_why)], 0
        return [], 1
    if tf is None or us is None:
        return ["terraform: %s\n  aipc: %s" % (tf_why or "fine", us_why or "fine")], 0
    bad = []
    for n in values_of:
        a, b = tf[n], us.get(n, {"error": "no answer"})
        if "error" in b or a["value"] != b["value"] or (None not in (a["value"], b["type"]) and a["type"] != b["type"]) or a["sensitive"] != b["sensitive"]:
            bad.append("%s\n  terraform: %s\n  aipc:      %s" % (n, json.dumps(a, default=str), json.dumps(b, default=str)))
    return bad, len(values_of)


def main():
    program, work, paths = os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3:]
    total = wrong = 0
    for path in paths:
        with open(path, encoding="utf-8") as f:
            text = f.read()
        blocks, _ = body(text, 0)
        tries = [(None, False)] + [(json.loads(m[2]), m[1] == "fails") for m in re.finditer(r"^#(vars|fails) (.*)$", text, re.M)]
        for values, fails in tries:
            bad, n = try_both(program, work, path, blocks, values, fails)
            total, wrong = total + n, wrong + len(bad)
            for b in bad:
                print("%s %s: %s" % (os.path.basename(path), json.dumps(values), b))
    print("%d results compared, %d different" % (total, wrong))
    return 1 if wrong or not total else 0


if __name__ == "__main__":
    sys.exit(main())
