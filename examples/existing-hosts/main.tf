# Hosts that exist and have Docker and sshd, and no TLS yet: one apply brings it
# to each of them, over SSH. What is renewed later reaches them the same way;
# where Terraform reaches their port 2376, via and ssh may go, and it takes that.
#
# One host follows the other, and none follows one that has failed: the next
# apply goes on with those that are left.

terraform {
  required_version = ">= 1.11"
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

variable "hosts" {
  description = "The hosts by name. host_key is the content of /etc/ssh/ssh_host_ed25519_key.pub there. Default: what ~/.ssh/known_hosts has."
  type = map(object({
    address  = string
    host_key = optional(string)
    port     = optional(number, 22)
  }))
}

variable "user" {
  description = "Who logs in: root, or somebody in the group docker."
  type        = string
  default     = "root"
}

variable "private_key_file" {
  description = "SSH key to log in with. Default: those of the SSH agent."
  type        = string
  default     = null
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
  ip_addresses = [each.value.address]
}

resource "docker_tls_daemon" "host" {
  for_each = var.hosts

  host   = "tcp://${each.value.address}:2376"
  server = docker_tls_server_cert.host[each.key]
  ca     = docker_tls_ca.this
  via    = "ssh://${var.user}@${each.value.address}:${each.value.port}"
  ssh = {
    host_key        = each.value.host_key
    private_key_pem = var.private_key_file == null ? null : file(pathexpand(var.private_key_file))
  }
}

resource "docker_tls_client_cert" "ci" {
  ca      = docker_tls_ca.this
  subject = { common_name = "ci" }
}

output "client_files" {
  sensitive = true
  value     = provider::docker::client_files(docker_tls_client_cert.ci)
}
