output "issuer" {
  value = provider::docker::parse_certificate(docker_tls_client_cert.ci.cert_pem).issuer.distinguished_name
}
