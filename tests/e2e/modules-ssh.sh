#!/usr/bin/env bash
# Modules from a repository behind a real sshd: the key of an agent, a host that is known, one that is not, no key, a server that is away.
source "$(dirname "$0")/lib.bash"

sshd=$(PATH=$PATH:/usr/sbin:/sbin command -v sshd) || skip "sshd is not installed (Debian: openssh-server)"
for tool in git ssh-agent ssh-add ssh-keygen; do command -v $tool >/dev/null || skip "$tool is not installed"; done
export GIT_CONFIG_GLOBAL=$work/gitconfig GIT_CONFIG_NOSYSTEM=1 HOME=$work
user=$(id -un)

# --- a repository with one module, an sshd of our own, an agent with one key
git init -q -b main repo
mkdir repo/net
# shellcheck disable=SC2016  # the language expands it
printf 'variable: { name: {} }\noutput: { id: { value: "net-${var.name}" } }\n' >repo/net/main.aipc.yaml
git -C repo add -A
git -C repo -c user.name=test -c user.email=test@example.com commit -qm one
commit=$(git -C repo rev-parse HEAD)

mkdir -m 700 .ssh
ssh-keygen -q -t ed25519 -N '' -f host_key
ssh-keygen -q -t ed25519 -N '' -f user_key
cp user_key.pub authorized_keys
port=$((20000 + RANDOM % 20000))
cat >sshd_config <<X
ListenAddress 127.0.0.1
Port $port
HostKey $work/host_key
AuthorizedKeysFile $work/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
PermitUserEnvironment no
X
[[ $(id -u) != 0 || -d /run/sshd ]] || mkdir -p /run/sshd
"$sshd" -D -e -f "$work/sshd_config" 2>sshd.log & server=$!
eval "$(ssh-agent -s)" >/dev/null
at_exit="kill $server $SSH_AGENT_PID 2>/dev/null"
ssh-add -q user_key
up() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
for _ in $(seq 50); do up && break; sleep 0.1; done
up || { cat sshd.log; skip "sshd does not start here: $(tail -n 1 sshd.log)"; }

says() { # TEXT: aipc init fails and says TEXT, however its lines are broken
	want 1 '' aipc init
	tr -s '\n ' ' ' <last.err | grep -qF -- "$1" || fail "aipc init did not say: $1"
}

cat >main.aipc.yaml <<X
module:
  a: { source: "git::ssh://$user@127.0.0.1:$port$work/repo//net?ref=main", name: x }
output: { id: { value: "\${module.a.id}" } }
X

# --- a host nobody vouched for is not asked for anything
says 'the host key of 127.0.0.1 is not trusted'
[[ ! -e aipc.lock.yaml ]] || fail "a lock was written for what was refused"
! grep -q Accepted sshd.log || fail "the key was offered to a host that is not known"

# --- a known one is
printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d' ' -f1,2 host_key.pub)" >.ssh/known_hosts
want 0 "new      ${commit:0:12}" aipc init
want 0 '"net-x"' aipc eval 'module.a.id'

# --- fetched once; from there on no server is needed
kill $server
wait $server 2>/dev/null
want 0 '"net-x"' aipc eval 'module.a.id'
rm -rf .aipc
says 127.0.0.1

# --- the agent has no key that it takes
"$sshd" -D -e -f "$work/sshd_config" 2>sshd.log & server=$!
at_exit="kill $server $SSH_AGENT_PID 2>/dev/null"
for _ in $(seq 50); do up && break; sleep 0.1; done
ssh-add -q -D
says 'refused those of the ssh agent'
echo passed
