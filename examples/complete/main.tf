# All that a fleet in production uses, in one call of the module:
#
#   export TF_VAR_passphrase=…                 # of the authority's key, which the state has encrypted
#   terraform apply                            # certificates and user data
#   terraform apply -var deliver=true          # once the hosts are on: what is renewed is put there

terraform {
  required_version = ">= 1.11"
  required_providers {
    docker = {
      source  = "seed-2716f8bf/docker-tls"
      version = ">= 0.1"
    }
  }
}

# One host after the other, and none after one that failed.
provider "docker" {
  rollout = { parallel = var.parallel }
}

# The authority is no part of the module: nobody destroys it by mistake.
resource "docker_tls_ca" "this" {
  subject               = { common_name = "Docker CA", organization = "Example" }
  validity_period_hours = 10 * 365 * 24
  early_renewal_hours   = 2 * 365 * 24 # longer than any certificate lives
  rotation_triggers     = { incident = "none" }
  name_constraints      = { permitted_dns_domains = [var.domain], permitted_ip_ranges = var.networks }

  private_key_passphrase_wo         = var.passphrase
  private_key_passphrase_wo_version = 1

  lifecycle { prevent_destroy = true }
}

# Those who may enter db1 and no other host.
resource "docker_tls_ca" "dba" {
  subject = { common_name = "Docker DBA", organization = "Example" }

  lifecycle { prevent_destroy = true }
}

resource "docker_tls_client_cert" "dba" {
  ca      = docker_tls_ca.dba
  subject = { common_name = "dba", organization = "Example" }
}

module "docker" {
  source = "../../modules/docker-tls" # or git::https://github.com/seed-2716f8bf/terraform-provider-docker-tls.git//modules/docker-tls?ref=v0.1.0

  ca                        = docker_tls_ca.this
  ca_private_key_passphrase = var.passphrase
  organization              = "Example"

  # What all have.
  host_validity_period_hours   = 180 * 24
  host_early_renewal_hours     = 60 * 24
  host_rotation_triggers       = { round = var.round }
  client_validity_period_hours = 90 * 24
  client_early_renewal_hours   = 30 * 24
  daemon                       = { settings = { live-restore = true, log-opts = { max-size = "10m" } } }

  # Each listens on its private address only. db1 is renewed a day later than the others, and lets in others.
  hosts = {
    web1 = {
      dns_names      = ["web1.${var.domain}"]
      ip_addresses   = [var.addresses["web1"]]
      address        = var.addresses["web1"]
      listen_address = var.addresses["web1"]
    }
    web2 = {
      dns_names        = ["web2.${var.domain}"]
      ip_addresses     = [var.addresses["web2"]]
      address          = var.addresses["web2"]
      listen_address   = var.addresses["web2"]
      user_data_format = "ignition" # Flatcar
    }
    db1 = {
      dns_names           = ["db1.${var.domain}"]
      ip_addresses        = [var.addresses["db1"]]
      address             = var.addresses["db1"]
      listen_address      = var.addresses["db1"]
      clients             = [docker_tls_ca.this, docker_tls_ca.dba]
      key_algorithm       = "ECDSA_P384"
      early_renewal_hours = 59 * 24
    }
  }

  clients = ["ci", "ops", "monitor"]
  client_overrides = {
    ci      = { validity_period_hours = 30 * 24, early_renewal_hours = 10 * 24, rotation_triggers = { leak = "none" } }
    monitor = { subject = { organizational_unit = "Monitoring" } }
  }

  # What is renewed is put on the hosts that are on, with a restart of Docker.
  deliver            = var.deliver
  delivery           = { timeout = "3m" }
  delivery_overrides = var.delivery
  delivery_ssh       = { private_key_pem = var.private_key_file == null ? null : file(pathexpand(var.private_key_file)) }
}

# What is wrong is a warning of every plan, and stops nothing.
check "renewal" {
  assert {
    condition     = length(local.ending) == 0
    error_message = "Certificates end within a week: ${join(", ", local.ending)}. Has nobody applied?"
  }
}

locals {
  ending = [for cert in module.docker.inventory : "${cert.kind} ${cert.name}" if cert.current && timecmp(cert.validity_end_time, timeadd(plantimestamp(), "168h")) < 0]
}
