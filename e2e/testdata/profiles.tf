# Every profile and key algorithm, and two authorities that do not know each other.

terraform {
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}

locals {
  algorithms = toset(["ECDSA_P256", "ECDSA_P384", "ECDSA_P521", "RSA_2048", "RSA_3072", "RSA_4096", "ED25519"])
}

resource "docker_tls_ca" "by_algorithm" {
  for_each      = local.algorithms
  key_algorithm = each.key
  # Every question that Docker's guide has `openssl req` ask.
  subject = {
    country             = "NZ"
    province            = "Otago"
    locality            = "Dunedin"
    organization        = "Example, Ltd. \"Ōtepoti\""
    organizational_unit = "Containers"
    common_name         = "Docker CA ${each.key}"
    email_address       = "ops@example.com"
  }
}

resource "docker_tls_server_cert" "by_algorithm" {
  for_each      = local.algorithms
  ca            = docker_tls_ca.by_algorithm[each.key]
  key_algorithm = each.key
  dns_names     = ["localhost"]
  ip_addresses  = ["127.0.0.1", "::1"]
}

resource "docker_tls_client_cert" "by_algorithm" {
  for_each      = local.algorithms
  ca            = docker_tls_ca.by_algorithm[each.key]
  key_algorithm = each.key
  subject = {
    common_name  = "ci"
    organization = "Example"
  }
}

# Names without any address: for the wrong host name and for wildcards.
resource "docker_tls_server_cert" "named" {
  ca        = docker_tls_ca.by_algorithm["ECDSA_P256"]
  dns_names = ["docker.e2e.test", "*.hosts.e2e.test"]
}

resource "docker_tls_ca" "stranger" {}

resource "docker_tls_server_cert" "stranger" {
  ca           = docker_tls_ca.stranger
  dns_names    = ["localhost"]
  ip_addresses = ["127.0.0.1"]
}

resource "docker_tls_client_cert" "stranger" {
  ca      = docker_tls_ca.stranger
  subject = { common_name = "ci" }
}

output "files" {
  sensitive = true
  value = merge(
    { for a, c in docker_tls_server_cert.by_algorithm : "server ${a}" => { ca = docker_tls_ca.by_algorithm[a].cert_pem, cert = c.cert_pem, key = c.private_key_pem } },
    { for a, c in docker_tls_client_cert.by_algorithm : "client ${a}" => { ca = docker_tls_ca.by_algorithm[a].cert_pem, cert = c.cert_pem, key = c.private_key_pem } },
    {
      "server named"    = { ca = docker_tls_ca.by_algorithm["ECDSA_P256"].cert_pem, cert = docker_tls_server_cert.named.cert_pem, key = docker_tls_server_cert.named.private_key_pem }
      "server stranger" = { ca = docker_tls_ca.stranger.cert_pem, cert = docker_tls_server_cert.stranger.cert_pem, key = docker_tls_server_cert.stranger.private_key_pem }
      "client stranger" = { ca = docker_tls_ca.stranger.cert_pem, cert = docker_tls_client_cert.stranger.cert_pem, key = docker_tls_client_cert.stranger.private_key_pem }
    },
  )
}
