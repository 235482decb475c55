# A fleet of hosts: each gets its certificate, daemon.json and a systemd socket
# on port 2376 of its private address from its user data, and what is renewed
# later from terraform apply.

terraform {
  required_version = ">= 1.11"
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

variable "domain" {
  type    = string
  default = "example.com"
}

variable "hosts" {
  description = "Private address of each host by its name."
  type        = map(string)
  default     = { web1 = "10.0.0.5", web2 = "10.0.0.6" }
}

variable "running" {
  description = "Names of the hosts that are on. With instances in this configuration, leave it out: take for_each = var.hosts, and the instance's own address for host."
  type        = set(string)
  default     = []
}

variable "user_data_limit" {
  description = "Bytes of user data that the cloud takes, without base64."
  type        = number
  default     = 16384 # AWS
}

resource "docker_tls_ca" "this" {
  subject = { common_name = "Docker CA", organization = "Example" }

  # Every certificate of this authority would have to be replaced.
  lifecycle { prevent_destroy = true }
}

resource "docker_tls_server_cert" "host" {
  for_each = var.hosts

  ca           = docker_tls_ca.this
  dns_names    = ["${each.key}.${var.domain}"]
  ip_addresses = [each.value]
}

resource "docker_tls_client_cert" "ci" {
  ca      = docker_tls_ca.this
  subject = { common_name = "ci" }
}

locals {
  user_data = {
    for name, cert in docker_tls_server_cert.host : name => provider::docker::cloud_init(cert, {
      address  = var.hosts[name]         # by default every one, the public one too
      settings = { live-restore = true } # containers outlive a restart of dockerd; Fedora has it as a flag, leave it out there
    })
  }
}

# What an instance takes as user_data. A renewed certificate changes it, and most
# clouds then replace the instance: ignore_changes = [user_data] in the instance
# prevents that, and docker_tls_daemon delivers what is renewed.
output "user_data" {
  sensitive = true
  value     = local.user_data

  # A plan tells, not the cloud. A resource has the same as a postcondition.
  precondition {
    condition     = alltrue([for text in local.user_data : length(text) <= var.user_data_limit])
    error_message = "Too much user data: ${join(", ", [for name, text in local.user_data : "${name} has ${nonsensitive(length(text))} bytes" if nonsensitive(length(text)) > var.user_data_limit])}. The cloud takes ${var.user_data_limit}."
  }
}

# A host that serves its certificate is left alone. What is renewed is put there,
# with a restart of Docker, one host after the other.
resource "docker_tls_daemon" "host" {
  for_each = var.running

  host   = "tcp://${var.hosts[each.key]}:2376"
  server = docker_tls_server_cert.host[each.key]
  ca     = docker_tls_ca.this
}

output "client_files" {
  sensitive = true
  value     = provider::docker::client_files(docker_tls_client_cert.ci)
}
