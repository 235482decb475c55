# The files of Docker's other programs, by side and layout, from an authority that rotates when the variable changes. The
# stranger's authority is another.

terraform {
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

variable "generation" {
  type = number
}

resource "docker_tls_ca" "this" {
  rotation_triggers = { n = tostring(var.generation) }
}

resource "docker_tls_server_cert" "host" {
  ca           = docker_tls_ca.this
  dns_names    = ["localhost", "docker.e2e.test"]
  ip_addresses = ["127.0.0.1"]
}

resource "docker_tls_client_cert" "ci" {
  ca      = docker_tls_ca.this
  subject = { common_name = "ci" }
}

resource "docker_tls_ca" "stranger" {}

resource "docker_tls_client_cert" "stranger" {
  ca      = docker_tls_ca.stranger
  subject = { common_name = "ci" }
}

output "files" {
  sensitive = true
  value = {
    server   = { for l in ["dind", "buildkitd", "registry", "podman"] : l => provider::docker::server_files(docker_tls_server_cert.host, { layout = l }) }
    client   = { for l in ["docker", "dind", "buildx", "registry", "podman"] : l => provider::docker::client_files(docker_tls_client_cert.ci, { layout = l }) }
    stranger = { for l in ["dind", "buildx", "registry", "podman"] : l => provider::docker::client_files(docker_tls_client_cert.stranger, { layout = l }) }
  }
}
