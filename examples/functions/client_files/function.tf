# (umask 077 && terraform output -json client_files | jq --raw-output '.["key.pem"]' > ~/.docker/key.pem)
output "client_files" {
  value     = provider::docker::client_files(docker_tls_client_cert.ci)
  sensitive = true
}
