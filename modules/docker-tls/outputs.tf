output "ca" {
  description = "The authority: in another stack, `ca = data.terraform_remote_state.….outputs.ca`. Holds its private key, unless that is your own."
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
    coalesce(var.hosts[name].user_data_format, var.user_data_format) == "ignition" ? provider::docker::ignition(cert, local.daemons[name]) : provider::docker::cloud_init(cert, local.daemons[name])
  }
}

output "host_files" {
  description = "All that user data would write on each host, by name and path, each with `content` and `permissions`: for Ansible and others that bring files to hosts. Empty without the variable host_files. Holds private keys."
  sensitive   = true
  value       = { for name, cert in docker_tls_server_cert.host : name => provider::docker::host_files(cert, local.daemons[name]) if var.host_files }
}

output "server_files" {
  description = "The certificates and the key alone of each host, by name and file name, as its layout says. Empty without the variable host_files. Holds private keys."
  sensitive   = true
  value = {
    for name, cert in docker_tls_server_cert.host : name => provider::docker::server_files(cert, {
      clients = try(local.daemons[name].clients, null)
      layout  = var.hosts[name].layout
    }) if var.host_files
  }
}

output "client_files" {
  description = "ca.pem, cert.pem and key.pem of each client by name, for ~/.docker, or as its layout says. Holds private keys."
  sensitive   = true
  value = {
    for name, cert in docker_tls_client_cert.client : name => provider::docker::client_files(cert, {
      daemons = local.clients[name].daemons
      layout  = local.clients[name].layout
    })
  }
}

output "contexts" {
  description = "For each client whose key is made here, an archive for each host by name, base64: `docker context import` reads it. Holds private keys."
  sensitive   = true
  value = {
    for client, cert in docker_tls_client_cert.client : client => {
      for host, address in local.addresses : host =>
      provider::docker::docker_context(host, "tcp://${address}:${local.port}", cert, { daemons = local.clients[client].daemons })
    } if !contains(local.keyless, client)
  }

  precondition {
    condition     = length(local.keyless) == length(local.clients) || alltrue([for address in values(local.addresses) : address != null])
    error_message = "A context needs an address to call. ${local.address_by_default} Give each of these hosts an address: ${join(", ", [for host, address in local.addresses : host if address == null])}."
  }
}

output "renewal_due" {
  description = "What the next apply renews because its time has come: `authority` (null if it was given), and the names of `hosts` and `clients`."
  value = {
    authority = one(docker_tls_ca.this[*].ready_for_renewal)
    hosts     = [for name, cert in docker_tls_server_cert.host : name if cert.ready_for_renewal]
    clients   = [for name, cert in docker_tls_client_cert.client : name if cert.ready_for_renewal]
  }
}

output "renewal_after" {
  description = "From when on an apply renews the `authority` (null if it was given), and each of `hosts` and `clients` by name (RFC 3339, UTC)."
  value = {
    authority = one(docker_tls_ca.this[*].renewal_time)
    hosts     = { for name, cert in docker_tls_server_cert.host : name => cert.renewal_time }
    clients   = { for name, cert in docker_tls_client_cert.client : name => cert.renewal_time }
  }
}

output "inventory" {
  description = "All certificates as a list without secrets, as the function inventory returns it."
  value       = nonsensitive(provider::docker::inventory(local.ca, docker_tls_server_cert.host, docker_tls_client_cert.client))
}

output "metrics" {
  description = "When the certificates end, as OpenMetrics text without secrets, as the function metrics returns it."
  value       = nonsensitive(provider::docker::metrics(local.ca, docker_tls_server_cert.host, docker_tls_client_cert.client))
}

output "delivered" {
  description = "Of each host that is delivered to: `docker_version`, `served_fingerprint_sha256` and `content_sha256` of the last delivery. A resource that needs the hosts ready depends on it."
  value = {
    for name, daemon in docker_tls_daemon.host : name => {
      docker_version            = daemon.docker_version
      served_fingerprint_sha256 = daemon.served_fingerprint_sha256
      content_sha256            = daemon.content_sha256
    }
  }
}
