# A certificate for this run alone.
ephemeral "docker_tls_client_cert" "run" {
  ca      = docker_tls_ca.this
  subject = { common_name = "terraform" }
}

# All three materials: without ca_material this provider does not verify the daemon.
provider "docker" {
  host          = "tcp://web1.example.com:2376"
  ca_material   = docker_tls_ca.this.cert_pem
  cert_material = ephemeral.docker_tls_client_cert.run.cert_pem
  key_material  = ephemeral.docker_tls_client_cert.run.private_key_pem
}
