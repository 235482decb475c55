# Two zones, each with an authority of its own: what one zone lets in, the other
# does not. A client has a directory for each, as in Docker's guide:
#
#   export DOCKER_HOST=tcp://zone1.example.com:2376 DOCKER_TLS_VERIFY=1
#   export DOCKER_CERT_PATH="$PWD/out/zone1"

terraform {
  required_version = ">= 1.11"
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

variable "zones" {
  description = "Address of the daemon of each zone."
  type        = map(string)
  default = {
    zone1 = "tcp://zone1.example.com:2376"
    zone2 = "tcp://zone2.example.com:2376"
  }
}

variable "directory" {
  description = "Where each zone gets a directory with ca.pem, cert.pem and key.pem, such as ~/.docker. Default: out, beside this file."
  type        = string
  default     = null
}

resource "docker_tls_ca" "zone" {
  for_each = var.zones
  subject  = { common_name = "Docker CA of ${each.key}" }

  # Every certificate of this authority would have to be replaced.
  lifecycle { prevent_destroy = true }
}

resource "docker_tls_client_cert" "zone" {
  for_each = var.zones
  ca       = docker_tls_ca.zone[each.key]
  subject  = { common_name = "ci" }
}

# Writes the files anew whenever one of them changes. The key comes by the
# environment: other users see the command line, and the state keeps neither.
# (local_sensitive_file of hashicorp/local, with file_permission = "0600", does it
# too, and stores the key once more.)
resource "terraform_data" "files" {
  for_each         = docker_tls_client_cert.zone
  triggers_replace = [each.value.content_sha256, local.directories[each.key]]

  provisioner "local-exec" {
    command = <<-EOT
      set -eu
      umask 077
      mkdir -p "$DIRECTORY"
      cd "$DIRECTORY"
      printf %s "$CA" > ca.pem.new
      printf %s "$CERT" > cert.pem.new
      printf %s "$KEY" > key.pem.new
      chmod 0444 ca.pem.new cert.pem.new
      chmod 0400 key.pem.new
      for file in ca.pem cert.pem key.pem; do mv -f "$file.new" "$file"; done
    EOT
    environment = {
      DIRECTORY = local.directories[each.key]
      CA        = local.files[each.key]["ca.pem"]
      CERT      = local.files[each.key]["cert.pem"]
      KEY       = local.files[each.key]["key.pem"]
    }
  }
}

locals {
  directory   = var.directory == null ? "${path.module}/out" : pathexpand(var.directory)
  directories = { for zone in keys(var.zones) : zone => abspath("${local.directory}/${zone}") }
  files       = { for zone, cert in docker_tls_client_cert.zone : zone => provider::docker::client_files(cert) }
}

# Environment variables of each zone, for a program that Terraform starts.
output "environments" {
  value = { for zone, host in var.zones : zone => provider::docker::client_env(host, local.directories[zone]) }
}

# An archive for each zone, for whoever prefers a context to a directory:
#
#   terraform output -json contexts | jq -r .zone1 | base64 -d | docker context import zone1 -
#   docker --context zone1 version
output "contexts" {
  sensitive = true
  value = {
    for zone, cert in docker_tls_client_cert.zone : zone => provider::docker::docker_context(zone, var.zones[zone], cert)
  }
}
