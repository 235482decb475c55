# A PKI of Docker's guide that was imported, and certificates that its authority issues since then.

terraform {
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

variable "generation" {
  type    = number
  default = 0
}

variable "issue" {
  type    = bool
  default = false
}

# The first apply that changes the authority records its triggers.
resource "docker_tls_ca" "this" {
  rotation_triggers = var.issue ? { n = var.generation } : null
}

resource "docker_tls_server_cert" "host" {
  ca           = docker_tls_ca.this
  dns_names    = ["localhost"]
  ip_addresses = local.addresses
}

resource "docker_tls_client_cert" "client" {
  ca      = docker_tls_ca.this
  subject = local.client
}

resource "docker_tls_server_cert" "new" {
  count        = var.issue ? 1 : 0
  ca           = docker_tls_ca.this
  dns_names    = ["localhost"]
  ip_addresses = ["127.0.0.1"]
}

resource "docker_tls_client_cert" "new" {
  count   = var.issue ? 1 : 0
  ca      = docker_tls_ca.this
  subject = { common_name = "new" }
}

output "files" {
  sensitive = true
  value = merge({
    server = { ca = docker_tls_ca.this.cert_pem, cert = docker_tls_server_cert.host.cert_pem, key = docker_tls_server_cert.host.private_key_pem }
    client = { ca = docker_tls_ca.this.cert_pem, cert = docker_tls_client_cert.client.cert_pem, key = docker_tls_client_cert.client.private_key_pem }
    }, var.issue ? {
    "new server" = { ca = docker_tls_ca.this.cert_pem, cert = docker_tls_server_cert.new[0].cert_pem, key = docker_tls_server_cert.new[0].private_key_pem }
    "new client" = { ca = docker_tls_ca.this.cert_pem, cert = docker_tls_client_cert.new[0].cert_pem, key = docker_tls_client_cert.new[0].private_key_pem }
  } : {})
}
