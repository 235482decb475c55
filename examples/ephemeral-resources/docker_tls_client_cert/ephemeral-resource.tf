# A certificate for this run alone, for a provider's configuration or a write-only argument.
ephemeral "docker_tls_client_cert" "run" {
  ca      = docker_tls_ca.this
  subject = { common_name = "terraform" }
}

# In a module that calls kreuzwerker/docker `docker`, and this provider `docker-tls`, with `provider = docker-tls` above:
#
# provider "docker" {
#   host          = "tcp://web1.example.com:2376"
#   ca_material   = docker_tls_ca.this.cert_pem # without it, the daemon is not verified
#   cert_material = ephemeral.docker_tls_client_cert.run.cert_pem
#   key_material  = ephemeral.docker_tls_client_cert.run.private_key_pem
# }
