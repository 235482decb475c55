# Callers of the module, from nothing to all of the variables that its first version had.

terraform {
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

resource "docker_tls_ca" "given" {}

resource "docker_tls_ca" "encrypted" {
  private_key_passphrase_wo         = "correct horse"
  private_key_passphrase_wo_version = 1
}

module "nothing" {
  source = "./module"
}

module "plain" {
  source = "./module"
  hosts = {
    web1 = { dns_names = ["web1.example.com"], ip_addresses = ["10.0.0.5"] }
    web2 = { ip_addresses = ["fd00::1", null], listen_address = "fd00::1", clients = [docker_tls_ca.given] }
  }
  clients = ["ci", "ops", null]
}

module "everything" {
  source = "./module"

  hosts                        = { web1 = { dns_names = ["web1.example.com"], address = "10.9.9.9" } }
  clients                      = ["ci"]
  organization                 = "Example"
  key_algorithm                = "ECDSA_P384"
  host_validity_period_hours   = 100
  client_validity_period_hours = 50
  daemon                       = { port = 2377, settings = { live-restore = true } }
  user_data_format             = "ignition"
  ca_common_name               = "Docker CA of everything"
  ca_validity_period_hours     = 1000
  ca_overlap_hours             = 10
  ca_rotation_triggers         = { n = "1" }
  ca_private_key_passphrase    = "unused"
}

module "given" {
  source  = "./module"
  ca      = docker_tls_ca.given
  hosts   = { web1 = { dns_names = ["web1.example.com"] } }
  clients = ["ci"]
}

module "encrypted" {
  source                    = "./module"
  ca                        = docker_tls_ca.encrypted
  ca_private_key_passphrase = "correct horse"
  hosts                     = { web1 = { dns_names = ["web1.example.com"] } }
  clients                   = ["ci"]
}

# What the first version returned: a change of it would be one of the plan.
output "returned" {
  sensitive = true
  value = {
    for name, module in { nothing = module.nothing, plain = module.plain, everything = module.everything, given = module.given, encrypted = module.encrypted } :
    name => [
      module.ca, module.ca_cert_pem, module.server_certs, module.client_certs, module.content_sha256, module.user_data, module.client_files, module.contexts,
    ]
  }
}
