#!/usr/bin/env bash
# The password of the BMCs as an ephemeral variable: it is used, it is in no file, and a saved plan is given it again.
source "$(dirname "$0")/lib.bash"
quickstart
start_sim 2 600
password=$(cat sim/password)
# shellcheck disable=SC2016
sed -i 's/"file:${var.sim}\/password"/"${var.bmc_password}"/' main.aipc.yaml
grep -q 'var.bmc_password' main.aipc.yaml || fail "the quickstart does not name its password as this test expects"
printf 'variable: { bmc_password: { type: string, ephemeral: true } }\n' >password.aipc.yaml

want 1 'variable "bmc_password" has no value' aipc plan
want 0 "" aipc plan --var "bmc_password=$password" -o train.plan
want 1 'variable "bmc_password" has no value' aipc apply --yes train.plan
sed -i 's/username: admin/username: other/' main.aipc.yaml
want 4 "configures it otherwise" aipc apply --yes train.plan --var "bmc_password=$password"
sed -i 's/username: other/username: admin/' main.aipc.yaml
want 0 "Done" aipc apply --yes train.plan --var "bmc_password=$password"
want 0 "No changes." env "AIPC_VAR_bmc_password=$password" aipc plan --detailed-exitcode
if grep -rlF -- "$password" train.plan .aipc; then fail "the password was stored"; fi
echo "used, given again, and in no file"
