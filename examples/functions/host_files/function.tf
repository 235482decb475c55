locals {
  files = provider::docker::host_files(docker_tls_server_cert.host["web1"], { address = "10.0.0.5" })
}

# What a program of yours writes to the host, such as { "/etc/docker/tls/ca.pem" = { content = "…", permissions = "0444" } }.
output "files" {
  value     = local.files
  sensitive = true
}
