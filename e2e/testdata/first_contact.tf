# Hosts that have Docker and sshd, and no TLS yet.

terraform {
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

variable "hosts" {
  type = map(object({
    address  = string
    user     = optional(string, "root")
    host_key = optional(string)
  }))
}

variable "private_key_file" {
  type = string
}

variable "ssh" {
  type        = bool
  description = "The hosts are visited over SSH."
  default     = true
}

variable "renewal" {
  type    = number
  default = 1
}

variable "port" {
  type    = number
  default = 2376
}

variable "timeout" {
  type    = string
  default = "60s"
}

resource "docker_tls_ca" "this" {
  subject = { common_name = "Docker CA" }
}

resource "docker_tls_server_cert" "host" {
  for_each          = var.hosts
  ca                = docker_tls_ca.this
  ip_addresses      = [each.value.address]
  rotation_triggers = { n = tostring(var.renewal) }
}

resource "docker_tls_client_cert" "ci" {
  ca      = docker_tls_ca.this
  subject = { common_name = "ci" }
}

resource "docker_tls_daemon" "host" {
  for_each = var.hosts
  host     = "tcp://${each.value.address}:${var.port}"
  server   = docker_tls_server_cert.host[each.key]
  ca       = docker_tls_ca.this
  via      = var.ssh ? "ssh://${each.value.user}@${each.value.address}" : null
  ssh      = var.ssh ? { host_key = each.value.host_key, private_key_pem = file(var.private_key_file) } : null
  timeout  = var.timeout
}

output "client_files" {
  sensitive = true
  value     = provider::docker::client_files(docker_tls_client_cert.ci)
}

output "fingerprints" {
  value = { for name, host in docker_tls_server_cert.host : name => host.fingerprint_sha256 }
}
