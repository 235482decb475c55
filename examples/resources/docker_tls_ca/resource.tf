resource "docker_tls_ca" "this" {
  subject = {
    common_name         = "Docker CA"
    organization        = "Example"
    organizational_unit = "Platform"
    locality            = "Graz"
    province            = "Styria"
    country             = "AT"
    email_address       = "platform@example.com"
  }
  key_algorithm         = "ECDSA_P384"
  validity_period_hours = 10 * 365 * 24

  # Every certificate of this authority would have to be replaced.
  lifecycle { prevent_destroy = true }
}
