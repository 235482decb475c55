# One host after the other, and none after one that failed. These are the defaults.
provider "docker" {
  rollout = { parallel = 1, stop_on_failure = true }
}

variable "hosts" {
  default = { web1 = "10.0.0.5", web2 = "10.0.0.6" }
}

resource "docker_tls_ca" "this" {
  lifecycle { prevent_destroy = true }
}

resource "docker_tls_server_cert" "host" {
  for_each = var.hosts

  ca           = docker_tls_ca.this
  dns_names    = ["${each.key}.example.com"]
  ip_addresses = [each.value, "127.0.0.1"]
}

resource "docker_tls_daemon" "host" {
  for_each = var.hosts

  host   = "tcp://${each.value}:2376"
  server = docker_tls_server_cert.host[each.key]
  ca     = docker_tls_ca.this
}
