# The daemon's address. The first apply compares, and changes nothing on a host that has it all and serves it.
terraform import 'docker_tls_daemon.host["web1"]' tcp://10.0.0.5:2376
