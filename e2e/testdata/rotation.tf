# One authority that rotates when the variable changes, a daemon, and a client.

terraform {
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

variable "generation" {
  type = number
}

variable "overlap_hours" {
  type    = number
  default = null
}

resource "docker_tls_ca" "this" {
  subject           = { common_name = "Docker CA", organization = "Example", email_address = "ops@example.com" }
  rotation_triggers = { n = tostring(var.generation) }
  overlap_hours     = var.overlap_hours
}

resource "docker_tls_server_cert" "host" {
  ca           = docker_tls_ca.this
  dns_names    = ["localhost"]
  ip_addresses = ["127.0.0.1"]
}

resource "docker_tls_client_cert" "ci" {
  ca      = docker_tls_ca.this
  subject = { common_name = "ci" }
}

output "generation" {
  value = docker_tls_ca.this.generation
}

output "files" {
  sensitive = true
  value = {
    server = { ca = docker_tls_ca.this.cert_pem, cert = docker_tls_server_cert.host.cert_pem, key = docker_tls_server_cert.host.private_key_pem }
    client = { ca = docker_tls_ca.this.cert_pem, cert = docker_tls_client_cert.ci.cert_pem, key = docker_tls_client_cert.ci.private_key_pem }
  }
}
