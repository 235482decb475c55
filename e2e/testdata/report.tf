# One of everything that metrics lists, two roots, and a name that needs every escape of a label.

terraform {
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

variable "generation" {
  type = number
}

resource "docker_tls_ca" "this" {
  subject           = { common_name = "Docker \"CA\" \\ Ōtepoti", organization = "Example, Ltd.", country = "NZ" }
  rotation_triggers = { n = tostring(var.generation) }
}

resource "docker_tls_server_cert" "host" {
  for_each  = toset(["web1", "web2"])
  ca        = docker_tls_ca.this
  dns_names = ["${each.key}.example.com"]
}

resource "docker_tls_client_cert" "ci" {
  ca      = docker_tls_ca.this
  subject = { common_name = "ci" }
}

output "metrics" {
  value = nonsensitive(provider::docker::metrics(docker_tls_ca.this, docker_tls_server_cert.host, docker_tls_client_cert.ci))
}

output "inventory" {
  value = nonsensitive(provider::docker::inventory(docker_tls_ca.this, docker_tls_server_cert.host, docker_tls_client_cert.ci))
}
