# Staging: as production, but smaller, and Flatcar is tried out here first.

terraform {
  required_version = ">= 1.11"
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

module "docker" {
  source = "../../../modules/docker-tls"

  ca_common_name               = "Docker CA staging"
  organization                 = "Example"
  ca_validity_period_hours     = 365 * 24
  host_validity_period_hours   = 30 * 24
  client_validity_period_hours = 30 * 24

  hosts = {
    for i in range(2) : "staging${i + 1}" => {
      dns_names    = ["staging${i + 1}.example.com"]
      ip_addresses = ["10.1.0.${i + 5}"]
    }
  }
  clients          = ["ci", "ops"]
  daemon           = { settings = { live-restore = true } }
  user_data_format = "ignition"
}

output "user_data" {
  value     = module.docker.user_data
  sensitive = true
}

output "contexts" {
  value     = module.docker.contexts
  sensitive = true
}
