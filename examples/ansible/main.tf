# Hosts that exist already, by Ansible: Terraform makes the files of each, and
# the playbook copies them and restarts Docker where they are new.
#
#   terraform apply
#   ansible-playbook -i inventory.sh playbook.yml

terraform {
  required_version = ">= 1.11"
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

variable "hosts" {
  description = "Private address of each host by its name."
  type        = map(string)
  default     = { web1 = "10.0.0.5", web2 = "10.0.0.6" }
}

variable "settings" {
  description = "More of daemon.json. It replaces the one that a host has: what that says has to be here."
  type        = any
  default     = { live-restore = true } # containers outlive a restart of dockerd; Fedora has it as a flag, leave it out there
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

resource "docker_tls_client_cert" "ci" {
  ca      = docker_tls_ca.this
  subject = { common_name = "ci" }
}

locals {
  files = {
    for name, cert in docker_tls_server_cert.host : name => provider::docker::host_files(cert, {
      address  = var.hosts[name]
      settings = var.settings
    })
  }
}

# What inventory.sh hands to Ansible.
output "inventory" {
  sensitive = true
  value = {
    docker = { hosts = keys(var.hosts) }
    _meta = {
      hostvars = {
        for name, files in local.files : name => {
          ansible_host = var.hosts[name]
          # In base64, as Ansible takes {{.Name}} in daemon.json for an expression of its own.
          docker_tls_files  = { for path, file in files : path => { base64 = base64encode(file.content), mode = file.permissions } }
          docker_tls_sha256 = sha256(jsonencode(files))
        }
      }
    }
  }
}

output "client_files" {
  sensitive = true
  value     = provider::docker::client_files(docker_tls_client_cert.ci)
}
