# Hosts that listen on one address.

terraform {
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

resource "docker_tls_ca" "this" {}

resource "docker_tls_server_cert" "host" {
  ca           = docker_tls_ca.this
  ip_addresses = ["127.0.0.1", "127.0.0.2", "::1"]
}

resource "docker_tls_client_cert" "ops" {
  ca      = docker_tls_ca.this
  subject = { common_name = "ops" }
}

output "user_data" {
  sensitive = true
  value = { for name, options in {
    socket_4 = { address = "127.0.0.2" }
    socket_6 = { address = "::1" }
    hosts_4  = { address = "127.0.0.2", listen = "hosts" }
    hosts_6  = { address = "::1", listen = "hosts" }
  } : name => provider::docker::cloud_init(docker_tls_server_cert.host, options) }
}

output "client_files" {
  sensitive = true
  value     = provider::docker::client_files(docker_tls_client_cert.ops)
}
