# The host runs this by itself while certificates are put into their places. A visit has its systemd start it
# as a unit of its own, so that it outlives Docker's restart, and the visit.
#
#   /run/docker-tls   in memory, so a reboot removes it
#     go              the visit has put all of the next five there
#     manifest        a line for each file: number, mode, path
#     new/NUMBER      its content
#     stager          the container that carries files
#     check.json      daemon.json with the paths of new/, for dockerd to check
#     phase, text     what has come of it, for the visit to read
#     confirmed, cancel, read   the visit has proved the new files; wants the old ones back; has read the outcome
#
# Its environment: RESTART (yes or no), WAIT (seconds until an unconfirmed change is undone), CONTAINERS and IMAGE of the visit.
set -u
umask 077
r=/run/docker-tls
root='' # where the host's files are
undo=/etc/docker/.docker-tls-undo
dropin=/etc/systemd/system/docker.service.d/00-docker-tls-undo.conf

# seconds since the host was switched on: its clock may be set in between.
seconds() { IFS=. read -r up _ </proc/uptime && echo "$up"; }

# await SECONDS FILE... waits for one of the files.
await() {
  end=$(($(seconds) + $1))
  shift
  while :; do
    for f; do [ ! -e "$r/$f" ] || return 0; done
    [ "$(seconds)" -lt "$end" ] || return 1
    sleep 0.05
  done
}

# phase WORD TEXT tells the visit.
phase() {
  printf '%s\n' "$2" >"$r/text"
  echo "$1" >"$r/.phase" && mv -f "$r/.phase" "$r/phase"
}

# stop WORD TEXT ends, once the visit has read it. What a dead visit has left goes too, where the host has a docker command.
stop() {
  phase "$1" "$2"
  await 15 read || abandon
  rm -rf "$r"
  exit 0
}

abandon() {
  docker rm --force $CONTAINERS "$(cat "$r/stager" 2>/dev/null || echo docker-tls-visit-stage)"
  docker rmi "$IMAGE"
}

# each COMMAND calls it with the number, mode and path of each file, and with what its new and its old content are called until
# the end.
each() {
  while read -r number mode path; do
    "$1" "$number" "$mode" "$root$path" "$root${path%/*}/.${path##*/}.docker-tls-new" "$root${path%/*}/.${path##*/}.docker-tls-old" || return
  done <"$r/manifest"
}

# make_directory makes one, and remembers it.
make_directory() { [ -d "$1" ] || { echo "$1" >>"$r/made" && (umask 022 && mkdir -p "$1"); }; }

# unmake removes the directories that were made, where they are empty.
unmake() {
  [ ! -e "$r/made" ] || while read -r directory; do rmdir "$directory" 2>/dev/null; done <"$r/made"
}

# keep gives a file a second name, if there is one. Not every ln knows -P, and one that does not needs none.
keep() { [ ! -e "$1" ] && [ ! -L "$1" ] || ln -P "$1" "$2" 2>/dev/null || ln "$1" "$2"; }

# Everything that needs space is done before anything is changed.
prepare() {
  make_directory "${3%/*}" && rm -f "$4" "$5" && cp "$r/new/$1" "$4" && chmod "$2" "$4" && keep "$3" "$5" && sync "$4" "${3%/*}"
}

place() { mv -f "$4" "$3"; }

take_back() { [ ! -e "$5" ] || mv -f "$5" "$3"; }

settle() { sync "$3" "${3%/*}"; }

clean() { rm -f "$4" "$5"; }

# put_back writes the command that does so.
put_back() {
  if [ -e "$5" ] || [ -L "$5" ]; then
    echo "mv -f '$5' '$3'; rm -f '$4' '$5'"
  else
    case $3 in *.socket) echo "systemctl --quiet disable docker-tls.socket; systemctl --no-block stop docker-tls.socket" ;; esac
    echo "rm -f '$3' '$4'"
  fi
}

# arm writes a script that puts back the old files, and has Docker's next start run it if the host reboots before the end: /run is
# empty then.
arm() {
  make_directory "${undo%/*}" && make_directory "${dropin%/*}" || return
  {
    echo "[ \"\${1-}\" = now ] || [ ! -e $r/switching ] || exit 0"
    each put_back
    echo "rm -f $dropin $undo; systemctl daemon-reload"
    [ ! -e "$r/made" ] || sed 's/.*/rmdir & 2>\/dev\/null/' "$r/made"
    ! units || echo "[ \"\${1-}\" = now ] || systemctl --no-block restart docker.service"
  } >"$undo" && printf '[Service]\nExecStartPre=-/bin/sh %s\n' "$undo" >"$dropin" && chmod 644 "$dropin" &&
    sync "$undo" "$dropin" "${undo%/*}" "${dropin%/*}"
}

# disarm forgets the old files, once the new ones would outlive a power loss.
disarm() {
  each settle
  rm -f "$dropin" "$undo"
  each clean
  unmake
  ! units || systemctl daemon-reload
  sync "${undo%/*}"
}

# units reports whether one of the files is a unit.
units() { grep -q ' /etc/systemd/' "$r/manifest"; }

# restart leaves a socket alone whose own file stays: the host may have nothing that would open it again.
restart() {
  if units; then
    systemctl daemon-reload
    systemctl --quiet enable docker-tls.socket 2>/dev/null
    ! grep -q ' /etc/systemd/system/docker-tls.socket$' "$r/manifest" || systemctl stop docker-tls.socket 2>/dev/null
  fi
  systemctl reset-failed docker.service docker.socket docker-tls.socket 2>/dev/null
  timeout "$WAIT" systemctl restart docker.service 2>/dev/null # what failed is in the journal
}

# journal is what speaks of a failure in what Docker and systemd have said of the restart.
journal() {
  journalctl --sync
  journalctl --unit=docker.service --since="@$since" --output=cat --no-pager |
    grep -v -e level=info -e level=warning -e '^Start' -e '^Stopp' -e ': Consumed' -e ': Deactivated' | tail -n 10
}

rm -rf "$r" && mkdir -m 700 "$r" # what a killed one has left is of no use

# Without a restart there is nothing to prove: the visit's own container runs this.
if [ "$RESTART" = no ]; then
  await 15 go cancel && [ ! -e "$r/cancel" ] || {
    rm -rf "$r"
    exit 1
  }
  root=/host
  each prepare && { each place || { each take_back && false; }; }
  failed=$?
  each clean
  unmake
  rm -rf "$r"
  exit $failed
fi

await 15 go cancel || { abandon; rm -rf "$r"; exit 1; }
[ ! -e "$r/cancel" ] || stop cancelled ""
[ "$(systemctl show --property=LoadState docker.service)" = LoadState=loaded ] || stop refused "systemd has no docker.service."
said=$(dockerd --validate --config-file="$r/check.json" 2>&1) || case $said in
*"unknown flag: --validate"*) ;; # before 23.0
*) stop refused "$said" ;;
esac
said=$({ each prepare && arm; } 2>&1) || {
  disarm
  stop refused "$said"
}
since=$(date +%s)
: >"$r/switching"
if each place && restart; then
  phase restarted ""
  if await "$WAIT" confirmed cancel && [ ! -e "$r/cancel" ]; then
    disarm
    stop "done" ""
  fi
fi
said=$(journal)
sh "$undo" now
restart && stop undone "$said"
stop down "$said"
