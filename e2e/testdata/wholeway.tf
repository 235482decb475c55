# One host and one client, from the authority to what either reads, and a look at the live daemon.

terraform {
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

variable "address" {
  type = string
}

# Where the check looks for the daemon.
variable "daemon" {
  type    = string
  default = null
}

# Of cloud_init.
variable "options" {
  type    = any
  default = {}
}

locals {
  daemon = coalesce(var.daemon, "tcp://${var.address}:2376")
}

resource "docker_tls_ca" "this" {}

resource "docker_tls_server_cert" "host" {
  ca           = docker_tls_ca.this
  ip_addresses = [var.address]
}

resource "docker_tls_client_cert" "ci" {
  ca      = docker_tls_ca.this
  subject = { common_name = "ci" }
}

# Of somebody else, with no right to be served.
resource "docker_tls_ca" "other" {}

resource "docker_tls_client_cert" "stranger" {
  ca      = docker_tls_ca.other
  subject = { common_name = "ci" }
}

check "daemon" {
  data "docker_tls_endpoint" "host" {
    host        = local.daemon
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
  value     = provider::docker::cloud_init(docker_tls_server_cert.host, var.options)
}

output "client" {
  sensitive = true
  value = {
    files   = provider::docker::client_files(docker_tls_client_cert.ci)
    env     = provider::docker::client_env(var.address)
    context = provider::docker::docker_context("web1", "tcp://${var.address}:2376", docker_tls_client_cert.ci)
  }
}

output "stranger" {
  sensitive = true
  value     = provider::docker::client_files(docker_tls_client_cert.stranger)
}
