# Another team's stack: it has a client of its own on the production hosts, from
# the authority in production's state.
#
# terraform_remote_state stores what it reads, so that authority's key is in this
# state too. Encrypted, with private_key_passphrase_wo there, it is of no use to
# readers of the state; here the line is then
#
#   ca = merge(data.terraform_remote_state.pki.outputs.ca, { private_key_passphrase = var.passphrase })

terraform {
  required_version = ">= 1.11"
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

data "terraform_remote_state" "pki" {
  backend = "local" # in earnest the backend of production, such as s3
  config  = { path = "${path.module}/../prod/terraform.tfstate" }
}

resource "docker_tls_client_cert" "deploy" {
  ca      = data.terraform_remote_state.pki.outputs.ca
  subject = { common_name = "deploy", organization = "Apps" }
}

output "client_files" {
  value     = provider::docker::client_files(docker_tls_client_cert.deploy)
  sensitive = true
}
