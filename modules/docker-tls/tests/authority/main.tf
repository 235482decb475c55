# An authority whose key is encrypted, as a stack of its own has it, and keys that a secret store would have.

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

resource "docker_tls_ca" "key" {
  for_each = toset(["first", "second", "host", "client"])
}

output "ca" {
  value     = docker_tls_ca.this
  sensitive = true
}

output "keys" {
  value     = { for name, ca in docker_tls_ca.key : name => ca.private_key_pem }
  sensitive = true
}
