#!/usr/bin/env bash
# A real Slurm on this machine alone, for tests: one node, two fake GPUs; no systemd, cgroups or database.
#   one_node.sh up      install what is missing (Debian, root) and start
#   one_node.sh down    cancel all jobs, stop, forget
#   one_node.sh env     what to eval in a shell that wants to use it
# State is in $SLURM_TEST_DIR (default /tmp/imaging-slurm).
set -euo pipefail
DIR=${SLURM_TEST_DIR:-/tmp/imaging-slurm}
HOST=$(hostname -s)
GPU_DEVICES=(/dev/null /dev/zero)   # Slurm wants a character device for each GPU; nobody opens these
export SLURM_CONF=$DIR/slurm.conf

running() {   # running PIDFILE NAME: alive, no zombie, and not another process with a recycled number
  local pid
  pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] || return 1
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$2" ] && ! grep -q '^State:\s*[ZX]' "/proc/$pid/status"
}

stop() {   # stop PIDFILE NAME
  if running "$1" "$2"; then
    local pid
    pid=$(cat "$1")
    kill "$pid" || true
    for _ in $(seq 50); do running "$1" "$2" || break; sleep 0.1; done
    if running "$1" "$2"; then kill -9 "$pid"; fi
  fi
  rm -f "$1"
}

until_true() {   # until_true COMMAND: at most 20 seconds
  for _ in $(seq 200); do
    if eval "$1" >/dev/null 2>&1; then return 0; fi
    sleep 0.1
  done
  echo "gave up waiting for: $1" >&2
  tail -n 15 "$DIR"/log/*.log >&2 || true
  return 1
}

install_packages() {
  if command -v slurmctld slurmd munged >/dev/null; then return; fi
  # dpkg must not try to start services: 101 is "forbidden by policy".
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null
}

configure() {
  mkdir -p "$DIR"/{munge,state,spool,log}
  chmod 755 "$DIR"
  chmod 711 "$DIR/munge"
  if [ ! -s "$DIR/munge/key" ]; then dd if=/dev/urandom of="$DIR/munge/key" bs=1024 count=1 status=none; fi
  chmod 400 "$DIR/munge/key"
  # cred_expire: a job that is requeued may start again after this many seconds; the default is 120.
  cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=$HOST(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort=26917
SlurmdPort=26918
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$DIR/munge/socket,cred_expire=5
StateSaveLocation=$DIR/state
SlurmdSpoolDir=$DIR/spool
SlurmctldPidFile=$DIR/slurmctld.pid
SlurmdPidFile=$DIR/slurmd.pid
SlurmctldLogFile=$DIR/log/slurmctld.log
SlurmdLogFile=$DIR/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,sched_interval=2,sched_min_interval=100000
KillWait=10
OverTimeLimit=0
JobRequeue=1
MinJobAge=3600
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
GresTypes=gpu
NodeName=$HOST NodeAddr=127.0.0.1 NodeHostname=$HOST CPUs=4 Boards=1 SocketsPerBoard=1 CoresPerSocket=4 ThreadsPerCore=1 RealMemory=4000 Gres=gpu:${#GPU_DEVICES[@]} State=UNKNOWN
PartitionName=debug Nodes=$HOST Default=YES MaxTime=INFINITE State=UP
CONF
  : >"$DIR/gres.conf"
  for device in "${GPU_DEVICES[@]}"; do echo "NodeName=$HOST Name=gpu File=$device" >>"$DIR/gres.conf"; done
}

up() {
  if [ "$(id -u)" != 0 ]; then echo "needs root" >&2; exit 1; fi
  install_packages
  configure
  if ! running "$DIR/munge/pid" munged; then
    rm -f "$DIR/munge/socket"*
    munged --force --key-file="$DIR/munge/key" --socket="$DIR/munge/socket" --pid-file="$DIR/munge/pid" \
      --log-file="$DIR/log/munged.log" --seed-file="$DIR/munge/seed"
  fi
  until_true "munge -n -S '$DIR/munge/socket'"
  if ! running "$DIR/slurmctld.pid" slurmctld; then slurmctld -i; fi
  until_true "scontrol ping | grep -q UP"
  if ! running "$DIR/slurmd.pid" slurmd; then slurmd; fi
  until_true "sinfo -h -o %T | grep -qE 'idle|mixed|allocated'"
  sinfo -o "%P %T %C %G"
}

down() {
  if running "$DIR/slurmctld.pid" slurmctld; then scancel --user=root --full >/dev/null 2>&1 || true; fi
  stop "$DIR/slurmd.pid" slurmd
  stop "$DIR/slurmctld.pid" slurmctld
  stop "$DIR/munge/pid" munged
  rm -rf "$DIR/state" "$DIR/spool"
}

case "${1:-}" in
  up | down) "$1" ;;
  env) echo "export SLURM_CONF=$SLURM_CONF" ;;
  *) sed -n '2,6s/^# //p' "$0" >&2; exit 2 ;;
esac
