# terraform output -raw metrics > /var/lib/prometheus/node-exporter/docker-tls.prom
output "metrics" {
  value = nonsensitive(provider::docker::metrics(docker_tls_ca.this, docker_tls_server_cert.host, docker_tls_client_cert.ci))
}
