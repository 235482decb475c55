# Flatcar or Fedora CoreOS: an Ignition configuration of one's own, which merges
# the one that sets up Docker.

terraform {
  required_version = ">= 1.11"
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

variable "hosts" {
  description = "Address of each host by its name."
  type        = map(string)
  default     = { core1 = "10.0.0.7", core2 = "10.0.0.8" }
}

variable "ssh_authorized_keys" {
  description = "Public keys of those who may log in as core."
  type        = list(string)
  default     = []
}

resource "docker_tls_ca" "this" {
  subject = { common_name = "Docker CA", organization = "Example" }

  # Every certificate of this authority would have to be replaced.
  lifecycle { prevent_destroy = true }
}

resource "docker_tls_server_cert" "host" {
  for_each = var.hosts

  ca           = docker_tls_ca.this
  dns_names    = ["${each.key}.example.com"]
  ip_addresses = [each.value]
}

# User data of each instance. Without settings of one's own,
# provider::docker::ignition(cert) is all of it.
output "user_data" {
  sensitive = true
  value = {
    for name, cert in docker_tls_server_cert.host : name => jsonencode({
      ignition = {
        version = "3.4.0"
        config = {
          merge = [{ source = "data:;base64,${base64encode(provider::docker::ignition(cert))}" }]
        }
      }
      storage = {
        files = [{ path = "/etc/hostname", mode = 420, contents = { source = "data:,${name}" } }] # 420 is 0644
      }
      passwd = {
        users = [{ name = "core", sshAuthorizedKeys = var.ssh_authorized_keys }]
      }
    })
  }
}
