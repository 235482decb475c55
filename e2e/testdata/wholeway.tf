# One host and one client, from the authority to what either reads, and a look at the live daemon.

terraform {
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

resource "docker_tls_ca" "this" {}

resource "docker_tls_server_cert" "host" {
  ca           = docker_tls_ca.this
  dns_names    = ["localhost"]
  ip_addresses = ["127.0.0.1"]
}

resource "docker_tls_client_cert" "ci" {
  ca      = docker_tls_ca.this
  subject = { common_name = "ci" }
}

check "daemon" {
  data "docker_tls_endpoint" "host" {
    host        = "tcp://localhost:2376"
    ca_cert_pem = docker_tls_ca.this.cert_pem
  }

  assert {
    condition     = data.docker_tls_endpoint.host.mode == "tlsverify"
    error_message = "The daemon serves strangers: its mode is ${data.docker_tls_endpoint.host.mode}."
  }

  assert {
    condition     = data.docker_tls_endpoint.host.verified
    error_message = "The daemon did not prove who it is."
  }
}

output "user_data" {
  sensitive = true
  value = provider::docker::cloud_init(docker_tls_server_cert.host, {
    # dockerd then needs no kernel feature but namespaces.
    settings = { bridge = "none", iptables = false, ip6tables = false, storage-driver = "vfs" }
  })
}

output "client" {
  sensitive = true
  value = {
    files   = provider::docker::client_files(docker_tls_client_cert.ci)
    env     = provider::docker::client_env("localhost")
    context = provider::docker::docker_context("web1", "tcp://localhost:2376", docker_tls_client_cert.ci)
  }
}
