# The daemon's address. The first apply compares, and changes nothing on a host that has it all and serves it.
import {
  to = docker_tls_daemon.host["web1"]
  id = "tcp://10.0.0.5:2376"
}
