# User data of hosts that need much of it: with the longest keys and subject, an authority that rotates when the
# variable changes, and a certificate with a hundred names.

terraform {
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

variable "generation" {
  type = number
}

locals {
  algorithms = toset(["ECDSA_P256", "RSA_4096"])
}

resource "docker_tls_ca" "this" {
  for_each      = local.algorithms
  key_algorithm = each.key
  subject = {
    country             = "NZ"
    province            = "Otago"
    locality            = "Dunedin"
    organization        = "Example, Ltd."
    organizational_unit = "Containers"
    common_name         = "Docker CA ${each.key}"
    email_address       = "ops@example.com"
  }
  rotation_triggers = { n = tostring(var.generation) }
}

resource "docker_tls_server_cert" "host" {
  for_each      = local.algorithms
  ca            = docker_tls_ca.this[each.key]
  key_algorithm = each.key
  dns_names     = ["localhost"]
  ip_addresses  = ["127.0.0.1"]
}

# With nothing but defaults.
resource "docker_tls_ca" "plain" {}

resource "docker_tls_server_cert" "plain" {
  ca           = docker_tls_ca.plain
  dns_names    = ["localhost"]
  ip_addresses = ["127.0.0.1"]
}

resource "docker_tls_server_cert" "many_names" {
  ca        = docker_tls_ca.this["ECDSA_P256"]
  dns_names = concat(["localhost"], [for i in range(99) : "service${i}.containers.production.example.com"])
}

locals {
  user_data = merge(
    { for algorithm, cert in docker_tls_server_cert.host : algorithm => provider::docker::cloud_init(cert) },
    {
      plain      = provider::docker::cloud_init(docker_tls_server_cert.plain)
      many_names = provider::docker::cloud_init(docker_tls_server_cert.many_names)
    },
    # A label that is no ASCII is one more form of content.
    { started = provider::docker::cloud_init(docker_tls_server_cert.host["RSA_4096"], { settings = { labels = ["place=Ōtepoti"] } }) },
  )
}

output "user_data" {
  sensitive = true
  value     = { for name, text in local.user_data : name => { text = text, length = length(text), gzip = base64gzip(text) } }
}

output "files" {
  sensitive = true
  value = { for algorithm, cert in docker_tls_server_cert.host : algorithm => {
    ca = cert.ca_cert_pem, cert = cert.cert_pem, key = cert.private_key_pem
  } }
}
