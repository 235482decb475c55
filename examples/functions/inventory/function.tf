# terraform output -json inventory | jq 'sort_by(.validity_end_time)'
output "inventory" {
  value = nonsensitive(provider::docker::inventory(docker_tls_ca.this, docker_tls_server_cert.host, docker_tls_client_cert.ci))
}
