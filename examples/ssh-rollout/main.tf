# Renewed certificates for hosts that run already: whenever the files of a host
# change, they are copied over SSH and its Docker is restarted. What else the
# host needs once (daemon.json, the systemd socket) is in its user data: see
# examples/cloud-init.
#
# A rollout that fails is repeated by the next apply. For one host after the
# other: terraform apply -parallelism=1

terraform {
  required_version = ">= 1.11"
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

variable "hosts" {
  description = "The hosts by name. host_key is the content of /etc/ssh/ssh_host_ed25519_key.pub: without it, a key could be copied to an impostor."
  type = map(object({
    address  = string
    host_key = string
    port     = optional(number, 22)
  }))
}

variable "user" {
  description = "Who logs in: root, or someone who may sudo."
  type        = string
  default     = "root"
}

variable "private_key_file" {
  description = "SSH key to log in with. Default: those of the SSH agent."
  type        = string
  default     = null
}

variable "directory" {
  description = "Where the certificates lie on the hosts: the option directory of cloud_init."
  type        = string
  default     = "/etc/docker/tls"
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

resource "docker_tls_client_cert" "ci" {
  ca      = docker_tls_ca.this
  subject = { common_name = "ci" }
}

locals {
  sudo = var.user == "root" ? "" : "sudo "
}

resource "terraform_data" "rollout" {
  for_each         = var.hosts
  triggers_replace = [docker_tls_server_cert.host[each.key].content_sha256, var.directory]

  connection {
    host        = each.value.address
    port        = each.value.port
    host_key    = each.value.host_key
    user        = var.user
    private_key = var.private_key_file == null ? null : file(pathexpand(var.private_key_file))
    timeout     = "1m"
  }

  # Copied files can be read by all, so they go to a directory of the user's that cannot.
  provisioner "remote-exec" {
    inline = [
      "set -eu",
      "rm -rf ~/.docker-tls-${each.key}",
      "mkdir -m 0700 ~/.docker-tls-${each.key}",
    ]
  }

  provisioner "file" {
    content     = docker_tls_ca.this.cert_pem
    destination = ".docker-tls-${each.key}/ca.pem"
  }

  provisioner "file" {
    content     = docker_tls_server_cert.host[each.key].cert_pem
    destination = ".docker-tls-${each.key}/server-cert.pem"
  }

  provisioner "file" {
    content     = docker_tls_server_cert.host[each.key].private_key_pem
    destination = ".docker-tls-${each.key}/server-key.pem"
  }

  # dockerd reads its certificates when it starts, not on SIGHUP.
  provisioner "remote-exec" {
    inline = [
      "set -eu",
      "trap 'rm -rf ~/.docker-tls-${each.key}' EXIT",
      "cd ~/.docker-tls-${each.key}",
      "${local.sudo}install -o root -g root -d '${var.directory}'",
      "${local.sudo}install -o root -g root -m 0444 ca.pem server-cert.pem '${var.directory}'",
      "${local.sudo}install -o root -g root -m 0400 server-key.pem '${var.directory}'",
      "${local.sudo}systemctl restart docker",
    ]
  }
}

output "client_files" {
  sensitive = true
  value     = provider::docker::client_files(docker_tls_client_cert.ci)
}
