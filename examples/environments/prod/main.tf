# Production: five hosts, and an authority of ten years that nobody destroys by
# mistake. Other stacks may use it: see ../apps.

terraform {
  required_version = ">= 1.11"
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

resource "docker_tls_ca" "this" {
  subject               = { common_name = "Docker CA prod", organization = "Example" }
  key_algorithm         = "ECDSA_P384"
  validity_period_hours = 10 * 365 * 24

  # Every certificate of this authority would have to be replaced.
  lifecycle { prevent_destroy = true }
}

module "docker" {
  source = "../../../modules/docker-tls"

  ca                           = docker_tls_ca.this
  organization                 = "Example"
  host_validity_period_hours   = 365 * 24
  client_validity_period_hours = 90 * 24

  hosts = {
    for i in range(5) : "prod${i + 1}" => {
      dns_names    = ["prod${i + 1}.example.com"]
      ip_addresses = ["10.2.0.${i + 5}"]
    }
  }
  clients = ["ci", "ops", "monitor"]
  daemon  = { settings = { live-restore = true } }
}

output "user_data" {
  value     = module.docker.user_data
  sensitive = true
}

output "contexts" {
  value     = module.docker.contexts
  sensitive = true
}

# An output is stored: the authority's key is in this state twice. Only those may
# read it who may issue certificates.
output "ca" {
  value     = docker_tls_ca.this
  sensitive = true
}
