terraform {
  required_version = ">= 1.11"
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

resource "docker_tls_ca" "this" {
  subject = { common_name = "Docker CA", organization = "Example" }

  lifecycle { prevent_destroy = true }
}

resource "docker_tls_server_cert" "web" {
  ca           = docker_tls_ca.this
  dns_names    = ["web.example.com"]
  ip_addresses = ["10.0.0.5"]
}

resource "docker_tls_client_cert" "ci" {
  ca      = docker_tls_ca.this
  subject = { common_name = "ci" }
}

# User data of the host: its certificates, daemon.json, and a systemd socket on port 2376.
output "user_data" {
  value     = provider::docker::cloud_init(docker_tls_server_cert.web)
  sensitive = true
}
