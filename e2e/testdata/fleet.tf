terraform {
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

resource "docker_tls_ca" "this" {}

resource "docker_tls_server_cert" "host" {
  count     = 200
  ca        = docker_tls_ca.this
  dns_names = ["host${count.index}.example.com"]
}
