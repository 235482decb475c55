# Looks at one daemon: as a stranger, and with a client certificate.

terraform {
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

variable "name" {
  description = "What the messages call the daemon."
  type        = string
}

variable "host" {
  description = "Address of the daemon."
  type        = string
}

variable "ca" {
  description = "The authorities to trust, in PEM."
  type        = string
}

variable "client" {
  description = "A client whom the daemon shall let in."
  type        = object({ cert_pem = string, private_key_pem = string })
}

check "stranger" {
  data "docker_tls_endpoint" "stranger" {
    host        = var.host
    ca_cert_pem = var.ca
  }

  assert {
    condition     = data.docker_tls_endpoint.stranger.mode == "tlsverify"
    error_message = "${var.name} lets strangers in: its mode is ${data.docker_tls_endpoint.stranger.mode}, and everyone who reaches it is root on it."
  }

  assert {
    # Without TLS there is no end time, which the first assertion reports.
    condition     = try(timecmp(data.docker_tls_endpoint.stranger.validity_end_time, timeadd(plantimestamp(), "168h")) > 0, true)
    error_message = "The certificate that ${var.name} serves expires within a week. Has dockerd been restarted since it was renewed?"
  }
}

check "client" {
  data "docker_tls_endpoint" "client" {
    host            = var.host
    ca_cert_pem     = var.ca
    cert_pem        = var.client.cert_pem
    private_key_pem = var.client.private_key_pem
  }

  assert {
    condition     = data.docker_tls_endpoint.client.server_version != null
    error_message = "${var.name} does not let the client in."
  }
}
