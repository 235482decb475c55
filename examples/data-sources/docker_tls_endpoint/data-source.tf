# A stranger, without a certificate, must be locked out.
check "web1" {
  data "docker_tls_endpoint" "web1" {
    host        = "tcp://web1.example.com:2376"
    ca_cert_pem = docker_tls_ca.this.cert_pem
  }

  assert {
    condition     = data.docker_tls_endpoint.web1.mode == "tlsverify"
    error_message = "Everyone who reaches port 2376 of web1 is root on it."
  }

  assert {
    # Without TLS there is no end time, which the first assertion reports.
    condition     = try(timecmp(data.docker_tls_endpoint.web1.validity_end_time, timeadd(plantimestamp(), "168h")) > 0, true)
    error_message = "The certificate of web1 expires within a week."
  }
}
