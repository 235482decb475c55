terraform {
  required_version = ">= 1.11"
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

locals {
  # The authority of this module, or the given one.
  ca     = one(concat(docker_tls_ca.this[*], var.ca[*]))
  signer = merge(local.ca, { private_key_passphrase = var.ca_private_key_passphrase })
}

resource "docker_tls_ca" "this" {
  count = nonsensitive(var.ca == null) ? 1 : 0

  subject               = { common_name = var.ca_common_name, organization = var.organization }
  key_algorithm         = var.key_algorithm
  validity_period_hours = var.ca_validity_period_hours
  overlap_hours         = var.ca_overlap_hours
  rotation_triggers     = var.ca_rotation_triggers
}

resource "docker_tls_server_cert" "host" {
  for_each = var.hosts

  ca                    = local.signer
  dns_names             = each.value.dns_names
  ip_addresses          = each.value.ip_addresses
  key_algorithm         = var.key_algorithm
  validity_period_hours = var.host_validity_period_hours
}

resource "docker_tls_client_cert" "client" {
  for_each = toset([for name in var.clients : name if name != null])

  ca                    = local.signer
  subject               = { common_name = each.key, organization = var.organization }
  key_algorithm         = var.key_algorithm
  validity_period_hours = var.client_validity_period_hours
}
