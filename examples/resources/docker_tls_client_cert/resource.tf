resource "docker_tls_ca" "this" {
  lifecycle { prevent_destroy = true }
}

resource "docker_tls_client_cert" "ci" {
  ca = docker_tls_ca.this

  # The user that Docker's authorization plugins see.
  subject = { common_name = "ci" }

  # Ninety days, renewed in the last thirty.
  validity_period_hours = 90 * 24
  early_renewal_hours   = 30 * 24
}

# ca.pem, cert.pem and key.pem, for ~/.docker or the folder that DOCKER_CERT_PATH names.
output "client_files" {
  value     = provider::docker::client_files(docker_tls_client_cert.ci)
  sensitive = true
}
