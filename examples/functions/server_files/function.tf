# For the folder that docker:dind mounts at /certs, with DOCKER_TLS_CERTDIR=/certs.
output "dind" {
  value     = provider::docker::server_files(docker_tls_server_cert.host["web1"], { layout = "dind" })
  sensitive = true
}
