# A certificate authority, one daemon and one client: `make quickstart` applies
# this and shows a dockerd and a docker command talk to each other with it.

terraform {
  required_version = ">= 1.11"
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

resource "docker_tls_ca" "this" {
  subject = { common_name = "Quickstart CA" }
}

resource "docker_tls_server_cert" "this" {
  ca           = docker_tls_ca.this
  dns_names    = ["localhost"]
  ip_addresses = ["127.0.0.1", "::1"]
}

resource "docker_tls_client_cert" "this" {
  ca      = docker_tls_ca.this
  subject = { common_name = "quickstart" }
}

# The files that dockerd reads.
output "server_files" {
  sensitive = true
  value = {
    "ca.pem"          = docker_tls_ca.this.cert_pem
    "server-cert.pem" = docker_tls_server_cert.this.cert_pem
    "server-key.pem"  = docker_tls_server_cert.this.private_key_pem
  }
}

# The files that the docker command reads: ca.pem, cert.pem and key.pem, in
# ~/.docker or the folder that DOCKER_CERT_PATH names.
output "client_files" {
  sensitive = true
  value     = provider::docker::client_files(docker_tls_client_cert.this)
}
