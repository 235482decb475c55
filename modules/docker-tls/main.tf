locals {
  # The authority of this module, or the given one.
  ca = one(concat(docker_tls_ca.this[*], var.ca[*]))
  signer = merge(local.ca, {
    private_key_pem        = var.ca_private_key.pem == null ? local.ca.private_key_pem : var.ca_private_key.pem
    private_key_passphrase = var.ca_private_key_passphrase
  })

  # Each client with what it has of its own. merge leaves a null out.
  no_overrides = {
    key_algorithm              = null, validity_period_hours = null, early_renewal_hours = null, reuse_private_key = null, rotation_triggers = null, subject = {},
    private_key_pem_wo_version = null, cert_request_pem = null, daemons = null, layout = null
  }
  clients = { for name in var.clients : name => merge(local.no_overrides, try(var.client_overrides[name], null)) if name != null }

  # The clients whose key is not made here.
  keyless = [for name, own in local.clients : name if own.private_key_pem_wo_version != null || own.cert_request_pem != null]
}

resource "docker_tls_ca" "this" {
  count = nonsensitive(var.ca == null) ? 1 : 0

  subject = merge(
    { common_name = var.ca_common_name, organization = var.organization },
    { for part, value in var.ca_subject : part => value if value != null },
  )
  key_algorithm         = var.ca_private_key_version == null ? coalesce(var.ca_key_algorithm, var.key_algorithm) : null
  validity_period_hours = var.ca_validity_period_hours
  early_renewal_hours   = var.ca_early_renewal_hours
  reuse_private_key     = var.ca_reuse_private_key
  rotation_triggers     = var.ca_rotation_triggers
  overlap_hours         = var.ca_overlap_hours
  name_constraints      = var.ca_name_constraints

  private_key_pem_wo                 = var.ca_private_key_version == null ? null : var.ca_private_key.pem
  private_key_pem_wo_version         = var.ca_private_key_version
  previous_private_key_pem_wo        = var.ca_private_key.previous_pem
  private_key_passphrase_wo          = var.ca_private_key_passphrase_version == null ? null : var.ca_private_key_passphrase
  private_key_passphrase_wo_version  = var.ca_private_key_passphrase_version
  previous_private_key_passphrase_wo = var.ca_private_key.previous_passphrase
}

resource "docker_tls_server_cert" "host" {
  for_each = var.hosts

  ca                    = local.signer
  subject               = each.value.subject
  dns_names             = each.value.dns_names
  ip_addresses          = each.value.ip_addresses
  key_algorithm         = each.value.private_key_pem_wo_version == null && each.value.cert_request_pem == null ? coalesce(each.value.key_algorithm, var.key_algorithm) : null
  validity_period_hours = coalesce(each.value.validity_period_hours, var.host_validity_period_hours)
  early_renewal_hours   = each.value.early_renewal_hours == null && each.value.validity_period_hours == null ? var.host_early_renewal_hours : each.value.early_renewal_hours
  reuse_private_key     = each.value.reuse_private_key
  rotation_triggers     = each.value.rotation_triggers == null ? var.host_rotation_triggers : merge(var.host_rotation_triggers, each.value.rotation_triggers)

  private_key_pem_wo         = lookup(var.host_private_keys, each.key, null)
  private_key_pem_wo_version = each.value.private_key_pem_wo_version
  cert_request_pem           = each.value.cert_request_pem
}

resource "docker_tls_client_cert" "client" {
  for_each = local.clients

  ca = local.signer
  subject = merge(
    { common_name = each.key, organization = var.organization },
    { for part, value in each.value.subject : part => value if value != null },
  )
  key_algorithm         = each.value.private_key_pem_wo_version == null && each.value.cert_request_pem == null ? coalesce(each.value.key_algorithm, var.key_algorithm) : null
  validity_period_hours = coalesce(each.value.validity_period_hours, var.client_validity_period_hours)
  early_renewal_hours   = each.value.early_renewal_hours == null && each.value.validity_period_hours == null ? var.client_early_renewal_hours : each.value.early_renewal_hours
  reuse_private_key     = each.value.reuse_private_key
  rotation_triggers     = each.value.rotation_triggers == null ? var.client_rotation_triggers : merge(var.client_rotation_triggers, each.value.rotation_triggers)

  private_key_pem_wo         = lookup(var.client_private_keys, each.key, null)
  private_key_pem_wo_version = each.value.private_key_pem_wo_version
  cert_request_pem           = each.value.cert_request_pem
}
