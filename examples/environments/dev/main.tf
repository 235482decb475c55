# Development: one host, certificates for a week, and an authority that goes with
# `terraform destroy`.

terraform {
  required_version = ">= 1.11"
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

module "docker" {
  source = "../../../modules/docker-tls" # or git::https://github.com/seed-2716f8bf/terraform-provider-docker-tls.git//modules/docker-tls?ref=v0.1.0

  ca_common_name               = "Docker CA dev"
  ca_validity_period_hours     = 90 * 24
  host_validity_period_hours   = 7 * 24
  client_validity_period_hours = 7 * 24

  hosts   = { dev1 = { dns_names = ["localhost"], ip_addresses = ["127.0.0.1"] } }
  clients = ["me"]
}

output "user_data" {
  value     = module.docker.user_data
  sensitive = true
}

output "contexts" {
  value     = module.docker.contexts
  sensitive = true
}
