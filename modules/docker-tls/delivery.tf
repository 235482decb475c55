# What keeps hosts that run on their certificates.

locals {
  # Each host that is delivered to: how all are, and what it has of its own. Another jump host has another key.
  delivered = {
    for name in keys(var.hosts) : name => merge(
      var.delivery,
      { address = null, via = null, host_key = null },
      try(var.delivery_overrides[name].jump_host, null) == null ? {} : { jump_host_key = null },
      try({ for key, value in var.delivery_overrides[name] : key => value if value != null }, {}),
    ) if coalesce(try(var.delivery_overrides[name].enabled, null), var.deliver)
  }
}

resource "docker_tls_daemon" "host" {
  for_each = local.delivered

  host = format("tcp://%s:%s",
    each.value.address == null ? local.addresses[each.key] : strcontains(each.value.address, ":") && !startswith(each.value.address, "[") ? "[${each.value.address}]" : each.value.address,
    local.port,
  )
  server  = docker_tls_server_cert.host[each.key]
  clients = try(local.daemons[each.key].clients, null)
  options = each.value.certificates_only ? null : { for key, value in local.daemons[each.key] : key => value if key != "clients" }
  timeout = each.value.timeout
  restart = each.value.restart

  ca     = each.value.client == null ? local.signer : null
  client = each.value.client == null ? null : docker_tls_client_cert.client[each.value.client]
  via    = each.value.via
  ssh = each.value.via == null ? null : {
    host_key               = each.value.host_key
    jump_host              = each.value.jump_host
    jump_host_key          = each.value.jump_host_key
    private_key_pem        = var.delivery_ssh.private_key_pem
    private_key_passphrase = var.delivery_ssh.private_key_passphrase
  }

  lifecycle {
    precondition {
      condition     = each.value.address != null || local.addresses[each.key] != null
      error_message = "A delivery needs an address to call. ${local.address_by_default} Give ${each.key} an address, in hosts or in delivery_overrides."
    }
  }
}
