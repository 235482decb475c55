output "ca" {
  description = "The authority: in another stack, `ca = data.terraform_remote_state.….outputs.ca`. Holds its private key."
  value       = local.ca
  sensitive   = true
}

output "ca_cert_pem" {
  description = "The roots to trust, the content of ca.pem. No secret."
  value       = nonsensitive(local.ca.cert_pem) # a given authority is sensitive as a whole
}

output "server_certs" {
  description = "The docker_tls_server_cert of each host by name. Holds private keys."
  value       = docker_tls_server_cert.host
  sensitive   = true
}

output "client_certs" {
  description = "The docker_tls_client_cert of each client by name. Holds private keys."
  value       = docker_tls_client_cert.client
  sensitive   = true
}

output "content_sha256" {
  description = "A hash over the files of each host, which changes when they do: what to hang a restart on."
  value       = { for name, cert in docker_tls_server_cert.host : name => cert.content_sha256 }
}

output "user_data" {
  description = "User data of each host by name, as user_data_format says. Holds private keys."
  sensitive   = true
  value = {
    for name, cert in docker_tls_server_cert.host : name =>
    var.user_data_format == "ignition" ? provider::docker::ignition(cert, local.daemons[name]) : provider::docker::cloud_init(cert, local.daemons[name])
  }
}

output "client_files" {
  description = "ca.pem, cert.pem and key.pem of each client by name, for ~/.docker. Holds private keys."
  sensitive   = true
  value       = { for name, cert in docker_tls_client_cert.client : name => provider::docker::client_files(cert) }
}

output "contexts" {
  description = "For each client, an archive for each host by name, base64: `docker context import` reads it. Holds private keys."
  sensitive   = true
  value = {
    for client, cert in docker_tls_client_cert.client : client => {
      for host, address in local.addresses : host => provider::docker::docker_context(host, "tcp://${address}:${coalesce(try(var.daemon.port, null), 2376)}", cert)
    }
  }

  precondition {
    condition     = alltrue([for address in values(local.addresses) : address != null])
    error_message = "A context needs an address to call: give one to the hosts that have wildcard names only: ${join(", ", [for host, address in local.addresses : host if address == null])}."
  }
}

locals {
  # The options of each daemon: what all have, and what the host has of its own.
  daemons = {
    for name, host in var.hosts : name => merge(
      var.daemon,
      host.listen_address == null ? {} : { address = host.listen_address },
      host.clients == null ? {} : { clients = host.clients },
    )
  }

  # The port follows, so an IPv6 address goes in brackets.
  addresses = {
    for name, host in var.hosts : name => one([
      for address in slice(concat(
        host.address[*],
        [for n in host.dns_names : n if n == null ? false : !startswith(n, "*.")],
        [for ip in host.ip_addresses : ip if ip != null],
        [null],
      ), 0, 1) : address == null ? null : strcontains(address, ":") && !startswith(address, "[") ? "[${address}]" : address
    ])
  }
}
