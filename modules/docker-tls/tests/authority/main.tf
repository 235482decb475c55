# An authority whose key is encrypted, as a stack of its own has it.

terraform {
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

variable "ca_private_key_passphrase" {
  type      = string
  ephemeral = true
}

resource "docker_tls_ca" "this" {
  private_key_passphrase_wo         = var.ca_private_key_passphrase
  private_key_passphrase_wo_version = 1
}

output "ca" {
  value     = docker_tls_ca.this
  sensitive = true
}
