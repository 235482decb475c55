# Every plan and apply looks whether each daemon locks strangers out, serves a
# certificate that lasts, and lets its client in. What is wrong is a warning, and
# stops nothing. (Terraform plans to ask once more during apply, so
# `terraform plan -detailed-exitcode` says 2 even where nothing changes.)

terraform {
  required_version = ">= 1.11"
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

variable "hosts" {
  description = "Addresses of the daemons by name."
  type        = map(string)
  default     = { web1 = "tcp://10.0.0.5:2376", web2 = "tcp://10.0.0.6:2376" }
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
  ip_addresses = [regex("^tcp://(.*):", each.value)[0]]
}

resource "docker_tls_client_cert" "monitor" {
  ca      = docker_tls_ca.this
  subject = { common_name = "monitor" }
}

# A check block knows no for_each; a module does. The state keeps what a data
# source was given, so it holds the monitor's key once more for each daemon.
module "check" {
  source   = "./host"
  for_each = var.hosts

  name   = each.key
  host   = each.value
  client = docker_tls_client_cert.monitor
  ca     = docker_tls_ca.this.cert_pem
}
