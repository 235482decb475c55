# terraform output -raw web1 | base64 --decode | docker context import web1 -
output "web1" {
  value     = provider::docker::docker_context("web1", "tcp://web1.example.com:2376", docker_tls_client_cert.ci)
  sensitive = true
}
