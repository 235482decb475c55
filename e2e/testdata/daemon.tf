# Machines that boot with user data, and are kept on their certificates from then on. A test switches a machine on
# when its user data is there.

terraform {
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

provider "docker" {
  rollout = var.rollout
}

variable "rollout" {
  type    = object({ parallel = optional(number), stop_on_failure = optional(bool), probe = optional(bool) })
  default = null
}

variable "hosts" {
  type        = map(string)
  description = "Addresses by name."
}

variable "generation" {
  type        = number
  description = "Of the authority."
  default     = 1
}

variable "overlap_hours" {
  type    = number
  default = null
}

variable "renewal" {
  type        = number
  description = "Of the hosts' certificates."
  default     = 1
}

variable "timeout" {
  type    = string
  default = null
}

variable "keeps_key" {
  type        = bool
  description = "The hosts are to have the keys of their certificates already."
  default     = false
}

variable "settings" {
  type    = map(string)
  default = { live-restore = "true" }
}

variable "options" {
  type        = bool
  description = "daemon.json and the units are delivered too."
  default     = false
}

variable "restart" {
  type    = string
  default = null
}

resource "docker_tls_ca" "this" {
  subject           = { common_name = "Docker CA" }
  rotation_triggers = { n = tostring(var.generation) }
  overlap_hours     = var.overlap_hours
}

resource "docker_tls_server_cert" "host" {
  for_each          = var.hosts
  ca                = docker_tls_ca.this
  ip_addresses      = [each.value]
  rotation_triggers = { n = tostring(var.renewal) }
}

resource "docker_tls_client_cert" "ci" {
  ca      = docker_tls_ca.this
  subject = { common_name = "ci" }
}

resource "terraform_data" "machine" {
  for_each = var.hosts
  input    = each.value

  provisioner "local-exec" {
    command     = "printf %s \"$USER_DATA\" >'${each.key}.new' && mv '${each.key}.new' '${each.key}.user-data'"
    environment = { USER_DATA = provider::docker::cloud_init(docker_tls_server_cert.host[each.key], { settings = var.settings }) }
  }
}

resource "docker_tls_daemon" "host" {
  for_each = var.hosts
  host     = "tcp://${terraform_data.machine[each.key].output}:2376"
  server   = var.keeps_key ? merge(docker_tls_server_cert.host[each.key], { private_key_pem = null }) : docker_tls_server_cert.host[each.key]
  ca       = docker_tls_ca.this
  options  = var.options ? { settings = var.settings } : null
  timeout  = var.timeout
  restart  = var.restart
}

output "client_files" {
  sensitive = true
  value     = provider::docker::client_files(docker_tls_client_cert.ci)
}

output "server_files" {
  sensitive = true
  value     = { for name, host in docker_tls_server_cert.host : name => provider::docker::server_files(host) }
}

output "fingerprints" {
  value = { for name, host in docker_tls_server_cert.host : name => host.fingerprint_sha256 }
}
