# Hosts in two zones, set up in each way there is, and a client for each zone.

terraform {
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

# Of the host that keeps its key.
variable "request" {
  type = string
}

locals {
  zones = toset(["zone1", "zone2"])
  hosts = {
    socket  = { zone = "zone1", options = {} }
    hosts   = { zone = "zone2", options = { listen = "hosts" } }
    tls     = { zone = "zone1", options = { mode = "tls", directory = "/etc/docker/certs" } }
    request = { zone = "zone2", options = {}, request = var.request }
  }
}

resource "docker_tls_ca" "zone" {
  for_each = local.zones
  subject  = { common_name = "Docker CA of ${each.key}" }
}

resource "docker_tls_server_cert" "host" {
  for_each         = local.hosts
  ca               = docker_tls_ca.zone[each.value.zone]
  cert_request_pem = try(each.value.request, null)
  ip_addresses     = ["127.0.0.1"]
}

resource "docker_tls_client_cert" "ops" {
  for_each = local.zones
  ca       = docker_tls_ca.zone[each.key]
  subject  = { common_name = "ops" }
}

output "hosts" {
  sensitive = true
  value = { for name, host in local.hosts : name => {
    files     = { ca = docker_tls_ca.zone[host.zone].cert_pem, cert = docker_tls_server_cert.host[name].cert_pem, key = docker_tls_server_cert.host[name].private_key_pem }
    user_data = provider::docker::cloud_init(docker_tls_server_cert.host[name], host.options)
  } }
}

output "zones" {
  sensitive = true
  value = { for zone, client in docker_tls_client_cert.ops : zone => {
    files    = provider::docker::client_files(client)
    env      = provider::docker::client_env("tcp://127.0.0.1:2376")
    zone_env = provider::docker::client_env("tcp://127.0.0.1:2376", pathexpand("~/.docker/${zone}"))
  } }
}
