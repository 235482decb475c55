# Says in one word what is at the path $socket: listens, silent, denied, other, or,
# where nothing is, stopped (there is a dockerd) or absent. Changes nothing.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin
if test -S "$socket"; then
	if ! test -w "$socket"; then
		echo denied
	# proc_pid_net(5), unix: the flag of a socket that accepts connections, and its path at the end.
	elif grep ' 00010000 ' /proc/net/unix | grep -q "/${socket##*/}\$"; then
		echo listens
	else
		echo silent
	fi
elif test -e "$socket"; then
	echo other
elif command -v dockerd >/dev/null 2>&1; then
	echo stopped
else
	echo absent
fi
