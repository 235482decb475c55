package inputs

// HostOptions documents the options that set up a host, as a list: with the default
// of the port, and the line about clients where they are one of the options.
func HostOptions(port, clients string) string {
	return "  - `mode`: `\"tlsverify\"` (default) serves only clients whose certificate the authority signed; `\"tls\"` encrypts but serves everyone.\n" +
		"  - `directory`: where the certificates lie on the host, absolute. Default `\"/etc/docker/tls\"`.\n" +
		"  - `port`: TCP port. Default " + port + ".\n" +
		"  - `listen`: `\"socket\"` (default) has systemd open the port and hand it to dockerd. dockerd takes the port if its unit says `-H fd://`, as nearly all units do. " +
		"On any other host Docker refuses to start and says why. " +
		"`\"hosts\"` has dockerd open the port, by `hosts` in `daemon.json`. It is for units without `-H`, and for hosts without systemd: with `-H fd://` in the unit, dockerd would not start.\n" +
		"  - `address`: the one IP address to listen on, such as the host's private `\"10.0.0.5\"` or `\"fd00::5\"`. " +
		"Default: all addresses of the host (with `\"hosts\"`, all of IPv4). On a public network everybody then reaches the port, and only TLS keeps strangers out.\n" +
		clients +
		"  - `settings`: object of more `daemon.json` keys, such as `{ live-restore = true }`. The keys that the other options decide " +
		"(`hosts`, `tls`, `tlsverify`, `tlscacert`, `tlscert`, `tlskey`) are errors. " +
		"If Docker wants another type and nothing is lost, the value is converted: `\"true\"` to `true`, `3` in `log-opts` to `\"3\"`. " +
		"Any other type is an error, and `null` is left out. A key that Docker's unit also passes as a flag keeps Docker from starting, even with the same value: " +
		"`containerd` with Docker's own packages, `live-restore` and `log-driver` on Fedora."
}
